//! The Decathlon's lists (`training`, `validation`, `test`).

use hardslice_data::manifest::{self, Layout};

use crate::{folder, map, refused, shown, write};

#[test]
fn the_decathlons_list_is_read() {
    let dir = folder(&[
        "imagesTr/s_1.nii.gz",
        "labelsTr/s_1.nii.gz",
        "imagesTs/s_2.nii.gz",
    ]);
    write(
        dir.path(),
        "dataset.json",
        r#"{"name": "Spleen", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"},
            "training": [{"image": "./imagesTr/s_1.nii.gz", "label": "./labelsTr/s_1.nii.gz"}],
            "test": ["./imagesTs/s_2.nii.gz"]}"#,
    );
    let manifest = manifest::read(&dir.path().join("dataset.json"), Layout::Auto, None).unwrap();
    assert_eq!(manifest.layout, Layout::Decathlon, "found out");
    assert_eq!(
        shown(dir.path(), &manifest),
        [
            "s_1/s_1: imagesTr/s_1.nii.gz + labelsTr/s_1.nii.gz [spleen]",
            "s_2/s_2: imagesTs/s_2.nii.gz + nothing []",
        ],
        "training, then test"
    );
}

#[test]
fn the_validation_of_a_datalist_and_labels_of_its_test_are_cases() {
    let dir = folder(&[
        "a.nii.gz",
        "b.nii.gz",
        "c.nii.gz",
        "d.nii.gz",
        "a_seg.nii.gz",
        "b_seg.nii.gz",
        "c_seg.nii.gz",
    ]);
    write(
        dir.path(),
        "dataset.json",
        r#"{"modality": "CT", "labels": ["background", "liver"], "numTraining": 7,
            "training": [{"image": ["./a.nii.gz"], "label": "a_seg.nii.gz", "fold": 0}],
            "validation": [{"image": "b.nii.gz", "label": "b_seg.nii.gz"}],
            "test": ["d.nii.gz", {"image": "c.nii.gz", "label": "c_seg.nii.gz"}]}"#,
    );
    let manifest = manifest::read(dir.path(), Layout::Auto, None).unwrap();
    let shown = shown(dir.path(), &manifest);
    let shown: Vec<&str> = shown
        .iter()
        .map(|case| case.split('[').next().unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "a/a: a.nii.gz + a_seg.nii.gz ",
            "b/b: b.nii.gz + b_seg.nii.gz ",
            "d/d: d.nii.gz + nothing ",
            "c/c: c.nii.gz + c_seg.nii.gz ",
        ]
    );
    let notes = manifest.notes.join("\n");
    assert!(notes.contains("1 scans under `validation`"), "{notes}");
    assert!(notes.contains("numTraining = 7"), "{notes}");
    assert!(notes.contains("names no patients"), "{notes}");
}

#[test]
fn every_list_of_a_datalist_is_read_or_named() {
    let organs = map(&[("liver", &[1])]);
    let dir = folder(&["a.nii", "b.nii", "c.nii", "l.nii", "m.nii"]);
    let read = |json: &str| {
        write(dir.path(), "list.json", json);
        manifest::read(&dir.path().join("list.json"), Layout::Auto, Some(&organs)).unwrap()
    };
    let a = r#"{"image": "a.nii", "label": "l.nii"}"#;
    let b = r#"{"image": "b.nii", "label": "m.nii", "fold": 0}"#;
    let testing = read(&format!(
        r#"{{"training": [{a}], "testing": [{b}, "c.nii"]}}"#
    ));
    assert_eq!(testing.cases.len(), 3, "all are read");
    let notes = testing.notes.join("\n");
    assert!(notes.contains("the 1 scans under `testing`"), "{notes}");
    for list in [format!("[{a}, {b}]"), format!("[{b}, {a}]")] {
        assert_eq!(read(&list).cases.len(), 2, "a list alone");
    }
    let other = read(&format!(
        r#"{{"training": [{a}], "val": [{b}], "held_out": ["c.nii"]}}"#
    ));
    assert_eq!(other.cases.len(), 1, "what has a known name");
    let notes = other.notes.join("\n");
    for part in [
        "the 1 scans under `val`",
        "the 1 scans under `held_out`",
        "are left out",
    ] {
        assert!(notes.contains(part), "{notes}");
    }
    write(dir.path(), "list.json", &format!(r#"{{"train": [{a}]}}"#));
    let text = refused(&dir.path().join("list.json"), Some(&organs));
    assert!(text.contains("wanted lists `training`"), "{text}");
}
