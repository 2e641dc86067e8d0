//! The arms of the experiment. [`super`] names the papers that they follow.

use serde::{Deserialize, Serialize};

use crate::names::named;

/// One arm of the experiment: a policy that says what is shown in each half, and what is made
/// small. [`Arm::first_half`] and [`Arm::second_half`] (in `policy.rs`) are the policies.
///
/// All arms take the same number of steps. Those that add slices of A are judged by what as many
/// random slices bring: [`RandomMatched`](Self::RandomMatched) adds exactly as many as
/// [`Hard`](Self::Hard). Every other arm that chooses slices has a random control of its own, which does
/// the same with slices drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// All training patients, in both halves.
    Baseline,
    /// B alone, in both halves.
    BOnly,
    /// B, then B and the hard slices of A: the paper's proposal.
    Hard,
    /// B, then B and as many slices drawn at random from A: the control.
    Random,
    /// B, then B and as many random slices of A with the hard ones' patients and organs: the control
    /// that tells "hard" from "positive", and from "with a rare organ".
    RandomMatched,
    /// B, then B and as many slices drawn from the easy ones of A: what should help least.
    Easy,
    /// B, then B and the hard slices of A and of B, each scored by a net that did not see its
    /// patient: a second net, trained on A over the first half, scores B.
    CrossFold,
    /// B, then all training slices in proportion to their difficulty, scored as for `cross_fold`,
    /// with a floor so that nothing is forgotten.
    Probabilistic,
    /// B, then all training slices, the easy negative ones thinned out and the hard ones shown more
    /// often stage by stage; scored as for `cross_fold`.
    Gradual,
    /// B, then as `hard`, but A is scored anew by the net as it stands, part by part of the second
    /// half, until the hard slices hardly change.
    Rounds,
    /// As the baseline, with focal loss: a rival of balancing.
    BaselineFocal,
    /// As the baseline, with the cross-entropy of the hardest pixels: another rival.
    BaselineTopK,
    /// All training patients in both halves, in the second with the hard slices of A and of B
    /// emphasised, scored as for `cross_fold`: what one would do who gives up no data.
    AllEmphasised,
    /// All training patients in both halves, in the second with as many random slices of the same
    /// patients emphasised: the control of `all_emphasised`.
    AllRandom,
    /// All training patients in both halves, in the second with all slices of the hardest patients
    /// emphasised, scored as for `cross_fold`: balance by patient instead of by slice.
    WorstPatients,
    /// All training patients in both halves, in the second with all slices of as many random
    /// patients emphasised: the control of `worst_patients`.
    RandomPatients,
    /// As `cross_fold`, with as many random slices of the same patients: its control.
    CrossFoldRandom,
    /// As `probabilistic`, the difficulties dealt out at random among the slices of a patient with the
    /// same organs: its control.
    ProbabilisticRandom,
    /// As `gradual`, with as many random slices of the same patients: its control.
    GradualRandom,
    /// As `rounds`: A is scored anew part by part, and as many random slices of the same patients are
    /// added as are hard: its control.
    RoundsRandom,
}

named!(Arm, "arm", {
    Baseline => "baseline",
    BOnly => "b_only",
    Hard => "hard",
    Random => "random",
    RandomMatched => "random_matched",
    Easy => "easy",
    CrossFold => "cross_fold",
    Probabilistic => "probabilistic",
    Gradual => "gradual",
    Rounds => "rounds",
    BaselineFocal => "baseline_focal",
    BaselineTopK => "baseline_top_k",
    AllEmphasised => "all_emphasised",
    AllRandom => "all_random",
    WorstPatients => "worst_patients",
    RandomPatients => "random_patients",
    CrossFoldRandom => "cross_fold_random",
    ProbabilisticRandom => "probabilistic_random",
    GradualRandom => "gradual_random",
    RoundsRandom => "rounds_random",
});

