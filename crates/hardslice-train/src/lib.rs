//! Nets, losses, schedule, the training loop, mining, prediction.

mod augment;
mod batch;
mod checkpoint;
mod config;
mod fit;
mod loader;
mod loss;
mod progress;
mod schedule;
mod score;
mod sgd;

pub mod log;
pub mod net;
pub mod weights;

pub use augment::{Augmentation, Variation};
pub use batch::{Batch, Lens, Place};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use config::TrainConfig;
pub use fit::{FitContext, FitError, Half, Trainee, fit};
pub use loader::{Loader, Recipe};
pub use loss::{Loss, SumOver, binary_cross_entropy, focal, soft_dice, top_k, tversky};
pub use progress::{Event, Observer, Silent, Warning};
pub use schedule::PolySchedule;
pub use score::{case_dice, score_slices};
pub use sgd::Sgd;
