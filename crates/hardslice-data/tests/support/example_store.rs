// A prepared cohort small enough for an example in the documentation, which takes this file in with
// `include!`: so no comment of a module stands here.

use std::path::Path;

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{self, Layout};
use hardslice_data::mining::{CoarseMask, ScoredSlice, SliceScore};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{Organ, OrganMap, OutputIdx, SliceRef};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

/// Ten slices of 16 × 16 pixels, 2 × 2 × 5 mm.
const SHAPE: PerAxis<usize> = PerAxis::new(10, 16, 16);

/// Patients `a`, `b` and `c`. The liver is a square of 36 pixels in the slices 2 to 7; in slice 4 of
/// patient `c` two thirds of it are not labelled.
pub fn store(dir: &Path) -> Store {
    let cohort = dir.join("cohort");
    for name in ["a", "b", "c"] {
        let image = liver(0)
            .iter()
            .map(|value| 100 * i16::from(*value))
            .collect();
        let scan = Volume::new(grid(), image).expect("a value for each voxel");
        write_scan(&cohort.join(format!("{name}_ct.nii.gz")), &scan).expect("a folder to write to");
        let cut = if name == "c" { 4 } else { 0 };
        write_labels(&cohort.join(format!("{name}_seg.nii.gz")), liver(cut));
    }
    let liver = Organ::new("liver").expect("a name");
    let organs = OrganMap::new([(liver, vec![1])]).expect("an organ and its value");
    let cohort = manifest::read(&cohort, Layout::Pairs, Some(&organs)).expect("scans with labels");
    let options = PrepareOptions {
        size: 16,
        ..PrepareOptions::default()
    };
    let store = dir.join("store");
    prepare(&cohort, &options, Accepted::Everything, &store, &|_| ()).expect("scans that can be prepared");
    Store::open(store).expect("a finished store")
}

/// A label map of a patient as another program would leave it: in slice 4 it misses two thirds of the
/// liver.
#[allow(dead_code, reason = "not every example needs it")]
pub fn write_prediction(dir: &Path, patient: &str) {
    write_labels(&dir.join(format!("{patient}.nii.gz")), liver(4));
}

/// The scores of a case by a prediction: of `a` by that one, of `c` by one that finds the whole liver.
#[allow(dead_code, reason = "not every example needs it")]
pub fn scored(store: &Store, case_idx: usize) -> Vec<ScoredSlice> {
    let predicted = liver(if case_idx == 0 { 4 } else { 0 });
    let of_slice = |z| {
        let predicted = &predicted[z * SHAPE.n_pixels()..(z + 1) * SHAPE.n_pixels()];
        let both = store.labels(case_idx, z).iter().zip(predicted);
        let both = both.map(|(truth, predicted)| (*truth == 1, *predicted == 1));
        ScoredSlice {
            score: SliceScore::counted(SliceRef::at(case_idx, z), OutputIdx::new(0), both),
            loss: None,
            predicted: CoarseMask::sampled(store.size(), |pixel| predicted[pixel] == 1),
        }
    };
    (0..SHAPE.z).map(of_slice).collect()
}

/// The liver's voxels, two of its six columns alone in slice `cut`.
fn liver(cut: usize) -> Vec<u8> {
    let mut labels = vec![0; SHAPE.n_voxels()];
    for z in 2..8 {
        for y in 5..11 {
            let columns = if z == cut { 5..7 } else { 5..11 };
            let row = (z * SHAPE.y + y) * SHAPE.x;
            labels[row..][columns].fill(1);
        }
    }
    labels
}

fn write_labels(path: &Path, labels: Vec<u8>) {
    let labels = Volume::new(grid(), labels).expect("a value for each voxel");
    let placement = Placement::new(grid()).expect("a grid with axes");
    write_label_map(path, &labels, &placement).expect("a folder to write to");
}

fn grid() -> Grid {
    let world_from_voxel = [
        [2.0, 0.0, 0.0, 0.0],
        [0.0, 2.0, 0.0, 0.0],
        [0.0, 0.0, 5.0, 0.0],
    ];
    Grid {
        shape: SHAPE,
        world_from_voxel,
    }
}
