//! What can be wrong with a split.

use std::path::PathBuf;

use hardslice_volume::FileError;
use thiserror::Error;

use super::Fold;
use crate::text::TableError;
use crate::{CaseId, Organ, PatientId};

/// A cohort could not be split, or a split does not fit its cohort.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Not enough patients for the folds asked for.
    #[error(
        "{what} takes {wanted} of {found} patients, but at least {rest} must be left for training: \
         ask for fewer"
    )]
    TooFewPatients {
        /// What takes them: `the test set`.
        what: &'static str,
        /// Patients that it asks for.
        wanted: usize,
        /// Patients there are.
        found: usize,
        /// Patients that must be left.
        rest: usize,
    },

    /// Nobody is left to train on.
    #[error("no patient is left to train on: {reason}")]
    NobodyToTrainOn {
        /// Where they went.
        reason: &'static str,
    },

    /// One patient cannot be divided.
    #[error(
        "one training patient cannot be divided into A and B: add patients, take fewer for testing \
         and validation, or set the ratio to 1"
    )]
    Indivisible,

    /// A ratio, share or number of candidates that makes no sense.
    #[error("{name} is {found}, wanted {wanted}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its value.
        found: String,
        /// What would do.
        wanted: String,
    },

    /// A name on a list that no case or patient has.
    #[error("neither a case nor a patient is named `{name}` (on the list of the fold `{fold}`)")]
    UnknownName {
        /// The name.
        name: String,
        /// The fold's list.
        fold: &'static str,
    },

    /// A list of which nobody is annotated for an organ at hand.
    #[error(
        "nobody on the list `{list}` is annotated for an organ that is trained: name others, or \
         correct the column `organs` of the cohort"
    )]
    NobodyAnnotated {
        /// The list.
        list: &'static str,
    },

    /// A list of which nobody could be prepared.
    #[error(
        "nobody on the list `{list}` is in the store: their scans could not be read, which \
         `accept` in [cohort] lets pass; repair them, or name others"
    )]
    NobodyStored {
        /// The list.
        list: &'static str,
    },

    /// A case of a saved split that the store lacks.
    #[error("the split names the case `{case}`, which the store does not hold")]
    UnknownCase {
        /// The case.
        case: CaseId,
    },

    /// A case in two folds.
    #[error("the case `{case}` is in two folds, {first} and {second}")]
    InTwoFolds {
        /// The case.
        case: CaseId,
        /// The one fold.
        first: String,
        /// The other.
        second: String,
    },

    /// Scans of one patient in two folds.
    #[error(
        "the patient `{patient}` is in two folds: {first} and {second} (a net that saw a patient's \
         other scan is not tested on a new patient)"
    )]
    PatientParted {
        /// The patient.
        patient: PatientId,
        /// A case and its fold.
        first: String,
        /// Another one.
        second: String,
    },

    /// Lists that contradict each other.
    #[error("{what}")]
    Lists {
        /// How.
        what: &'static str,
    },

    /// A fold's number beyond the folds there are.
    #[error("fold {fold} was asked for, but there are folds 0 to {}: {what}", n_folds.saturating_sub(1))]
    NoSuchFold {
        /// Fold asked for.
        fold: usize,
        /// Folds there are.
        n_folds: usize,
        /// What is divided into folds.
        what: String,
    },

    /// The file system refused, or a file is no split.
    #[error(transparent)]
    File(#[from] FileError),

    /// A file that is no split.
    #[error(
        "this is no split that this program has written, and it is left as it is: name the file that \
         `hardslice split` wrote, or another one to write ({why}): {}",
        path.display()
    )]
    NoSplit {
        /// The file.
        path: PathBuf,
        /// Where it stops being one.
        why: serde_json::Error,
    },

    /// A table of folds cannot be read.
    #[error(transparent)]
    CannotRead(#[from] TableError),

    /// Lists in a file that do not fit the cohort.
    #[error("the folds in {} do not fit the cohort", path.display())]
    OfFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<SplitError>,
    },

    /// One scan, voxel by voxel, in two folds.
    #[error(
        "{first} and {second} are the same scan, voxel by voxel: give both one patient, or take one \
         of the two out of the cohort"
    )]
    SameScan {
        /// A case and its fold.
        first: String,
        /// Another one.
        second: String,
    },

    /// An organ that no slice shows to train on.
    #[error(
        "no slice of {fold} shows `{organ}`: a net would learn that it is nowhere; check the organ \
         map and the column `organs`, or {way_out}"
    )]
    OrganNowhere {
        /// The organ.
        organ: Organ,
        /// Whom it was looked for in.
        fold: &'static str,
        /// What else would help.
        way_out: &'static str,
    },

    /// A table of folds lacks a column or holds an unknown fold.
    #[error("{what}: {}", path.display())]
    Table {
        /// What is wrong.
        what: String,
        /// The file.
        path: PathBuf,
    },
}

impl SplitError {
    /// A case and its fold, for a message.
    pub(super) fn placed(case: &CaseId, fold: Fold) -> String {
        format!("`{case}` in {fold}")
    }
}
