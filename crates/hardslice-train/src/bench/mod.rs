//! How fast training and prediction are on this machine, on workloads of fixed sizes.
//!
//! A workload runs the real nets, the real loss and [`TrainState::take_step`](crate::TrainState::take_step),
//! the step of the training loop, on slices made up for it; what it is told of a machine holds for
//! a training of that size. Weights and slices depend on the seed alone and can be written out, so
//! that another program can run the very same thing.

mod flops;
mod measure;
mod prepared;
mod whole_loop;
mod workload;

pub use measure::{Effort, Measured};
pub use prepared::Prepared;
pub use whole_loop::{LoopMeasured, LoopPlace, measure_loop, n_loop_steps};
pub use workload::{Dimensions, Mode, Size, Workload};

use std::path::PathBuf;

use hardslice_volume::FileError;
use thiserror::Error;

use crate::fit::{Diverged, FitError};

/// A workload cannot be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The net has no such size.
    #[error("{net} has no size {size}, wanted one of: {}", possible.join(", "))]
    NoSuchSize {
        /// The net.
        net: &'static str,
        /// What was asked for.
        size: &'static str,
        /// Its sizes.
        possible: Vec<&'static str>,
    },
    /// The store has nothing to train on.
    #[error("the store has no slice in which an organ is annotated: {}", path.display())]
    NothingAnnotated {
        /// The store.
        path: PathBuf,
    },
    /// A step failed.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// A training failed.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}
