//! Which arm of an experiment is better, and how sure that is: by patient and over several trainings.
//!
//! ```text
//! ComparisonPlan (fixed and hashed before the test set is opened)
//!     ArmScore ─ paired on patient and training ─ pseudo-values of patients ─ crossed variances
//!                        Comparison ─ verdict in words ─ intervals, Student's test ─┘
//! ```
//!
//! Patients are the units: several cases of a patient are averaged first. Greater scores must be
//! better; negate distances. What the procedure holds, and what else was tried, stands in
//! `benches/results/2026-11-28-verdict.md`; [`Simulation`] makes the figures again.

pub(crate) mod limits;
pub(crate) mod mean;
mod end_point;
mod plan;
mod error;
pub(crate) mod scores;
mod shared;
pub(crate) mod paired;
mod jackknife;
mod student_t;
pub(crate) mod crossed;
mod comparison;
mod verdict;
pub(crate) mod phrase;
mod words;
mod by_plan;
mod draws;
mod observed;
mod simulation;
mod power;
mod sensitivity;

pub use by_plan::{compare, compare_given};
pub use comparison::{
    AbsentScore, ArmEstimate, Claim, Comparison, ComparisonRow, Conclusion, EstimateInterval,
    NotCompared, Sensitivity, TestOutcome,
};
pub use end_point::EndPoint;
pub use error::CompareError;
pub use limits::{
    LEAST_PATIENTS, LEAST_TRAININGS, RELIABLE_PATIENTS, RELIABLE_SPLITS, RELIABLE_TRAININGS,
};
pub use observed::ObservedSpread;
pub use phrase::{capitalised, counted, percent};
pub use plan::{ClaimedArm, ComparisonPlan, PlanError, Reference, Role};
pub use power::{Design, Expected, Power};
pub use scores::{ArmScore, LostTrainings};
pub use sensitivity::sensitivity;
pub use shared::{MOST_SHARED, SharedOverall, SharedSlices};
pub use simulation::{Gain, Patients, Rates, Simulation};
pub use words::{ArmWords, Wording};
