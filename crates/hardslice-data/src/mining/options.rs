//! What makes a slice hard: the table `[mining]` of an experiment.

use serde::{Deserialize, Serialize};

use super::Tau;
use super::triage::Exclude;

/// What makes a slice hard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiningOptions {
    /// How the threshold is set.
    pub tau: Tau,
    /// Smallest area, in pixels of the store, that counts as a false positive where the organ is
    /// absent; 1 counts every pixel.
    pub min_false_positive_px: u32,
    /// Which hard slices are kept out of the plans: those whose labels look wrong (`suspects`),
    /// those that look `broken`, and `redundant` ones.
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
}

impl Default for MiningOptions {
    fn default() -> Self {
        Self {
            tau: Tau::default(),
            min_false_positive_px: 1,
            exclude: Exclude::default(),
        }
    }
}