/// What an arm is for in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArmRole {
    /// What one would do without the method: others are held against it.
    Reference,
    /// The method with slices, or patients, drawn at random.
    Control,
    /// Something is claimed of it: that it helps.
    Claimed {
        /// What draws at random what the arm chooses, the closest first: of those that were run the
        /// first counts. None for an arm that chooses no slices, as one with another loss: it is held
        /// against the baseline alone.
        controls: &'static [Arm],
    },
    /// A part of the others, in no comparison of its own.
    NotCompared,
}

/// An arm in sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArmWords {
    /// As what does something: "hard slices".
    pub subject: &'static str,
    /// Whether the subject takes a plural verb: "hard slices *help*".
    pub is_plural: bool,
    /// As what others are compared with: "the random control".
    pub object: &'static str,
}

impl Arm {
    /// What the arm is for in a comparison.
    ///
    /// ```
    /// use hardslice_data::balance::{Arm, ArmRole};
    ///
    /// let arm: Arm = "random_matched".parse()?;
    /// assert_eq!(arm.role(), ArmRole::Control);
    /// assert_eq!(arm.words().object, "the matched random control");
    /// assert!(arm.pretrains_on_b() && arm.needs_mining() && !arm.needs_cross_fold());
    /// # Ok::<(), hardslice_data::UnknownName>(())
    /// ```
    pub fn role(self) -> ArmRole {
        match self {
            Self::Baseline => ArmRole::Reference,
            Self::BOnly => ArmRole::NotCompared,
            Self::Random
            | Self::RandomMatched
            | Self::AllRandom
            | Self::RandomPatients
            | Self::CrossFoldRandom
            | Self::ProbabilisticRandom
            | Self::GradualRandom
            | Self::RoundsRandom => ArmRole::Control,
            Self::Hard | Self::Easy => ArmRole::Claimed {
                controls: &[Self::RandomMatched, Self::Random],
            },
            Self::Rounds => ArmRole::Claimed {
                controls: &[Self::RoundsRandom],
            },
            Self::CrossFold => ArmRole::Claimed {
                controls: &[Self::CrossFoldRandom],
            },
            Self::Probabilistic => ArmRole::Claimed {
                controls: &[Self::ProbabilisticRandom],
            },
            Self::Gradual => ArmRole::Claimed {
                controls: &[Self::GradualRandom],
            },
            Self::AllEmphasised => ArmRole::Claimed {
                controls: &[Self::AllRandom],
            },
            Self::WorstPatients => ArmRole::Claimed {
                controls: &[Self::RandomPatients],
            },
            Self::BaselineFocal | Self::BaselineTopK => ArmRole::Claimed { controls: &[] },
        }
    }

    /// The arm in sentences.
    pub fn words(self) -> ArmWords {
        let (subject, is_plural, object) = match self {
            Self::Baseline => ("the baseline", false, "the baseline"),
            Self::BOnly => ("training on B alone", false, "training on B alone"),
            Self::Hard => ("hard slices", true, "hard slices"),
            Self::Random => ("random slices", true, "the random control"),
            Self::RandomMatched => ("matched random slices", true, "the matched random control"),
            Self::Easy => ("the arm `easy`", false, "the arm `easy`"),
            Self::CrossFold => ("the arm `cross_fold`", false, "the arm `cross_fold`"),
            Self::Probabilistic => ("the arm `probabilistic`", false, "the arm `probabilistic`"),
            Self::Gradual => ("the arm `gradual`", false, "the arm `gradual`"),
            Self::Rounds => ("the arm `rounds`", false, "the arm `rounds`"),
            Self::BaselineFocal => (
                "the arm `baseline_focal`",
                false,
                "the arm `baseline_focal`",
            ),
            Self::BaselineTopK => (
                "the arm `baseline_top_k`",
                false,
                "the arm `baseline_top_k`",
            ),
            Self::AllEmphasised => (
                "emphasis on the hard slices of all patients",
                false,
                "emphasis on the hard slices of all patients",
            ),
            Self::AllRandom => (
                "emphasis on random slices of all patients",
                false,
                "emphasis on random slices of all patients",
            ),
            Self::WorstPatients => (
                "emphasis on the hardest patients",
                false,
                "emphasis on the hardest patients",
            ),
            Self::RandomPatients => (
                "emphasis on random patients",
                false,
                "emphasis on random patients",
            ),
            Self::CrossFoldRandom => (
                "the random control of `cross_fold`",
                false,
                "the random control of `cross_fold`",
            ),
            Self::ProbabilisticRandom => (
                "the random control of `probabilistic`",
                false,
                "the random control of `probabilistic`",
            ),
            Self::GradualRandom => (
                "the random control of `gradual`",
                false,
                "the random control of `gradual`",
            ),
            Self::RoundsRandom => (
                "the random control of `rounds`",
                false,
                "the random control of `rounds`",
            ),
        };
        ArmWords {
            subject,
            is_plural,
            object,
        }
    }

