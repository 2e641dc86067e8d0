//! A prepared cohort of one case: its record, and a file of its slices.

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{Layout, read};
use hardslice_data::split::facts;
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{Organ, OrganMap, SliceRef};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

use crate::target::names_the_file;

/// A store whose slices are the input.
pub(crate) fn npy(input: &[u8], folder: &Path) {
    let store = prepared(folder);
    let image = store.join("cases/a/image.npy");
    fs::write(&image, input).expect("a folder to write to");
    match Store::open(&store) {
        Ok(store) => look_at(&store),
        Err(error) => names_the_file(&error, "image.npy"),
    }
}

/// A store whose record is the input.
pub(crate) fn record(input: &[u8], folder: &Path) {
    let store = prepared(folder);
    fs::write(store.join("store.json"), input).expect("a folder to write to");
    match Store::open(&store) {
        Ok(store) => look_at(&store),
        Err(error) => names_the_file(&error, "store"),
    }
}

/// Everything that others ask of a store.
fn look_at(store: &Store) {
    let organs: Vec<Organ> = store.organs().organs().cloned().collect();
    let facts = facts(store, &organs);
    assert_eq!(facts.len(), store.cases().len(), "facts of each case");
    for (case_idx, case) in store.cases().iter().enumerate() {
        let n_pixels = store.size() * store.size();
        for z in 0..case.n_slices {
            assert_eq!(store.image(case_idx, z).len(), n_pixels, "image");
            assert_eq!(store.labels(case_idx, z).len(), n_pixels, "labels");
            for organ in &organs {
                if let Some(organ) = store.organ_of(organ) {
                    store.slice_kind(organ, SliceRef::at(case_idx, z));
                }
            }
        }
        if let Some(labels) = store.native_labels(case_idx) {
            let shape = case.placement.canonical.shape;
            assert_eq!(labels.len(), shape.n_voxels(), "on the scan's own grid");
        }
    }
    for error in store.verify().err().into_iter().flatten() {
        names_the_file(&error, "cases");
    }
}

/// The store's folder, as `prepare` leaves it for a scan of two slices of 3 × 4 pixels.
fn prepared(folder: &Path) -> PathBuf {
    let store = folder.join("store");
    if store.exists() {
        return store;
    }
    let cohort = folder.join("cohort");
    let grid = Grid {
        shape: PerAxis::new(2, 3, 4),
        world_from_voxel: [
            [2.0, 0.0, 0.0, -10.0],
            [0.0, 2.0, 0.0, 20.0],
            [0.0, 0.0, 5.0, 0.0],
        ],
    };
    let placement = Placement::new(grid).expect("the affine has an inverse");
    let scan = Volume::new(grid, (0..24).collect()).expect("a value for each voxel");
    write_scan(&cohort.join("a_ct.nii"), &scan).expect("a folder to write to");
    let labels = (0..24).map(|at| u8::from(at % 3 == 0)).collect();
    let labels = Volume::new(grid, labels).expect("a value for each voxel");
    write_label_map(&cohort.join("a_seg.nii"), &labels, &placement).expect("a folder to write to");
    let liver = Organ::new("liver").expect("a plain name");
    let organs = OrganMap::new([(liver, vec![1])]).expect("an organ and its value");
    let cohort = read(&cohort, Layout::Pairs, Some(&organs)).expect("a scan with labels");
    let options = PrepareOptions {
        size: 16,
        ..PrepareOptions::default()
    };
    let done = prepare(&cohort, &options, Accepted::Everything, &store, &|_| ());
    done.expect("a scan that can be prepared");
    store
}
