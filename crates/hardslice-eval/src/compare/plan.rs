//! What will be compared and how, fixed before the test set is opened.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::end_point::EndPoint;

/// What a plan of Dice calls its score.
const DICE: &str = "Dice";

/// How arms will be compared. Its [`hash`](Self::hash), written down before the test set is opened,
/// shows later that nothing was chosen by its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonPlan {
    /// The score, as it is called in sentences: `Dice`. Greater must be better.
    pub score: String,
    /// Arms that something is claimed of, each compared with the references that suit it.
    pub arms: Vec<ClaimedArm>,
    /// What they are compared with.
    pub references: Vec<Reference>,
    /// The primary end point, which alone decides, then the others.
    pub end_points: Vec<EndPoint>,
    /// Organs that are compared by this plan, each in a comparison of its own: as many chances to
    /// claim something by luck.
    pub n_organs: usize,
    /// Largest corrected `p` that is called significant. Intervals of one arm have confidence
    /// `1 - alpha`, those of differences `1 - alpha / n_claims`.
    pub alpha: f64,
}

/// An arm that something is claimed of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedArm {
    /// The arm.
    pub arm: String,
    /// Whether it chooses slices, so that a random choice of as many is its control. An arm that
    /// trains on the baseline's slices, with another loss say, is compared with baselines alone.
    pub chooses_slices: bool,
    /// Which control draws at random what the arm chooses; the other controls say nothing of it.
    /// `None`: any of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<String>,
}

/// An arm that others are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The arm.
    pub arm: String,
    /// What a gain over it shows.
    pub role: Role,
}

/// What a gain over a reference shows. A claim that an arm helps needs a gain over one of each; of
/// an arm that chooses no slices, over a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What one would do without the method: a gain shows that it is worth having.
    Baseline,
    /// The method with slices drawn at random: a gain shows that it is the choice that helps.
    Control,
}

/// A plan makes no sense.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PlanError {
    /// A list is empty.
    #[error("the plan names no {what}")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// No arm differs from its reference.
    #[error("the only arm `{arm}` is its own reference: name another")]
    NothingToCompare {
        /// The arm.
        arm: String,
    },
    /// Something stands twice in a list.
    #[error("`{what}` stands twice in the plan")]
    Twice {
        /// What.
        what: String,
    },
    /// The primary end point is only described.
    #[error(
        "the end point `{}` is described, not tested: put `worst_of_five` or `mean` first",
        end_point.name()
    )]
    NotTested {
        /// The end point.
        end_point: EndPoint,
    },
    /// A number is out of range.
    #[error("{what} must be {wanted}, got {got}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What was found.
        got: f64,
        /// What was wanted.
        wanted: &'static str,
    },
}

impl ClaimedArm {
    fn suits(&self, reference: &Reference) -> bool {
        let is_control = || {
            let named = self.control.as_ref();
            self.chooses_slices && named.is_none_or(|control| *control == reference.arm)
        };
        reference.arm != self.arm && (reference.role == Role::Baseline || is_control())
    }
}

impl ComparisonPlan {
    /// A plan of Dice for these arms, references and so many organs: the worst of five patients
    /// first, then the mean; worst tenth and minimum described beside them; alpha 0.05.
    pub fn of_dice(arms: Vec<ClaimedArm>, references: Vec<Reference>, n_organs: usize) -> Self {
        Self {
            score: DICE.to_owned(),
            arms,
            references,
            end_points: EndPoint::ALL.to_vec(),
            n_organs,
            alpha: 0.05,
        }
    }

    /// The least and the greatest value that the score can have, where that is known: no interval of an
    /// arm reaches beyond.
    pub(crate) fn range(&self) -> Option<[f64; 2]> {
        (self.score == DICE).then_some([0.0, 1.0])
    }

    /// Claims that the plan can make, an arm and an organ each. A claim that an arm helps takes a
    /// gain over every reference, so that its references need no correction among each other.
    pub fn n_claims(&self) -> usize {
        let pairs = self.pairs();
        let is_compared = |claimed: &&ClaimedArm| pairs.iter().any(|(arm, _)| *arm == claimed.arm);
        self.arms.iter().filter(is_compared).count() * self.n_organs
    }

