//! What a net is given of a case of a store, and of the scan that the case was made from.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::path::Path;

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{self, Layout};
use hardslice_data::preprocess::{Preprocessing, ScanSlices, SliceSource, SliceStack};
use hardslice_data::random::Stream;
use hardslice_data::store::{PrepareOptions, Store, StoredSlices, prepare};
use hardslice_data::{Organ, OrganMap};
use hardslice_volume::{Grid, PerAxis, Volume, read_scan, write_scan};

/// Turned about two axes, with another spacing along each; axis by axis the voxels run along the
/// patient's axes or, where `reversed` says so, against them.
fn oblique(shape: PerAxis<usize>, reversed: [bool; 3]) -> Grid {
    let spacing_mm = [0.7, 1.3, 2.9];
    let (sin, cos) = 0.21_f64.sin_cos();
    let (sin_x, cos_x) = (-0.13_f64).sin_cos();
    // About z, then about x.
    let turned = [
        [cos, -sin, 0.0],
        [cos_x * sin, cos_x * cos, -sin_x],
        [sin_x * sin, sin_x * cos, cos_x],
    ];
    let mut world_from_voxel = [[0.0; 4]; 3];
    for (row, axes) in world_from_voxel.iter_mut().zip(turned) {
        for axis in 0..3 {
            let sign = if reversed[axis] { -1.0 } else { 1.0 };
            row[axis] = sign * spacing_mm[axis] * axes[axis];
        }
        row[3] = 17.0 - 40.0 * row[0];
    }
    Grid {
        shape,
        world_from_voxel,
    }
}

/// Noise over twice the window, so that much of it is clipped.
fn noise(shape: PerAxis<usize>, name: &str) -> Vec<i16> {
    let mut stream = Stream::new(5, name);
    let hu = (0..shape.n_voxels()).map(|_| i16::try_from(stream.below(800)).unwrap() - 350);
    hu.collect()
}

/// The input of a net, bit by bit.
fn bits(source: &impl SliceSource, z: usize, stack: SliceStack, how: &Preprocessing) -> Vec<u32> {
    let mut input = vec![f32::NAN; stack.n_channels() * how.size * how.size];
    stack.fill(source, z, how, &mut input);
    input.into_iter().map(f32::to_bits).collect()
}

fn stored(cohort: &Path, out: &Path, size: usize) -> Store {
    let organs = OrganMap::new([(Organ::new("liver").unwrap(), vec![1])]).unwrap();
    let cohort = manifest::read(cohort, Layout::Pairs, Some(&organs)).unwrap();
    let options = PrepareOptions {
        size,
        ..PrepareOptions::default()
    };
    let report = prepare(&cohort, &options, Accepted::Everything, out, &|_| ()).unwrap();
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    Store::open(out).unwrap()
}

#[test]
fn a_stored_case_and_its_scan_give_a_net_the_same_input_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(5, 11, 14);
    let reversed = [false, true].map(|x| [false, true].map(|y| [false, true].map(|z| [x, y, z])));
    for (idx, reversed) in reversed.into_iter().flatten().flatten().enumerate() {
        let scan = Volume::new(oblique(shape, reversed), noise(shape, &idx.to_string())).unwrap();
        write_scan(&dir.path().join(format!("cohort/{idx}_ct.nii.gz")), &scan).unwrap();
    }
    // Smaller than the scans' planes, between their sides, and larger.
    for size in [8, 12, 24] {
        let out = dir.path().join(size.to_string());
        let store = stored(&dir.path().join("cohort"), &out, size);
        assert_eq!(store.cases().len(), 8, "every way of running");
        let how = store.options().preprocessing();
        let mut seen = std::collections::BTreeSet::new();
        for (case_idx, case) in store.cases().iter().enumerate() {
            let scan = read_scan(&case.source.image).unwrap().volume;
            let source = ScanSlices::new(&scan, how).unwrap();
            let store = &store;
            let kept = StoredSlices { store, case_idx };
            assert_eq!(kept.n_slices(), source.n_slices(), "case {}", case.id);
            for z in 0..source.n_slices() {
                for context in 0..=2 {
                    let stack = SliceStack { context };
                    let [kept, read] = [bits(&kept, z, stack, &how), bits(&source, z, stack, &how)];
                    assert!(
                        kept == read,
                        "case {}, slice {z}, context {context}, size {size}",
                        case.id
                    );
                    seen.extend(kept);
                }
            }
        }
        assert!(seen.len() > 100, "the inputs say something: {}", seen.len());
    }
}
