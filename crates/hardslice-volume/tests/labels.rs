//! Labels on the grid of their scan: other axis orders, folders of masks, grids that differ.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

use std::path::Path;

use hardslice_volume::{
    Grid, LabelNames, Orientation, PerAxis, Placement, ReadError, Scan, Volume, describe_labels,
    read_labels, read_labels_within, same_grid, write_label_map,
};

/// 3 × 4 × 5 voxels of 0.75 × 0.75 × 2.5 mm, tilted, `x` to the left.
fn native_grid() -> Grid {
    Grid {
        shape: PerAxis::new(5, 4, 3),
        world_from_voxel: [
            [-0.72, 0.21, 0.0, 40.0],
            [0.21, 0.72, 0.0, -30.0],
            [0.0, 0.0, 2.5, 15.0],
        ],
    }
}

fn scan() -> Scan<f32> {
    let placement = Placement::new(native_grid()).unwrap();
    Scan::from_native(placement, vec![0.0; 60]).unwrap()
}

/// Writes canonical voxels as a file whose axes run as `orientation` says.
fn write_in(path: &Path, labels: &Volume<u8>, orientation: Orientation) {
    // A file whose axes, permuted so, give the scan's.
    let scan = scan().placement.canonical;
    let sources = orientation.inverse().sources_xyz();
    let lengths = scan.shape.xyz();
    let mut native = scan;
    native.shape = PerAxis::from_xyz(sources.map(|s| lengths[s.axis]));
    for (row, from) in native
        .world_from_voxel
        .iter_mut()
        .zip(&scan.world_from_voxel)
    {
        row[3] = from[3];
        for (to, source) in sources.iter().enumerate() {
            let step = from[source.axis];
            row[to] = if source.reversed { -step } else { step };
            if source.reversed {
                row[3] += step * (lengths[source.axis] - 1) as f64;
            }
        }
    }
    let placement = Placement::new(native).unwrap();
    assert_eq!(
        placement.orientation, orientation,
        "the file runs as wanted"
    );
    write_label_map(path, labels, &placement).unwrap();
}

fn volume(voxels: Vec<u8>) -> Volume<u8> {
    Volume::new(*scan().volume.grid(), voxels).unwrap()
}

fn mask(inside: std::ops::Range<usize>) -> Volume<u8> {
    volume((0..60).map(|i| u8::from(inside.contains(&i))).collect())
}

fn names(pairs: &[(&str, u16)]) -> LabelNames {
    LabelNames::new(pairs.iter().copied()).unwrap()
}

#[test]
fn a_label_map_in_any_axis_order_lies_on_its_scan() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.nii.gz");
    let labels = volume((0..60).collect());
    for orientation in Orientation::all() {
        write_in(&path, &labels, orientation);
        let read = read_labels(&path, &scan(), &LabelNames::default()).unwrap();
        assert_eq!(
            read.volume.grid(),
            scan().volume.grid(),
            "{orientation}: the scan's own grid"
        );
        assert_eq!(read.volume, labels.clone().map(u16::from), "{orientation}");
        assert_eq!(
            read.placement,
            scan().placement,
            "{orientation}: the scan's placement"
        );
    }
}

#[test]
fn labels_on_another_grid_are_refused_with_both_affines_and_the_distance() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.nii.gz");
    let mut shifted = native_grid();
    shifted.world_from_voxel[2][3] += 1.25;
    let placement = Placement::new(shifted).unwrap();
    let labels = Volume::new(placement.canonical, vec![0_u8; 60]).unwrap();
    write_label_map(&path, &labels, &placement).unwrap();
    let err = read_labels(&path, &scan(), &LabelNames::default()).unwrap_err();
    assert!(matches!(err, ReadError::Grid { .. }), "{err:?}");
    let message = err.to_string();
    for part in [
        "corners up to 1.250 mm apart (0.007 mm allowed)",
        "scan:   3 × 4 × 5 voxels, affine [0.7200 0.2100 0.0000 38.5600]",
        "[0.0000 0.0000 2.5000 15.0000]",
        "[0.0000 0.0000 2.5000 16.2500]",
        "labels.nii.gz",
    ] {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    let names = LabelNames::default();
    assert!(
        read_labels_within(&path, &scan(), &names, 1.3).is_ok(),
        "1.3 mm allowed"
    );
}

