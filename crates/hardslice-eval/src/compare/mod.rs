//! Which arm of an experiment is better, and how sure that is: by patient and over several seeds.
//!
//! ```text
//! ComparisonPlan (fixed and hashed before the test set is opened)
//!     ArmScore ─ paired on patient and seed ─┬─ hierarchical bootstrap ─ intervals
//!                                            └─ tests ─ Holm's correction ─ p
//!                                                         Comparison ─ verdict in words
//! ```
//!
//! Patients are the units: several cases of a patient are averaged first. Greater scores must be
//! better; negate distances.

mod mean;
mod end_point;
mod plan;
mod error;
mod scores;
mod paired;
mod bootstrap;
mod permutation;
mod wilcoxon;
mod holm;
mod comparison;
mod verdict;
mod words;
mod by_plan;

pub use by_plan::compare;
pub use comparison::{
    AbsentScore, ArmEstimate, Claim, Comparison, ComparisonRow, Conclusion, EstimateInterval,
    TestOutcome,
};
pub use end_point::EndPoint;
pub use error::CompareError;
pub use holm::holm;
pub use permutation::{PValue, Permutations};
pub use plan::{ClaimedArm, ComparisonPlan, PlanError, Reference, Role, Test};
pub use scores::ArmScore;
pub use wilcoxon::wilcoxon;
pub use words::{ArmWords, Wording};
