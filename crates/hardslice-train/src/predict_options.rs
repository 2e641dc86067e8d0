//! How predictions are finished: the table `[predict]` of an experiment.

use serde::{Deserialize, Serialize};

/// How predictions are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PredictOptions {
    /// Slices predicted at once.
    pub batch: usize,
    /// Keep only each organ's largest connected component (26 neighbours).
    pub largest_component: bool,
    /// Average the predictions of the slice as it is, flipped, and mirrored, as far as the net was
    /// trained on such slices.
    pub flip_averaging: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            batch: 16,
            largest_component: false,
            flip_averaging: false,
        }
    }
}
