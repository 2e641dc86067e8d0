//! The arms of the experiment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One arm of the experiment: a policy that says what is shown in each half, and what is made
/// small. [`Arm::first_half`] and [`Arm::second_half`] (in `policy.rs`) are the policies.
///
/// All arms take the same number of steps. Those that add slices of A are judged by what as many
/// random slices bring: [`RandomMatched`](Self::RandomMatched) adds exactly as many as
/// [`Hard`](Self::Hard), and nearly as many as [`CrossFold`](Self::CrossFold) and
/// [`Rounds`](Self::Rounds).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// B, then B and as many random slices of A with the hard ones' patients and share of
    /// positives: the control that tells "hard" from "positive".
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
}

/// No arm has this name.
#[derive(Debug, Error)]
#[error("there is no arm `{got}`; the arms are {}", Arm::ALL.map(Arm::name).join(", "))]
pub struct UnknownArm {
    /// What was written.
    pub got: String,
}

impl Arm {
    /// All arms, in the order in which they run and are reported.
    pub const ALL: [Self; 12] = [
        Self::Baseline,
        Self::BOnly,
        Self::Hard,
        Self::Random,
        Self::RandomMatched,
        Self::Easy,
        Self::CrossFold,
        Self::Probabilistic,
        Self::Gradual,
        Self::Rounds,
        Self::BaselineFocal,
        Self::BaselineTopK,
    ];

    /// The arm's name in configurations, tables and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::BOnly => "b_only",
            Self::Hard => "hard",
            Self::Random => "random",
            Self::RandomMatched => "random_matched",
            Self::Easy => "easy",
            Self::CrossFold => "cross_fold",
            Self::Probabilistic => "probabilistic",
            Self::Gradual => "gradual",
            Self::Rounds => "rounds",
            Self::BaselineFocal => "baseline_focal",
            Self::BaselineTopK => "baseline_top_k",
        }
    }

    /// Whether the arm is the baseline with another loss.
    pub fn is_rival_loss(self) -> bool {
        matches!(self, Self::BaselineFocal | Self::BaselineTopK)
    }

    /// Whether the arm's first half is the pre-training on B, which is done once for all such arms.
    pub fn pretrains_on_b(self) -> bool {
        self != Self::Baseline && !self.is_rival_loss()
    }

    /// Whether the arm's second half depends on the scores of A.
    pub fn needs_mining(self) -> bool {
        self.pretrains_on_b() && self != Self::BOnly
    }

    /// Whether it depends on scores of B, too, by a net that was trained on A.
    pub fn needs_cross_fold(self) -> bool {
        matches!(self, Self::CrossFold | Self::Probabilistic | Self::Gradual)
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Arm {
    type Err = UnknownArm;

    fn from_str(text: &str) -> Result<Self, UnknownArm> {
        let arm = Self::ALL.into_iter().find(|arm| arm.name() == text);
        arm.ok_or_else(|| UnknownArm {
            got: text.to_owned(),
        })
    }
}