    /// Checks that the plan can be carried out.
    ///
    /// # Errors
    ///
    /// [`PlanError`] says what is missing, doubled or out of range.
    pub fn check(&self) -> Result<(), PlanError> {
        let references: Vec<&str> = self.references.iter().map(|r| r.arm.as_str()).collect();
        for (what, is_empty) in [
            ("arm", self.arms.is_empty()),
            ("reference", references.is_empty()),
            ("end point", self.end_points.is_empty()),
        ] {
            if is_empty {
                return Err(PlanError::Empty { what });
            }
        }
        let arms: Vec<&str> = self.arms.iter().map(|a| a.arm.as_str()).collect();
        let end_points: Vec<&str> = self.end_points.iter().map(|e| e.name()).collect();
        for names in [&arms, &references, &end_points] {
            for (idx, name) in names.iter().enumerate() {
                if names[..idx].contains(name) {
                    let what = (*name).to_owned();
                    return Err(PlanError::Twice { what });
                }
            }
        }
        if self.pairs().is_empty() {
            let arm = self.arms[0].arm.clone();
            return Err(PlanError::NothingToCompare { arm });
        }
        let end_point = self.end_points[0];
        if !end_point.is_tested() {
            return Err(PlanError::NotTested { end_point });
        }
        if self.n_organs == 0 {
            return Err(PlanError::OutOfRange {
                what: "n_organs",
                got: 0.0,
                wanted: "above 0",
            });
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(PlanError::OutOfRange {
                what: "alpha",
                got: self.alpha,
                wanted: "above 0 and below 1",
            });
        }
        Ok(())
    }

    /// BLAKE3, in hexadecimal, of the plan as JSON without spaces, fields in the order of the type.
    pub fn hash(&self) -> String {
        let json = json_of(self);
        blake3::hash(&json).to_hex().to_string()
    }

    /// What an arm is compared with.
    pub fn references_of(&self, arm: &str) -> Vec<&Reference> {
        let pairs = self.pairs().into_iter();
        let of_arm = pairs.filter(|(claimed, _)| *claimed == arm);
        of_arm.map(|(_, reference)| reference).collect()
    }

    /// Whether a comparison can find that an arm helps: there is a baseline and, where the arm chooses
    /// slices, a control.
    pub fn can_help(&self, claimed: &ClaimedArm) -> bool {
        let references = self.references_of(&claimed.arm);
        let has = |role: Role| references.iter().any(|reference| reference.role == role);
        has(Role::Baseline) && (has(Role::Control) || !claimed.chooses_slices)
    }

    /// Each arm with each reference that suits it, but none with itself and none a second time the
    /// other way round.
    pub fn pairs(&self) -> Vec<(&str, &Reference)> {
        let mut pairs: Vec<(&str, &Reference)> = Vec::new();
        for claimed in &self.arms {
            for reference in self.references.iter().filter(|other| claimed.suits(other)) {
                let is_mirrored = pairs
                    .iter()
                    .any(|(first, second)| *first == reference.arm && second.arm == claimed.arm);
                if !is_mirrored {
                    pairs.push((&claimed.arm, reference));
                }
            }
        }
        pairs
    }
}

