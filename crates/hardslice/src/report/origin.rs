//! What it was all made of.

use std::fs;
use std::io;
use std::path::Path;

use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_eval::compare::counted;
use hardslice_view::report::{Block, Section};
use hardslice_volume::whole_file::read_json_if_there;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::gathered::Gathered;
use crate::layout::OutDir;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("provenance", "Provenance");
    let (mut facts, mut unreadable) = (Vec::new(), Vec::new());
    let out = OutDir::new(&gathered.dir);
    let command = gathered.left_by.name();
    facts.push(("made by".to_owned(), format!("hardslice {command}")));
    if let Some(provenance) = read(&out.provenance(), &mut unreadable) {
        facts.extend(plain(&provenance));
    }
    let seeds: Vec<String> = gathered.seeds().iter().map(u64::to_string).collect();
    if !seeds.is_empty() {
        facts.push(("seeds".to_owned(), seeds.join(", ")));
    }
    let plan = read::<Map<String, Value>>(&out.comparison_plan(), &mut unreadable);
    if let Some(plan) = plan {
        let hash = plan.get("plan_blake3").and_then(Value::as_str);
        facts.extend(hash.map(|hash| ("plan of the comparison".to_owned(), hash.to_owned())));
    }
    if let Ok(store) = &gathered.store {
        facts.extend(cohort(store));
    }
    if let Some(split) = read::<Split>(&out.split(), &mut unreadable) {
        let folds = [
            (Fold::Test, "test"),
            (Fold::Validation, "validation"),
            (Fold::A, "A"),
            (Fold::B, "B"),
        ];
        let folds = folds.map(|(fold, name)| format!("{} {name}", split.cases(fold).len()));
        facts.push(("scans in each fold".to_owned(), folds.join(", ")));
    }
    section.blocks.push(Block::Facts(facts));
    for why in unreadable {
        section.push(Err(why));
    }
    for (file, title) in [
        (
            "experiment.toml",
            "The experiment, every value spelt out (experiment.toml)",
        ),
        (
            "comparison_plan.json",
            "The plan of the comparison, written before the test set was opened",
        ),
        ("provenance.json", "Hashes of every input (provenance.json)"),
    ] {
        match fs::read_to_string(gathered.dir.join(file)) {
            Ok(text) => section.blocks.push(Block::Listing {
                title: title.to_owned(),
                text,
            }),
            // A run has none.
            Err(error)
                if file == "comparison_plan.json" && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => section.push(Err(format!("{file} cannot be read: {error}."))),
        }
    }
    section
}

/// What a file of JSON says, nothing where it is not there; why it cannot be read is noted.
fn read<T: DeserializeOwned>(path: &Path, unreadable: &mut Vec<String>) -> Option<T> {
    let read = read_json_if_there(path);
    read.unwrap_or_else(|error| {
        unreadable.push(format!(
            "A file is left out: {}.",
            crate::causes::causes(&error)
        ));
        None
    })
}

/// The text and numbers of a JSON object, its keys as words.
fn plain(object: &Map<String, Value>) -> Vec<(String, String)> {
    let fact = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((key.replace("_blake3", " (BLAKE3)").replace('_', " "), value))
    };
    object.iter().filter_map(fact).collect()
}

fn cohort(store: &Store) -> Vec<(String, String)> {
    let cases = store.cases();
    let mut patients: Vec<&str> = cases.iter().map(|case| case.patient.as_str()).collect();
    patients.sort_unstable();
    patients.dedup();
    let n_slices: usize = cases.iter().map(|case| case.n_slices).sum();
    let options = store.options();
    let [low, high] = options.window_hu;
    vec![
        (
            "cohort".to_owned(),
            format!(
                "{}, {}, {}",
                counted(patients.len(), "patient"),
                counted(cases.len(), "scan"),
                counted(n_slices, "slice")
            ),
        ),
        (
            "slices".to_owned(),
            format!("{0} × {0} pixels, {low} to {high} HU", options.size),
        ),
        ("organs in the store".to_owned(), store.organs().to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_said_and_a_missing_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("split.json");
        let mut unreadable = Vec::new();
        assert!(read::<Split>(&path, &mut unreadable).is_none(), "missing");
        assert!(unreadable.is_empty(), "{unreadable:?}");
        fs::write(&path, "{}").unwrap();
        assert!(read::<Split>(&path, &mut unreadable).is_none(), "no split");
        let [why] = &unreadable[..] else {
            panic!("{unreadable:?}");
        };
        assert!(
            why.contains("split.json") && why.contains("missing field"),
            "{why}"
        );
    }
}