    /// Whether the second half has parts before each of which A is mined anew, by the net as it
    /// stands, until the hard slices hardly change.
    pub fn mines_again(self) -> bool {
        matches!(self, Self::Rounds | Self::RoundsRandom)
    }

    /// Whether the second half has stages, each with a plan of its own that is known beforehand.
    pub fn is_staged(self) -> bool {
        matches!(self, Self::Gradual | Self::GradualRandom)
    }

    /// Whether the arm is the baseline with another loss.
    pub fn is_rival_loss(self) -> bool {
        matches!(self, Self::BaselineFocal | Self::BaselineTopK)
    }

    /// Whether the arm's first half is the pre-training on B, which is done once for all such arms.
    pub fn pretrains_on_b(self) -> bool {
        match self {
            Self::Baseline
            | Self::BaselineFocal
            | Self::BaselineTopK
            | Self::AllEmphasised
            | Self::AllRandom
            | Self::WorstPatients
            | Self::RandomPatients => false,
            Self::BOnly
            | Self::Hard
            | Self::Random
            | Self::RandomMatched
            | Self::Easy
            | Self::CrossFold
            | Self::Probabilistic
            | Self::Gradual
            | Self::Rounds
            | Self::CrossFoldRandom
            | Self::ProbabilisticRandom
            | Self::GradualRandom
            | Self::RoundsRandom => true,
        }
    }

    /// Whether the arm's first half is the pre-training on all training patients, which is done once
    /// for all such arms. The baseline and its rivals have a first half of their own: they rest on
    /// nothing that others do.
    pub fn pretrains_on_all(self) -> bool {
        !self.pretrains_on_b() && self.needs_mining()
    }

    /// Whether the arm's second half depends on the scores of A.
    pub fn needs_mining(self) -> bool {
        match self {
            Self::Baseline | Self::BaselineFocal | Self::BaselineTopK | Self::BOnly => false,
            Self::Hard
            | Self::Random
            | Self::RandomMatched
            | Self::Easy
            | Self::CrossFold
            | Self::Probabilistic
            | Self::Gradual
            | Self::Rounds
            | Self::AllEmphasised
            | Self::AllRandom
            | Self::WorstPatients
            | Self::RandomPatients
            | Self::CrossFoldRandom
            | Self::ProbabilisticRandom
            | Self::GradualRandom
            | Self::RoundsRandom => true,
        }
    }

    /// Whether it rests on what arms share: its first half, and what was mined with a net of one.
    pub fn needs_shared(self) -> bool {
        self.pretrains_on_b() || self.needs_mining()
    }

    /// Whether it depends on scores of B, too, by a net that was trained on A.
    pub fn needs_cross_fold(self) -> bool {
        matches!(
            self,
            Self::CrossFold
                | Self::Probabilistic
                | Self::Gradual
                | Self::AllEmphasised
                | Self::AllRandom
                | Self::WorstPatients
                | Self::RandomPatients
                | Self::CrossFoldRandom
                | Self::ProbabilisticRandom
                | Self::GradualRandom
        )
    }
}
