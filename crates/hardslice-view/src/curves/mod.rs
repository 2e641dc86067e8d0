//! Charts of a training and of what it gave.

mod histogram;
mod training;
mod intervals;
mod paired;
mod learning;
mod reliability;

pub use histogram::{CountAxis, DiceHistogram};
pub use intervals::{IntervalGroup, IntervalRow, Intervals};
pub use learning::{LearningCurves, LearningLine, LearningPanel, LearningPoint};
pub use paired::{PairedCase, PairedCases};
pub use reliability::{ReliabilityDiagram, ReliabilityLine};
pub use training::{Curve, Mark, TrainingCurves};
