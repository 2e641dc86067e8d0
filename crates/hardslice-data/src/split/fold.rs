//! The four folds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of the cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Read once, at the end.
    Test,
    /// Held out of every arm.
    Validation,
    /// Mined for hard slices.
    A,
    /// Trained on from the start.
    B,
}

impl Fold {
    /// All folds.
    pub const ALL: [Self; 4] = [Self::Test, Self::Validation, Self::A, Self::B];
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Test => "test",
            Self::Validation => "validation",
            Self::A => "A",
            Self::B => "B",
        })
    }
}
