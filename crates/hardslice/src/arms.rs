//! The arms of the experiment as comparisons and the paper's tables take them.

use std::collections::BTreeMap;

use hardslice_data::balance::{Arm, ArmRole};
use hardslice_eval::compare::{
    ArmScore, ArmWords, ClaimedArm, CompareError, Comparison, ComparisonPlan, Reference, Role,
    SharedSlices, Wording, compare_given, sensitivity,
};
use hardslice_view::paper_tables::PaperArm;
use thiserror::Error;

/// The protocol's plan of a comparison for the arms that were run: `hard` first, then every other arm
/// that something is claimed of, each against the reference and against the closest of its own random
/// controls, for so many organs.
pub(crate) fn comparison_plan(
    arms: &[Arm],
    n_organs: usize,
) -> Result<ComparisonPlan, NothingToCompare> {
    let reference = arms.iter().find(|arm| arm.role() == ArmRole::Reference);
    let reference = reference.map(|arm| Reference {
        arm: arm.to_string(),
        role: Role::Baseline,
    });
    let mut references: Vec<Reference> = reference.into_iter().collect();
    let (first, others): (Vec<&Arm>, Vec<&Arm>) = arms.iter().partition(|arm| **arm == Arm::Hard);
    let mut claimed = Vec::new();
    for arm in first.into_iter().chain(others) {
        let ArmRole::Claimed { controls } = arm.role() else {
            continue;
        };
        let run = controls.iter().find(|control| arms.contains(control));
        let control = run.map(|control| Reference {
            arm: control.to_string(),
            role: Role::Control,
        });
        references.extend(control.filter(|control| !references.contains(control)));
        claimed.push(ClaimedArm {
            arm: arm.to_string(),
            chooses_slices: !controls.is_empty(),
            // One that was not run is named all the same: no other control stands in for it.
            control: run.or(controls.first()).map(Arm::to_string),
        });
    }
    let plan = ComparisonPlan::of_dice(claimed, references, n_organs);
    if plan.check().is_err() {
        return Err(NothingToCompare);
    }
    Ok(plan)
}

/// Arms that a comparison needs are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "to compare there must be an arm of which something is claimed, as `hard`, and the `baseline` or \
     that arm's random control"
)]
pub(crate) struct NothingToCompare;

/// Compares arms by plan, given what references share with them, and says what the comparison could
/// have found.
pub(crate) fn compare_arms(
    plan: &ComparisonPlan,
    scores: &[ArmScore],
    shared: &[SharedSlices],
) -> Result<Comparison, CompareError> {
    let wording = arm_words();
    let found = compare_given(plan, &wording, scores, shared)?;
    Ok(found.with_sensitivity(sensitivity(plan, scores, shared)?, &wording))
}

/// Every arm in sentences.
fn arm_words() -> Wording {
    let words = Arm::ALL.map(|arm| {
        let words = arm.words();
        let words = ArmWords {
            subject: words.subject.to_owned(),
            is_plural: words.is_plural,
            object: words.object.to_owned(),
        };
        (arm.to_string(), words)
    });
    BTreeMap::from(words)
}

