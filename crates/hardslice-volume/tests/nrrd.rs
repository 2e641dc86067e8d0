//! NRRD files as SimpleITK and pynrrd read them, and segmentations of 3D Slicer.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::fs;

use hardslice_volume::{
    LabelNames, PerAxis, Placement, Scan, read_labels, read_nrrd_scan, read_scan,
};
use serde::Deserialize;

use support::{GoldenFile, golden_cases};

/// A file and what it holds on canonical axes.
#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    file: GoldenFile,
    layers: Vec<Vec<f64>>,
    segments: Vec<(String, u16, usize)>,
}

fn golden() -> Vec<Case> {
    golden_cases(include_str!("golden/nrrd.json"))
}

fn segmentation(title: &str) -> Case {
    golden()
        .into_iter()
        .find(|case| case.file.title == title)
        .unwrap()
}

impl Case {
    /// A scan on the case's grid.
    fn scan(&self) -> Scan<f32> {
        let grid = self.file.grid();
        let placement = Placement::new(grid).unwrap();
        Scan::from_native(placement, vec![0.0; grid.shape.n_voxels()]).unwrap()
    }
}

#[test]
fn scans_agree_with_simpleitk_in_every_voxel() {
    for case in golden().iter().filter(|case| case.segments.is_empty()) {
        let dir = tempfile::tempdir().unwrap();
        let path = case.file.write(dir.path());
        let scan = read_scan(&path).unwrap_or_else(|e| panic!("{}: {e}", case.file.title));
        assert_eq!(
            scan.volume.shape(),
            case.file.grid().shape,
            "{}",
            case.file.title
        );
        let distance = scan.volume.grid().corner_distance_mm(&case.file.grid());
        assert!(distance < 1e-9, "{}: {distance} mm apart", case.file.title);
        for (at, (got, want)) in scan.volume.voxels().iter().zip(&case.layers[0]).enumerate() {
            let same = f64::from(*got).total_cmp(want).is_eq();
            assert!(
                same,
                "{}: voxel {at} is {got}, expected {want}",
                case.file.title
            );
        }
    }
}

#[test]
fn segments_get_the_values_of_their_names_or_their_own() {
    for title in ["one layer of segments", "two layers apart, the list last"] {
        let case = segmentation(title);
        let dir = tempfile::tempdir().unwrap();
        let path = case.file.write(dir.path());
        // All of them, under other names and values; then one of them; then their own values.
        let renamed: Vec<(String, u16)> = case
            .segments
            .iter()
            .map(|(name, value, _)| (name.to_uppercase().replace(' ', "_"), value + 40))
            .collect();
        let one = vec![renamed[1].clone()];
        for listed in [renamed, one, Vec::new()] {
            let names = LabelNames::new(listed.clone()).unwrap();
            let labels = read_labels(&path, &case.scan(), &names).unwrap();
            for (at, got) in labels.volume.voxels().iter().enumerate() {
                let mut want = 0;
                for (n, (_, value, layer)) in case.segments.iter().enumerate() {
                    let is_inside = (case.layers[*layer][at] - f64::from(*value)).abs() < 0.5;
                    let is_listed = listed.is_empty() || listed.len() > n || n == 1;
                    if is_inside && is_listed {
                        want = if listed.is_empty() {
                            *value
                        } else {
                            value + 40
                        };
                    }
                }
                let skipped = listed.len() == 1 && want > 0 && want != listed[0].1;
                assert_eq!(*got, if skipped { 0 } else { want }, "{title}, voxel {at}");
            }
        }
    }
}

#[test]
fn of_overlapping_segments_the_later_one_of_the_map_wins_and_the_voxels_are_counted() {
    let case = segmentation("two layers that overlap");
    let dir = tempfile::tempdir().unwrap();
    let path = case.file.write(dir.path());
    let labels = |names: &[(&str, u16)]| {
        let names = LabelNames::new(names.iter().copied()).unwrap();
        read_labels(&path, &case.scan(), &names).unwrap()
    };
    let count = |scan: &Scan<u16>, value| {
        let voxels = scan.volume.voxels().iter();
        voxels.filter(|voxel| **voxel == value).count()
    };
    let liver_last = labels(&[("Spleen", 4), ("liver", 1)]);
    let spleen_last = labels(&[("liver", 1), ("Spleen", 4)]);
    // Rows 1 of 3, columns 0 and 1 of 4, all 5 slices lie in both.
    for (scan, winner) in [(&liver_last, "liver"), (&spleen_last, "spleen")] {
        let [note] = &scan.notes[..] else {
            panic!("{:?}", scan.notes)
        };
        let wanted = format!("overlap in 10 voxels, which count as `{winner}`");
        assert!(note.to_string().contains(&wanted), "{note}");
    }
    assert_eq!(
        count(&liver_last, 1),
        count(&spleen_last, 1) + 10,
        "the liver has them"
    );
    assert_eq!(
        count(&liver_last, 4) + 10,
        count(&spleen_last, 4),
        "the spleen has them"
    );
    let together = LabelNames::new([("Spleen", 1), ("liver", 1)]).unwrap();
    assert!(
        read_labels(&path, &case.scan(), &together)
            .unwrap()
            .notes
            .is_empty(),
        "one organ may overlap itself"
    );
}

