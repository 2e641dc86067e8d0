//! Training curves and the histogram of slice scores, as SVG.

mod histogram;
mod training;

pub use histogram::{CountAxis, DiceHistogram};
pub use training::{Curve, Mark, TrainingCurves};
