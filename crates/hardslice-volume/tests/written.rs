//! Label maps in every format that is written, read back by ourselves and left for other programs,
//! which `tools/formats/read_back.py` reads them with.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_volume::dicom::{Maker, SourceSeries, read_series, write_rtstruct, write_seg};
use hardslice_volume::{
    Anatomy, Code, Grid, LabelNames, Note, Orientation, PerAxis, Placement, Scan, Side, Structure,
    Volume, read_labels, write_structures,
};

use serde_json::json;
use support::Writer;

/// Where files of a case are left.
fn folder(case: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("formats")
        .join(case);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A kidney, the other one with a hole within a hole, a spleen of scattered voxels, and an organ
/// that is nowhere.
fn structures() -> Vec<Structure> {
    let anatomy = |value: &str, meaning: &str, side| {
        Some(Anatomy {
            code: Code {
                scheme: "SCT".to_owned(),
                value: value.to_owned(),
                meaning: meaning.to_owned(),
            },
            side,
        })
    };
    let of = |name: &str, value, color, anatomy| Structure {
        name: name.to_owned(),
        value,
        color,
        anatomy,
    };
    vec![
        of(
            "kidney_right",
            2,
            [185, 102, 83],
            anatomy("64033007", "Kidney", Some(Side::Right)),
        ),
        of(
            "kidney_left",
            3,
            [185, 102, 83],
            anatomy("64033007", "Kidney", Some(Side::Left)),
        ),
        of(
            "Spleen",
            200,
            [157, 108, 162],
            anatomy("78961009", "Spleen", None),
        ),
        of(
            "pancreas",
            7,
            [0, 255, 0],
            anatomy("15776009", "Pancreas", None),
        ),
    ]
}

/// The label of a voxel by its index along the file's own axes, no two of which look alike.
fn label([i, j, k]: [usize; 3], [ni, nj, nk]: [usize; 3]) -> u8 {
    let is_within = |n: usize, at: usize, margin: usize| (margin..n - margin).contains(&at);
    let ring = (0..3)
        .rev()
        .find(|m| is_within(ni / 2, i, *m) && is_within(nj, j, *m));
    let middle = k > 0 && k + 1 < nk;
    match ring {
        Some(ring) if middle && (ring != 1 || k == 2) => 3,
        None if k + 1 < nk && i + 1 == ni && j > 1 => 2,
        None if (i * 5 + j * 3 + k * 7) % 4 == 0 => 200,
        _ => 0,
    }
}

/// Labels on a grid, canonical, and the list of them in the file's own order.
fn labels_on(placement: &Placement) -> (Volume<u8>, Vec<u8>) {
    let [ni, nj, nk] = placement.native.shape.xyz();
    let mut native = Vec::new();
    for k in 0..nk {
        for j in 0..nj {
            native.extend((0..ni).map(|i| label([i, j, k], [ni, nj, nk])));
        }
    }
    (placement.to_canonical(native.clone()).unwrap(), native)
}

/// 10 × 7 × 5 voxels of 0.7 × 0.9 × 2.5 mm that run as `orientation` says, oblique where they are
/// turned.
fn placement(orientation: Orientation, is_turned: bool) -> Placement {
    // A rotation by 0.3 about x after one by 0.2 about z.
    let (sx, cx) = 0.3_f64.sin_cos();
    let (sz, cz) = 0.2_f64.sin_cos();
    let turn = if is_turned {
        [
            [cz, -sz, 0.0],
            [cx * sz, cx * cz, -sx],
            [sx * sz, sx * cz, cx],
        ]
    } else {
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    };
    let mut m = [[0.0; 4]; 3];
    for (axis, source) in orientation.sources_xyz().iter().enumerate() {
        let sign = if source.reversed { -1.0 } else { 1.0 };
        for (row, turned) in m.iter_mut().zip(turn) {
            row[source.axis] = sign * [0.7, 0.9, 2.5][source.axis] * turned[axis];
        }
    }
    for (row, origin) in m.iter_mut().zip([-31.25, 12.5, 804.125]) {
        row[3] = origin;
    }
    Placement::new(Grid {
        shape: PerAxis::from_xyz([10, 7, 5]),
        world_from_voxel: m,
    })
    .unwrap()
}

/// Writes down what the files of a folder hold: the affine, and the voxels in the file's order.
fn leave_expected(folder: &Path, placement: &Placement, native: &[u8], series: Option<&Path>) {
    let expected = json!({
        "series": series,
        "affine_ras": placement.native.world_from_voxel,
        "shape_xyz": placement.native.shape.xyz(),
        "voxels": native,
        "structures": structures().iter().map(|s| json!({
            "name": s.name,
            "value": s.value,
            "color": s.color,
            "code": s.anatomy.as_ref().unwrap().code.value,
            "side": s.anatomy.as_ref().unwrap().side.map(|side| format!("{side:?}")),
        })).collect::<Vec<_>>(),
    });
    fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
}

fn scan_of(placement: &Placement) -> Scan<f32> {
    Scan::from_native(*placement, vec![0.0; placement.native.shape.n_voxels()]).unwrap()
}

#[test]
fn label_maps_of_every_format_and_orientation_come_back_voxel_by_voxel() {
    let orientations = ["RAS", "LPS", "LAS", "RPI", "AIR", "SLP"];
    let all = Orientation::all();
    let mut n_written = 0;
    for orientation in all.filter(|o| orientations.contains(&o.to_string().as_str())) {
        for is_turned in [false, true] {
            let placement = placement(orientation, is_turned);
            let (labels, native) = labels_on(&placement);
            let turned = if is_turned { "_turned" } else { "" };
            let folder = folder(&format!("{orientation}{turned}"));
            leave_expected(&folder, &placement, &native, None);
            for name in [
                "a.nii.gz",
                "a.nii",
                "a.nrrd",
                "a.seg.nrrd",
                "a.mha",
                "a.mhd",
            ] {
                let path = folder.join(name);
                write_structures(&path, &labels, &placement, &structures()).unwrap();
                let bytes = fs::read(&path).unwrap();
                write_structures(&path, &labels, &placement, &structures()).unwrap();
                assert_eq!(bytes, fs::read(&path).unwrap(), "{name}: the same bytes");
                let read = read_labels(&path, &scan_of(&placement), &LabelNames::default());
                let read = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let wanted: Vec<u16> = labels.voxels().iter().map(|v| u16::from(*v)).collect();
                assert_eq!(read.volume.voxels(), wanted, "{}", path.display());
                n_written += 1;
            }
        }
    }
    assert_eq!(n_written, 6 * 2 * 6);
}

#[test]
fn segments_are_found_by_their_names_and_one_without_a_voxel_is_there() {
    let placement = placement(Orientation::CANONICAL, true);
    let (labels, native) = labels_on(&placement);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.seg.nrrd");
    let mut named = structures();
    named[0].name = "Niere\nrechts: \\größer".to_owned();
    write_structures(&path, &labels, &placement, &named).unwrap();
    let names = LabelNames::new([(named[0].name.as_str(), 9), ("Pancreas", 8), ("spleen", 3)]);
    let read = read_labels(&path, &scan_of(&placement), &names.unwrap()).unwrap();
    let wanted = native.iter().map(|value| match value {
        2 => 9,
        200 => 3,
        _ => 0,
    });
    let wanted = placement
        .to_canonical(wanted.collect::<Vec<u16>>())
        .unwrap();
    assert_eq!(read.volume.voxels(), wanted.voxels());
    assert!(
        read.notes.is_empty(),
        "the pancreas is there: {:?}",
        read.notes
    );
}

#[test]
fn a_segmentation_without_names_is_not_written() {
    let placement = placement(Orientation::CANONICAL, false);
    let (labels, _) = labels_on(&placement);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.seg.nrrd");
    let refused = hardslice_volume::write_label_map(&path, &labels, &placement).unwrap_err();
    let wanted = "with the names of their structures as .seg.nrrd";
    assert!(refused.to_string().contains(wanted), "{refused}");
    assert!(!path.exists());
}

/// Series in every orientation and kind of file that there is a golden one of.
const SERIES: [&str; 7] = [
    "explicit",
    "implicit",
    "big_endian",
    "oblique",
    "sagittal",
    "enhanced",
    "rle",
];

const MAKER: Maker<'static> = Maker {
    version: "0.0.0",
    model: "a formula",
};

