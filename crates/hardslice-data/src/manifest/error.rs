//! What can be wrong with a cohort's list.

use std::fmt;
use std::path::PathBuf;

use hardslice_volume::FileError;
use hardslice_volume::spelling::shown;
use thiserror::Error;

use crate::text::TableError;
use crate::{NameError, Organ, OrganMapError};

/// A cohort could not be read.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),

    /// Nothing says how the cohort is laid out.
    #[error(
        "neither a folder nor a .csv, .toml or dataset.json: {} (name the layout if it is one of \
         them under another name)", path.display()
    )]
    UnknownLayout {
        /// The file.
        path: PathBuf,
    },

    /// A folder was given for a layout that is one file, and there is none.
    #[error("none of {names} is in {}", path.display())]
    NoList {
        /// The names that were looked for.
        names: String,
        /// The folder.
        path: PathBuf,
    },

    /// No scan was found.
    #[error("no scan found in {}: wanted {wanted}", path.display())]
    NoCases {
        /// What would have been read.
        wanted: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },

    /// Nothing says which label is which organ.
    #[error(
        "nothing says which label values make which organ in {}: give an organ map, as \
         `liver = [1]` in `labels` of the experiment, or with --label liver=1", path.display()
    )]
    NoOrgans {
        /// The cohort.
        path: PathBuf,
    },

    /// The cohort's own list of organs does not fit.
    #[error("the organs in {} do not fit: give an organ map of your own", path.display())]
    Organs {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: OrganMapError,
    },

    /// A table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),

    /// A manifest is no TOML, or has unknown keys.
    #[error("not a manifest: {}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// Where it departs.
        source: Box<toml::de::Error>,
    },

    /// A `dataset.json` whose labels are neither nnU-Net's nor the Decathlon's.
    #[error(
        "`labels` says \"{key}\": \"{name}\", wanted a label value on one side (\"liver\": 1, or \
         \"1\": \"liver\"): {}", path.display()
    )]
    LabelKey {
        /// What stands where the value was looked for.
        key: String,
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },

    /// A `dataset.json` that gives the background's name to another value than 0.
    #[error(
        "`labels` gives `{name}` the value {values}, but 0 is the background: correct the table \
         (are the values swapped?): {}", path.display()
    )]
    NotTheBackground {
        /// The name.
        name: String,
        /// Its values.
        values: String,
        /// The file.
        path: PathBuf,
    },

    /// A rule for patients and the cohort's own patients.
    #[error(
        "the cohort names patients itself, and a rule for them was given too: leave the rule out: {}",
        path.display()
    )]
    TwicePatients {
        /// The cohort.
        path: PathBuf,
    },

    /// More than one image channel, where CT has one.
    #[error(
        "{} channels ({}) but one is wanted: CT has one; keep it alone as channel 0 in {}",
        channels.len(), channels.join(", "), path.display()
    )]
    Channels {
        /// The channels' names.
        channels: Vec<String>,
        /// The file.
        path: PathBuf,
    },

    /// Rows or files that do not fit, all of them.
    #[error("{} in {}:{}", counted(problems.len()), path.display(), listed(problems))]
    Problems {
        /// The cohort.
        path: PathBuf,
        /// What is wrong, in the order of the rows.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong with a cohort's list.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A column that means nothing here.
    #[error(
        "unknown column `{column}`; known are {known}; one that is not to be read is taken out, or called `note`"
    )]
    UnknownColumn {
        /// The column.
        column: String,
        /// What can stand there.
        known: String,
    },
    /// Two columns of one meaning.
    #[error("the columns `{first}` and `{second}` mean the same")]
    DoubledColumn {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A column that must be there.
    #[error("the column `{column}` is missing")]
    MissingColumn {
        /// The column.
        column: &'static str,
    },
    /// A row without a scan.
    #[error("{place}: no image is given")]
    NoImage {
        /// The row.
        place: String,
    },
    /// A scan or labels that do not exist.
    #[error("{place}: the {what} does not exist: {}", path.display())]
    Missing {
        /// The row.
        place: String,
        /// `image` or `label file`.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// A scan or labels that the file system does not let be looked for.
    #[error("{place}: {source}: {}", source.source)]
    Unreadable {
        /// The row.
        place: String,
        /// The file and the reason.
        source: FileError,
    },
    /// A scan or labels whose path cannot be written down.
    #[error("{place}: the path is not UTF-8, rename what is not: {}", path.display())]
    NotUtf8 {
        /// The row.
        place: String,
        /// The path.
        path: PathBuf,
    },
    /// A name that cannot be used.
    #[error("{place}: {source}")]
    Name {
        /// The row.
        place: String,
        /// Why not.
        source: NameError,
    },
    /// Two cases of one name.
    #[error(
        "{place}: the case id {} is taken by {first} (ids must differ by more than the case of \
         letters or the Unicode form of accents)",
        shown(id)
    )]
    DoubledId {
        /// The row.
        place: String,
        /// The name.
        id: String,
        /// The row that had it first.
        first: String,
    },
    /// Two spellings of one patient.
    #[error(
        "{place}: the patient {} is called {} in {first}, which differs by the case of letters or \
         the Unicode form of accents alone: write one patient one way, and two by names that differ \
         by more",
        shown(patient),
        shown(other)
    )]
    PatientSpelling {
        /// The row.
        place: String,
        /// How the patient is spelt there.
        patient: String,
        /// The row that has the other spelling.
        first: String,
        /// The other spelling.
        other: String,
    },
    /// Labels without a scan, or a training scan without labels.
    #[error("{}: {what}", path.display())]
    Unpaired {
        /// What is missing.
        what: String,
        /// The file that stands alone.
        path: PathBuf,
    },
    /// Labels that two scans claim.
    #[error(
        "{place}: {first} has the same label file, for another scan: give each scan its own, {}",
        path.display()
    )]
    SharedLabels {
        /// The row.
        place: String,
        /// The row that had them first.
        first: String,
        /// The labels.
        path: PathBuf,
    },
    /// A file that is another channel of a scan.
    #[error(
        "{}: a further channel of the case `{case}`: CT has one; keep channel 0000 alone",
        path.display()
    )]
    FurtherChannel {
        /// The case.
        case: String,
        /// The channel's file.
        path: PathBuf,
    },
    /// A file of nnU-Net's image folder that is not called as its scans are.
    #[error("{}: wanted NAME_0000{ending}, as `file_ending` in dataset.json says", path.display())]
    NoChannel {
        /// How names of files must end.
        ending: String,
        /// The file.
        path: PathBuf,
    },
    /// A folder of nnU-Net's whose files all end otherwise.
    #[error(
        "no file in {} ends with {ending}, of {n_others} there, {first} the first: name the ending \
         of scans and labels as `file_ending` in dataset.json", path.display()
    )]
    NoSuchEnding {
        /// How names of files must end.
        ending: String,
        /// How many files there are.
        n_others: usize,
        /// The first of them.
        first: String,
        /// The folder.
        path: PathBuf,
    },
    /// A number of training scans that is not that of the files.
    #[error(
        "dataset.json says numTraining = {said}, but {found} training scans are there: some are \
         missing, or correct numTraining"
    )]
    NumTraining {
        /// What it says.
        said: u64,
        /// What is there.
        found: usize,
    },
    /// A scan whose patient the rule does not give.
    #[error("the case `{case}` has no patient: {why}")]
    NoPatient {
        /// The case.
        case: String,
        /// What was looked at, and the way out.
        why: String,
    },
    /// An organ that no case is annotated for.
    #[error(
        "no case is annotated for `{organ}`; annotated are {listed} (names must be those of the \
         organ map; an organ that several of them make up names them beside its values, as \
         kidney = [2, 3, \"kidney_left\", \"kidney_right\"])"
    )]
    NeverAnnotated {
        /// The organ.
        organ: Organ,
        /// What the cohort lists.
        listed: String,
    },
}

fn counted(n_problems: usize) -> String {
    match n_problems {
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

fn listed(problems: &[impl fmt::Display]) -> String {
    let lines = problems.iter().map(|problem| format!("\n  {problem}"));
    lines.collect()
}
