//! The arms of the experiment. [`super`] names the papers that they follow.

use serde::{Deserialize, Serialize};

use crate::names::named;

/// One arm of the experiment: a policy that says what is shown in each half, and what is made
/// small. [`Arm::first_half`] and [`Arm::second_half`] (in `policy/`) are the policies.
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
    /// All training patients in both halves, in the second in proportion to a power of their slices'
    /// difficulty that rises stage by stage, two thirds of it within each organ; scored as for
    /// `cross_fold`.
    Annealed,
    /// As `annealed`, the difficulties dealt out at random among the slices of a patient with the same
    /// organs: its control.
    AnnealedRandom,
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
    Annealed => "annealed",
    AnnealedRandom => "annealed_random",
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

/// Who the first half shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstHalf {
    /// B: the pre-training, done once for all such arms.
    OnB,
    /// All training patients; done once for all such arms that know of hard slices.
    OnAll,
}

/// Whose slices are scored before the second half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scored {
    Nobodys,
    OfA,
    /// B's by a net that was trained on A.
    OfBoth,
}

/// What the second half consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecondHalf {
    /// One part with one plan.
    Whole,
    /// Parts with plans of their own that are known beforehand.
    Staged,
    /// Parts before each of which A is scored anew.
    MinedAgain,
}

/// What sets an arm apart.
#[derive(Debug, Clone, Copy)]
struct Spec {
    first_half: FirstHalf,
    scored: Scored,
    second_half: SecondHalf,
    role: ArmRole,
}

impl Arm {
    /// The arm on one line.
    fn spec(self) -> Spec {
        use ArmRole::{Control, NotCompared, Reference};
        use FirstHalf::{OnAll, OnB};
        use Scored::{Nobodys, OfA, OfBoth};
        use SecondHalf::{MinedAgain, Staged, Whole};
        let claimed = |controls| ArmRole::Claimed { controls };
        let (first_half, scored, second_half, role) = match self {
            Self::Baseline => (OnAll, Nobodys, Whole, Reference),
            Self::BaselineFocal | Self::BaselineTopK => (OnAll, Nobodys, Whole, claimed(&[])),
            Self::BOnly => (OnB, Nobodys, Whole, NotCompared),
            Self::Hard | Self::Easy => (
                OnB,
                OfA,
                Whole,
                claimed(&[Self::RandomMatched, Self::Random]),
            ),
            Self::Random | Self::RandomMatched => (OnB, OfA, Whole, Control),
            Self::Rounds => (OnB, OfA, MinedAgain, claimed(&[Self::RoundsRandom])),
            Self::RoundsRandom => (OnB, OfA, MinedAgain, Control),
            Self::CrossFold => (OnB, OfBoth, Whole, claimed(&[Self::CrossFoldRandom])),
            Self::Probabilistic => (OnB, OfBoth, Whole, claimed(&[Self::ProbabilisticRandom])),
            Self::CrossFoldRandom | Self::ProbabilisticRandom => (OnB, OfBoth, Whole, Control),
            Self::Gradual => (OnB, OfBoth, Staged, claimed(&[Self::GradualRandom])),
            Self::GradualRandom => (OnB, OfBoth, Staged, Control),
            Self::AllEmphasised => (OnAll, OfBoth, Whole, claimed(&[Self::AllRandom])),
            Self::WorstPatients => (OnAll, OfBoth, Whole, claimed(&[Self::RandomPatients])),
            Self::AllRandom | Self::RandomPatients => (OnAll, OfBoth, Whole, Control),
            Self::Annealed => (OnAll, OfBoth, Staged, claimed(&[Self::AnnealedRandom])),
            Self::AnnealedRandom => (OnAll, OfBoth, Staged, Control),
        };
        Spec {
            first_half,
            scored,
            second_half,
            role,
        }
    }

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
        self.spec().role
    }

    /// The arm in sentences.
    pub fn words(self) -> ArmWords {
        let one = |phrase| (phrase, false, phrase);
        let (subject, is_plural, object) = match self {
            Self::Hard => ("hard slices", true, "hard slices"),
            Self::Random => ("random slices", true, "the random control"),
            Self::RandomMatched => ("matched random slices", true, "the matched random control"),
            Self::Baseline => one("the baseline"),
            Self::BOnly => one("training on B alone"),
            Self::Easy => one("the arm `easy`"),
            Self::CrossFold => one("the arm `cross_fold`"),
            Self::CrossFoldRandom => one("the random control of `cross_fold`"),
            Self::Probabilistic => one("the arm `probabilistic`"),
            Self::ProbabilisticRandom => one("the random control of `probabilistic`"),
            Self::Gradual => one("the arm `gradual`"),
            Self::GradualRandom => one("the random control of `gradual`"),
            Self::Rounds => one("the arm `rounds`"),
            Self::RoundsRandom => one("the random control of `rounds`"),
            Self::BaselineFocal => one("the arm `baseline_focal`"),
            Self::BaselineTopK => one("the arm `baseline_top_k`"),
            Self::AllEmphasised => one("emphasis on the hard slices of all patients"),
            Self::AllRandom => one("emphasis on random slices of all patients"),
            Self::WorstPatients => one("emphasis on the hardest patients"),
            Self::RandomPatients => one("emphasis on random patients"),
            Self::Annealed => one("the arm `annealed`"),
            Self::AnnealedRandom => one("the random control of `annealed`"),
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
        self.spec().second_half == SecondHalf::MinedAgain
    }

    /// Whether the second half has stages, each with a plan of its own that is known beforehand.
    pub fn is_staged(self) -> bool {
        self.spec().second_half == SecondHalf::Staged
    }

    /// Whether the arm is the baseline with another loss.
    pub fn is_rival_loss(self) -> bool {
        matches!(self, Self::BaselineFocal | Self::BaselineTopK)
    }

    /// Whether the arm's first half is the pre-training on B, which is done once for all such arms.
    pub fn pretrains_on_b(self) -> bool {
        self.spec().first_half == FirstHalf::OnB
    }

    /// Whether a plan of it shows B, and of A chosen slices alone: without a B it would be these alone.
    pub fn chooses_of_a(self) -> bool {
        let shows_all_in_the_end = matches!(
            self,
            Self::Probabilistic | Self::ProbabilisticRandom | Self::Gradual | Self::GradualRandom
        );
        self.pretrains_on_b() && !shows_all_in_the_end
    }

    /// Whether the arm's first half is the pre-training on all training patients, which is done once
    /// for all such arms. The baseline and its rivals have a first half of their own: they rest on
    /// nothing that others do.
    pub fn pretrains_on_all(self) -> bool {
        !self.pretrains_on_b() && self.needs_mining()
    }

    /// Whether the arm's second half depends on the scores of A.
    pub fn needs_mining(self) -> bool {
        self.spec().scored != Scored::Nobodys
    }

    /// Whether it rests on what arms share: its first half, and what was mined with a net of one.
    pub fn needs_shared(self) -> bool {
        self.pretrains_on_b() || self.needs_mining()
    }

    /// Whether it depends on scores of B, too, by a net that was trained on A.
    pub fn needs_cross_fold(self) -> bool {
        self.spec().scored == Scored::OfBoth
    }
}
