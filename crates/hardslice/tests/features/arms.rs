//! What every arm shows, slice by slice, with the weights of the settings.

use std::collections::{BTreeMap, BTreeSet};

use hardslice_data::mining::ScoreRule;

use crate::finished::{Finished, Slice};
use crate::support::{EXPERIMENT, workplace};

/// All arms, the last ones of which no other test trains.
const ALL_ARMS: [&str; 22] = [
    "baseline",
    "b_only",
    "hard",
    "random",
    "random_matched",
    "easy",
    "cross_fold",
    "probabilistic",
    "gradual",
    "rounds",
    "baseline_focal",
    "baseline_top_k",
    "all_emphasised",
    "all_random",
    "worst_patients",
    "random_patients",
    "cross_fold_random",
    "probabilistic_random",
    "gradual_random",
    "rounds_random",
    "annealed",
    "annealed_random",
];

/// The common experiment with every arm and with what no default switches on.
fn with_everything() -> String {
    let arms = ALL_ARMS.map(|arm| format!("\"{arm}\"")).join(", ");
    let experiment: Vec<&str> = EXPERIMENT
        .lines()
        .filter(|line| !line.starts_with("arms"))
        .collect();
    let experiment = experiment.join("\n");
    let experiment = experiment.replace("seed = 3", &format!("seed = 3\narms = [{arms}]"));
    let train = "[train]\npositive_weight = 4.0\ncopies = \"enumerated\"\nema = 0.9\n\
                 augment = { rotation_deg = 10.0, scale = 0.1, intensity = 0.1 }";
    let experiment = experiment.replace("[train]", train);
    experiment.replace("[mining]", "[mining]\nmin_false_positive_px = 40")
}

/// A weight for each slice.
type Weights = BTreeMap<Slice, f64>;

/// What was found in both halves, and what follows for weights.
struct Mined<'f> {
    found: &'f Finished,
    a: BTreeSet<Slice>,
    b: BTreeSet<Slice>,
    hard_a: BTreeSet<Slice>,
    /// Of A and B.
    hard: BTreeSet<Slice>,
    difficulty: BTreeMap<Slice, f64>,
}

impl<'f> Mined<'f> {
    fn of(found: &'f Finished) -> Self {
        let (a, b) = (found.slices(&found.split.a), found.slices(&found.split.b));
        let (hard_a, mut difficulty) = found.mined("liver/mining/mining.json");
        let (hard_b, difficulty_b) = found.mined("liver/mining/of_b/mining.json");
        assert!(hard_a.len() > 5 && hard_a.len() < a.len(), "some are hard");
        assert!(
            hard_a.is_subset(&a) && hard_b.is_subset(&b),
            "each in its half"
        );
        difficulty.extend(difficulty_b);
        Self {
            found,
            a,
            b,
            hard: hard_a.union(&hard_b).cloned().collect(),
            hard_a,
            difficulty,
        }
    }

    /// A slice's ordinary weight: `positive_weight` is 4.
    fn base(&self, slice: &Slice) -> f64 {
        if self.found.is_positive(slice) {
            4.0
        } else {
            1.0
        }
    }

    fn plain(&self, slices: &BTreeSet<Slice>) -> Weights {
        let weights = slices.iter().map(|slice| (slice.clone(), self.base(slice)));
        weights.collect()
    }

    fn both(&self) -> Weights {
        self.plain(&self.a.union(&self.b).cloned().collect())
    }

    /// The same with these slices twice as heavy as they are.
    fn adding(&self, mut to: Weights, emphasised: &BTreeSet<Slice>) -> Weights {
        let heavier = emphasised.iter();
        to.extend(heavier.map(|slice| (slice.clone(), 2.0 * self.base(slice))));
        to
    }

    fn times(&self, factor: impl Fn(&Slice) -> f64) -> Weights {
        let weights = self.both().into_iter();
        weights
            .map(|(slice, weight)| (slice.clone(), weight * factor(&slice)))
            .collect()
    }

