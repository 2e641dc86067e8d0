//! Folders of scans and labels that are paired by name.

use std::path::Path;

use hardslice_data::manifest::{self, Layout};

use crate::{folder, liver_and_kidney, map, refused, shown, write};

#[test]
fn pairs_are_found_by_name_however_they_lie() {
    let organs = map(&[("liver", &[1])]);
    let read = |files: &[&str]| {
        let dir = folder(files);
        let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
        assert_eq!(manifest.layout, Layout::Pairs, "found out");
        shown(dir.path(), &manifest)
    };
    assert_eq!(
        read(&[
            "a_ct.nii.gz",
            "a_seg.nii.gz",
            "b.nii.gz",
            "b-label.nrrd",
            "readme.txt"
        ]),
        [
            "a/a: a_ct.nii.gz + a_seg.nii.gz [liver]",
            "b/b: b.nii.gz + b-label.nrrd [liver]"
        ],
        "side by side"
    );
    assert_eq!(
        read(&["volume-0.nii", "segmentation-0.nii"]),
        ["0/0: volume-0.nii + segmentation-0.nii [liver]"],
        "LiTS"
    );
    assert_eq!(
        read(&[
            "images/x_0000.nii.gz",
            "images/y_0000.nii.gz",
            "labels/x.nii.gz"
        ]),
        [
            "x/x: images/x_0000.nii.gz + labels/x.nii.gz [liver]",
            "y/y: images/y_0000.nii.gz + nothing []",
        ],
        "FLARE"
    );
    assert_eq!(
        read(&[
            "s1/ct.nii.gz",
            "s1/segmentations/liver.nii.gz",
            "s1/notes/a.txt",
            "s2/ct.nii.gz"
        ]),
        [
            "s1/s1: s1/ct.nii.gz + s1/segmentations [liver]",
            "s2/s2: s2/ct.nii.gz + nothing []"
        ],
        "TotalSegmentator"
    );
    assert_eq!(
        read(&["images/p1/1.dcm", "images/p1/2.dcm", "labels/p1.seg.nrrd"]),
        ["p1/p1: images/p1 + labels/p1.seg.nrrd [liver]"],
        "a DICOM series in a folder"
    );
}

#[test]
fn pairs_that_do_not_pair_are_all_named() {
    let organs = map(&[("liver", &[1])]);
    let dir = folder(&["a_ct.nii.gz", "a_image.nii.gz", "b_seg.nii.gz"]);
    let text = manifest::read(dir.path(), Layout::Pairs, Some(&organs))
        .unwrap_err()
        .to_string();
    assert!(text.starts_with("2 problems"), "{text}");
    assert!(text.contains("a second scan of case `a`"), "{text}");
    assert!(
        text.contains("no scan of case `b` beside its labels"),
        "{text}"
    );
    let empty = folder(&["readme.txt"]);
    let text = manifest::read(empty.path(), Layout::Auto, Some(&organs))
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("no scan found in") && text.contains("NAME_seg.nii.gz"),
        "{text}"
    );
}

