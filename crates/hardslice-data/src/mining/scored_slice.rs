//! A slice as a model or another program predicted it.

use serde::{Deserialize, Serialize};

use super::{CoarseMask, SliceScore};

/// One organ in one slice as a model or another program predicted it: what mining goes by.
///
/// Some 60 bytes where nothing was predicted, as in most slices, and 600 elsewhere, so that those of a
/// whole cohort fit into memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredSlice {
    /// Pixel counts.
    pub score: SliceScore,
    /// Mean binary cross-entropy of the slice's pixels, natural logarithm; absent where there are
    /// no probabilities, and where every pixel is to be ignored.
    pub loss: Option<f64>,
    /// Where the organ was predicted, but for what is to be ignored.
    pub predicted: CoarseMask,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_without_a_prediction_are_small() {
        assert!(
            size_of::<ScoredSlice>() <= 64,
            "{}",
            size_of::<ScoredSlice>()
        );
    }
}
