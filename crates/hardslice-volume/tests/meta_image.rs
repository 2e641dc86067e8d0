//! MetaImage files as SimpleITK reads them, and what is written as SimpleITK writes it.

mod support;

use std::fs;

use hardslice_volume::{
    Grid, LabelNames, Note, PerAxis, Placement, Volume, read_labels, read_scan, write_label_map,
    write_scan,
};
use serde::Deserialize;

use support::{GoldenFile, golden_cases};

/// A file and what it holds on canonical axes.
#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    file: GoldenFile,
    voxels: Vec<f32>,
}

fn golden() -> Vec<Case> {
    golden_cases(include_str!("golden/meta_image.json"))
}

#[test]
fn every_file_is_read_as_simpleitk_reads_it() {
    let cases = golden();
    assert_eq!(cases.len(), 20, "all cases are there");
    for case in cases {
        let dir = tempfile::tempdir().unwrap();
        let scan = read_scan(&case.file.write(dir.path())).unwrap();
        let title = &case.file.title;
        assert_eq!(scan.volume.shape(), case.file.grid().shape, "{title}");
        let distance_mm = scan.volume.grid().corner_distance_mm(&case.file.grid());
        assert!(distance_mm < 1e-9, "{title}: {distance_mm} mm apart");
        assert_eq!(scan.volume.voxels(), case.voxels, "{title}");
        let says_nothing = title == "no directions and no offset";
        let is_noted = matches!(scan.notes[..], [Note::NoPose { .. }]);
        assert_eq!(is_noted, says_nothing, "{title}: {:?}", scan.notes);
    }
}

/// 3 × 4 × 5 voxels, oblique, flipped and anisotropic.
fn oblique() -> Grid {
    Grid {
        shape: PerAxis::new(5, 4, 3),
        world_from_voxel: [
            [-0.64, 0.54, 0.0, 40.25],
            [0.48, 0.72, 0.0, -30.5],
            [0.0, 0.0, -2.5, 15.0],
        ],
    }
}

#[test]
fn what_is_written_is_read_back_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let placement = Placement::new(oblique()).unwrap();
    let labels = Volume::new(placement.canonical, (0..60).collect()).unwrap();
    let scan = Volume::new(oblique(), (0..60).map(|v| 17 * v - 500).collect()).unwrap();
    for ending in ["nii", "NII.GZ", "nrrd", "mha", "MHD"] {
        let path = dir.path().join(format!("labels.{ending}"));
        write_label_map(&path, &labels, &placement).unwrap();
        let whole = dir.path().join(format!("scan.{ending}"));
        write_scan(&whole, &scan).unwrap();
        let read = read_scan(&whole).unwrap();
        let distance_mm = read.placement.native.corner_distance_mm(&oblique());
        assert!(distance_mm < 1e-4, "{ending}: {distance_mm} mm apart");
        let native = read.placement.to_native(&read.volume).unwrap();
        let wanted: Vec<f32> = scan.voxels().iter().map(|v| f32::from(*v)).collect();
        assert_eq!(native, wanted, "{ending}");
        let back = read_labels(&path, &read, &LabelNames::default()).unwrap();
        assert_eq!(
            back.volume.voxels(),
            labels.clone().map(u16::from).voxels(),
            "{ending}"
        );
        assert_eq!(back.notes, [], "{ending}");
        let first = fs::read(&path).unwrap();
        write_label_map(&path, &labels, &placement).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first, "{ending}: the same bytes");
    }
    assert!(
        dir.path().join("scan.zraw").exists(),
        "the voxels of scan.MHD"
    );
    let err = write_scan(&dir.path().join("scan.png"), &scan)
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("volumes are written as .nii, .nii.gz, .nrrd, .mha or .mhd, "),
        "{err}"
    );
}

#[test]
fn a_sheared_grid_is_written_where_the_format_can_say_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut sheared = oblique();
    sheared.world_from_voxel[1][2] = 0.5;
    let scan = Volume::new(sheared, vec![0; 60]).unwrap();
    for ending in ["nii.gz", "nrrd"] {
        let path = dir.path().join(format!("a.{ending}"));
        write_scan(&path, &scan).unwrap();
        let read = read_scan(&path).unwrap();
        let distance_mm = read.placement.native.corner_distance_mm(&sheared);
        assert!(distance_mm < 1e-4, "{ending}: {distance_mm} mm apart");
    }
    let err = write_scan(&dir.path().join("a.mha"), &scan)
        .unwrap_err()
        .to_string();
    assert!(
        err.contains("sheared by") && err.ends_with("a.mha"),
        "{err}"
    );
}