#[test]
fn a_number_0000_stays_in_the_name_of_a_case_and_a_channel_does_not() {
    let dir = folder(&[
        "d/images/amos_0000.nii.gz",
        "d/images/amos_0001.nii.gz",
        "d/labels/amos_0000.nii.gz",
        "d/labels/amos_0001.nii.gz",
        "f/images/FLARE22_Tr_0000_0000.nii.gz",
        "f/images/FLARE22_Tr_0001_0000.nii.gz",
        "f/labels/FLARE22_Tr_0000.nii.gz",
        "f/labels/FLARE22_Tr_0001.nii.gz",
        "u/amos_0000.nii.gz",
        "u/amos_0001.nii.gz",
        "c/images/p_0000.nii.gz",
        "c/images/p_0001.nii.gz",
        "c/labels/p.nii.gz",
    ]);
    let read = |name: &str| {
        let organs = liver_and_kidney();
        manifest::read(&dir.path().join(name), Layout::Auto, Some(&organs))
    };
    let ids = |name: &str| -> Vec<String> {
        let manifest = read(name).unwrap();
        let n_labelled = manifest.cases.iter().filter(|case| case.labels.is_some());
        assert_eq!(
            n_labelled.count(),
            if name == "u" { 0 } else { 2 },
            "{name}"
        );
        manifest
            .cases
            .iter()
            .map(|case| case.id.to_string())
            .collect()
    };
    assert_eq!(ids("d"), ["amos_0000", "amos_0001"], "numbers");
    assert_eq!(ids("f"), ["FLARE22_Tr_0000", "FLARE22_Tr_0001"], "channels");
    assert_eq!(
        ids("u"),
        ["amos_0000", "amos_0001"],
        "numbers without labels"
    );
    let further = read("c").unwrap_err().to_string();
    assert!(
        further.contains("p_0001.nii.gz: a further channel of the case `p`"),
        "{further}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_nothing_is_no_case_less_in_any_folder_of_pairs() {
    use std::os::unix::fs::symlink;

    let organs = map(&[("liver", &[1])]);
    for (whole, lost) in [
        (
            &["a.nii.gz", "a_seg.nii.gz"][..],
            &["b.nii.gz", "b_seg.nii.gz"][..],
        ),
        (&["a.nii.gz", "a_seg.nii.gz"], &["b.nii.gz"]),
        (&["a/ct.nii.gz"], &["b"]),
        (&["a/ct.nii.gz", "b/x.txt"], &["b/ct.nii.gz"]),
        (&["images/a.nii.gz"], &["labels"]),
        (
            &["images/a.nii.gz", "labels/a.nii.gz"],
            &["images/b.nii.gz", "labels/b.nii.gz"],
        ),
    ] {
        let dir = folder(whole);
        for name in lost {
            symlink("/no/such/file", dir.path().join(name)).unwrap();
        }
        let text = refused(dir.path(), Some(&organs));
        for name in lost {
            assert!(
                text.contains(name) && text.contains("it is a link to"),
                "{text}"
            );
        }
    }
}

#[test]
fn what_is_passed_over_in_a_folder_of_pairs_is_named() {
    let organs = map(&[("liver", &[1])]);
    for (files, aside) in [
        (&["a.nii.gz", "p1/1.dcm", "p1/2.dcm"][..], "p1"),
        (
            &["a.nii.gz", "b.nii.gz.part", "b_seg.nii.gz.part"],
            "b.nii.gz.part, b_seg.nii.gz.part",
        ),
        (
            &["images/a.nii.gz", "labels/a.nii.gz", "b.nii.gz"],
            "b.nii.gz",
        ),
        (
            &["images/a.nii.gz", "images/b.nii.gz.crdownload"],
            "b.nii.gz.crdownload",
        ),
        (&["images/a.nii.gz", "more/b.nii.gz"], "more"),
        (&["a/ct.nii.gz", "b/IM1", "b/IM2"], "b"),
        (&["a/ct.nii.gz", "b/series/1.dcm"], "b"),
    ] {
        let dir = folder(files);
        let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
        assert_eq!(manifest.cases.len(), 1, "{files:?}");
        let notes = manifest.notes.join("\n");
        assert!(
            notes.contains(&format!(": {aside} (a table")),
            "{files:?}: {notes}"
        );
    }
    for files in [
        &["a.nii.gz", ".b.nii.gz.Xy12Zw"][..],
        &["images/a.nii.gz", "images/.b.nii.gz.Xy12Zw"],
        &["a/ct.nii.gz", "b/.b.nii.gz.Xy12Zw"],
    ] {
        let dir = folder(files);
        let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
        assert_eq!(manifest.cases.len(), 1, "{files:?}");
        let notes = manifest.notes.join("\n");
        let said = ".b.nii.gz.Xy12Zw was left by an interrupted transfer: there is no b.nii.gz;";
        assert!(notes.contains(said), "{files:?}: {notes}");
    }
    // The file itself is there, or it is hidden by intent.
    for hidden in [".a.nii.gz.Xy12Zw", ".b.nii.gz", "._b.nii.gz.x"] {
        let dir = folder(&["a.nii.gz", hidden]);
        let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
        assert!(manifest.notes.is_empty(), "{hidden}: {:?}", manifest.notes);
    }
    let dir = folder(&["a.nii.gz", "README.txt", "dataset.txt"]);
    let notes = manifest::read(dir.path(), Layout::Auto, Some(&organs))
        .unwrap()
        .notes;
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_folder_of_folders_of_slices_is_a_case_each() {
    let organs = map(&[("liver", &[1])]);
    let dir = folder(&["p1/1.dcm", "p1/2.dcm", "p2/1.IMA", "p2/2.IMA", "p2/seg.dcm"]);
    let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
    assert_eq!(
        shown(dir.path(), &manifest),
        ["p1/p1: p1 + nothing []", "p2/p2: p2 + p2/seg.dcm [liver]"]
    );
    let dir = folder(&["p1/IM1", "p2/IM1"]);
    let text = refused(dir.path(), Some(&organs));
    assert!(text.contains("whose column `image` names"), "{text}");
}

#[test]
fn a_dicom_series_is_one_case_whatever_its_files_are_called() {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../hardslice-volume/tests/golden/dicom/explicit"
    );
    let organs = map(&[("liver", &[1])]);
    let read = |dir: &Path| {
        let manifest = manifest::read(dir, Layout::Auto, Some(&organs)).unwrap();
        shown(dir, &manifest)
    };
    for name in [|k| format!("{k}.dcm"), |k| format!("CT.1.2.{k}")] {
        let dir = folder(&["README.txt"]);
        let case = dir.path().join("p7");
        std::fs::create_dir(&case).unwrap();
        for k in 0..5 {
            let from = Path::new(golden).join(format!("{k}.dcm"));
            std::fs::copy(from, case.join(name(k))).unwrap();
        }
        assert_eq!(read(dir.path()), ["p7/p7: p7 + nothing []"], "one above");
        assert_eq!(read(&case), ["p7/p7:  + nothing []"], "the folder itself");
        let seg = Path::new(golden).with_file_name("seg_binary/0.dcm");
        std::fs::copy(seg, case.join("seg.dcm")).unwrap();
        assert_eq!(read(&case), ["p7/p7:  + seg.dcm [liver]"], "and its labels");
    }
}

#[test]
fn scans_and_labels_of_the_same_names_are_pairs_where_no_dataset_json_says_otherwise() {
    let organs = map(&[("liver", &[1])]);
    for names in [&["amos_0000", "amos_0001"][..], &["amos_0000"], &["a", "b"]] {
        let files = names.iter().flat_map(|name| {
            [
                format!("imagesTr/{name}.nii.gz"),
                format!("labelsTr/{name}.nii.gz"),
            ]
        });
        let files: Vec<String> = files.collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let dir = folder(&files);
        let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
        let ids: Vec<&str> = manifest.cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, names);
        let json = r#"{"labels": {"background": 0, "liver": 1}}"#;
        write(dir.path(), "dataset.json", json);
        assert!(
            !refused(dir.path(), None).is_empty(),
            "nnU-Net's names have a channel"
        );
    }
    let dir = folder(&[
        "imagesTr/a_0000.nii.gz",
        "labelsTr/a.nii.gz",
        "labelsTr/a_0000.nii.gz",
    ]);
    let text = refused(dir.path(), Some(&organs));
    assert!(
        text.contains("labelsTr/a_0000.nii.gz"),
        "which is meant: {text}"
    );
}
