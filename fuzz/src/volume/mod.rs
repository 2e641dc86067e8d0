//! Parsers of scans and labels.

mod dicom;
mod gzip;
mod meta_image;
mod nifti;
mod nrrd;

use std::path::Path;

use hardslice_volume::{
    Grid, LabelNames, PerAxis, Placement, ReadError, Scan, Slices, read_labels_on, read_scan,
};

use crate::target::{Room, Target, names_the_file};

/// The targets of `hardslice-volume`.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "nifti",
        run: nifti::run,
        room: VOXELS,
    },
    Target {
        name: "gzip",
        run: gzip::run,
        room: Room {
            // The file, its members and what is behind them are made here.
            constant: 12 << 20,
            ..VOXELS
        },
    },
    Target {
        name: "nrrd",
        run: nrrd::run,
        room: VOXELS,
    },
    Target {
        name: "meta_image",
        run: meta_image::run,
        room: VOXELS,
    },
    Target {
        name: "dicom_file",
        run: dicom::file,
        room: DICOM,
    },
    Target {
        name: "dicom_series",
        run: dicom::series,
        room: DICOM,
    },
    Target {
        name: "dicom_seg",
        run: dicom::seg,
        room: DICOM,
    },
];

/// A byte becomes a voxel of four, which is turned once, and the labels beside it.
const VOXELS: Room = Room {
    constant: 4 << 20,
    per_byte: 16,
    unpacked: Some(unpacked),
};

/// An element of eight bytes takes ten times as much; unknown sequences are read from a copy, level by
/// level.
const DICOM: Room = Room {
    constant: 4 << 20,
    per_byte: 80,
    unpacked: Some(dicom::unpacked),
};

/// Deflate cannot shrink anything by more than 1032.
fn unpacked(input: &[u8]) -> usize {
    let is_packed = holds(input, &[0x1f, 0x8b]) || holds(input, b"CompressedData");
    if is_packed { 1032 } else { 1 }
}

/// Whether the bytes hold these ones.
fn holds(input: &[u8], wanted: &[u8]) -> bool {
    input.windows(wanted.len()).any(|window| window == wanted)
}

/// The oblique scan of 7 × 6 × 5 voxels that the golden segmentations lie on.
fn reference() -> Placement {
    let grid = Grid {
        shape: PerAxis::from_xyz([7, 6, 5]),
        world_from_voxel: [
            [0.532_771_2, -0.430_508_8, -0.343_761_2, 12.5],
            [0.372_363_8, 0.615_964, 0.491_847_1, -31.25],
            [0.0, -0.274_318_2, 1.643_902_3, -804.5],
        ],
    };
    Placement::new(grid).expect("the affine has an inverse")
}

/// No names, and names for structures as people have them.
fn label_names() -> [LabelNames; 2] {
    let names = [("liver", 1), ("Segment_1", 2), ("kidney left", 3), ("2", 4)];
    let names = LabelNames::new(names).expect("no name stands twice");
    [LabelNames::default(), names]
}

/// Reads a scan whole and slice by slice, and holds one against the other.
fn scan_both_ways(path: &Path, name: &str) -> Option<Scan<f32>> {
    let whole = read_scan(path);
    let slices = Slices::of_scan(path, None);
    match &whole {
        Ok(scan) => {
            let n_voxels = scan.placement.native.shape.n_voxels();
            assert_eq!(
                scan.volume.voxels().len(),
                n_voxels,
                "a voxel for each place"
            );
            let is_finite = scan.volume.voxels().iter().all(|voxel| voxel.is_finite());
            assert!(is_finite, "Hounsfield units are numbers");
            let slices = slices.expect("what is read whole is read slice by slice");
            let mut n_seen = 0;
            let notes = slices.for_each(|z, slice| {
                assert_eq!(slice, scan.volume.slice(z), "slice {z}");
                n_seen += 1;
            });
            let notes = notes.expect("what is read whole is read slice by slice");
            assert_eq!(n_seen, scan.volume.shape().z, "each slice once");
            drop(notes);
        }
        Err(error) => {
            names_the_file(error, name);
            let refused = slices.and_then(|slices| slices.for_each(|_, _| ()));
            let refused = refused.expect_err("what is refused whole is refused slice by slice");
            names_the_file(&refused, name);
        }
    }
    whole.ok()
}

/// Reads labels onto a scan, whole and slice by slice, with each of these lists of names.
fn labels_both_ways(path: &Path, name: &str, placement: &Placement, names: &[LabelNames]) {
    for names in names {
        let whole = read_labels_on(path, placement, names, 0.1);
        let slices = Slices::of_labels(path, placement, names, 0.1);
        match whole {
            Ok(labels) => {
                let shape = placement.canonical.shape;
                assert_eq!(labels.volume.shape(), shape, "on the voxels of the scan");
                let slices = slices.expect("what is read whole is read slice by slice");
                let seen = slices.for_each(|z, slice| {
                    assert_eq!(slice, labels.volume.slice(z), "slice {z} of the labels");
                });
                assert!(seen.is_ok(), "what is read whole is read slice by slice");
            }
            Err(error) => {
                names_the_file(&error, name);
                let refused: Result<_, ReadError> =
                    slices.and_then(|slices| slices.for_each(|_, _| ()));
                assert!(
                    refused.is_err(),
                    "what is refused whole is refused slice by slice"
                );
            }
        }
    }
}
