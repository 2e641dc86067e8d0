//! A table of scans, and a TOML manifest.

use std::fs;

use hardslice_data::OrganMap;
use hardslice_data::manifest::{self, Layout, ManifestError};

use crate::{folder, liver_and_kidney, map, names, shown, write};

#[test]
fn a_table_is_read_with_its_paths_taken_from_its_folder() {
    let dir = folder(&[
        "ct/a.nii.gz",
        "ct/b.nii.gz",
        "ct/c.nii.gz",
        "seg/a.nii.gz",
        "seg/b.nii.gz",
    ]);
    write(
        dir.path(),
        "cohort.csv",
        "\u{feff}Case, Patient ID ,image,labels,organs_labelled,note\n\
         # a comment\n\
         a,p1,ct/a.nii.gz,seg/a.nii.gz,liver; Kidney,\"fine, good\"\n\
         b,p1,ct/b.nii.gz,seg/b.nii.gz,liver spleen,\n\
         c,,ct/c.nii.gz,,,no labels\n",
    );
    for given in [dir.path().join("cohort.csv"), dir.path().to_path_buf()] {
        let manifest = manifest::read(&given, Layout::Auto, Some(&liver_and_kidney())).unwrap();
        assert_eq!(
            shown(dir.path(), &manifest),
            [
                "a/p1: ct/a.nii.gz + seg/a.nii.gz [liver kidney]",
                "b/p1: ct/b.nii.gz + seg/b.nii.gz [liver]",
                "c/c: ct/c.nii.gz + nothing []",
            ],
            "in the order of the rows"
        );
        assert_eq!(manifest.layout, Layout::Csv, "found out");
        let notes = manifest.notes.join("\n");
        assert!(notes.ends_with("so not used: spleen"), "{notes}");
    }
}

#[test]
fn cases_without_an_id_are_named_after_their_patient_or_their_file() {
    let dir = folder(&[
        "p1/ct.nii.gz",
        "p2_ct.nii.gz",
        "x_0000.nii.gz",
        "y_0000.nii.gz",
    ]);
    write(
        dir.path(),
        "m.csv",
        "patient;image\nanna;p1/ct.nii.gz\n;p2_ct.nii.gz\nbert;x_0000.nii.gz\nbert;y_0000.nii.gz\n",
    );
    let path = dir.path().join("m.csv");
    let manifest = manifest::read(&path, Layout::Auto, Some(&liver_and_kidney())).unwrap();
    let names: Vec<String> = manifest
        .cases
        .iter()
        .map(|case| format!("{}/{}", case.id, case.patient))
        .collect();
    assert_eq!(
        names,
        ["anna/anna", "p2/p2", "x/bert", "y/bert"],
        "id/patient"
    );
}

#[test]
fn all_that_is_wrong_with_a_table_is_said_at_once() {
    let dir = folder(&["a.nii.gz"]);
    write(
        dir.path(),
        "m.csv",
        "id,image,labels\na,a.nii.gz,gone.nii.gz\nA,a.nii.gz,\n../b,a.nii.gz,\nc,,\n",
    );
    let path = dir.path().join("m.csv");
    let err = manifest::read(&path, Layout::Csv, Some(&map(&[("liver", &[1])]))).unwrap_err();
    let text = err
        .to_string()
        .replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(
        text,
        "4 problems in DIR/m.csv:\n  \
         line 5 (c): no image is given\n  \
         line 2 (a): the label file does not exist: DIR/gone.nii.gz\n  \
         line 3 (A): the case id `A` is taken by line 2 (a) (ids must differ by more than the \
         case of letters or the Unicode form of accents)\n  \
         line 4 (../b): the case id `../b` cannot name a file: it must not begin with a dot, be \
         longer than 200 bytes or hold / \\ : * ? \" < > | or a control character",
        "each with its line"
    );
}

#[test]
fn unknown_doubled_and_missing_columns_are_named() {
    let dir = folder(&["a.nii.gz"]);
    let organs = liver_and_kidney();
    let message = |table: &str| {
        write(dir.path(), "m.csv", table);
        let path = dir.path().join("m.csv");
        manifest::read(&path, Layout::Csv, Some(&organs))
            .unwrap_err()
            .to_string()
    };
    let unknown = message("id,image,colour\na,a.nii.gz,red\n");
    assert!(
        unknown.contains("unknown column `colour`; known are id, patient, image"),
        "{unknown}"
    );
    let doubled = message("id,image,CT\na,a.nii.gz,a.nii.gz\n");
    assert!(
        doubled.contains("`image` and `CT` mean the same"),
        "{doubled}"
    );
    let missing = message("id,labels\na,a.nii.gz\n");
    assert!(
        missing.contains("the column `image` is missing"),
        "{missing}"
    );
    let empty = message("id,image\n");
    assert!(empty.contains("no scan found"), "{empty}");
    let ragged = message("id,image\na\n");
    assert!(
        ragged.starts_with("line 2 has 1 cells, the header has 2"),
        "{ragged}"
    );
}

