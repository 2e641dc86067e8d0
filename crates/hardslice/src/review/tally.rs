//! What verdicts add up to: wrong labels among hard and easy slices, how often triage is right, how
//! far reviewers agree.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use hardslice_data::mining::review::{Judged, LabelVerdict, Standing, agreed};

/// Half the width of a standard normal's middle 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share with its 95 % interval.
///
/// # Sources
///
/// E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference": the
/// interval of a binomial share that also holds near 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Share {
    pub(crate) n: usize,
    pub(crate) of: usize,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Share {
    /// `None` of nothing.
    pub(crate) fn new(n: usize, of: usize) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let (total, p) = (of as f64, n as f64 / of as f64);
        let z2 = Z * Z;
        let centre = (p + z2 / (2.0 * total)) / (1.0 + z2 / total);
        let half =
            Z / (1.0 + z2 / total) * (p * (1.0 - p) / total + z2 / (4.0 * total * total)).sqrt();
        Some(Self {
            n,
            of,
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
        })
    }
}

/// What is known of a judged slice beside the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) is_hard: bool,
    pub(crate) is_control: bool,
    pub(crate) is_suspect: bool,
}

/// What all verdicts say together; those that contradict one another count for nothing but agreement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tally {
    /// Wrong labels among the hard slices that came up blind.
    pub(crate) wrong_of_hard: Option<Share>,
    /// Wrong labels among the easy ones that came up with them.
    pub(crate) wrong_of_easy: Option<Share>,
    /// Wrong labels or broken scans among those that triage calls suspect: its precision.
    pub(crate) triage_precision: Option<Share>,
    /// Agreement of each two reviewers.
    pub(crate) agreement: Vec<Agreement>,
}

/// How far two reviewers agree on what both judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Agreement {
    pub(crate) reviewers: [String; 2],
    pub(crate) n: usize,
    pub(crate) n_same: usize,
    /// Cohen's kappa; `None` where both always say the same one thing.
    pub(crate) kappa: Option<f64>,
    /// What they do not agree on.
    pub(crate) disagreements: Vec<Disagreement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Disagreement {
    pub(crate) case: String,
    pub(crate) z: u32,
    pub(crate) organ: String,
    pub(crate) verdicts: [LabelVerdict; 2],
}

type Standings = BTreeMap<Judged, BTreeMap<String, Standing>>;

impl Tally {
    /// Adds up verdicts that hold; `known` tells what a slice is.
    pub(crate) fn of(standing: &Standings, known: impl Fn(&Judged) -> Option<Known>) -> Self {
        let (mut hard, mut easy, mut suspect) = ([0; 2], [0; 2], [0; 2]);
        for (judged, of_slice) in standing {
            let (Some(known), Some(verdict)) = (known(judged), agreed(of_slice)) else {
                continue;
            };
            let is_wrong = usize::from(verdict == LabelVerdict::Wrong);
            let is_blind = of_slice.values().any(|standing| standing.blind);
            if is_blind && known.is_control {
                easy = [easy[0] + is_wrong, easy[1] + 1];
            } else if is_blind && known.is_hard {
                hard = [hard[0] + is_wrong, hard[1] + 1];
            }
            if known.is_suspect {
                let is_found = matches!(verdict, LabelVerdict::Wrong | LabelVerdict::Broken);
                suspect = [suspect[0] + usize::from(is_found), suspect[1] + 1];
            }
        }
        let share = |[n, of]: [usize; 2]| Share::new(n, of);
        Self {
            wrong_of_hard: share(hard),
            wrong_of_easy: share(easy),
            triage_precision: share(suspect),
            agreement: agreements(standing),
        }
    }
}

fn agreements(standing: &Standings) -> Vec<Agreement> {
    let names: BTreeSet<&String> = standing.values().flat_map(BTreeMap::keys).collect();
    let names: Vec<&String> = names.into_iter().collect();
    let mut found = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            let both = standing.iter().filter_map(|(judged, of_slice)| {
                Some((
                    judged,
                    [of_slice.get(*a)?.verdict, of_slice.get(*b)?.verdict],
                ))
            });
            let both: Vec<(&Judged, [LabelVerdict; 2])> = both.collect();
            if both.is_empty() {
                continue;
            }
            let differ = both.iter().filter(|(_, [a, b])| a != b);
            found.push(Agreement {
                reviewers: [(*a).clone(), (*b).clone()],
                n: both.len(),
                n_same: both.iter().filter(|(_, [a, b])| a == b).count(),
                kappa: kappa(&both.iter().map(|(_, two)| *two).collect::<Vec<_>>()),
                disagreements: differ
                    .map(|(judged, verdicts)| Disagreement {
                        case: judged.case.clone(),
                        z: judged.z,
                        organ: judged.organ.clone(),
                        verdicts: *verdicts,
                    })
                    .collect(),
            });
        }
    }
    found
}

