//! What `mine` was given, so that what it left can be asked about again.

use std::path::{self, Path, PathBuf};

use hardslice_data::OrganMap;
use hardslice_data::balance::Arm;
use hardslice_train::layout::RoundDir;
use hardslice_volume::FileError;
use hardslice_volume::whole_file::{read_json_if_there, write_json};
use serde::{Deserialize, Serialize};

/// The record of a mining by hand. Rounds of a protocol hold models, folds and plans themselves.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByHand {
    /// What scored the slices.
    pub(crate) scored_by: ScoredBy,
    /// The file of the folds, where they were given.
    pub(crate) split: Option<PathBuf>,
    /// What the plan shows.
    pub(crate) arm: Arm,
}

/// A model, or predictions of another program.
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
    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Model(dir) => dir,
            Self::Predictions(predictions) => &predictions.folder,
        }
    }

    fn folder_mut(&mut self) -> &mut PathBuf {
        match self {
            Self::Model(dir) => dir,
            Self::Predictions(predictions) => &mut predictions.folder,
        }
    }
}

impl ByHand {
    /// What `mine` left in a round's folder; `None` where a protocol mined.
    pub(crate) fn of(round: &RoundDir) -> Result<Option<Self>, FileError> {
        read_json_if_there(&round.mining().by_hand())
    }

    /// Writes it, with paths that hold wherever it is read from.
    pub(crate) fn write(mut self, round: &RoundDir) -> anyhow::Result<()> {
        let paths = std::iter::once(self.scored_by.folder_mut()).chain(&mut self.split);
        for path in paths {
            *path = path::absolute(&*path)?;
        }
        Ok(write_json(&round.mining().by_hand(), &self)?)
    }
}
