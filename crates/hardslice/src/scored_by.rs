//! What scored the slices that `mine` mined, so that it can be asked about them again.

use std::io;
use std::path::{Path, PathBuf};

use hardslice_data::OrganMap;
use hardslice_train::layout::RoundDir;
use hardslice_volume::FileError;
use hardslice_volume::whole_file::{read_json_if_there, write_json};
use serde::{Deserialize, Serialize};

/// A model, or predictions of another program. Rounds of a protocol hold their models themselves.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ScoredBy {
    /// In this folder.
    Model(PathBuf),
    /// Label maps.
    Predictions(ScoredPredictions),
}

/// Where predictions lie, and how they are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScoredPredictions {
    pub(crate) folder: PathBuf,
    /// Which values are which organ in them; those of the cohort where absent.
    pub(crate) labels: Option<OrganMap>,
}

impl ScoredBy {
    pub(crate) fn model(dir: &Path) -> io::Result<Self> {
        Ok(Self::Model(std::path::absolute(dir)?))
    }

    pub(crate) fn predictions(folder: &Path, labels: Option<&OrganMap>) -> io::Result<Self> {
        Ok(Self::Predictions(ScoredPredictions {
            folder: std::path::absolute(folder)?,
            labels: labels.cloned(),
        }))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Model(dir) => dir,
            Self::Predictions(predictions) => &predictions.folder,
        }
    }

    /// What `mine` left in a round's folder; `None` where a protocol mined.
    pub(crate) fn of(round: &RoundDir) -> Result<Option<Self>, FileError> {
        read_json_if_there(&round.mining().scored_by())
    }

    pub(crate) fn write(&self, round: &RoundDir) -> Result<(), FileError> {
        write_json(&round.mining().scored_by(), self)
    }
}
