//! How good a prediction is: overlap, surface distances, per-case scores, arms compared.
//!
//! ```text
//! Mask, Mask ─ survey ─┬─ Overlap ──────────────────────────── Dice, volume difference
//!                      └─ crop ─ Surface ─ SurfaceDistances ── HD95, ASSD, NSD
//!                                                   CaseScores of many cases ─ Summary
//! ArmScore of many arms, seeds and patients ─ compare ─ Comparison
//!                                       └─ learning_curve ─ LearningCurve
//! Certainty of a net, Overlap ─ confidence ─ the Dice to be expected of a slice
//! printed statistics of anybody ─ reported ─ what cannot be true of them
//! ```
//!
//! A score that has no value is `None` with a [`Status`] that says why, never 0, 1 or `NaN`.
//! Every function gives the same bits for any number of threads.

mod mask;
mod survey;
mod overlap;
mod surface;
mod case;
mod summary;
mod splitmix;
pub mod compare;
pub mod confidence;
pub mod learning_curve;
pub mod reported;
mod separation;

pub use case::{CaseScores, ScoreOptions, Status, score_case, score_masks};
pub use mask::{Label, MAX_AXIS, Mask, MaskError};
pub use overlap::Overlap;
pub use separation::auc;
pub use summary::{OVER_TRAININGS, Summary};
pub use surface::{Convention, DirectedDistances, DistanceField, SurfaceDistances};
pub use survey::ScoreError;