#[test]
fn segments_that_nobody_asked_for_are_listed() {
    let case = segmentation("one layer of segments");
    let dir = tempfile::tempdir().unwrap();
    let path = case.file.write(dir.path());
    let names = LabelNames::new([("pancreas", 9)]).unwrap();
    let err = read_labels(&path, &case.scan(), &names)
        .unwrap_err()
        .to_string();
    let wanted = "none of the structures pancreas is there; found: Liver, Left Kidney: ";
    assert!(err.starts_with(wanted), "{err}");
}

#[test]
fn a_cropped_segmentation_is_put_into_its_scan() {
    let case = segmentation("one layer of segments");
    let dir = tempfile::tempdir().unwrap();
    let path = case.file.write(dir.path());
    let mut whole = case.file.grid();
    let begin = whole.world_mm([-1.0, -2.0, -3.0]);
    for (row, begin) in whole.world_from_voxel.iter_mut().zip(begin) {
        row[3] = begin;
    }
    whole.shape = PerAxis::new(whole.shape.z + 4, whole.shape.y + 2, whole.shape.x + 1);
    let placement = Placement::new(whole).unwrap();
    let scan = Scan::from_native(placement, vec![0.0; whole.shape.n_voxels()]).unwrap();
    let labels = read_labels(&path, &scan, &LabelNames::default())
        .unwrap()
        .volume;
    let n_inside = |layer: &[f64]| layer.iter().filter(|v| [1.0, 2.0].contains(v)).count();
    let n_found = labels.voxels().iter().filter(|v| **v > 0).count();
    assert_eq!(n_found, n_inside(&case.layers[0]), "nothing is lost");
    let first = labels.voxels()[(3 * whole.shape.y + 2) * whole.shape.x + 1];
    let kept = if case.layers[0][0] < 2.5 {
        case.layers[0][0]
    } else {
        0.0
    };
    assert!(
        (f64::from(first) - kept).abs() < 0.5,
        "{first} at the crop's first voxel"
    );
}

#[test]
fn what_is_no_nrrd_or_not_read_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let header = "NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 2 1 1\nspace directions: \
                  (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nendian: little\nencoding: raw\n\n";
    let path = dir.path().join("a.nrrd");
    let refused = |text: &str, voxels: &[u8], message: &str| {
        fs::write(&path, [text.as_bytes(), voxels].concat()).unwrap();
        let err = read_nrrd_scan(&path).unwrap_err().to_string();
        assert_eq!(err, format!("{message}: {}", path.display()), "the message");
    };
    fs::write(&path, [header.as_bytes(), &[1, 0, 255, 255]].concat()).unwrap();
    let scan = read_nrrd_scan(&path).unwrap();
    assert_eq!(
        scan.placement.orientation.to_string(),
        "LPS",
        "identity in LPS"
    );
    assert_eq!(
        scan.volume.voxels(),
        [-1.0, 1.0],
        "x is reversed on the way to RAS"
    );
    let short = "the voxels need 4 bytes, the file holds 3 (truncated copy or download?)";
    refused(header, &[1, 0, 255], short);
    refused(
        "PNG",
        &[],
        "not an NRRD file: it does not begin with NRRD000 and a digit",
    );
    refused(
        &header.replace("raw", "bzip2"),
        &[],
        "the NRRD header says `encoding: bzip2`, but raw or gzip was wanted",
    );
    refused(
        &header.replace("LPS", "scanner-xyz"),
        &[],
        "the NRRD header says `space: scanner-xyz`, but right-anterior-superior, \
         left-anterior-superior or left-posterior-superior was wanted",
    );
    refused(
        &header.replace("sizes: 2 1 1", "sizes: 2 0 1"),
        &[],
        "the NRRD header says `sizes: 2 0 1`, but 3 or 4 whole numbers above 0 was wanted",
    );
    refused(
        &header.replace("type: short", "type: block"),
        &[],
        "the NRRD header says `type: block`, but an integer of up to 64 bits, float or double was \
         wanted",
    );
    refused(
        &header.replace("endian: little\n", ""),
        &[],
        "the NRRD header has no field `endian`",
    );
}

#[test]
fn no_single_damaged_byte_of_a_header_makes_the_reader_panic() {
    let case = segmentation("two layers apart, the list last");
    let dir = tempfile::tempdir().unwrap();
    let path = case.file.write(dir.path());
    let whole = fs::read(&path).unwrap();
    let scan = case.scan();
    let mut n_refused = 0;
    for at in 0..whole.len() {
        for damage in [0x01, 0x02, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= damage;
            fs::write(&path, &bytes).unwrap();
            drop(read_nrrd_scan(&path));
            n_refused += usize::from(read_labels(&path, &scan, &LabelNames::default()).is_err());
        }
    }
    assert!(
        n_refused > 100,
        "only {n_refused} damaged files were refused"
    );
}

#[test]
fn giant_sizes_are_refused_before_anything_is_allocated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.nrrd");
    let giant = usize::MAX;
    let header = format!(
        "NRRD0004\ntype: short\ndimension: 4\nspace: LPS\nsizes: {giant} {giant} {giant} 2\n\
         space directions: (1,0,0) (0,1,0) (0,0,1) none\nendian: little\nencoding: gzip\n\n"
    );
    fs::write(&path, header).unwrap();
    let err = read_nrrd_scan(&path).unwrap_err().to_string();
    assert!(
        err.contains("the compressed file can hold 0 at most"),
        "{err}"
    );
}
