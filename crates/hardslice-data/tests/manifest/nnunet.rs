//! nnU-Net's raw data folder, and `dataset.json` as several programs write it.

use std::fs;

use hardslice_data::manifest::{self, Layout, ManifestError};

use crate::{folder, liver_and_kidney, map, refused, shown, write};

const NNUNET: [&str; 6] = [
    "imagesTr/liver_002_0000.nii.gz",
    "imagesTr/liver_001_0000.nii.gz",
    "imagesTr/._liver_001_0000.nii.gz",
    "labelsTr/liver_001.nii.gz",
    "labelsTr/liver_002.nii.gz",
    "imagesTs/liver_003_0000.nii.gz",
];

#[test]
fn nnunets_raw_folder_is_read_with_its_organs() {
    let dir = folder(&NNUNET);
    write(
        dir.path(),
        "dataset.json",
        r#"{"channel_names": {"0": "CT"}, "numTraining": 2, "file_ending": ".nii.gz",
            "labels": {"background": 0, "spleen": 5, "right kidney": [2, 3], "ignore": 6}}"#,
    );
    let manifest = manifest::read(dir.path(), Layout::Auto, None).unwrap();
    assert_eq!(manifest.layout, Layout::NnUnet, "found out");
    assert_eq!(
        manifest.organs.to_string(),
        "right_kidney = [2, 3], spleen = [5]",
        "by value"
    );
    assert_eq!(
        shown(dir.path(), &manifest),
        [
            "liver_001/liver_001: imagesTr/liver_001_0000.nii.gz + labelsTr/liver_001.nii.gz \
             [right_kidney spleen]",
            "liver_002/liver_002: imagesTr/liver_002_0000.nii.gz + labelsTr/liver_002.nii.gz \
             [right_kidney spleen]",
            "liver_003/liver_003: imagesTs/liver_003_0000.nii.gz + nothing []",
        ],
        "by name"
    );
}

#[test]
fn nnunets_overlapping_regions_and_channels_are_refused() {
    let dir = folder(&NNUNET);
    write(
        dir.path(),
        "dataset.json",
        r#"{"labels": {"background": 0, "whole": [1, 2], "core": 2}}"#,
    );
    let err = manifest::read(dir.path(), Layout::Auto, None).unwrap_err();
    let ManifestError::Organs { source, .. } = &err else {
        panic!("{err}")
    };
    assert!(
        source.to_string().contains("label 2 belongs to both"),
        "{source}"
    );
    let own = manifest::read(dir.path(), Layout::Auto, Some(&map(&[("whole", &[1, 2])])));
    assert_eq!(
        own.unwrap().cases.len(),
        3,
        "an own map sets the list aside"
    );
    write(
        dir.path(),
        "dataset.json",
        r#"{"channel_names": {"0": "CT", "1": "PET"}, "labels": {"a": 1}}"#,
    );
    let err = manifest::read(dir.path(), Layout::Auto, None)
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("2 channels (CT, PET) but one is wanted"),
        "{err}"
    );
}

#[test]
fn nnunets_files_without_a_partner_are_all_named() {
    let dir = folder(&[
        "imagesTr/a_0000.nii.gz",
        "imagesTr/b_0000.nii.gz",
        "labelsTr/b.nii.gz",
        "labelsTr/c.nii.gz",
    ]);
    let err = manifest::read(dir.path(), Layout::Auto, Some(&liver_and_kidney())).unwrap_err();
    let text = err.to_string();
    assert!(text.starts_with("2 problems"), "{text}");
    assert!(text.contains("no labels named a.nii.gz"), "{text}");
    assert!(text.contains("no scan named c_0000.nii.gz"), "{text}");
}

