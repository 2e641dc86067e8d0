//! Why arms cannot be compared.

use thiserror::Error;

use super::plan::PlanError;

/// Arms cannot be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    /// The plan makes no sense.
    #[error("the plan of the comparison makes no sense")]
    Plan {
        /// Why.
        #[from]
        source: PlanError,
    },
    /// A score is not a finite number.
    #[error(
        "a score must be a finite number, got {got}: arm `{arm}`, split {split}, seed {seed}, case `{case}`"
    )]
    NotFinite {
        /// What was found.
        got: f64,
        /// The arm.
        arm: String,
        /// The seed.
        seed: u64,
        /// The A|B split.
        split: u64,
        /// The case.
        case: String,
    },
    /// A case was scored twice.
    #[error(
        "two scores for arm `{arm}`, split {split}, seed {seed}, patient `{patient}`, case `{case}`"
    )]
    Twice {
        /// The arm.
        arm: String,
        /// The seed.
        seed: u64,
        /// The A|B split.
        split: u64,
        /// The patient.
        patient: String,
        /// The case.
        case: String,
    },
    /// Arms share no patient with a score in every training that they share.
    #[error(
        "no patient has a score in every training shared by {}: score the same patients with each",
        arms.iter().map(|arm| format!("`{arm}`")).collect::<Vec<_>>().join(" and ")
    )]
    NothingShared {
        /// The arms, one or two.
        arms: Vec<String>,
    },
}
