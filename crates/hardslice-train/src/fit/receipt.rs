//! What a finished training leaves last, so that it is known to be over without its checkpoints.

use std::fs;

use hardslice_data::Organ;
use hardslice_volume::whole_file::{read_sealed_if_there, write_sealed};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};

use super::TrainState;
use crate::layout::TrainingDir;
use crate::weights::Weights;

/// Steps below which a training tries the machinery and cannot be expected to learn anything.
pub(super) const LEAST_STEPS_TO_LEARN: u64 = 100;

/// What a training over one phase ended with: `finished.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Hash of all that decided the training.
    pub identity: String,
    /// Steps taken since the first weights.
    pub steps: u64,
    /// Hash of the weights that it ended with: of those that predict.
    pub weights_blake3: String,
    /// Hash of its log: nothing else tells that a curve is of a log that was cut off since.
    pub log_blake3: String,
    /// The organs of which it had learnt nothing at its last validation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_learnt: Vec<Organ>,
}

impl Receipt {
    /// Of a training whose log is written, and its weights.
    pub(super) fn of(
        state: &TrainState,
        weights: &Weights,
        dir: &TrainingDir,
    ) -> Result<Self, FileError> {
        Ok(Self {
            identity: state.position.identity.clone(),
            steps: state.position.step,
            weights_blake3: weights.hash(),
            log_blake3: hash_of_log(dir)?,
            not_learnt: state.position.not_learnt.keys().cloned().collect(),
        })
    }

    /// Reads the receipt of a training; `None` where it is not over.
    ///
    /// # Errors
    ///
    /// [`FileError`] when it is there and cannot be read.
    pub fn read(dir: &TrainingDir) -> Result<Option<Self>, FileError> {
        read_sealed_if_there(&dir.receipt())
    }

    /// Whether the log of the training is the one that it left.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the log is gone or cannot be read.
    pub fn fits_log(&self, dir: &TrainingDir) -> Result<bool, FileError> {
        Ok(self.log_blake3 == hash_of_log(dir)?)
    }

    /// The organs of which the net had learnt nothing at its last validation. None of a training of fewer
    /// than 100 steps, which tries the machinery: a warning has to do there.
    pub fn not_learnt(&self) -> &[Organ] {
        if self.steps < LEAST_STEPS_TO_LEARN {
            return &[];
        }
        &self.not_learnt
    }

    /// Writes the receipt, unless it is there: others may read the same training side by side.
    pub(super) fn write(&self, dir: &TrainingDir) -> Result<(), FileError> {
        if Self::read(dir)?.as_ref() == Some(self) {
            return Ok(());
        }
        write_sealed(&dir.receipt(), self)
    }
}

fn hash_of_log(dir: &TrainingDir) -> Result<String, FileError> {
    let path = dir.log();
    let log = fs::read(&path).map_err(Action::Read.on(&path))?;
    Ok(blake3::hash(&log).to_hex().to_string())
}
