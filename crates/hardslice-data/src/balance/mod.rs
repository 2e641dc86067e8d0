//! The heart: scores and a policy become a sampling plan.
//!
//! ```text
//! SliceScore ──> Judging (tau) ──> Verdict (hard or easy, per organ) ──> Found
//!                                                                        │
//!                                    Arm (the policy) ───────────────────┴──> Plan
//!                                                   (a weight per slice, with its reason)
//!                                                                              │
//!                              Epochs (which slice is shown at which place) <──┘
//! ```
//!
//! Nothing here calls a model or reads a voxel: scores come in, weights go out, and the same input
//! gives the same plan.

mod arm;
mod candidate;
mod case_dice;
mod epoch;
mod found;
mod judging;
mod options;
mod plan;
mod policy;
mod score;
mod tau;
mod verdict;

pub use arm::{Arm, UnknownArm};
pub use candidate::{Candidate, Candidates};
pub use case_dice::case_dice;
pub use epoch::{Copies, Copy, Draw, Epochs};
pub use found::Found;
pub use judging::Judging;
pub use options::BalanceOptions;
pub use plan::{Plan, PlanEntry, PlanError, Reason};
pub use policy::ArmError;
pub use score::{Rule, SliceScore};
pub use tau::{ResolvedTau, Tau, TauError, TauInputs, TauWarning};
pub use verdict::{Verdict, Verdicts};
