//! Parsers of cohorts, stores, splits, plans, ledgers and probabilities.

mod cohort;
mod ledger;
mod npz;
mod plan;
mod split;
mod store;

use std::fs;
use std::path::Path;

use hardslice_data::{Organ, OrganMap};

use crate::target::{Room, Target};

/// The targets of `hardslice-data`.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "table",
        run: cohort::table,
        room: TEXT,
    },
    Target {
        name: "manifest_toml",
        run: cohort::toml,
        room: TEXT,
    },
    Target {
        name: "dataset_json",
        run: cohort::dataset_json,
        room: TEXT,
    },
    Target {
        name: "split_json",
        run: split::json,
        room: TEXT,
    },
    Target {
        name: "splits_final",
        run: split::nnunet,
        room: TEXT,
    },
    Target {
        name: "plan",
        run: plan::run,
        room: TEXT,
    },
    Target {
        name: "ledger",
        run: ledger::run,
        room: Room {
            // The dictionary of one page may stand for every row.
            constant: 16 << 20,
            per_byte: 4096,
            unpacked: None,
        },
    },
    Target {
        name: "npy",
        run: store::npy,
        room: TEXT,
    },
    Target {
        name: "npz",
        run: npz::run,
        room: TEXT,
    },
    Target {
        name: "store_json",
        run: store::record,
        room: TEXT,
    },
];

/// A letter becomes a number of eight bytes, a cell of a table a string of its own, a problem a
/// sentence.
const TEXT: Room = Room {
    constant: 4 << 20,
    per_byte: 400,
    unpacked: None,
};

fn organs() -> OrganMap {
    let organ = |name| Organ::new(name).expect("a plain name");
    OrganMap::new([(organ("liver"), vec![1]), (organ("kidney"), vec![2, 3])])
        .expect("no label stands twice")
}

/// Writes an empty file unless it is there.
fn touch(path: &Path) {
    if !path.exists() {
        let folder = path.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("a folder to write to");
        fs::write(path, []).expect("a folder to write to");
    }
}
