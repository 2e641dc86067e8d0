//! Which nets of a round had learnt nothing and were not given up.

use std::fmt;

use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_volume::FileError;
use serde::Serialize;

use crate::fit::Receipt;
use crate::layout::RoundDir;

/// A net that has scores, or gave some, though it had learnt nothing of these organs at its last
/// validation: it takes three in a row to be given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotLearnt {
    /// Which net.
    pub net: TrainedNet,
    /// The organs.
    pub organs: Vec<Organ>,
}

/// A net of a round, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainedNet {
    /// Pre-trained on B, scores A.
    Pretrained,
    /// Trained on A, scores B.
    TrainedOnA,
    /// Of an arm.
    #[serde(untagged)]
    Arm(Arm),
}

impl fmt::Display for TrainedNet {
    /// As the subject of a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pretrained => f.write_str("the pre-trained net, which scored A,"),
            Self::TrainedOnA => f.write_str("the net trained on A, which scored B,"),
            Self::Arm(arm) => write!(f, "the net of the arm `{arm}`"),
        }
    }
}

/// The nets of a round that had learnt nothing, by the receipts that their trainings left: those of these
/// arms, and those that mined.
///
/// # Errors
///
/// [`FileError`] when a receipt is there and cannot be read.
pub fn not_learnt(
    dir: &RoundDir,
    arms: impl IntoIterator<Item = Arm>,
) -> Result<Vec<NotLearnt>, FileError> {
    let that_mined = [TrainedNet::Pretrained, TrainedNet::TrainedOnA].into_iter();
    let mut found = Vec::new();
    for net in that_mined.chain(arms.into_iter().map(TrainedNet::Arm)) {
        let training = match net {
            TrainedNet::Pretrained => dir.pretrained(),
            TrainedNet::TrainedOnA => dir.trained_on_a(),
            TrainedNet::Arm(arm) => dir.arm(arm).training(),
        };
        if let Some(receipt) = Receipt::read(&training)?
            && !receipt.not_learnt().is_empty()
        {
            let organs = receipt.not_learnt().to_vec();
            found.push(NotLearnt { net, organs });
        }
    }
    Ok(found)
}

impl NotLearnt {
    /// What is wrong, without a full stop: "the net of the arm `hard` had learnt nothing of ...".
    pub fn sentence(&self) -> String {
        format!("{} {}", self.net, nothing_learnt_of(&self.organs))
    }
}

/// What is wrong with a net that had learnt nothing of these organs: "had learnt nothing of ...".
pub fn nothing_learnt_of(organs: &[Organ]) -> String {
    let organs: Vec<String> = organs.iter().map(|organ| format!("`{organ}`")).collect();
    format!(
        "had learnt nothing of {} at its last validation",
        organs.join(", ")
    )
}