/// The row of the paper's tables that an arm belongs to, trained with this share of the patients in B;
/// `None` for arms and ratios that the paper does not have.
pub(crate) fn paper_row(arm: &str, ratio: f64) -> Option<PaperArm> {
    match arm.parse::<Arm>().ok()? {
        Arm::Baseline => Some(PaperArm::Baseline),
        Arm::Hard => Some(PaperArm::Proposed),
        Arm::BOnly => PaperArm::of_ratio(ratio),
        Arm::Random
        | Arm::RandomMatched
        | Arm::Easy
        | Arm::CrossFold
        | Arm::Probabilistic
        | Arm::Gradual
        | Arm::Rounds
        | Arm::BaselineFocal
        | Arm::BaselineTopK
        | Arm::AllEmphasised
        | Arm::AllRandom
        | Arm::WorstPatients
        | Arm::RandomPatients
        | Arm::CrossFoldRandom
        | Arm::ProbabilisticRandom
        | Arm::GradualRandom
        | Arm::RoundsRandom
        | Arm::Annealed
        | Arm::AnnealedRandom => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(plan: &ComparisonPlan) -> Vec<(&str, &str)> {
        let pairs = plan.pairs().into_iter();
        pairs
            .map(|(arm, reference)| (arm, reference.arm.as_str()))
            .collect()
    }

    #[test]
    fn the_protocol_prefers_the_closest_control_and_claims_nothing_of_a_control() {
        let references = |arms: &[Arm]| -> Vec<(String, Role)> {
            let plan = comparison_plan(arms, 1).unwrap();
            plan.check().unwrap();
            let claimed = plan.arms.iter().map(|claimed| claimed.arm.parse::<Arm>());
            for arm in claimed {
                assert!(
                    matches!(arm.unwrap().role(), ArmRole::Claimed { .. }),
                    "{arms:?}"
                );
            }
            plan.references
                .into_iter()
                .map(|r| (r.arm, r.role))
                .collect()
        };
        let baseline = ("baseline".to_owned(), Role::Baseline);
        let control = |arm: &str| (arm.to_owned(), Role::Control);
        assert_eq!(
            references(&Arm::ALL),
            [
                baseline.clone(),
                control("random_matched"),
                control("cross_fold_random"),
                control("probabilistic_random"),
                control("gradual_random"),
                control("rounds_random"),
                control("all_random"),
                control("random_patients"),
                control("annealed_random")
            ]
        );
        assert_eq!(
            references(&[Arm::Baseline, Arm::Hard, Arm::Random]),
            [baseline, control("random")]
        );
        assert_eq!(references(&[Arm::Hard, Arm::Random]), [control("random")]);
        for arms in [
            &[Arm::Baseline, Arm::Random][..],
            &[Arm::Hard, Arm::BOnly],
            &[Arm::Hard, Arm::AllRandom],
            &[],
        ] {
            assert_eq!(comparison_plan(arms, 1), Err(NothingToCompare), "{arms:?}");
        }
    }

    #[test]
    fn another_loss_is_compared_with_the_baseline_alone() {
        let arms = [
            Arm::Baseline,
            Arm::Hard,
            Arm::RandomMatched,
            Arm::Easy,
            Arm::BaselineTopK,
        ];
        assert_eq!(
            pairs(&comparison_plan(&arms, 1).unwrap()),
            [
                ("hard", "baseline"),
                ("hard", "random_matched"),
                ("easy", "baseline"),
                ("easy", "random_matched"),
                ("baseline_top_k", "baseline"),
            ]
        );
    }

    #[test]
    fn what_all_patients_show_is_held_against_its_own_control() {
        let arms = [
            Arm::Baseline,
            Arm::RandomMatched,
            Arm::AllEmphasised,
            Arm::AllRandom,
            Arm::WorstPatients,
        ];
        let plan = comparison_plan(&arms, 1).unwrap();
        assert_eq!(
            pairs(&plan),
            [
                ("all_emphasised", "baseline"),
                ("all_emphasised", "all_random"),
                ("worst_patients", "baseline"),
            ],
            "the control of worst_patients was not run, and no other is one"
        );
        assert!(plan.arms.iter().all(|claimed| claimed.chooses_slices));
    }

    #[test]
    fn our_arms_find_their_rows_of_the_paper() {
        for (arm, ratio, row) in [
            ("baseline", 0.5, Some(PaperArm::Baseline)),
            ("b_only", 1.0, Some(PaperArm::Baseline)),
            ("b_only", 0.3, Some(PaperArm::Ratio03)),
            ("b_only", 0.4, None),
            ("hard", 0.5, Some(PaperArm::Proposed)),
            ("random", 0.5, None),
            ("predictions", 0.5, None),
        ] {
            assert_eq!(paper_row(arm, ratio), row, "{arm} {ratio}");
        }
    }
}