fn json_of(plan: &ComparisonPlan) -> Vec<u8> {
    serde_json::to_vec(plan).expect("plain data of numbers and text has a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(arm: &str) -> ClaimedArm {
        ClaimedArm {
            arm: arm.to_owned(),
            chooses_slices: true,
            control: None,
        }
    }

    fn plan() -> ComparisonPlan {
        let reference = |arm: &str, role| Reference {
            arm: arm.to_owned(),
            role,
        };
        ComparisonPlan::of_dice(
            vec![claimed("hard")],
            vec![
                reference("baseline", Role::Baseline),
                reference("random_matched", Role::Control),
            ],
            1,
        )
    }

    fn names_of_pairs(plan: &ComparisonPlan) -> Vec<(&str, &str)> {
        let pairs = plan.pairs().into_iter();
        pairs
            .map(|(arm, reference)| (arm, reference.arm.as_str()))
            .collect()
    }

    #[test]
    fn the_hash_is_that_of_the_json_and_changes_with_every_field() {
        let plan = plan();
        let json = r#"{"score":"Dice","arms":[{"arm":"hard","chooses_slices":true}],"references":[{"arm":"baseline","role":"baseline"},{"arm":"random_matched","role":"control"}],"end_points":["worst_of_five","mean","worst_tenth","min"],"n_organs":1,"alpha":0.05}"#;
        assert_eq!(plan.hash(), blake3::hash(json.as_bytes()).to_hex().as_str());
        assert_eq!(
            serde_json::from_str::<ComparisonPlan>(json).unwrap(),
            plan,
            "and back"
        );
        let mut others = vec![plan.clone(); 6];
        others[0].score = "NSD".to_owned();
        others[1].arms[0].chooses_slices = false;
        others[2].references[0].role = Role::Control;
        others[3].end_points.swap(0, 1);
        others[4].n_organs += 1;
        others[5].alpha = 0.01;
        for other in others {
            assert_ne!(other.hash(), plan.hash(), "{other:?}");
        }
    }

    #[test]
    fn a_pair_is_compared_once_and_no_arm_with_itself() {
        let mut plan = plan();
        plan.arms = ["hard", "baseline", "random_matched"].map(claimed).to_vec();
        assert_eq!(
            names_of_pairs(&plan),
            [
                ("hard", "baseline"),
                ("hard", "random_matched"),
                ("baseline", "random_matched")
            ]
        );
    }

    #[test]
    fn an_arm_that_chooses_no_slices_is_compared_with_baselines_alone() {
        let mut plan = plan();
        plan.arms.push(ClaimedArm {
            chooses_slices: false,
            ..claimed("another_loss")
        });
        assert_eq!(
            names_of_pairs(&plan),
            [
                ("hard", "baseline"),
                ("hard", "random_matched"),
                ("another_loss", "baseline"),
            ]
        );
    }

    #[test]
    fn every_arm_and_every_organ_is_a_claim_and_references_are_not() {
        let mut plan = plan();
        assert_eq!(plan.n_claims(), 1, "hard");
        plan.arms.push(claimed("easy"));
        plan.n_organs = 3;
        assert_eq!(plan.n_claims(), 6, "two arms, three organs");
        plan.arms.push(claimed("baseline"));
        plan.references.truncate(1);
        assert_eq!(plan.n_claims(), 6, "the reference has nothing to beat");
    }

    #[test]
    fn plans_that_make_no_sense_are_refused_with_the_reason() {
        type Spoil = fn(&mut ComparisonPlan);
        let spoilt: [(Spoil, &str); 8] = [
            (|plan| plan.arms.clear(), "names no arm"),
            (|plan| plan.references.clear(), "names no reference"),
            (|plan| plan.end_points.clear(), "names no end point"),
            (
                |plan| plan.arms.push(claimed("hard")),
                "`hard` stands twice",
            ),
            (
                |plan| plan.end_points = vec![EndPoint::WorstTenth],
                "the end point `worst_tenth` is described, not tested",
            ),
            (|plan| plan.n_organs = 0, "n_organs must be above 0"),
            (
                |plan| plan.alpha = 1.0,
                "alpha must be above 0 and below 1, got 1",
            ),
            (
                |plan| {
                    plan.references.truncate(1);
                    plan.arms = vec![claimed("baseline")];
                },
                "its own reference",
            ),
        ];
        for (spoil, wanted) in spoilt {
            let mut plan = plan();
            spoil(&mut plan);
            let said = plan.check().unwrap_err().to_string();
            assert!(said.contains(wanted), "{said:?} does not say {wanted:?}");
        }
    }
}
