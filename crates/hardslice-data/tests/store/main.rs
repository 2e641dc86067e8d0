//! Cohorts of small scans, prepared, stopped, completed and read.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

mod again;
mod refused;
mod slices;

use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::random::Stream;
use hardslice_data::store::{PrepareOptions, PrepareReport, prepare};
use hardslice_data::{CaseId, Organ, OrganMap, PatientId, Progress};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

/// 3 slices of 4 rows and 6 columns; 0.8 × 0.8 × 5 mm.
pub(crate) const SHAPE: PerAxis<usize> = PerAxis::new(3, 4, 6);

pub(crate) fn grid(shape: PerAxis<usize>) -> Grid {
    Grid {
        shape,
        world_from_voxel: [
            [0.8, 0.0, 0.0, -10.0],
            [0.0, 0.8, 0.0, 7.0],
            [0.0, 0.0, 5.0, 100.0],
        ],
    }
}

/// The same voxels, running to the left and to the back as most files do.
pub(crate) fn flipped(grid: Grid) -> Placement {
    let mut native = grid;
    for axis in 0..2 {
        let last = grid.shape.xyz()[axis] as f64 - 1.0;
        native.world_from_voxel[axis][3] += 0.8 * last;
        native.world_from_voxel[axis][axis] = -0.8;
    }
    Placement::new(native).unwrap()
}

/// Scans of noise, labels 0 to 3 in every slice but the lowest.
pub(crate) fn write_case(dir: &Path, name: &str) -> Case {
    let mut stream = Stream::new(0, name);
    let grid = grid(SHAPE);
    let hu: Vec<i16> = (0..SHAPE.n_voxels())
        .map(|_| i16::try_from(stream.below(900)).unwrap() - 500)
        .collect();
    let labels: Vec<u8> = (0..SHAPE.n_voxels())
        .map(|at| {
            if at < SHAPE.n_pixels() {
                0
            } else {
                u8::try_from(stream.below(4)).unwrap()
            }
        })
        .collect();
    let (image, label_map) = (
        dir.join(format!("{name}.nii.gz")),
        dir.join(format!("{name}_seg.nii.gz")),
    );
    write_scan(&image, &Volume::new(grid, hu).unwrap()).unwrap();
    write_label_map(
        &label_map,
        &Volume::new(grid, labels).unwrap(),
        &flipped(grid),
    )
    .unwrap();
    Case {
        id: CaseId::new(name).unwrap(),
        patient: PatientId::new("p").unwrap(),
        image,
        series_uid: None,
        labels: Some(label_map),
        organs_annotated: vec![Organ::new("kidney").unwrap()],
    }
}

pub(crate) fn manifest(cases: Vec<Case>) -> Manifest {
    let organ = |name| Organ::new(name).unwrap();
    Manifest {
        cases,
        organs: OrganMap::new([(organ("spleen"), vec![3]), (organ("kidney"), vec![1, 2])]).unwrap(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: Vec::new(),
    }
}

pub(crate) fn cohort(dir: &Path, n_cases: usize) -> Manifest {
    manifest(
        (0..n_cases)
            .map(|index| write_case(dir, &format!("c{index}")))
            .collect(),
    )
}

pub(crate) fn options(size: usize) -> PrepareOptions {
    PrepareOptions {
        size,
        ..PrepareOptions::default()
    }
}

pub(crate) fn silent(_: Progress<'_>) {}

pub(crate) fn prepared(manifest: &Manifest, size: usize, dir: &Path) -> PrepareReport {
    prepare(manifest, &options(size), Accepted::Everything, dir, &silent).unwrap()
}
