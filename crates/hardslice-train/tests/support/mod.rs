//! Stores of a few small scans, for what is asked of a net or a data set alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{CaseId, Organ, OrganMap, PatientId};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

/// Writes a scan with labels, 1 x 1 x 5 mm; the case is a patient of its own.
pub(crate) fn write_case(
    dir: &Path,
    name: &str,
    shape: PerAxis<usize>,
    hu: Vec<i16>,
    labels: Vec<u8>,
    annotated: &str,
) -> Case {
    let grid = Grid {
        shape,
        world_from_voxel: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 5.0, 0.0],
        ],
    };
    let [image, label_file] = ["ct", "seg"].map(|what| dir.join(format!("{name}_{what}.nii.gz")));
    write_scan(&image, &Volume::new(grid, hu).unwrap()).unwrap();
    let labels = Volume::new(grid, labels).unwrap();
    write_label_map(&label_file, &labels, &Placement::new(grid).unwrap()).unwrap();
    Case {
        id: CaseId::new(name).unwrap(),
        patient: PatientId::new(name).unwrap(),
        image,
        series_uid: None,
        labels: Some(label_file),
        organs_annotated: vec![Organ::new(annotated).unwrap()],
    }
}

/// Prepares these cases in `dir`, as squares of `size` pixels.
#[allow(dead_code, reason = "each test uses a part")]
pub(crate) fn store(dir: &Path, cases: Vec<Case>, organs: &[(&str, u16)], size: usize) -> Store {
    store_ignoring(&[], dir, cases, organs, size)
}

/// As [`store`], with label values that are to be ignored.
pub(crate) fn store_ignoring(
    ignored_labels: &[u16],
    dir: &Path,
    cases: Vec<Case>,
    organs: &[(&str, u16)],
    size: usize,
) -> Store {
    let organs = organs
        .iter()
        .map(|(name, label)| (Organ::new(*name).unwrap(), vec![*label]));
    let manifest = Manifest {
        cases,
        organs: OrganMap::new(organs).unwrap(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: ignored_labels.to_vec(),
    };
    let options = PrepareOptions {
        size,
        ..PrepareOptions::default()
    };
    let dir = dir.join("store");
    let report = prepare(&manifest, &options, Accepted::Everything, &dir, &|_| {}).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    Store::open(dir).unwrap()
}
