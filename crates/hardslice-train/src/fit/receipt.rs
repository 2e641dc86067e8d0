//! What a finished training leaves last, so that it is known to be over without its checkpoints.

use hardslice_volume::FileError;
use hardslice_volume::whole_file::{read_sealed_if_there, write_sealed};
use serde::{Deserialize, Serialize};

use super::TrainState;
use crate::layout::TrainingDir;
use crate::weights::Weights;

/// What a training over one phase ended with: `finished.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Hash of all that decided the training.
    pub identity: String,
    /// Steps taken since the first weights.
    pub steps: u64,
    /// Hash of the weights that it ended with.
    pub weights_blake3: String,
}

impl Receipt {
    pub(super) fn of(state: &TrainState) -> Self {
        Self {
            identity: state.position.identity.clone(),
            steps: state.position.step,
            weights_blake3: Weights::of(&state.net).hash(),
        }
    }

    /// Reads the receipt of a training; `None` where it is not over.
    ///
    /// # Errors
    ///
    /// [`FileError`] when it is there and cannot be read.
    pub fn read(dir: &TrainingDir) -> Result<Option<Self>, FileError> {
        read_sealed_if_there(&dir.receipt())
    }

    /// Writes the receipt, unless it is there: others may read the same training side by side.
    pub(super) fn write(&self, dir: &TrainingDir) -> Result<(), FileError> {
        if Self::read(dir)?.as_ref() == Some(self) {
            return Ok(());
        }
        write_sealed(&dir.receipt(), self)
    }
}
