//! Nets, losses, schedule, the training loop, mining, prediction.

mod augment;
mod batch;
mod checkpoint;
mod config;
mod device;
mod evaluate;
mod fit;
mod loader;
mod loss;
mod mine;
mod model;
mod predict;
mod progress;
mod schedule;
mod score;
mod sgd;
mod warm_start;

pub mod bench;
pub mod log;
pub mod net;
pub mod round;
pub mod weights;

pub use augment::{Augmentation, Variation};
pub use batch::{Batch, Lens, Place};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use config::TrainConfig;
pub use device::{ComputeDevice, DeviceError, arithmetic, arithmetic_of};
pub use evaluate::{EvaluateError, Evaluation, TestScore, evaluate};
pub use fit::{FitContext, FitError, Half, Trainee, fit};
pub use loader::{Loader, Recipe};
pub use loss::{Loss, SumOver, binary_cross_entropy, focal, soft_dice, top_k, tversky};
pub use mine::{Judge, Mine, Mining, MiningConfig};
pub use model::{Model, ModelError, ModelRecord};
pub use predict::{PredictOptions, ScanSlices, SliceSource, StoredSlices, predict};
pub use progress::{Event, Observer, Silent, Warning};
pub use schedule::PolySchedule;
pub use score::{score_slices, see_slices};
pub use sgd::Sgd;
pub use warm_start::warm_start;