    /// Every slice by its difficulty; two thirds of all that is shown with the share that slices with the
    /// liver, and those without, have in the baseline.
    fn annealed(&self, difficulty: impl Fn(&Slice) -> f64) -> Weights {
        let (plain, hard) = (self.both(), self.times(difficulty));
        let sum = |of: &Weights, kind: Option<bool>| -> f64 {
            let of_kind = of.iter().filter(|(slice, _)| {
                kind.is_none_or(|is_positive| self.found.is_positive(slice) == is_positive)
            });
            of_kind.map(|(_, weight)| weight).sum()
        };
        let scale = |kind| sum(&plain, kind) / sum(&hard, kind);
        let weights = hard.iter().map(|(slice, weight)| {
            let of_kind = scale(Some(self.found.is_positive(slice)));
            (slice.clone(), weight * (2.0 * of_kind + scale(None)) / 3.0)
        });
        weights.collect()
    }

    /// The slices of A that a control shows; the weights of all are checked.
    fn added(&self, arm: &str) -> BTreeSet<Slice> {
        let plan = self.found.plan(arm);
        let drawn: BTreeSet<Slice> = plan
            .keys()
            .filter(|of| self.a.contains(of))
            .cloned()
            .collect();
        // What is drawn whatever it shows weighs as much as the hard slices on average.
        let scale = if ["random", "easy"].contains(&arm) {
            self.mean_base(&self.hard_a) / self.mean_base(&drawn)
        } else {
            1.0
        };
        for (slice, (weight, _)) in &plan {
            let emphasis = if self.a.contains(slice) {
                2.0 * scale
            } else {
                1.0
            };
            let wanted = emphasis * self.base(slice);
            assert!((weight - wanted).abs() < 1e-9, "{arm} {slice:?}: {weight}");
        }
        assert!(
            self.b.iter().all(|slice| plan.contains_key(slice)),
            "{arm}: all of B"
        );
        drawn
    }

    fn mean_base(&self, slices: &BTreeSet<Slice>) -> f64 {
        slices.iter().map(|slice| self.base(slice)).sum::<f64>() / slices.len() as f64
    }

