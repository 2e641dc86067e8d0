//! What a result was made of: enough to make it again a year later.

use std::path::Path;

use anyhow::Context;
use hardslice::experiment::Experiment;
use hardslice_data::store::Store;
use hardslice_volume::whole_file::write_whole_bytes;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Provenance<'a> {
    program: &'a str,
    instruction_set: &'a str,
    seed: u64,
    experiment_blake3: String,
    store_blake3: &'a str,
    /// Hash of the inputs of each case.
    cases: Vec<(&'a str, &'a str)>,
}

/// Writes `provenance.json`.
pub(crate) fn write(out: &Path, experiment: &Experiment, store: &Store) -> anyhow::Result<()> {
    let cases = store.cases().iter();
    let provenance = Provenance {
        program: env!("CARGO_PKG_VERSION"),
        instruction_set: hardslice_kernels::instruction_set(),
        seed: experiment.seed,
        experiment_blake3: blake3::hash(experiment.to_toml().as_bytes())
            .to_hex()
            .to_string(),
        store_blake3: store.content_hash(),
        cases: cases
            .map(|case| (case.id.as_str(), case.source.inputs_blake3.as_str()))
            .collect(),
    };
    let json = serde_json::to_vec_pretty(&provenance)?;
    write_whole_bytes(&out.join("provenance.json"), &json).context("cannot write provenance.json")
}