/// Agreement beyond chance.
///
/// # Sources
///
/// J. Cohen (1960), "A coefficient of agreement for nominal scales".
fn kappa(pairs: &[[LabelVerdict; 2]]) -> Option<f64> {
    let n = pairs.len() as f64;
    let share = |who: usize, verdict: LabelVerdict| {
        pairs.iter().filter(|two| two[who] == verdict).count() as f64 / n
    };
    let observed = pairs.iter().filter(|[a, b]| a == b).count() as f64 / n;
    let by_chance: f64 = LabelVerdict::ALL
        .iter()
        .map(|v| share(0, *v) * share(1, *v))
        .sum();
    (by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_wilsons_interval() {
        assert_eq!(Share::new(0, 0), None);
        // SciPy 1.17.1: binomtest(k, n).proportion_ci(method="wilson").
        for (n, of, low, high) in [
            (0, 10, 0.0, 0.277_532_799_9),
            (3, 20, 0.052_368_745_9, 0.360_418_864_7),
            (10, 10, 0.722_467_200_1, 1.0),
        ] {
            let share = Share::new(n, of).unwrap();
            assert!((share.low - low).abs() < 1e-9, "{share:?}");
            assert!((share.high - high).abs() < 1e-9, "{share:?}");
        }
    }

    #[test]
    fn kappa_is_agreement_beyond_chance() {
        use LabelVerdict::{Ambiguous, Right, Wrong};
        let times = |two: [LabelVerdict; 2], n: usize| vec![two; n];
        // The textbook's table of 50: 20 and 15 agree, 5 and 10 do not; kappa is 0.4.
        let pairs = [
            times([Right, Right], 20),
            times([Right, Wrong], 5),
            times([Wrong, Right], 10),
            times([Wrong, Wrong], 15),
        ]
        .concat();
        assert!((kappa(&pairs).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(kappa(&times([Right, Right], 3)), None);
        assert!((kappa(&[[Right, Wrong], [Wrong, Ambiguous]]).unwrap() - -1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn blind_verdicts_alone_compare_hard_slices_with_easy_ones() {
        let standing = |verdict, blind| Standing {
            verdict,
            note: String::new(),
            time: String::new(),
            shown: String::new(),
            blind,
        };
        let judged = |z| Judged {
            case: "a".to_owned(),
            z,
            organ: "liver".to_owned(),
        };
        let by = |of: &[(&str, LabelVerdict, bool)]| {
            of.iter()
                .map(|(who, verdict, blind)| ((*who).to_owned(), standing(*verdict, *blind)))
                .collect::<BTreeMap<_, _>>()
        };
        let all = Standings::from([
            (judged(0), by(&[("x", LabelVerdict::Wrong, true)])),
            (judged(1), by(&[("x", LabelVerdict::Right, true)])),
            (judged(2), by(&[("x", LabelVerdict::Wrong, false)])),
            (judged(3), by(&[("x", LabelVerdict::Right, true)])),
            (
                judged(4),
                by(&[
                    ("x", LabelVerdict::Wrong, true),
                    ("y", LabelVerdict::Right, true),
                ]),
            ),
        ]);
        let known = |judged: &Judged| {
            Some(Known {
                is_hard: judged.z != 3,
                is_control: judged.z == 3,
                is_suspect: judged.z == 2,
            })
        };
        let tally = Tally::of(&all, known);
        let parts = |share: Option<Share>| share.map(|share| (share.n, share.of));
        assert_eq!(
            parts(tally.wrong_of_hard),
            Some((1, 2)),
            "the disputed one is in neither"
        );
        assert_eq!(parts(tally.wrong_of_easy), Some((0, 1)));
        assert_eq!(parts(tally.triage_precision), Some((1, 1)));
        assert_eq!(tally.agreement[0].disagreements[0].z, 4);
    }
}
