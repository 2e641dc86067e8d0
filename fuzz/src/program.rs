//! Parsers of the program: experiments, scores, comparisons.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hardslice::experiment::Experiment;
use hardslice_eval::compare::{Comparison, ComparisonPlan};
use hardslice_train::Evaluation;
use hardslice_volume::whole_file::{read_json, read_sealed, write_json, write_sealed};

use crate::seal::with_seal;
use crate::target::{Room, Target, names_the_file};

/// The targets of the program.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "experiment",
        run: experiment,
        room: TEXT,
    },
    Target {
        name: "evaluation",
        run: evaluation,
        room: TEXT,
    },
    Target {
        name: "comparison",
        run: comparison,
        room: TEXT,
    },
];

/// Presets are merged as trees of values.
const TEXT: Room = Room {
    constant: 4 << 20,
    per_byte: 400,
    unpacked: None,
};

fn experiment(input: &[u8], folder: &Path) {
    let path = folder.join("experiment.toml");
    fs::write(&path, input).expect("a folder to write to");
    match Experiment::read(&path) {
        Ok(experiment) => {
            let text = experiment.to_toml().expect("what was read can be written");
            let again = Experiment::parse(&text, &path).expect("what was written can be read");
            assert_eq!(again, experiment, "with every value spelt out");
        }
        Err(error) => names_the_file(&error, "experiment.toml"),
    }
}

fn evaluation(input: &[u8], folder: &Path) {
    let path = folder.join("evaluation.json");
    fs::write(&path, with_seal(input)).expect("a folder to write to");
    match read_sealed::<Evaluation>(&path) {
        Ok(evaluation) => {
            write_sealed(&path, &evaluation).expect("what was read can be written");
            let again: Evaluation = read_sealed(&path).expect("what was written can be read");
            assert_eq!(again, evaluation, "as it was written");
        }
        Err(error) => names_the_file(&error, "evaluation.json"),
    }
}

fn comparison(input: &[u8], folder: &Path) {
    let path = folder.join("comparison.json");
    fs::write(&path, input).expect("a folder to write to");
    match read_json::<BTreeMap<String, Comparison>>(&path) {
        Ok(comparison) => {
            write_json(&path, &comparison).expect("what was read can be written");
            let again: BTreeMap<String, Comparison> =
                read_json(&path).expect("what was written can be read");
            assert_eq!(again, comparison, "as it was written");
        }
        Err(error) => names_the_file(&error, "comparison.json"),
    }
    if let Ok(plan) = read_json::<ComparisonPlan>(&path) {
        assert_eq!(plan.hash().len(), 64, "of every plan");
    }
}
