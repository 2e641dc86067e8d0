//! Nets, losses, schedule, the training loop, mining, prediction.

mod loss;
mod schedule;
mod sgd;

pub mod net;
pub mod weights;

pub use loss::{Loss, SumOver, binary_cross_entropy, focal, soft_dice, top_k, tversky};
pub use schedule::PolySchedule;
pub use sgd::Sgd;