#[test]
fn an_organ_that_nobody_annotated_is_refused() {
    let dir = folder(&["a.nii.gz", "s.nii.gz"]);
    write(
        dir.path(),
        "m.csv",
        "image,labels,organs\na.nii.gz,s.nii.gz,liver kidneys\n",
    );
    let path = dir.path().join("m.csv");
    let err = manifest::read(&path, Layout::Auto, Some(&liver_and_kidney())).unwrap_err();
    let text = err.to_string();
    assert!(
        text.contains("no case is annotated for `kidney`; annotated are kidneys, liver"),
        "{text}"
    );
}

#[test]
fn an_organ_is_annotated_when_all_its_structures_are() {
    let dir = folder(&["a.nii.gz", "b.nii.gz", "s.nii.gz", "t.nii.gz"]);
    write(
        dir.path(),
        "m.csv",
        "image,labels,organs\na.nii.gz,s.nii.gz,kidney_left kidney_right\n\
         b.nii.gz,t.nii.gz,kidney_left\n",
    );
    let organs: OrganMap =
        serde_json::from_str(r#"{"kidney": [2, 3, "kidney_left", "kidney_right"]}"#).unwrap();
    let path = dir.path().join("m.csv");
    let manifest = manifest::read(&path, Layout::Auto, Some(&organs)).unwrap();
    let n_organs: Vec<usize> = manifest
        .cases
        .iter()
        .map(|c| c.organs_annotated.len())
        .collect();
    assert_eq!(n_organs, [1, 0], "both sides, one side");
}

#[test]
fn a_toml_manifest_brings_its_own_organs() {
    let dir = folder(&["a.nii.gz", "b.nii.gz", "b_seg.nii.gz"]);
    write(
        dir.path(),
        "manifest.toml",
        "[organs]\nspleen = 4\nliver = [1]\n\n[[case]]\nimage = 'a.nii.gz'\n\n\
         [[case]]\nid = 'second'\npatient = 'p'\nimage = 'b.nii.gz'\nlabels = 'b_seg.nii.gz'\n",
    );
    let manifest = manifest::read(dir.path(), Layout::Auto, None).unwrap();
    assert_eq!(
        shown(dir.path(), &manifest),
        [
            "a/a: a.nii.gz + nothing []",
            "second/p: b.nii.gz + b_seg.nii.gz [spleen liver]"
        ],
        "organs in the file's order"
    );
    write(
        dir.path(),
        "manifest.toml",
        "[[case]]\nimage = 'a.nii.gz'\ncolour = 'red'\n",
    );
    let err = manifest::read(dir.path(), Layout::Auto, None).unwrap_err();
    let ManifestError::Toml { source, .. } = &err else {
        panic!("{err}")
    };
    assert!(
        source.to_string().contains("unknown field `colour`"),
        "{source}"
    );
}

#[test]
fn a_cohorts_table_is_read_in_every_encoding() {
    let dir = folder(&["müller.nii.gz", "a_seg.nii.gz"]);
    let table = "id;patient;image;labels\r\na;Müller;müller.nii.gz;a_seg.nii.gz\r\n";
    let utf_16 =
        |bytes: fn(u16) -> [u8; 2]| table.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let latin_1: Vec<u8> = table.chars().map(|c| u8::try_from(c).unwrap()).collect();
    for (name, bytes, is_noted) in [
        ("UTF-8", table.as_bytes().to_vec(), false),
        (
            "LE",
            [b"\xFF\xFE".to_vec(), utf_16(u16::to_le_bytes)].concat(),
            false,
        ),
        (
            "BE",
            [b"\xFE\xFF".to_vec(), utf_16(u16::to_be_bytes)].concat(),
            false,
        ),
        ("Latin-1", latin_1, true),
    ] {
        let path = dir.path().join("cohort.csv");
        fs::write(&path, bytes).unwrap();
        let manifest = manifest::read(&path, Layout::Auto, Some(&liver_and_kidney())).unwrap();
        assert_eq!(names(&manifest), ["a/Müller"], "{name}");
        let notes = manifest.notes.join("\n");
        assert_eq!(notes.contains("Latin-1"), is_noted, "{name}: {notes}");
    }
}

#[test]
fn a_label_file_for_two_scans_is_refused() {
    let dir = folder(&["a.nii.gz", "b.nii.gz", "seg/s.nii.gz"]);
    write(
        dir.path(),
        "m.csv",
        "image,labels\na.nii.gz,seg/s.nii.gz\nb.nii.gz,seg/../seg/s.nii.gz\n",
    );
    let path = dir.path().join("m.csv");
    let refused = manifest::read(&path, Layout::Auto, Some(&liver_and_kidney())).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("line 3: line 2 has the same label file"),
        "{text}"
    );
}
