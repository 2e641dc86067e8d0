use super::*;
use crate::balance::RepeatFactors;
use crate::{OutputIdx, PatientId};

/// Three patients of ten slices; slices 3 to 6 are positive.
fn slices(cases: std::ops::Range<u32>) -> Vec<Candidate> {
    cases
        .flat_map(|case_idx| (0..10).map(move |z| (case_idx, z)))
        .map(|(case_idx, z)| Candidate {
            slice: SliceRef { case_idx, z },
            patient: PatientId::new(format!("p{case_idx}")).unwrap(),
            organs: OutputIdx::first(usize::from((3..7).contains(&z))).collect(),
        })
        .collect()
}

fn hard() -> BTreeSet<SliceRef> {
    [(2, 3), (2, 4), (2, 9), (3, 0)]
        .map(|(case_idx, z)| SliceRef { case_idx, z })
        .into()
}

fn with_candidates<T>(test: impl FnOnce(&Candidates<'_>) -> T) -> T {
    let (b, a) = (slices(0..2), slices(2..5));
    test(&Candidates {
        a: &a,
        b: &b,
        factors: &RepeatFactors::of([&a, &b].into_iter().flatten(), 1.0),
        seed: 7,
    })
}

/// What was found: these slices are hard, the others as easy as can be.
fn found(hard: BTreeSet<SliceRef>) -> HardSlices {
    let difficulty = hard.iter().map(|slice| (*slice, 0.8)).collect();
    HardSlices {
        hard,
        difficulty,
        excluded: BTreeSet::new(),
    }
}

fn second_half(arm: Arm, candidates: &Candidates<'_>, hard: BTreeSet<SliceRef>) -> Plan {
    let plans = arm.second_half(candidates, &found(hard), &BalanceOptions::default());
    let [plan] = <[Plan; 1]>::try_from(plans.unwrap()).unwrap();
    plan
}

fn weight(plan: &Plan, case_idx: u32, z: u32) -> Option<f64> {
    let slice = SliceRef { case_idx, z };
    let entry = plan.entries().iter().find(|entry| entry.slice == slice);
    entry.map(|entry| entry.weight)
}

fn added(plan: &Plan) -> Vec<SliceRef> {
    let is_added = |entry: &&PlanEntry| entry.reason != Reason::Base;
    plan.entries()
        .iter()
        .filter(is_added)
        .map(|entry| entry.slice)
        .collect()
}

#[test]
fn no_arm_that_mines_shows_what_is_excluded() {
    with_candidates(|candidates| {
        let excluded: BTreeSet<SliceRef> = [(0, 2), (2, 3), (2, 5), (4, 0)]
            .map(|(case_idx, z)| SliceRef { case_idx, z })
            .into();
        let found = found(hard()).without(excluded.clone());
        for arm in Arm::ALL.into_iter().filter(|arm| arm.needs_mining()) {
            let plans = arm.second_half(candidates, &found, &BalanceOptions::default());
            for entry in plans.unwrap().iter().flat_map(Plan::entries) {
                assert!(
                    !excluded.contains(&entry.slice),
                    "{arm} shows {}",
                    entry.slice
                );
            }
        }
    });
}

#[test]
fn the_paper_s_arm_adds_the_hard_slices_twice_to_b() {
    with_candidates(|candidates| {
        let plan = second_half(Arm::Hard, candidates, hard());
        assert_eq!(
            added(&plan),
            hard().into_iter().collect::<Vec<_>>(),
            "exactly these"
        );
        assert!(
            (plan.total_weight() - (20.0 + 2.0 * 4.0)).abs() < 1e-12,
            "each twice"
        );
    });
}

#[test]
fn b_only_and_baseline_ignore_what_is_hard() {
    with_candidates(|candidates| {
        for (arm, n) in [
            (Arm::BOnly, 20),
            (Arm::Baseline, 50),
            (Arm::BaselineFocal, 50),
        ] {
            let second = second_half(arm, candidates, hard());
            assert_eq!(second, arm.first_half(candidates).unwrap(), "{arm}");
            assert_eq!(second.entries().len(), n, "{arm}");
        }
    });
}

#[test]
fn the_controls_add_as_much_as_the_hard_arm() {
    with_candidates(|candidates| {
        // Positive slices weigh more, and more of the hard ones are positive.
        let all = candidates.a.iter().chain(candidates.b);
        let positive = &Candidates {
            factors: &RepeatFactors::of(all, 5.0),
            ..*candidates
        };
        let wanted = second_half(Arm::Hard, positive, hard()).total_weight();
        for arm in [Arm::Random, Arm::Easy] {
            let found = second_half(arm, positive, hard()).total_weight();
            assert!((found - wanted).abs() < 1e-9, "{arm}: {found} of {wanted}");
        }
        let hard_weight = second_half(Arm::Hard, candidates, hard()).total_weight();
        for arm in [Arm::Random, Arm::RandomMatched, Arm::Easy] {
            let plan = second_half(arm, candidates, hard());
            assert!((plan.total_weight() - hard_weight).abs() < 1e-12, "{arm}");
            assert!(
                added(&plan).iter().all(|s| s.case_idx >= 2),
                "{arm} draws from A"
            );
        }
    });
}

#[test]
fn no_random_control_shows_a_hard_slice_while_others_are_left() {
    with_candidates(|candidates| {
        for arm in [Arm::Random, Arm::RandomMatched] {
            let shown = added(&second_half(arm, candidates, hard()));
            assert_eq!(shown.len(), hard().len(), "{arm}");
            assert!(
                !shown.iter().any(|slice| hard().contains(slice)),
                "{arm}: {shown:?}"
            );
        }
        // All of one patient's positive slices but one are hard.
        let nearly_all: BTreeSet<SliceRef> = (3..6).map(|z| SliceRef { case_idx: 2, z }).collect();
        let shown = added(&second_half(
            Arm::RandomMatched,
            candidates,
            nearly_all.clone(),
        ));
        let n_hard = shown
            .iter()
            .filter(|slice| nearly_all.contains(slice))
            .count();
        assert_eq!(
            (shown.len(), n_hard),
            (3, 2),
            "the one other, and two that had to be"
        );
    });
}

#[test]
fn emphasis_multiplies_a_slice_s_own_weight_in_every_arm() {
    let (b, a) = (slices(0..2), slices(2..5));
    let candidates = Candidates {
        a: &a,
        b: &b,
        factors: &RepeatFactors::of([&a, &b].into_iter().flatten(), 4.0),
        seed: 7,
    };
    let options = BalanceOptions {
        emphasis: 3.0,
        stages: 1,
        ..BalanceOptions::default()
    };
    let mut hard = hard();
    hard.insert(SliceRef { case_idx: 0, z: 5 });
    let found = found(hard);
    // Hard and positive in A; hard and negative in A; hard and positive in B; of B and positive.
    let of = |arm: Arm| -> [Option<f64>; 4] {
        let plans = arm.second_half(&candidates, &found, &options).unwrap();
        [(2, 3), (2, 9), (0, 5), (0, 6)].map(|(case, z)| weight(&plans[0], case, z))
    };
    let weights = |all: [f64; 4]| all.map(Some);
    assert_eq!(
        of(Arm::Hard),
        weights([12.0, 3.0, 4.0, 4.0]),
        "B is not scored"
    );
    for arm in [Arm::CrossFold, Arm::AllEmphasised, Arm::Gradual] {
        assert_eq!(of(arm), weights([12.0, 3.0, 12.0, 4.0]), "{arm}");
    }
    let probabilistic = of(Arm::Probabilistic);
    assert_eq!(
        probabilistic,
        weights([3.2, 0.8, 3.2, 0.4]),
        "times its difficulty"
    );
}

#[test]
fn all_emphasised_shows_everything_and_the_hard_slices_of_both_parts_more_often() {
    with_candidates(|candidates| {
        let first = Arm::AllEmphasised.first_half(candidates).unwrap();
        assert_eq!(
            first,
            Arm::Baseline.first_half(candidates).unwrap(),
            "all of A and B"
        );
        let mut hard = hard();
        hard.insert(SliceRef { case_idx: 1, z: 5 });
        let plan = second_half(Arm::AllEmphasised, candidates, hard);
        assert_eq!(plan.entries().len(), 50, "nothing is left out");
        assert!(
            (plan.total_weight() - 55.0).abs() < 1e-12,
            "five of them twice"
        );
    });
}

#[test]
fn the_matched_control_has_the_hard_slices_patients_and_positives() {
    with_candidates(|candidates| {
        let plan = second_half(Arm::RandomMatched, candidates, hard());
        let mut counts = BTreeMap::new();
        for slice in added(&plan) {
            let is_positive = (3..7).contains(&slice.z);
            *counts.entry((slice.case_idx, is_positive)).or_insert(0) += 1;
        }
        let want = BTreeMap::from([((2, true), 2), ((2, false), 1), ((3, false), 1)]);
        assert_eq!(counts, want, "patient by patient, positive and negative");
    });
}

/// The slices of a plan that are in it for a reason, with their weights.
fn with_reason(plan: &Plan, reason: Reason) -> BTreeMap<SliceRef, f64> {
    let entries = plan.entries().iter();
    let entries = entries.filter(|entry| entry.reason == reason);
    entries.map(|entry| (entry.slice, entry.weight)).collect()
}

#[test]
fn the_controls_of_cross_fold_and_gradual_emphasise_as_many_others_of_the_same_patients() {
    let mut hard = hard();
    hard.insert(SliceRef::at(1, 5));
    let kinds = |slices: &BTreeMap<SliceRef, f64>| {
        let kinds = slices.keys();
        let kinds = kinds.map(|slice| (slice.case_idx, (3..7).contains(&slice.z)));
        let mut kinds: Vec<(u32, bool)> = kinds.collect();
        kinds.sort_unstable();
        kinds
    };
    with_candidates(|candidates| {
        for (arm, control) in [
            (Arm::CrossFold, Arm::CrossFoldRandom),
            (Arm::Gradual, Arm::GradualRandom),
        ] {
            let [of_arm, of_control] = [arm, control].map(|arm| {
                let found = found(hard.clone());
                arm.second_half(candidates, &found, &BalanceOptions::default())
                    .unwrap()
            });
            assert_eq!(of_arm.len(), of_control.len(), "{control}: stages");
            for (plan, drawn) in of_arm.iter().zip(&of_control) {
                let gap = plan.total_weight() - drawn.total_weight();
                assert!(gap.abs() < 1e-9, "{control}: off by {gap}");
                let chosen = with_reason(plan, Reason::Hard);
                let drawn = with_reason(drawn, Reason::RandomMatched);
                assert_eq!(kinds(&chosen), kinds(&drawn), "{control}");
                let shows_hard = drawn.keys().any(|slice| hard.contains(slice));
                assert!(!shows_hard, "{control}: {drawn:?}");
            }
        }
    });
}

#[test]
fn the_control_of_probabilistic_deals_out_a_patients_difficulties_anew() {
    with_candidates(|candidates| {
        let [of_arm, of_control] = [Arm::Probabilistic, Arm::ProbabilisticRandom]
            .map(|arm| second_half(arm, candidates, hard()));
        let by_kind = |plan: &Plan| {
            let mut weights: BTreeMap<(u32, bool), Vec<f64>> = BTreeMap::new();
            for entry in plan.entries() {
                let key = (entry.slice.case_idx, (3..7).contains(&entry.slice.z));
                weights.entry(key).or_default().push(entry.weight);
            }
            for of in weights.values_mut() {
                of.sort_by(f64::total_cmp);
            }
            weights
        };
        assert_eq!(by_kind(&of_arm), by_kind(&of_control), "the same weights");
        let dealt = with_reason(&of_control, Reason::RandomDifficulty);
        assert_eq!(dealt.len(), hard().len(), "above the floor");
        assert!(
            dealt.keys().any(|slice| !hard().contains(slice)),
            "to others"
        );
    });
}

#[test]
fn the_matched_control_shows_the_organs_of_the_hard_slices() {
    // Of ten slices all show the cord and the last three the mandible, too.
    let slices = |cases: std::ops::Range<u32>| -> Vec<Candidate> {
        let slices = cases.flat_map(|case_idx| (0..10).map(move |z| (case_idx, z)));
        let slice = |(case_idx, z): (u32, u32)| Candidate {
            slice: SliceRef { case_idx, z },
            patient: PatientId::new(format!("p{case_idx}")).unwrap(),
            organs: OutputIdx::first(1 + usize::from(z >= 7)).collect(),
        };
        slices.map(slice).collect()
    };
    let (b, a) = (slices(0..2), slices(2..4));
    let candidates = Candidates {
        a: &a,
        b: &b,
        factors: &RepeatFactors::of(a.iter().chain(&b), 5.0),
        seed: 7,
    };
    let hard: BTreeSet<SliceRef> = [(2, 8), (3, 8), (3, 9), (3, 1)]
        .map(|(case_idx, z)| SliceRef { case_idx, z })
        .into();
    let drawn = added(&second_half(Arm::RandomMatched, &candidates, hard.clone()));
    let mandible: Vec<SliceRef> = drawn.iter().copied().filter(|slice| slice.z >= 7).collect();
    assert!(
        mandible.iter().any(|slice| slice.case_idx == 2),
        "{drawn:?}"
    );
    assert!(drawn.contains(&SliceRef::at(3, 7)), "the one other of p3");
    assert_eq!(drawn.len(), hard.len());
    assert!(
        !drawn.iter().any(|slice| hard.contains(slice)),
        "a slice of the cord before a hard one: {drawn:?}"
    );
    let mut hard = hard;
    hard.extend([7, 8, 9].map(|z| SliceRef::at(0, z)));
    for [arm, control] in [
        [Arm::Hard, Arm::RandomMatched],
        [Arm::CrossFold, Arm::CrossFoldRandom],
        [Arm::AllEmphasised, Arm::AllRandom],
        [Arm::Gradual, Arm::GradualRandom],
        [Arm::Rounds, Arm::RoundsRandom],
    ] {
        let [wanted, found] = [arm, control].map(|arm| -> f64 {
            let found = found(hard.clone());
            let plans = arm.second_half(&candidates, &found, &BalanceOptions::default());
            plans.unwrap().iter().map(Plan::total_weight).sum()
        });
        assert!(
            (wanted - found).abs() < 1e-9,
            "{control}: {found} for {wanted}"
        );
    }
}

#[test]
fn no_hard_slice_leaves_b_alone_and_no_slice_at_all_is_refused() {
    with_candidates(|candidates| {
        let plan = second_half(Arm::Hard, candidates, BTreeSet::new());
        assert_eq!(
            plan,
            Arm::BOnly.first_half(candidates).unwrap(),
            "nothing to add"
        );
    });
    let nothing = Candidates {
        a: &[],
        b: &[],
        factors: &RepeatFactors::of([], 1.0),
        seed: 7,
    };
    let refused = Arm::BOnly.first_half(&nothing);
    assert!(
        matches!(refused, Err(ArmError::Empty { arm: Arm::BOnly })),
        "no slice"
    );
}

#[test]
fn the_easy_arm_adds_no_hard_slice_and_never_more_than_there_are() {
    with_candidates(|candidates| {
        let plan = second_half(Arm::Easy, candidates, hard());
        let is_hard = |slice: &SliceRef| hard().contains(slice);
        assert!(!added(&plan).iter().any(is_hard), "{:?}", added(&plan));
        let nearly_all: BTreeSet<SliceRef> = candidates.a[1..]
            .iter()
            .map(|candidate| candidate.slice)
            .collect();
        let plan = second_half(Arm::Easy, candidates, nearly_all);
        assert_eq!(added(&plan), [candidates.a[0].slice], "the only easy one");
    });
}

#[test]
fn cross_fold_shows_the_hard_slices_of_b_twice_and_not_three_times() {
    with_candidates(|candidates| {
        let mut hard = hard();
        hard.insert(SliceRef { case_idx: 0, z: 5 });
        let plan = second_half(Arm::CrossFold, candidates, hard);
        assert_eq!(weight(&plan, 0, 5), Some(2.0), "a hard one of B");
        assert_eq!(weight(&plan, 0, 6), Some(1.0), "another one of B");
        assert_eq!(weight(&plan, 2, 3), Some(2.0), "a hard one of A");
        assert_eq!(weight(&plan, 2, 5), None, "another one of A");
    });
}

#[test]
fn probabilistic_weights_are_the_difficulty_but_never_below_the_floor() {
    with_candidates(|candidates| {
        let plan = second_half(Arm::Probabilistic, candidates, hard());
        assert_eq!(plan.entries().len(), 50, "nothing is forgotten");
        assert_eq!(weight(&plan, 2, 4), Some(0.8), "1 - Dice");
        assert_eq!(weight(&plan, 0, 4), Some(0.1), "the floor");
    });
}

#[test]
fn gradual_stages_thin_out_easy_negatives_and_repeat_hard_slices() {
    with_candidates(|candidates| {
        let options = BalanceOptions {
            stages: 2,
            floor: 0.25,
            ..BalanceOptions::default()
        };
        let plans = Arm::Gradual.second_half(candidates, &found(hard()), &options);
        let weights: Vec<[Option<f64>; 3]> = plans
            .unwrap()
            .iter()
            // Hard; easy and positive; easy and negative.
            .map(|plan| [(2, 3), (1, 3), (1, 0)].map(|(case, z)| weight(plan, case, z)))
            .collect();
        let half_way = [Some(1.5), Some(1.0), Some(0.625)];
        assert_eq!(weights, [half_way, [Some(2.0), Some(1.0), Some(0.25)]]);
    });
}
