//! What a result was made of: enough to make it again a year later.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;
use hardslice_data::audit::AuditRow;
use hardslice_train::arithmetic;
use hardslice_volume::folder::files_below;
use hardslice_volume::whole_file::{write_json, write_whole_bytes};
use hardslice_volume::{Action, FileError, volume_files};
use serde::Serialize;
use thiserror::Error;

use crate::cohort::PreparedCohort;
use crate::experiment::Experiment;
use crate::layout::{NoName, OutDir, provenance_beside};
use crate::notes::Notes;

#[derive(Debug, Serialize)]
struct Provenance<'a> {
    program: &'a str,
    instruction_set: String,
    seed: u64,
    experiment_blake3: String,
    store_blake3: &'a str,
    /// Hash of the inputs of each case.
    cases: Vec<(&'a str, &'a str)>,
    /// What was noted of the cohort's list.
    notes: &'a [String],
    /// What the audit found and the cohort is used in spite of.
    findings: Vec<AuditRow<'a>>,
}

#[derive(Debug, Serialize)]
struct OfCommand<'a, S> {
    program: &'a str,
    command: &'a str,
    settings: &'a S,
    instruction_set: String,
    /// BLAKE3 of each input file.
    inputs: Vec<(String, String)>,
    /// What was read by a rule and not by the letter.
    notes: Vec<String>,
    /// BLAKE3 of each file that was left and must not be lost if somebody edits it, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: &'a Outputs,
}

/// BLAKE3 of files, by their names.
pub(crate) type Outputs = BTreeMap<String, String>;

/// What a command was made of.
#[derive(Debug)]
pub(crate) struct MadeOf<'a, S> {
    /// The command's name.
    pub(crate) command: &'a str,
    /// Its own settings.
    pub(crate) settings: &'a S,
    /// Files, or folders whose visible files are hashed one by one in the order of their names,
    /// those of their folders included.
    pub(crate) inputs: &'a [&'a Path],
    /// What the readers of the inputs took for granted.
    pub(crate) notes: &'a Notes,
}

/// What a command was made of cannot be written down.
#[derive(Debug, Error)]
pub(crate) enum ProvenanceError {
    /// The output has no name, beside which it could be written.
    #[error(transparent)]
    NoName(#[from] NoName),
    /// An input whose path no text can hold.
    #[error("the record of what was read is text, and this path is not UTF-8: rename it: {}", path.display())]
    NotUtf8 { path: PathBuf },
    /// An input cannot be read, or the record not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Writes, beside what a command left, what it was made of: `OUT.provenance.json`.
pub(crate) fn of_command<S: Serialize>(
    out: &Path,
    made_of: &MadeOf<'_, S>,
    device: &Device,
) -> Result<(), ProvenanceError> {
    of_command_that_left(&Outputs::new(), out, made_of, device)
}

/// As [`of_command`], with what was left.
pub(crate) fn of_command_that_left<S: Serialize>(
    outputs: &Outputs,
    out: &Path,
    made_of: &MadeOf<'_, S>,
    device: &Device,
) -> Result<(), ProvenanceError> {
    let path = provenance_beside(out)?;
    let provenance = OfCommand {
        program: env!("CARGO_PKG_VERSION"),
        command: made_of.command,
        settings: made_of.settings,
        instruction_set: arithmetic(device),
        inputs: hashes(made_of.inputs)?,
        notes: made_of.notes.in_words(),
        outputs,
    };
    Ok(write_json(&path, &provenance)?)
}

/// BLAKE3 of a file, in hexadecimal.
pub(crate) fn hash_of_file(file: &Path) -> Result<String, FileError> {
    let bytes = fs::read(file).map_err(Action::Read.on(file))?;
    Ok(blake3::hash(&bytes).to_hex().to_string())
}

/// BLAKE3 of each file, and of each visible file of folders, by its path.
pub(crate) fn hashes(paths: &[&Path]) -> Result<Vec<(String, String)>, ProvenanceError> {
    let mut hashes = Vec::new();
    for path in paths {
        for file in files(path)? {
            let hash = hash_of_file(&file)?;
            let Some(name) = file.to_str() else {
                return Err(ProvenanceError::NotUtf8 { path: file });
            };
            hashes.push((name.to_owned(), hash));
        }
    }
    Ok(hashes)
}

/// Checks, before hours of work, that what will be written down of the inputs can be read: in a folder a
/// link that leads nowhere, say, has no content.
///
/// Fails with the name of what cannot be read.
pub(crate) fn check_inputs(inputs: &[&Path]) -> anyhow::Result<()> {
    for input in inputs.iter().filter(|input| input.is_dir()) {
        files(input).with_context(|| {
            format!(
                "the hash of every file in {} is written down with the result, so that none may be \
                 passed over: mend this one, or take it out",
                input.display()
            )
        })?;
    }
    Ok(())
}

/// A file with those in which its voxels lie (`.hdr` and `.img`, `.nhdr`, `.mhd`), or the visible files
/// below a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if path.is_dir() {
        return files_below(path);
    }
    // What cannot be read as a volume has no other files.
    let files = volume_files(path).unwrap_or_default();
    let mut others: Vec<PathBuf> = files.into_iter().filter(|file| file != path).collect();
    others.insert(0, path.to_owned());
    Ok(others)
}

