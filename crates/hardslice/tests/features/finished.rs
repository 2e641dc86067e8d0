//! A finished run, and what it says of its slices.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::split::Split;
use hardslice_data::store::Store;
use serde_json::Value;

use crate::support::run;

/// Case and slice.
pub(crate) type Slice = (String, u32);

/// A finished run.
pub(crate) struct Finished {
    pub(crate) out: PathBuf,
    pub(crate) store: Store,
    pub(crate) split: Split,
}

impl Finished {
    /// Runs an experiment in a workplace.
    pub(crate) fn of(experiment: &str, dir: &Path) -> Self {
        fs::write(dir.join("experiment.toml"), experiment).unwrap();
        run(&["run", "experiment.toml", "--out", "out"], dir);
        let out = dir.join("out");
        Self {
            store: Store::open(out.join("store")).unwrap(),
            split: serde_json::from_slice(&fs::read(out.join("split.json")).unwrap()).unwrap(),
            out,
        }
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&fs::read(self.out.join(path)).unwrap()).unwrap()
    }

    pub(crate) fn lines(&self, path: &str) -> Vec<String> {
        let text = fs::read_to_string(self.out.join(path)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// What an arm shows in the last part of its second half: weight and reason of each slice.
    pub(crate) fn plan(&self, arm: &str) -> BTreeMap<Slice, (f64, String)> {
        let rows = self.lines(&format!("liver/{arm}/plan.csv"));
        let row = |row: &String| {
            let cells: Vec<&str> = row.split(',').collect();
            let slice = (cells[0].to_owned(), cells[1].parse().unwrap());
            (slice, (cells[2].parse().unwrap(), cells[3].to_owned()))
        };
        rows[1..].iter().map(row).collect()
    }

    /// The slices of some cases.
    pub(crate) fn slices(&self, cases: &[hardslice_data::CaseId]) -> BTreeSet<Slice> {
        let mut slices = BTreeSet::new();
        for case in cases {
            let place = self.store.place_of(case.as_str()).unwrap();
            let n = u32::try_from(self.store.cases()[place].n_slices).unwrap();
            slices.extend((0..n).map(|z| (case.to_string(), z)));
        }
        slices
    }

    /// Whether the liver is in a slice, by the store's labels.
    pub(crate) fn is_positive(&self, (case, z): &Slice) -> bool {
        let place = self.store.place_of(case).unwrap();
        let liver = self
            .store
            .organ_of(&hardslice_data::Organ::new("liver").unwrap());
        let liver = self.store.label_of(liver.unwrap());
        self.store.labels(place, *z as usize).contains(&liver)
    }

    pub(crate) fn ledger(&self, path: &str) -> Vec<LedgerRow> {
        ledger::read(&self.out.join(path)).unwrap()
    }

    /// The hard slices of a mining and `1 - Dice` of each that is not easy, from its record.
    pub(crate) fn mined(&self, path: &str) -> (BTreeSet<Slice>, BTreeMap<Slice, f64>) {
        let mined = self.json(path);
        let slice = |value: &Value| {
            let place = usize::try_from(value["case_idx"].as_u64().unwrap()).unwrap();
            let z = u32::try_from(value["z"].as_u64().unwrap()).unwrap();
            (self.store.cases()[place].id.to_string(), z)
        };
        let hard = mined["hard"].as_array().unwrap().iter().map(slice);
        let difficulty = mined["difficulty"].as_array().unwrap().iter();
        let difficulty = difficulty.map(|pair| (slice(&pair[0]), pair[1].as_f64().unwrap()));
        (hard.collect(), difficulty.collect())
    }
}
