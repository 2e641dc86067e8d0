//! What verdicts add up to: wrong labels among hard and easy slices, how often triage is right, how
//! far reviewers agree.

use std::collections::{BTreeMap, BTreeSet};

use hardslice_data::PatientId;
use serde::Serialize;

use hardslice_data::mining::review::{Judged, LabelVerdict, Standing, agreed};

/// Half the width of a standard normal's middle 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A share of slices with its 95 % interval, for other patients: slices of a patient are wrong together,
/// and count for as many as their spread between patients leaves of them.
///
/// # Sources
///
/// - E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference": the
///   interval of a binomial share that also holds near 0 and 1.
/// - L. Kish (1965), "Survey Sampling": the design effect of clusters, by the variance of a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Share {
    pub(crate) n: usize,
    pub(crate) of: usize,
    pub(crate) n_patients: usize,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Share {
    /// Of each patient how many slices are found, of how many; `None` of nothing.
    pub(crate) fn of_patients(patients: &[[usize; 2]]) -> Option<Self> {
        let [n, of] = patients.iter().fold([0; 2], |sum, patient| {
            [sum[0] + patient[0], sum[1] + patient[1]]
        });
        if of == 0 {
            return None;
        }
        let (n_slices, n_patients, p) = (of as f64, patients.len() as f64, n as f64 / of as f64);
        let total = if n == 0 || n == of || patients.len() == 1 {
            // Nothing tells how alike the slices of a patient are.
            n_patients
        } else {
            let gaps = patients
                .iter()
                .map(|[n, of]| (*n as f64 - p * *of as f64).powi(2));
            let squares: f64 = gaps.sum();
            let variance = n_patients / (n_patients - 1.0) * squares / (n_slices * n_slices);
            let of_slices = p * (1.0 - p) / (n_slices - 1.0);
            n_slices / (variance / of_slices).max(1.0)
        };
        let z2 = Z * Z;
        let centre = (p + z2 / (2.0 * total)) / (1.0 + z2 / total);
        let half =
            Z / (1.0 + z2 / total) * (p * (1.0 - p) / total + z2 / (4.0 * total * total)).sqrt();
        Some(Self {
            n,
            of,
            n_patients: patients.len(),
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
        })
    }
}

/// What is known of a judged slice beside the verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Whose scan it is of: wrong labels come by patient.
    pub(crate) patient: PatientId,
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
        let [mut hard, mut easy, mut suspect] = [const { BTreeMap::new() }; 3];
        for (judged, of_slice) in standing {
            let (Some(known), Some(verdict)) = (known(judged), agreed(of_slice)) else {
                continue;
            };
            let is_wrong = verdict == LabelVerdict::Wrong;
            // Who sees triage's reason or another's verdict beside the slice is no judge of either.
            let is_blind = of_slice.values().any(|standing| standing.blind);
            if is_blind && known.is_control {
                count(&mut easy, &known.patient, is_wrong);
            } else if is_blind && known.is_hard {
                count(&mut hard, &known.patient, is_wrong);
            }
            if is_blind && known.is_suspect {
                count(
                    &mut suspect,
                    &known.patient,
                    is_wrong || verdict == LabelVerdict::Broken,
                );
            }
        }
        let share = |counts: BTreeMap<PatientId, [usize; 2]>| {
            Share::of_patients(&counts.into_values().collect::<Vec<_>>())
        };
        Self {
            wrong_of_hard: share(hard),
            wrong_of_easy: share(easy),
            triage_precision: share(suspect),
            agreement: agreements(standing),
        }
    }
}

/// Counts a slice of a patient.
fn count(patients: &mut BTreeMap<PatientId, [usize; 2]>, patient: &PatientId, is_found: bool) {
    let [n, of] = patients.entry(patient.clone()).or_default();
    *n += usize::from(is_found);
    *of += 1;
}

fn agreements(standing: &Standings) -> Vec<Agreement> {
    let names: BTreeSet<&String> = standing.values().flat_map(BTreeMap::keys).collect();
    let names: Vec<&String> = names.into_iter().collect();
    let mut found = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in &names[i + 1..] {
            let both = standing.iter().filter_map(|(judged, of_slice)| {
                // Who has the other's verdict on the screen does not agree by himself.
                let two = [of_slice.get(*a)?, of_slice.get(*b)?];
                let are_blind = two.iter().all(|standing| standing.blind);
                are_blind.then(|| (judged, two.map(|standing| standing.verdict)))
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
        assert_eq!(Share::of_patients(&[]), None);
        // SciPy 1.17.1: binomtest(k, n).proportion_ci(method="wilson").
        for (n, of, low, high) in [
            (0, 10, 0.0, 0.277_532_799_9),
            (3, 20, 0.052_368_745_9, 0.360_418_864_7),
            (10, 10, 0.722_467_200_1, 1.0),
        ] {
            // A slice of each scan.
            let scans: Vec<[usize; 2]> = (0..of).map(|idx| [usize::from(idx < n), 1]).collect();
            let share = Share::of_patients(&scans).unwrap();
            assert!((share.low - low).abs() < 1e-9, "{share:?}");
            assert!((share.high - high).abs() < 1e-9, "{share:?}");
        }
    }

    #[test]
    fn slices_of_a_scan_that_are_wrong_together_count_for_less() {
        let spread = Share::of_patients(&[[1, 5]; 10]).unwrap();
        let together =
            Share::of_patients(&[[[5, 5]; 2].as_slice(), &[[0, 5]; 8]].concat()).unwrap();
        assert_eq!((spread.n, spread.of), (together.n, together.of));
        // SciPy 1.17.1, of 50. Two scans of ten with all slices wrong have a design effect of 5.4, so that
        // nine slices are left.
        assert!((spread.low - 0.112_437_500_2).abs() < 1e-9, "{spread:?}");
        assert!(together.low < 0.06 && together.high > 0.5, "{together:?}");
        let none = Share::of_patients(&[[0, 50], [0, 50]]).unwrap();
        assert!(none.high > 0.5, "two scans tell little: {none:?}");
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
                patient: PatientId::new("p").unwrap(),
                is_hard: judged.z != 3,
                is_control: judged.z == 3,
                is_suspect: judged.z == 0,
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
