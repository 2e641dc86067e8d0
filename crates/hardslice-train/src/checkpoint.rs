//! Checkpoints: where a training stands, on disk.
//!
//! ```text
//! checkpoints/step-00000500/weights.safetensors     the net
//! checkpoints/step-00000500/optimizer.safetensors   its velocities
//! checkpoints/step-00000500/average.safetensors     the average of its weights, where there is one
//! checkpoints/step-00000500/position.json           the rest, with the hashes of all
//! ```
//!
//! A checkpoint's folder appears whole or not at all; its hashes are checked on reading.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hardslice_data::Organ;
use hardslice_volume::whole_file::{read_sealed, sealed, write_whole_folder};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::layout::{checkpoint_name, checkpoint_step};
use crate::weights::{Weights, WeightsError};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const AVERAGE: &str = "average.safetensors";
const POSITION: &str = "position.json";

/// Where a training stands, beside weights and velocities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Steps taken.
    pub step: u64,
    /// What the training is: hash of configuration, seed, store and plan.
    pub identity: String,
    /// What the net was computed with ([`crate::net::Net::arithmetic`]): another one rounds differently.
    pub instruction_set: String,
    /// Sum of the losses since the last line of the log.
    pub loss_sum: f64,
    /// Losses in that sum.
    pub n_losses: u64,
    /// Best validation so far: steps taken and mean Dice.
    pub best: Option<(u64, f64)>,
    /// The organs of which nothing was learnt at the last validation: at how many in a row.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_learnt: BTreeMap<Organ, u32>,
}

/// A checkpoint in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the training stands.
    pub position: Position,
    /// The net.
    pub weights: Weights,
    /// The optimiser's velocities.
    pub velocities: Weights,
    /// The moving average of the weights, where the training keeps one.
    pub average: Option<Weights>,
}

/// What `position.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    position: Position,
    weights_blake3: String,
    optimizer_blake3: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    average_blake3: Option<String>,
}

/// A checkpoint cannot be written or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file system refused, or the position cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what was written.
    #[error(
        "the checkpoint's {file} is damaged: its hash is {found}, recorded was {wanted}: {}",
        path.display()
    )]
    Damaged {
        /// Which file.
        file: &'static str,
        /// Hash found.
        found: String,
        /// Hash recorded.
        wanted: String,
        /// The checkpoint.
        path: PathBuf,
    },
    /// The arrays cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl Checkpoint {
    /// Writes the checkpoint into `dir` and removes later ones, and all but the `keep_last` newest.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::File`] when the disk is full or the folder is not to be written to; older
    /// checkpoints stay then.
    pub fn write(&self, dir: &Path, keep_last: usize) -> Result<PathBuf, CheckpointError> {
        let path = dir.join(checkpoint_name(self.position.step));
        let (weights, velocities) = (
            self.weights.to_safetensors(),
            self.velocities.to_safetensors(),
        );
        let average = self.average.as_ref().map(Weights::to_safetensors);
        let record = Record {
            position: self.position.clone(),
            weights_blake3: blake3::hash(&weights).to_hex().to_string(),
            optimizer_blake3: blake3::hash(&velocities).to_hex().to_string(),
            average_blake3: average
                .as_ref()
                .map(|average| blake3::hash(average).to_hex().to_string()),
        };
        let written = write_whole_folder(&path, |folder| {
            fs::write(folder.join(WEIGHTS), &weights)?;
            fs::write(folder.join(OPTIMIZER), &velocities)?;
            if let Some(average) = &average {
                fs::write(folder.join(AVERAGE), average)?;
            }
            fs::write(folder.join(POSITION), sealed(&record)?)
        });
        written.map_err(Action::Write.on(&path))?;
        remove_others(dir, self.position.step, keep_last)?;
        Ok(path)
    }

    /// Reads a checkpoint and checks its hashes.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`] when a file is missing, damaged or not to be read.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let read = |name: &str| {
            let file = path.join(name);
            fs::read(&file).map_err(Action::Read.on(&file))
        };
        let record: Record = read_sealed(&path.join(POSITION))?;
        let (weights, velocities) = (read(WEIGHTS)?, read(OPTIMIZER)?);
        let check = |file, bytes: &[u8], wanted: &str| {
            let found = blake3::hash(bytes).to_hex().to_string();
            if found == wanted {
                return Ok(());
            }
            Err(CheckpointError::Damaged {
                file,
                found,
                wanted: wanted.to_owned(),
                path: path.to_owned(),
            })
        };
        check(WEIGHTS, &weights, &record.weights_blake3)?;
        check(OPTIMIZER, &velocities, &record.optimizer_blake3)?;
        let average = match &record.average_blake3 {
            Some(wanted) => {
                let bytes = read(AVERAGE)?;
                check(AVERAGE, &bytes, wanted)?;
                Some(Weights::from_safetensors(&bytes, &path.join(AVERAGE))?)
            }
            None => None,
        };
        Ok(Self {
            position: record.position,
            weights: Weights::from_safetensors(&weights, &path.join(WEIGHTS))?,
            velocities: Weights::from_safetensors(&velocities, &path.join(OPTIMIZER))?,
            average,
        })
    }

    /// The newest checkpoint in `dir` that is whole, passing over damaged ones; `None` when there
    /// is none. `damaged` is called for each that is passed over.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::File`] when the folder cannot be listed.
    pub fn newest(
        dir: &Path,
        mut damaged: impl FnMut(CheckpointError),
    ) -> Result<Option<Self>, CheckpointError> {
        for path in checkpoints(dir)?.into_values().rev() {
            match Self::read(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) => damaged(error),
            }
        }
        Ok(None)
    }
}

