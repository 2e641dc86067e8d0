//! NIfTI files as nibabel reads them: every orientation, number type, byte order and placement.

mod support;

use std::fs;

use hardslice_volume::{
    Grid, Orientation, PerAxis, Placement, Volume, read_nifti_labels, read_nifti_scan,
    write_label_map, write_scan,
};
use serde::Deserialize;

use support::{GoldenFile, golden_cases};

/// One file (or pair) and what nibabel reads from it on canonical axes.
#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    file: GoldenFile,
    orientation: String,
    voxels: Vec<f64>,
}

fn golden() -> Vec<Case> {
    golden_cases(include_str!("golden/nifti.json"))
}

#[test]
fn scans_agree_with_nibabel_in_every_voxel() {
    let cases = golden();
    assert!(cases.len() > 100, "only {} cases", cases.len());
    let mut codes = std::collections::BTreeSet::new();
    for case in &cases {
        let dir = tempfile::tempdir().unwrap();
        let scan = read_nifti_scan(&case.file.write(dir.path()))
            .unwrap_or_else(|e| panic!("{}: {e}", case.file.title));
        assert_eq!(
            scan.placement.orientation.to_string(),
            case.orientation,
            "{}",
            case.file.title
        );
        assert_eq!(
            scan.volume.shape(),
            case.file.grid().shape,
            "{}",
            case.file.title
        );
        let distance = scan.volume.grid().corner_distance_mm(&case.file.grid());
        // Only a quaternion's square roots leave a trace of rounding.
        assert!(distance < 1e-5, "{}: {distance} mm apart", case.file.title);
        for (at, (got, want)) in scan.volume.voxels().iter().zip(&case.voxels).enumerate() {
            let same = f64::from(*got).total_cmp(want).is_eq();
            assert!(
                same,
                "{}: voxel {at} is {got}, expected {want}",
                case.file.title
            );
        }
        codes.insert(case.orientation.clone());
    }
    assert_eq!(codes.len(), 48, "all orientations occur");
}

#[test]
fn label_maps_are_read_where_all_values_are_labels_and_refused_where_not() {
    for case in golden() {
        let dir = tempfile::tempdir().unwrap();
        let labels = read_nifti_labels(&case.file.write(dir.path()));
        let is_label = |v: &f64| (0.0..=65535.0).contains(v) && v.fract() == 0.0;
        if case.voxels.iter().all(is_label) {
            let labels = labels.unwrap_or_else(|e| panic!("{}: {e}", case.file.title));
            for (got, want) in labels.volume.voxels().iter().zip(&case.voxels) {
                assert!(
                    (f64::from(*got) - want).abs() < 0.5,
                    "{}: {got}, {want}",
                    case.file.title
                );
            }
        } else {
            let message = labels.unwrap_err().to_string();
            let wanted = "labels are whole numbers from 0 to 65535, but voxel [";
            assert!(
                message.starts_with(wanted),
                "{}: {message}",
                case.file.title
            );
            // Of a pair, the file with the voxels is named.
            let named = case.file.open.replace(".hdr", ".img");
            assert!(message.ends_with(&named), "the path comes last: {message}");
        }
    }
}

#[test]
fn label_maps_written_on_the_scans_own_grid_lie_voxel_by_voxel_on_the_scan() {
    for case in golden() {
        let dir = tempfile::tempdir().unwrap();
        let scan = read_nifti_scan(&case.file.write(dir.path())).unwrap();
        let voxels: Vec<u8> = (0..).take(scan.volume.voxels().len()).collect();
        let labels = Volume::new(*scan.volume.grid(), voxels).unwrap();
        for name in ["out.nii", "out.nii.gz"] {
            let path = dir.path().join(name);
            write_label_map(&path, &labels, &scan.placement).unwrap();
            let back = read_nifti_labels(&path).unwrap();
            assert_eq!(
                back.placement.native.shape, scan.placement.native.shape,
                "own order"
            );
            assert_eq!(
                back.placement.orientation, scan.placement.orientation,
                "own axes"
            );
            let distance = back.volume.grid().corner_distance_mm(scan.volume.grid());
            // NIfTI-1 stores the affine in f32: relative 6e-8; the offsets reach 300 (metres: 3e5).
            let reach = case
                .file
                .affine
                .iter()
                .flatten()
                .fold(0.0, |m: f64, v| m.max(v.abs()));
            assert!(
                distance < 2e-7 * reach,
                "{}: {distance} mm apart",
                case.file.title
            );
            let same = back
                .volume
                .voxels()
                .iter()
                .zip(labels.voxels())
                .all(|(a, b)| *a == u16::from(*b));
            assert!(same, "{}: voxels differ", case.file.title);
        }
    }
}

#[test]
fn a_scan_written_twice_has_the_same_bytes_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let grid = Grid {
        shape: PerAxis::new(5, 4, 3),
        world_from_voxel: [
            [0.75, 0.0, 0.0, -9.0],
            [0.0, 0.75, 0.0, 7.0],
            [0.0, 0.0, 2.5, 0.5],
        ],
    };
    let voxels: Vec<i16> = (-30..).take(60).map(|v| v * 34).collect();
    let scan = Volume::new(grid, voxels).unwrap();
    let paths = [dir.path().join("a.nii.gz"), dir.path().join("b.nii.gz")];
    for path in &paths {
        write_scan(path, &scan).unwrap();
    }
    assert_eq!(
        fs::read(&paths[0]).unwrap(),
        fs::read(&paths[1]).unwrap(),
        "no time, no name"
    );
    let back = read_nifti_scan(&paths[0]).unwrap();
    assert_eq!(
        back.placement.orientation,
        Orientation::CANONICAL,
        "written on canonical axes"
    );
    assert_eq!(back.volume, scan.map(f32::from), "values and grid survive");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let grid = |x| Grid {
        shape: PerAxis::new(1, 1, x),
        world_from_voxel: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ],
    };
    let scan = |x| Volume::new(grid(x), vec![0_i16; x]).unwrap();
    let err = write_scan(&dir.path().join("scan.png"), &scan(1))
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("volumes are written as .nii, .nii.gz, .nrrd, .mha or .mhd, "),
        "{err}"
    );
    let err = write_scan(&dir.path().join("scan.nii"), &scan(40_000))
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("NIfTI-1 holds up to 32767 voxels along an axis, not 40000"),
        "{err}"
    );
    let labels = Volume::new(grid(2), vec![0_u8; 2]).unwrap();
    let placement = Placement::new(grid(3)).unwrap();
    let err = write_label_map(&dir.path().join("l.nii"), &labels, &placement).unwrap_err();
    let wanted = "the labels lie on a grid of 2 × 1 × 1 voxels, the scan on one of 3 × 1 × 1";
    assert!(err.to_string().starts_with(wanted), "{err}");
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "nothing was written"
    );
}
