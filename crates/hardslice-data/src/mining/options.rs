//! What makes a slice hard: the table `[mining]` of an experiment.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Tau;
use super::review::Reviewed;
use super::triage::Exclude;

/// What makes a slice hard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MiningOptions {
    /// How the threshold is set.
    pub tau: Tau,
    /// Smallest area, in pixels of the store, that counts as a false positive where the organ is
    /// absent; 1 counts every pixel.
    pub min_false_positive_px: u32,
    /// Which hard slices are kept out of the plans: those whose labels look wrong (`suspects`),
    /// those that look `broken`, and `redundant` ones; `reviewed-wrong`, those that reviewers found
    /// wrong or broken.
    #[serde(skip_serializing_if = "Exclude::is_empty")]
    pub exclude: Exclude,
    /// The verdicts that `hardslice review` wrote; whoever reads the options puts them into
    /// [`reviewed`](Self::reviewed).
    #[serde(skip_serializing)]
    pub reviews: Option<PathBuf>,
    /// What reviewers found. A slice whose label they found right is no suspect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewed: Vec<Reviewed>,
}

impl MiningOptions {
    /// Whether what reviewers found wrong is to be kept out, and nothing says what that is.
    pub fn lacks_reviews(&self) -> bool {
        self.exclude.holds_reviewed() && self.reviewed.is_empty()
    }
}

impl Default for MiningOptions {
    fn default() -> Self {
        Self {
            tau: Tau::default(),
            min_false_positive_px: 1,
            exclude: Exclude::default(),
            reviews: None,
            reviewed: Vec::new(),
        }
    }
}
