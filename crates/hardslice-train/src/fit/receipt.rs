//! What a finished training leaves last, so that it is known to be over without its checkpoints.

use std::fs;
use std::io;

use hardslice_volume::whole_file::write_whole_bytes;
use serde::{Deserialize, Serialize};

use super::{FitError, TrainState};
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
    /// [`FitError::Receipt`] when it is there and cannot be read.
    pub fn read(dir: &TrainingDir) -> Result<Option<Self>, FitError> {
        let path = dir.receipt();
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FitError::Receipt { path, source }),
        };
        let read = serde_json::from_slice(&json).map_err(io::Error::other);
        read.map(Some)
            .map_err(|source| FitError::Receipt { path, source })
    }

    /// Writes the receipt, unless it is there: others may read the same training side by side.
    pub(super) fn write(&self, dir: &TrainingDir) -> Result<(), FitError> {
        if Self::read(dir)?.as_ref() == Some(self) {
            return Ok(());
        }
        let path = dir.receipt();
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        json.and_then(|json| write_whole_bytes(&path, &json))
            .map_err(|source| FitError::Receipt { path, source })
    }
}
