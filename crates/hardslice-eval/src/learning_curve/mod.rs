//! How much more patients would give: a score against the number of patients that were trained on.
//!
//! ```text
//! CurveArm (what was trained on how many patients), ArmScore ─ the same test patients and trainings
//!     end point of each ─ a straight line in the logarithm ─ contrasts ─ crossed variances
//!                                LearningCurve ─ in words ─ intervals ─┘
//! ```
//!
//! With `y_j` the end point of arm `j`, the mean over its trainings, and `x_j` the logarithm of its
//! number of patients, the line has the slope `b = Σ (x_j − x̄) y_j / Σ (x_j − x̄)²`: least squares,
//! every arm counting alike. A slope, a change along the line, the height of the line and its bend are
//! all sums of the `y_j` with weights that depend on the numbers of patients alone. Such a contrast is
//! a mean over test patients of pseudo-values, so that its interval is that of a comparison
//! ([`crate::compare`]): patients and trainings are both random, patients are the same for all arms,
//! and each arm is trained apart from the others.
//!
//! What is in no interval: whether the line goes on beyond what was trained, and the luck of which
//! patients a training was given, unless there are several divisions. How often the intervals hold the
//! truth is simulated in `tests/learning_curve/simulated.rs`.
//!
//! # Sources
//!
//! - C. Cortes, L. D. Jackel, S. A. Solla, V. Vapnik and J. S. Denker (1993), "Learning curves:
//!   asymptotic values and rate of convergence", Advances in Neural Information Processing Systems 6:
//!   small trainings tell what a large one would give. They fit a power law; over the few and near
//!   numbers of patients of a sweep its exponent and its asymptote cannot be told apart, and a line in
//!   the logarithm needs neither.
//! - H. Scheffé (1959), "The Analysis of Variance", chapter 3: contrasts.

mod error;
mod curve;
mod line;
mod more;
mod fit;
mod words;

pub use curve::{Contrast, CurveArm, CurvePoint, LearningCurve, LineFit, LinePoint, TrainingValue};
pub use error::CurveError;
pub use fit::learning_curve;
