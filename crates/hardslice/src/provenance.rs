//! What a result was made of: enough to make it again a year later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;
use hardslice::experiment::Experiment;
use hardslice_data::store::Store;
use hardslice_train::arithmetic;
use hardslice_volume::whole_file::write_whole_bytes;

use serde::Serialize;

use crate::layout::OutDir;

#[derive(Debug, Serialize)]
struct Provenance<'a> {
    program: &'a str,
    instruction_set: String,
    seed: u64,
    experiment_blake3: String,
    store_blake3: &'a str,
    /// Hash of the inputs of each case.
    cases: Vec<(&'a str, &'a str)>,
}

#[derive(Debug, Serialize)]
struct OfCommand<'a, S> {
    program: &'a str,
    command: &'a str,
    settings: &'a S,
    instruction_set: String,
    /// BLAKE3 of each input file.
    inputs: Vec<(String, String)>,
}

/// Writes, beside what a command left, what it was made of: `OUT.provenance.json`.
///
/// `settings` are the command's own; `inputs` are files, or folders whose files are hashed one by
/// one in the order of their names.
pub(crate) fn of_command(
    out: &Path,
    command: &str,
    settings: &impl Serialize,
    inputs: &[&Path],
    device: &Device,
) -> anyhow::Result<()> {
    let mut hashes = Vec::new();
    for input in inputs {
        for file in files(input)? {
            let bytes =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            hashes.push((
                file.display().to_string(),
                blake3::hash(&bytes).to_hex().to_string(),
            ));
        }
    }
    let json = serde_json::to_vec_pretty(&OfCommand {
        program: env!("CARGO_PKG_VERSION"),
        command,
        settings,
        instruction_set: arithmetic(device),
        inputs: hashes,
    })?;
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(".provenance.json");
    let path = out.with_file_name(name);
    write_whole_bytes(&path, &json).with_context(|| format!("cannot write {}", path.display()))
}

/// A file, or the files that lie in a folder, by name.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `provenance.json`.
pub(crate) fn write(
    out: &OutDir,
    experiment: &Experiment,
    store: &Store,
    device: &Device,
) -> anyhow::Result<()> {
    let cases = store.cases().iter();
    let provenance = Provenance {
        program: env!("CARGO_PKG_VERSION"),
        instruction_set: arithmetic(device),
        seed: experiment.seed,
        experiment_blake3: blake3::hash(experiment.to_toml()?.as_bytes())
            .to_hex()
            .to_string(),
        store_blake3: store.content_hash(),
        cases: cases
            .map(|case| (case.id.as_str(), case.source.inputs_blake3.as_str()))
            .collect(),
    };
    let json = serde_json::to_vec_pretty(&provenance)?;
    write_whole_bytes(&out.provenance(), &json).context("cannot write provenance.json")
}