    /// How many positive and negative slices there are of each case.
    fn kinds(&self, slices: &BTreeSet<Slice>) -> BTreeMap<(String, bool), usize> {
        let mut counts = BTreeMap::new();
        for slice in slices {
            let key = (slice.0.clone(), self.found.is_positive(slice));
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

#[test]
fn every_arm_shows_what_its_policy_says_with_the_weights_of_the_settings() {
    let dir = workplace();
    let found = Finished::of(&with_everything(), dir.path());
    let mined = Mined::of(&found);
    policies_weigh_slices(&mined);
    controls_draw_as_many(&mined);
    controls_of_all_draw_as_many(&mined);
    controls_of_weights_deal_out_the_same(&mined);
    specks_are_easy(&mined);
    every_arm_is_trained_and_scored(&found);
}

fn policies_weigh_slices(mined: &Mined<'_>) {
    let Mined { hard_a, hard, .. } = mined;
    let b = mined.plain(&mined.b);
    let difficulty = |slice: &Slice| mined.difficulty.get(slice).copied().unwrap_or(0.0).max(0.1);
    let last_stage = |slice: &Slice| match (hard.contains(slice), mined.found.is_positive(slice)) {
        (true, _) => 2.0,
        (false, true) => 1.0,
        (false, false) => 0.1,
    };
    let wanted = [
        ("baseline", mined.both()),
        ("baseline_focal", mined.both()),
        ("baseline_top_k", mined.both()),
        ("b_only", b.clone()),
        ("hard", mined.adding(b.clone(), hard_a)),
        ("cross_fold", mined.adding(b, hard)),
        ("all_emphasised", mined.adding(mined.both(), hard)),
        ("probabilistic", mined.times(difficulty)),
        ("gradual", mined.times(last_stage)),
        ("annealed", mined.annealed(difficulty)),
    ];
    for (arm, wanted) in wanted {
        let plan = mined.found.plan(arm);
        let slices: BTreeSet<&Slice> = plan.keys().collect();
        assert_eq!(slices, wanted.keys().collect(), "{arm}");
        for (slice, (weight, _)) in &plan {
            let wanted = wanted[slice];
            assert!(
                (weight - wanted).abs() < 1e-9,
                "{arm} {slice:?}: {weight} {wanted}"
            );
        }
    }
}

fn controls_draw_as_many(mined: &Mined<'_>) {
    let Mined { found, hard_a, .. } = mined;
    let n_easy = mined.a.len() - hard_a.len();
    let easy = mined.added("easy");
    assert!(easy.is_disjoint(hard_a), "the easy ones");
    assert_eq!(easy.len(), hard_a.len().min(n_easy), "as many");
    for arm in ["random", "random_matched"] {
        let drawn = mined.added(arm);
        assert_eq!(drawn.len(), hard_a.len(), "{arm}: as many");
        let n_hard = drawn.intersection(hard_a).count();
        let plan = found.json(&format!("liver/{arm}/plan.json"));
        assert_eq!(
            plan["n_hard_in_control"].as_u64(),
            Some(n_hard as u64),
            "{arm}"
        );
    }
    assert_eq!(
        mined.added("random").intersection(hard_a).count(),
        hard_a.len().saturating_sub(n_easy),
        "no more than are needed"
    );
    let matched = mined.added("random_matched");
    assert_eq!(
        mined.kinds(&matched),
        mined.kinds(hard_a),
        "of each patient as many of a kind"
    );
    // `rounds` shows the hard slices of one of its minings, the last that was taken over.
    let of_rounds = mined.added("rounds");
    let minings = ["rounds/mining-2", "rounds/mining-1", "mining"];
    let mut found_hard = minings.into_iter().filter_map(|dir| {
        let path = format!("liver/{dir}/mining.json");
        let is_there = found.out.join(&path).exists();
        is_there.then(|| found.mined(&path).0)
    });
    assert!(found_hard.any(|hard| hard == of_rounds), "a mining's");
}

/// All of A and B is shown; of it as many slices are heavier as `all_emphasised` has, of the same
/// patients, and as many patients as are hardest.
fn controls_of_all_draw_as_many(mined: &Mined<'_>) {
    let found = mined.found;
    let heavier = |arm: &str| -> BTreeSet<Slice> {
        let plan = found.plan(arm);
        let both = mined.both();
        assert!(plan.keys().eq(both.keys()), "{arm}: all of A and B");
        let heavier = plan.into_iter().filter(|(slice, (weight, _))| {
            let factor = weight / both[slice];
            let is_known = |known: f64| (factor - known).abs() < 1e-9;
            assert!(is_known(1.0) || is_known(2.0), "{arm} {slice:?}: {factor}");
            is_known(2.0)
        });
        heavier.map(|(slice, _)| slice).collect()
    };
    let drawn = heavier("all_random");
    assert_eq!(
        mined.kinds(&drawn),
        mined.kinds(&mined.hard),
        "of each patient as many of a kind"
    );
    // One case a patient.
    let cases = |slices: &BTreeSet<Slice>| -> BTreeSet<String> {
        slices.iter().map(|(case, _)| case.clone()).collect()
    };
    let mean_difficulty = |case: &String| {
        let positive = mined.both().into_keys();
        let positive: Vec<Slice> = positive
            .filter(|slice| slice.0 == *case && found.is_positive(slice))
            .collect();
        let difficulty = |slice| mined.difficulty.get(slice).copied().unwrap_or(0.0);
        positive.iter().map(difficulty).sum::<f64>() / positive.len() as f64
    };
    let all = cases(&mined.both().into_keys().collect());
    let worst = cases(&heavier("worst_patients"));
    assert_eq!(
        worst.len(),
        all.len().div_ceil(4),
        "a quarter of {}",
        all.len()
    );
    let least = worst.iter().map(mean_difficulty).fold(1.0, f64::min);
    let others = all.difference(&worst).map(mean_difficulty);
    assert!(others.fold(0.0, f64::max) <= least, "the hardest");
    let drawn = cases(&heavier("random_patients"));
    assert_eq!(drawn.len(), worst.len(), "as many patients");
    assert!(drawn.is_disjoint(&worst), "others");
    let slices_of = |drawn: &BTreeSet<String>| {
        let both = mined.both().into_keys();
        both.filter(|slice| drawn.contains(&slice.0)).collect()
    };
    assert_eq!(
        heavier("random_patients"),
        slices_of(&drawn),
        "whole patients"
    );
}

/// The same weights among the slices of a patient with the liver, and among those without, as the arm
/// has whose control it is.
fn controls_of_weights_deal_out_the_same(mined: &Mined<'_>) {
    let factors = |arm: &str| {
        let mut factors: BTreeMap<(String, bool), Vec<f64>> = BTreeMap::new();
        for (slice, (weight, _)) in mined.found.plan(arm) {
            let kind = (slice.0.clone(), mined.found.is_positive(&slice));
            factors.entry(kind).or_default().push(weight);
        }
        for of_kind in factors.values_mut() {
            of_kind.sort_by(f64::total_cmp);
        }
        factors
    };
    let weights = |arm: &str| -> Weights {
        let plan = mined.found.plan(arm).into_iter();
        plan.map(|(slice, (weight, _))| (slice, weight)).collect()
    };
    for arm in ["cross_fold", "probabilistic", "gradual", "annealed"] {
        let control = format!("{arm}_random");
        let is_of_cross_fold = arm == "cross_fold";
        let (of_arm, of_control) = (factors(arm), factors(&control));
        // What a control draws of B was in the plan before, so that the sum is all that is kept.
        if is_of_cross_fold {
            let sum = |of: &BTreeMap<_, Vec<f64>>| of.values().flatten().sum::<f64>();
            assert!((sum(&of_arm) - sum(&of_control)).abs() < 1e-9, "{control}");
        } else {
            assert!(of_arm.keys().eq(of_control.keys()), "{control}");
            for (kind, weights) in &of_arm {
                let gaps = weights.iter().zip(&of_control[kind]);
                let gap = gaps.map(|(of_arm, of_control)| (of_arm - of_control).abs());
                let largest = gap.fold(0.0, f64::max);
                assert!(largest < 1e-9, "{control} {kind:?}: off by {largest}");
            }
        }
        assert_ne!(
            weights(arm),
            weights(&control),
            "{control}: to other slices"
        );
    }
}

/// Whoever shows less than 40 pixels in a slice without the liver leaves it an easy one.
fn specks_are_easy(mined: &Mined<'_>) {
    let ledger = mined.found.ledger("liver/mining/ledger.parquet");
    assert_eq!(ledger.len(), mined.a.len(), "a row for each slice of A");
    for row in &ledger {
        let rule = match (row.truth_px, row.predicted_px) {
            (0, 0) => ScoreRule::BothEmpty,
            (0, 1..40) => ScoreRule::Speck,
            (0, _) => ScoreRule::FalsePositive,
            _ => ScoreRule::Overlap,
        };
        assert_eq!(row.rule, rule, "{} {}", row.case, row.z);
        let is_hard = mined.hard_a.contains(&(row.case.to_string(), row.z));
        let is_empty = matches!(rule, ScoreRule::BothEmpty | ScoreRule::Speck);
        assert!(!(is_hard && is_empty), "{} {} is hard", row.case, row.z);
    }
}

/// On both test patients, at the rate of its loss.
fn every_arm_is_trained_and_scored(found: &Finished) {
    let summary = found.json("summary.json");
    for arm in ALL_ARMS {
        let dice = &summary["arms"][arm]["liver"]["dice"];
        let n = dice["n"].as_u64().unwrap() + dice["n_absent"].as_u64().unwrap();
        assert_eq!(n, 2, "{arm}");
    }
    for (arm, lr0) in [
        ("baseline", 0.1),
        ("baseline_focal", 1.0),
        ("baseline_top_k", 0.003),
    ] {
        let first = &found.lines(&format!("liver/{arm}/first_half/train.csv"))[1];
        let lr: f64 = first.split(',').nth(1).unwrap().parse().unwrap();
        assert!((lr - lr0).abs() < 1e-12, "{arm}: {lr}");
    }
    let ends_with = |training: &str| {
        let receipt = found.json(&format!("liver/{training}/finished.json"));
        receipt["weights_blake3"].as_str().unwrap().to_owned()
    };
    let on_all = ends_with("pretrained_on_all");
    assert_eq!(
        on_all,
        ends_with("baseline/first_half"),
        "the same training"
    );
    assert_ne!(on_all, ends_with("pretrained"), "another one");
    let its_own = found.out.join("liver/all_emphasised/first_half");
    assert!(!its_own.exists(), "the first half is shared");
}