/// Writes down what is begun, where nothing is written down yet. What stands beside results stays until
/// there are others: a command may yet be refused for what the folder holds.
pub(crate) fn begin(
    out: &OutDir,
    experiment: &Experiment,
    cohort: &PreparedCohort,
    device: &Device,
) -> anyhow::Result<()> {
    if out.is_recorded() {
        return Ok(());
    }
    write(out, experiment, cohort, device)
}

/// Writes `experiment.toml` and `provenance.json`.
pub(crate) fn write(
    out: &OutDir,
    experiment: &Experiment,
    cohort: &PreparedCohort,
    device: &Device,
) -> anyhow::Result<()> {
    let toml = experiment.to_toml()?;
    let path = out.experiment();
    write_whole_bytes(&path, toml.as_bytes()).map_err(Action::Write.on(&path))?;
    let store = &cohort.store;
    let cases = store.cases().iter();
    let provenance = Provenance {
        program: env!("CARGO_PKG_VERSION"),
        instruction_set: arithmetic(device),
        seed: experiment.seed,
        experiment_blake3: blake3::hash(toml.as_bytes()).to_hex().to_string(),
        store_blake3: store.content_hash(),
        cases: cases
            .map(|case| (case.id.as_str(), case.source.inputs_blake3.as_str()))
            .collect(),
        notes: &cohort.findings.notes,
        findings: cohort.findings.audit.rows().collect(),
    };
    Ok(write_json(&out.provenance(), &provenance)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(out: &Path, inputs: &[&Path]) -> String {
        let made_of = MadeOf {
            command: "test",
            settings: &(),
            inputs,
            notes: &Notes::default(),
        };
        let written = of_command(out, &made_of, &Device::flex());
        written.unwrap_err().to_string()
    }

    #[test]
    fn an_output_without_a_name_is_refused_before_anything_is_done() {
        for out in ["..", "/", "a/.."] {
            let refused = refused(Path::new(out), &[]);
            assert!(
                refused.starts_with("the output must end in a name"),
                "{out}"
            );
            assert!(refused.ends_with(out), "{refused}");
        }
    }

    #[test]
    fn an_input_that_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let refused = refused(&dir.path().join("out"), &[Path::new("/no/scan.nii")]);
        assert_eq!(refused, "cannot read /no/scan.nii");
    }

    #[cfg(unix)]
    #[test]
    fn an_input_whose_name_no_text_can_hold_is_named() {
        use std::os::unix::ffi::OsStrExt;

        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join(std::ffi::OsStr::from_bytes(b"k\xf6ln.nii"));
        fs::write(&input, "scan").unwrap();
        let refused = refused(&dir.path().join("out"), &[&input]);
        assert!(refused.contains("is not UTF-8"), "{refused}");
    }
}
