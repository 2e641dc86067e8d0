//! Nets, losses, schedule, the training loop, inference, and the protocol.

mod augment;
mod average;
mod checkpoint;
mod collapse;
mod confidence;
mod config;
mod dataset;
mod device;
mod evaluate;
mod fit;
mod loader;
mod loss;
mod model;
mod onnx;
mod predict;
mod predict_options;
mod progress;
mod protobuf;
mod schedule;
mod score;
mod sgd;
mod warm_start;

pub mod bench;
pub mod layout;
pub mod log;
pub mod net;
pub mod round;
pub mod weights;

pub use augment::{Augmentation, Variation};
pub use checkpoint::{Checkpoint, CheckpointError, Position};
pub use collapse::Collapse;
pub use confidence::{
    CalibrateError, Confidence, JudgedConfidence, JudgedRow, SliceConfidence, read_judged,
    write_confidence,
};
pub use config::{Lr0Setting, TrainConfig};
pub use dataset::{Batch, SamplePosition, SliceDataset};
pub use device::{ComputeDevice, DeviceError, arithmetic};
pub use evaluate::{EvaluateError, Evaluation, TestScore, evaluate};
pub use fit::{Diverged, FitContext, FitError, NotFinite, Phase, Receipt, TrainState, fit};
pub use loader::{Loader, LoaderConfig};
pub use loss::{Loss, SumOver, Targets, binary_cross_entropy, focal, soft_dice, top_k, tversky};
pub use model::{Model, ModelError, ModelRecord};
pub use predict::{Predicted, logits, predict, predict_slices};
pub use predict_options::PredictOptions;
pub use progress::{Event, Observer, Reporter, Silent, Warning};
pub use schedule::PolySchedule;
pub use score::{score_for_mining, score_slices};
pub use sgd::{NoGradientNorm, Sgd, SgdConfig};
pub use warm_start::warm_start;
