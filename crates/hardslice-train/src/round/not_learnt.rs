//! Which nets of a round had learnt nothing and were not given up.

use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_volume::FileError;

use crate::fit::Receipt;
use crate::layout::RoundDir;

/// A net that has scores, or gave some, though it had learnt nothing of these organs at its last
/// validation: it takes three in a row to be given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLearnt {
    /// Which net, as the subject of a sentence.
    pub net: String,
    /// The organs.
    pub organs: Vec<Organ>,
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
    let that_mined = [
        ("the pre-trained net, which scored A,", dir.pretrained()),
        ("the net trained on A, which scored B,", dir.trained_on_a()),
    ];
    let that_mined = that_mined.map(|(net, training)| (net.to_owned(), training));
    let arms = arms.into_iter();
    let of_arms = arms.map(|arm| {
        let net = format!("the net of the arm `{arm}`");
        (net, dir.arm(arm).training())
    });
    let mut found = Vec::new();
    for (net, training) in that_mined.into_iter().chain(of_arms) {
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