#[test]
fn headers_that_say_something_else_are_refused_by_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mha");
    let good = "NDims = 3\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n\
                ElementSpacing = 1 1 2\nDimSize = 2 1 1\nElementType = MET_UCHAR\n\
                ElementDataFile = LOCAL\n";
    let read = |header: &str| {
        fs::write(&path, [header.as_bytes(), &[1, 2]].concat()).unwrap();
        read_scan(&path)
            .map(|scan| scan.volume.voxels().to_vec())
            .map_err(|e| e.to_string())
    };
    assert_eq!(read(good), Ok(vec![2.0, 1.0]), "x runs to the left");
    for (from, to, part) in [
        (
            "ElementDataFile = LOCAL\n",
            "",
            "but `Field = value` was wanted",
        ),
        ("NDims = 3", "NDims = 2", "`NDims = 2`"),
        ("DimSize = 2 1 1", "DimSize = 2 1", "`NDims = 3`"),
        ("DimSize = 2 1 1", "DimSize = 2 1 0", "`DimSize = 2 1 0`"),
        (
            "DimSize = 2 1 1",
            "DimSize = 2 1 9",
            "the voxels need 18 bytes, the file holds 2",
        ),
        (
            "DimSize = 2 1 1",
            "DimSize = 2000000000 2000000000 2000000000",
            "the voxels need",
        ),
        (
            "MET_UCHAR",
            "MET_UCHAR_ARRAY",
            "`ElementType = MET_UCHAR_ARRAY`",
        ),
        ("MET_UCHAR", "MET_SHORT", "no field `ElementByteOrderMSB`"),
        (
            "ElementSpacing = 1 1 2",
            "ElementSpacing = 1 1 -2",
            "ElementSpacing",
        ),
        (
            "ElementSpacing = 1 1 2",
            "ElementSpacing = 1 1 nan",
            "ElementSpacing",
        ),
        ("ElementSpacing = 1 1 2\n", "", "no field `ElementSpacing`"),
        (
            "Offset = 0 0 0",
            "Offset = 0 0 0\nPosition = 1 0 0",
            "both `Offset = 0 0 0` and",
        ),
        ("Offset = 0 0 0", "Offset 0 0 0", "a line `Offset 0 0 0`"),
        (
            "Offset = 0 0 0",
            "ElementNumberOfChannels = 3",
            "ElementNumberOfChannels",
        ),
        ("Offset = 0 0 0", "BinaryData = False", "BinaryData"),
        (
            "Offset = 0 0 0",
            "ElementToIntensityFunctionSlope = 2",
            "Slope = 2`, but 1 (tools disagree",
        ),
        ("Offset = 0 0 0", "CompressedData = True", "cannot read"),
        ("= LOCAL", "= missing.raw", "missing.raw"),
        (
            "= LOCAL",
            "= a%02d.raw 1 2 1",
            "write a pattern out as a LIST",
        ),
        ("= LOCAL", "= LIST\nb.raw\nc.raw", "LIST of 3 files"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 0", "is singular"),
    ] {
        let err = read(&good.replace(from, to)).unwrap_err();
        assert!(err.contains(part), "`{to}`: {err}");
    }
    let err = read(&"a = b\n".repeat(200_000)).unwrap_err();
    assert!(err.contains("no line `ElementDataFile = ...`"), "{err}");
}

#[test]
fn a_slice_of_a_list_that_is_too_long_or_too_short_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mhd");
    let header = "NDims = 3\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\n\
                  ElementSpacing = 1 1 2\nDimSize = 2 1 2\nElementType = MET_UCHAR\n\
                  ElementDataFile = LIST\n0.raw\n1.raw\n";
    fs::write(&path, header).unwrap();
    fs::write(dir.path().join("0.raw"), [1, 2]).unwrap();
    for n in [0, 1, 3] {
        fs::write(dir.path().join("1.raw"), vec![3; n]).unwrap();
        let err = read_scan(&path).unwrap_err().to_string();
        assert!(
            err.contains(&format!("the file holds {n}")) && err.ends_with("1.raw"),
            "{err}"
        );
    }
}

#[test]
fn no_single_damaged_byte_makes_the_reader_panic() {
    let dir = tempfile::tempdir().unwrap();
    let cases = golden()
        .into_iter()
        .filter(|case| case.file.open == "a.mha");
    // The first two that are plain and the first that is compressed.
    for case in cases.take(3) {
        let path = case.file.write(dir.path());
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for damage in [0x20, 0x81] {
                let mut bytes = whole.clone();
                bytes[at] ^= damage;
                fs::write(&path, &bytes).unwrap();
                drop(read_scan(&path));
            }
        }
    }
}