#[test]
fn a_folder_of_masks_becomes_one_map_through_the_names() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, inside, n: usize| {
        let orientation = Orientation::all().nth(n).unwrap();
        write_in(&dir.path().join(name), &mask(inside), orientation);
    };
    write("liver.nii.gz", 0..10, 3);
    write("kidney_left.nii.gz", 10..15, 17);
    write("kidney_right.nii", 15..20, 44);
    write("spleen.nii.gz", 5..30, 0);
    std::fs::write(dir.path().join("._liver.nii.gz"), b"resource fork").unwrap();
    std::fs::write(dir.path().join("statistics.json"), b"{}").unwrap();
    let names = names(&[
        ("Liver", 1),
        ("kidney left", 2),
        ("kidney-right", 2),
        ("aorta", 7),
    ]);
    let labels = read_labels(dir.path(), &scan(), &names).unwrap();
    let want: Vec<u16> = (0..60_u16)
        .map(|i| match i {
            0..10 => 1,
            10..20 => 2,
            _ => 0,
        })
        .collect();
    assert_eq!(
        labels.volume.voxels(),
        want,
        "the spleen is not listed, the aorta not there"
    );
    let notes: Vec<_> = labels.notes.iter().map(ToString::to_string).collect();
    let note = "not there, so without a voxel: aorta: ";
    assert!(notes.len() == 1 && notes[0].starts_with(note), "{notes:?}");
}

#[test]
fn masks_in_letters_of_any_case_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, to: &str, inside| {
        let path = dir.path().join(name);
        write_in(&path, &mask(inside), Orientation::CANONICAL);
        std::fs::rename(path, dir.path().join(to)).unwrap();
    };
    write("a.nii.gz", "LIVER.NII.GZ", 0..10);
    write("b.nii", "Kidney-Left.Nii", 10..15);
    write("c.nrrd", "spleen.NRRD", 15..20);
    write("d.mha", "Aorta.MHA", 20..21);
    write("e.nii", "._liver.nii.gz", 0..60);
    let listed = names(&[
        ("liver", 1),
        ("kidney left", 2),
        ("SPLEEN", 3),
        ("aorta", 4),
    ]);
    let labels = read_labels(dir.path(), &scan(), &listed).unwrap();
    let want: Vec<u16> = (0..60_u16)
        .map(|i| match i {
            0..10 => 1,
            10..15 => 2,
            15..20 => 3,
            20 => 4,
            _ => 0,
        })
        .collect();
    assert_eq!(labels.volume.voxels(), want, "all four");
    assert_eq!(labels.notes, [], "and nothing to say");

    write("f.nii", "Liver.nii", 0..1);
    let err = read_labels(dir.path(), &scan(), &listed)
        .unwrap_err()
        .to_string();
    for part in ["two files hold the structure", "LIVER.NII.GZ", "Liver.nii"] {
        assert!(err.contains(part), "`{part}` is missing from: {err}");
    }
}

#[test]
fn a_mask_of_which_only_a_part_arrived_is_no_absent_structure() {
    for part in [
        "spleen.nii.gz.part",
        "Spleen.NII.GZ.crdownload",
        "spleen.nii.gz.filepart",
        "spleen.nrrd~",
        "spleen.nii (1)",
        ".spleen.nii.gz.Xy12Zw",
        ".spleen.nii.gz",
    ] {
        let dir = tempfile::tempdir().unwrap();
        write_in(
            &dir.path().join("liver.nii"),
            &mask(0..3),
            Orientation::CANONICAL,
        );
        std::fs::write(dir.path().join(part), b"a third of it").unwrap();
        let read = |listed: &[(&str, u16)]| read_labels(dir.path(), &scan(), &names(listed));
        let refused = read(&[("liver", 1), ("spleen", 2)])
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("`spleen` is there only as what looks like a copy"),
            "{part}: {refused}"
        );
        assert!(refused.ends_with(part), "{part}: {refused}");
        assert!(read(&[("liver", 1)]).is_ok(), "{part}: nobody wants it");
        write_in(
            &dir.path().join("spleen.nii.gz"),
            &mask(4..6),
            Orientation::CANONICAL,
        );
        assert!(
            read(&[("liver", 1), ("spleen", 2)]).is_ok(),
            "{part}: whole"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_mask_that_is_a_link_to_nothing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_in(
        &dir.path().join("liver.nii"),
        &mask(0..3),
        Orientation::CANONICAL,
    );
    std::os::unix::fs::symlink("/no/such/spleen.nii", dir.path().join("spleen.nii")).unwrap();
    let listed = names(&[("liver", 1)]);
    let err = read_labels(dir.path(), &scan(), &listed)
        .unwrap_err()
        .to_string();
    assert!(err.ends_with("spleen.nii"), "{err}");
}

#[test]
fn of_overlapping_masks_the_later_structure_of_the_map_wins() {
    let dir = tempfile::tempdir().unwrap();
    for (name, inside) in [("liver.nii.gz", 0..10), ("spleen.nii.gz", 7..20)] {
        write_in(
            &dir.path().join(name),
            &mask(inside),
            Orientation::CANONICAL,
        );
    }
    for (listed, winner) in [
        ([("spleen", 2), ("liver", 1)], "liver"),
        ([("liver", 1), ("spleen", 2)], "spleen"),
    ] {
        let labels = read_labels(dir.path(), &scan(), &names(&listed)).unwrap();
        let value = listed[1].1;
        assert_eq!(
            labels.volume.voxels()[7..10],
            [value; 3],
            "`{winner}` has them"
        );
        let note = format!("overlap in 3 voxels, which count as `{winner}`, the later of the two");
        assert!(
            labels.notes[0].to_string().contains(&note),
            "{:?}",
            labels.notes
        );
    }
}

#[test]
fn masks_that_lack_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_in(
        &dir.path().join("liver.nii.gz"),
        &mask(0..10),
        Orientation::CANONICAL,
    );
    write_in(
        &dir.path().join("spleen.nii.gz"),
        &mask(7..20),
        Orientation::CANONICAL,
    );
    let refused = |listed: &[(&str, u16)], message: &str| {
        let err = read_labels(dir.path(), &scan(), &names(listed))
            .unwrap_err()
            .to_string();
        assert_eq!(
            err,
            format!("{message}: {}", dir.path().display()),
            "the message"
        );
    };
    refused(
        &[("aorta", 7)],
        "none of the structures aorta is there; found: liver, spleen",
    );
    refused(
        &[],
        "a folder of masks says no label values: list the structures of each organ, as `kidney = \
         [\"kidney_left\", \"kidney_right\"]` among the `labels` of the cohort or as --label \
         kidney=kidney_left,kidney_right",
    );
}