#[test]
fn labels_of_a_dataset_that_name_no_value_are_refused() {
    let dir = folder(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]);
    for (labels, complaint) in [
        (r#"{"one": "liver"}"#, r#"`labels` says "one": "liver""#),
        (r#"{"70000": "liver"}"#, r#"`labels` says "70000": "liver""#),
    ] {
        let json = format!(r#"{{"labels": {labels}, "file_ending": ".nii.gz"}}"#);
        write(dir.path(), "dataset.json", &json);
        let refused = manifest::read(dir.path(), Layout::Auto, None).unwrap_err();
        assert!(refused.to_string().starts_with(complaint), "{refused}");
        assert!(refused.to_string().ends_with("dataset.json"), "{refused}");
    }
    write(dir.path(), "dataset.json", "{\n\"labels\": 3}");
    let refused = manifest::read(dir.path(), Layout::Auto, None).unwrap_err();
    let ManifestError::File(error) = &refused else {
        panic!("{refused}");
    };
    assert!(error.path.ends_with("dataset.json"), "{refused}");
    let reason = error.source.to_string();
    assert!(reason.contains("line 2 column"), "{reason}");
}

#[test]
fn a_dataset_json_is_read_in_the_forms_that_other_programs_take() {
    let dir = folder(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]);
    let channels = r#""channel_names": {"0": "CT"}, "file_ending": "nii.gz""#;
    for (form, labels) in [
        ("numbers", r#"{"background": 0, "liver": 1, "ignore": 2}"#),
        (
            "text",
            r#"{"background": "0", "liver": "1", "ignore": "2"}"#,
        ),
        (
            "floats",
            r#"{"background": 0.0, "liver": 1.0, "ignore": 2.0}"#,
        ),
        (
            "lists",
            r#"{"background": [0], "liver": ["1"], "ignore": [2.0]}"#,
        ),
        ("a list", r#"["background", "liver", "ignore"]"#),
        (
            "the Decathlon's",
            r#"{"0": "background", "1": "liver", "2": "ignore"}"#,
        ),
    ] {
        for (mark, n) in [("\u{feff}", "1"), ("", "\"1\""), ("", "1.0")] {
            let json = format!(r#"{mark}{{{channels}, "labels": {labels}, "numTraining": {n}}}"#);
            write(dir.path(), "dataset.json", &json);
            let manifest = manifest::read(dir.path(), Layout::Auto, None).unwrap();
            assert_eq!(manifest.organs.to_string(), "liver = [1]", "{form}");
            assert_eq!(manifest.ignored_labels, [2], "{form}");
        }
    }
    for (labels, parts) in [
        (r#"{"liver": 1.5}"#, ["1.5", "line 2 column"]),
        (r#"{"liver": -1}"#, ["-1", "line 2 column"]),
        (r#"{"liver": 70000}"#, ["70000", "line 2 column"]),
        (
            r#"{"liver": 1, "liver": 2}"#,
            ["`liver` stands twice", "line 2 column"],
        ),
        (
            r#"{"liver": {"value": 1}}"#,
            ["wanted a label value", "line 2 column"],
        ),
    ] {
        write(
            dir.path(),
            "dataset.json",
            &format!("{{{channels},\n\"labels\": {labels}}}"),
        );
        let refused = manifest::read(dir.path(), Layout::Auto, None).unwrap_err();
        let ManifestError::File(error) = &refused else {
            panic!("{refused}")
        };
        let why = error
            .source
            .to_string()
            .replace("expected a label", "wanted a label");
        for part in parts {
            assert!(why.contains(part), "{labels}: {why}");
        }
    }
}

#[test]
fn files_that_nnunet_would_miss_or_count_are_problems() {
    let json = |n: usize| {
        format!(
            r#"{{"channel_names": {{"0": "CT"}}, "labels": {{"background": 0, "liver": 1}}, "numTraining": {n}, "file_ending": ".nii.gz"}}"#
        )
    };
    let dir = folder(&[
        "imagesTr/a_0000.NII.GZ",
        "imagesTr/b_0000.nii.gz",
        "labelsTr/a.nii.gz",
        "labelsTr/b.nii.gz",
        "imagesTr/note.txt",
    ]);
    let read = || manifest::read(dir.path(), Layout::Auto, None);
    write(dir.path(), "dataset.json", &json(2));
    assert_eq!(read().unwrap().cases.len(), 2, "endings in any case");
    write(dir.path(), "dataset.json", &json(3));
    let fewer = read().unwrap_err().to_string();
    assert!(
        fewer.contains("numTraining = 3, but 2 training scans"),
        "{fewer}"
    );
    write(dir.path(), "dataset.json", &json(2));
    write(dir.path(), "imagesTr/b_0001.nii.gz", "");
    write(dir.path(), "imagesTr/c.nii.gz", "");
    let more = read().unwrap_err().to_string();
    assert!(
        more.contains("b_0001.nii.gz: a further channel of the case `b`"),
        "{more}"
    );
    assert!(more.contains("c.nii.gz: wanted NAME_0000.nii.gz"), "{more}");
    fs::remove_file(dir.path().join("imagesTr/b_0001.nii.gz")).unwrap();
    fs::remove_file(dir.path().join("imagesTr/c.nii.gz")).unwrap();
    write(dir.path(), "imagesTr/d_0000.nii", "");
    let notes = read().unwrap().notes.join("\n");
    assert!(
        notes.contains("do not end with .nii.gz") && notes.contains("d_0000.nii"),
        "{notes}"
    );
}

#[test]
fn what_nnunets_folders_hold_beside_their_scans_is_named() {
    let json = r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1}}"#;
    for (more, named) in [
        (
            &["imagesTr/more/b_0000.nii.gz", "labelsTr/more/b.nii.gz"][..],
            "more",
        ),
        (
            &["imagesTr/b_0000.nii.gz.part", "labelsTr/b.nii.gz.part"],
            "b_0000.nii.gz.part",
        ),
        (&["imagesTr/b_0000.nrrd", "labelsTr/b.nrrd"], "b_0000.nrrd"),
    ] {
        let dir = folder(&[&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"], more].concat());
        write(dir.path(), "dataset.json", json);
        let notes = manifest::read(dir.path(), Layout::Auto, None)
            .unwrap()
            .notes;
        let noted = |folder: &str| {
            notes
                .iter()
                .any(|note| note.contains(folder) && note.contains("are not read"))
        };
        assert!(noted("imagesTr") && noted("labelsTr"), "{notes:?}");
        assert!(notes.join("\n").contains(named), "{notes:?}");
    }
}

#[test]
fn a_file_ending_that_no_file_has_is_named() {
    for n_training in ["", r#", "numTraining": 1"#] {
        let dir = folder(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]);
        let labels = r#""labels": {"background": 0, "liver": 1}, "file_ending": ".nrrd""#;
        write(
            dir.path(),
            "dataset.json",
            &format!("{{{labels}{n_training}}}"),
        );
        let text = refused(dir.path(), None);
        for part in [
            "ends with .nrrd",
            "a_0000.nii.gz the first",
            "`file_ending` in dataset.json",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("   "), "{text}");
    }
}

#[test]
fn a_background_of_another_value_than_0_is_a_swapped_table() {
    let dir = folder(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]);
    for labels in [
        r#"{"liver": 0, "background": 1}"#,
        r#"{"0": "liver", "1": "Background"}"#,
        r#"{"BACKGROUND": [1, 2], "liver": 3}"#,
        r#"["liver", "bg"]"#,
    ] {
        write(
            dir.path(),
            "dataset.json",
            &format!(r#"{{"labels": {labels}}}"#),
        );
        let text = refused(dir.path(), None);
        assert!(text.contains("but 0 is the background"), "{text}");
    }
    let labels = r#"{"labels": {"liver": 0, "spleen": 1}}"#;
    write(dir.path(), "dataset.json", labels);
    let notes = manifest::read(dir.path(), Layout::Auto, None)
        .unwrap()
        .notes;
    assert!(
        notes.iter().any(|note| note.contains("calls 0 `liver`")),
        "{notes:?}"
    );
}