#[test]
fn segmentations_of_series_come_back_voxel_by_voxel() {
    for case in SERIES {
        let of_case = support::dicom_golden(case);
        let scan = read_series(&of_case, None).unwrap();
        let series = SourceSeries::read(&of_case, None).unwrap();
        assert!(series.is_of(&scan.placement));
        let (labels, native) = labels_on(&scan.placement);
        let folder = folder(&format!("dicom_{case}"));
        leave_expected(&folder, &scan.placement, &native, Some(&of_case));
        for (name, write) in [
            ("seg.dcm", write_seg as Writer),
            ("rtstruct.dcm", write_rtstruct),
        ] {
            let path = folder.join(name);
            let write = || write(&path, &labels, &series, &structures(), &MAKER).unwrap();
            let notes = write();
            assert!(notes.is_empty(), "{case}: {notes:?}");
            let bytes = fs::read(&path).unwrap();
            write();
            assert_eq!(bytes, fs::read(&path).unwrap(), "{case}: the same bytes");
            let names = structures().into_iter();
            let names = names.map(|s| (s.name, u16::from(s.value)));
            let read = read_labels(&path, &scan, &LabelNames::new(names).unwrap()).unwrap();
            let wanted: Vec<u16> = labels.voxels().iter().map(|v| u16::from(*v)).collect();
            assert_eq!(read.volume.voxels(), wanted, "{case}, {name}");
            let absent = |note: &Note| matches!(note, Note::StructuresAbsent { .. });
            assert!(!read.notes.iter().any(absent), "the pancreas is there");
        }
    }
}
