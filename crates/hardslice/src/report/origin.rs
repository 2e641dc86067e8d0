//! What it was all made of.

use std::fs;

use hardslice_data::store::Store;
use hardslice_view::report::{Block, Section};
use serde_json::Value;

use super::found::Kind;
use super::gathered::{Gathered, counted};

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("provenance", "Provenance");
    let mut facts = Vec::new();
    let json = |name: &str| -> Option<Value> {
        serde_json::from_slice(&fs::read(gathered.dir.join(name)).ok()?).ok()
    };
    let command = match gathered.kind {
        Kind::Run => "run",
        Kind::Compare => "compare",
        Kind::Sweep => "sweep",
    };
    facts.push(("made by".to_owned(), format!("hardslice {command}")));
    if let Some(provenance) = json("provenance.json") {
        facts.extend(plain(&provenance));
    }
    let seeds: Vec<String> = gathered.seeds().iter().map(u64::to_string).collect();
    if !seeds.is_empty() {
        facts.push(("seeds".to_owned(), seeds.join(", ")));
    }
    if let Some(plan) = json("comparison_plan.json") {
        let hash = ["plan_blake3", "blake3", "hash"]
            .iter()
            .find_map(|key| plan.get(key)?.as_str());
        facts.extend(hash.map(|hash| ("plan of the comparison".to_owned(), hash.to_owned())));
    }
    if let Ok(store) = &gathered.store {
        facts.extend(cohort(store));
    }
    if let Some(split) = json("split.json") {
        let count = |fold: &str| split.get(fold).and_then(Value::as_array).map(Vec::len);
        let folds = ["test", "validation", "a", "b"].map(|fold| {
            count(fold).map(|n| {
                format!(
                    "{n} {}",
                    if fold.len() == 1 {
                        fold.to_uppercase()
                    } else {
                        fold.to_owned()
                    }
                )
            })
        });
        let folds: Vec<String> = folds.into_iter().flatten().collect();
        facts.push(("scans in each fold".to_owned(), folds.join(", ")));
    }
    section.blocks.push(Block::Facts(facts));
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
            Err(_) if file == "comparison_plan.json" => {}
            Err(error) => section.push(Err(format!("{file} cannot be read: {error}."))),
        }
    }
    section
}

/// The text and numbers of a JSON object, its keys as words.
fn plain(object: &Value) -> Vec<(String, String)> {
    let entries = object.as_object().into_iter().flatten();
    let fact = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((key.replace("_blake3", " (BLAKE3)").replace('_', " "), value))
    };
    entries.filter_map(fact).collect()
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