#[test]
fn masks_a_folder_deeper_are_refused_with_the_folder_that_holds_them() {
    for inner in ["inner", "segmentations"] {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join(inner);
        std::fs::create_dir(&inner).unwrap();
        write_in(
            &inner.join("liver.nii.gz"),
            &mask(0..10),
            Orientation::CANONICAL,
        );
        let refused = read_labels(dir.path(), &scan(), &names(&[("liver", 1)])).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the folder holds no masks, but {} does: give that as the labels: {}",
                inner.display(),
                dir.path().display()
            )
        );
    }
}

#[test]
fn a_mask_is_found_by_its_name_in_either_form_of_unicode() {
    for (file, listed) in [
        ("me\u{301}dula", "m\u{e9}dula"),
        ("m\u{e9}dula", "ME\u{301}DULA"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(format!("{file}.nii.gz"));
        write_in(&path, &mask(0..10), Orientation::CANONICAL);
        let labels = read_labels(dir.path(), &scan(), &names(&[(listed, 1)])).unwrap();
        assert!(labels.volume.voxels().contains(&1), "{file}");
    }
}

#[test]
fn other_files_are_refused_with_what_could_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.csv");
    std::fs::write(&path, b"patient,organ\n").unwrap();
    let err = read_labels(&path, &scan(), &LabelNames::default())
        .unwrap_err()
        .to_string();
    let want = "no NIfTI, NRRD, MetaImage or DICOM file, but a label map, a segmentation or a \
                folder of masks was wanted: ";
    assert!(err.starts_with(want), "{err}");
    let err = hardslice_volume::read_scan(&path).unwrap_err().to_string();
    assert!(err.contains("but a scan was wanted: "), "{err}");
}

#[test]
fn labels_say_where_they_lie_and_whether_their_structures_have_names() {
    let dir = tempfile::tempdir().unwrap();
    let placement = scan().placement;
    for name in ["a.nii", "a.NII.GZ", "a.nrrd", "a.mha", "a.MHD"] {
        let path = dir.path().join(name);
        write_label_map(&path, &mask(3..9), &placement).unwrap();
        let info = describe_labels(&path).unwrap();
        let found = info.placement.unwrap();
        let grids = same_grid(&found.canonical, &placement.canonical, 1e-4);
        assert_eq!(grids, Ok(()), "{name}");
        assert_eq!(
            (info.has_names, info.may_be_cropped),
            (false, false),
            "{name}"
        );
    }
    let masks = dir.path().join("masks");
    write_label_map(&masks.join("LIVER.NII.GZ"), &mask(3..9), &placement).unwrap();
    let info = describe_labels(&masks).unwrap();
    assert!(info.has_names && info.placement.is_some() && !info.may_be_cropped);
    let seg = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/seg_binary");
    for path in [seg.join("0.dcm"), seg] {
        let info = describe_labels(&path).unwrap();
        assert_eq!((info.has_names, info.placement), (true, None));
    }
    let text = dir.path().join("notes.txt");
    std::fs::write(&text, "nothing").unwrap();
    assert!(describe_labels(&text).is_err());
}