/// Removes all checkpoints in a folder but the `keep_last` newest up to `step`; at least one stays. A training
/// that stands at `step` could not go on from later ones: they are damaged.
///
/// # Errors
///
/// [`FileError`] when the folder cannot be listed or one of them not be removed.
pub(crate) fn remove_others(dir: &Path, step: u64, keep_last: usize) -> Result<(), FileError> {
    let mut up_to_step = checkpoints(dir)?;
    let later = up_to_step.split_off(&(step + 1));
    let old = up_to_step.values().rev().skip(keep_last.max(1));
    for other in later.values().chain(old) {
        fs::remove_dir_all(other).map_err(Action::Remove.on(other))?;
    }
    Ok(())
}

/// The checkpoints in a folder, by their steps; none where the folder is missing.
fn checkpoints(dir: &Path) -> Result<BTreeMap<u64, PathBuf>, FileError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(Action::List.on(dir))?,
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(Action::List.on(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        found.extend(name.and_then(checkpoint_step).map(|step| (step, path)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::NamedTensor;

    fn checkpoint(step: u64) -> Checkpoint {
        let weights = |name: &str, values: Vec<f32>| Weights {
            tensors: vec![NamedTensor {
                name: name.to_owned(),
                shape: vec![values.len()],
                values,
            }],
        };
        Checkpoint {
            position: Position {
                step,
                identity: "abc".to_owned(),
                instruction_set: "avx2".to_owned(),
                loss_sum: 0.1 + 0.2,
                n_losses: 2,
                best: Some((100, 1.0 / 3.0)),
                not_learnt: BTreeMap::new(),
            },
            weights: weights("w", vec![1.5, f32::MIN_POSITIVE, -0.0]),
            velocities: weights("w", vec![0.25, 1e-30]),
            average: step.is_multiple_of(20).then(|| weights("w", vec![1.25])),
        }
    }

    #[test]
    fn a_checkpoint_reads_back_bit_for_bit_and_only_the_last_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for step in [10, 20, 30] {
            checkpoint(step).write(dir.path(), 2).unwrap();
        }
        let found = checkpoints(dir.path()).unwrap();
        assert_eq!(found.len(), 2, "the two newest stay: {found:?}");
        let newest = Checkpoint::newest(dir.path(), |error| panic!("{error}")).unwrap();
        assert_eq!(newest, Some(checkpoint(30)), "every bit of it");
    }

    #[test]
    fn a_damaged_checkpoint_is_found_by_its_hash_and_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        checkpoint(10).write(dir.path(), 2).unwrap();
        let path = checkpoint(20).write(dir.path(), 2).unwrap().join(WEIGHTS);
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        let mut messages = Vec::new();
        let newest =
            Checkpoint::newest(dir.path(), |error| messages.push(error.to_string())).unwrap();
        assert_eq!(newest, Some(checkpoint(10)), "the one before");
        assert!(
            messages[0].contains("weights.safetensors is damaged"),
            "{messages:?}"
        );
    }

    #[test]
    fn a_checkpoint_is_not_removed_for_damaged_ones_of_later_steps() {
        let dir = tempfile::tempdir().unwrap();
        for step in [20, 30] {
            let path = checkpoint(step).write(dir.path(), 2).unwrap();
            fs::write(path.join(WEIGHTS), b"damaged").unwrap();
        }
        for step in [10, 15] {
            checkpoint(step).write(dir.path(), 1).unwrap();
            let newest = Checkpoint::newest(dir.path(), |error| panic!("{error}")).unwrap();
            assert_eq!(newest, Some(checkpoint(step)), "what was just written");
        }
    }

    #[test]
    fn no_folder_is_no_checkpoint() {
        let newest = Checkpoint::newest(Path::new("/nowhere/at/all"), |e| panic!("{e}")).unwrap();
        assert_eq!(newest, None, "nothing to resume from");
    }
}
