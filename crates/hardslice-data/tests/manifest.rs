//! Cohorts in every layout, read from folders of empty files: no scan is opened.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::path::Path;

use hardslice_data::manifest::{
    self, Case, Layout, Manifest, ManifestError, PatientPattern, PatientRule, Problem, ReadOptions,
};
use hardslice_data::{Organ, OrganMap};

fn folder(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        write(dir.path(), file, "");
    }
    dir
}

fn write(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn map(organs: &[(&str, &[u16])]) -> OrganMap {
    let named = organs
        .iter()
        .map(|(name, labels)| (Organ::new(name).unwrap(), labels.to_vec()));
    OrganMap::new(named).unwrap()
}

fn liver_and_kidney() -> OrganMap {
    map(&[("liver", &[1]), ("kidney", &[2, 3])])
}

/// `id/patient: image + labels [organs]` of each case, paths as seen from the cohort's folder.
fn shown(dir: &Path, manifest: &Manifest) -> Vec<String> {
    let inside = |path: &Path| path.strip_prefix(dir).unwrap().display().to_string();
    let one = |case: &Case| {
        let labels = case.labels.as_deref().map_or("nothing".to_owned(), inside);
        let organs: Vec<&str> = case.organs_annotated.iter().map(Organ::as_str).collect();
        let organs = organs.join(" ");
        format!(
            "{}/{}: {} + {labels} [{organs}]",
            case.id,
            case.patient,
            inside(&case.image)
        )
    };
    manifest.cases.iter().map(one).collect()
}

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
fn a_folder_without_the_list_that_its_layout_wants_is_refused_with_the_names_looked_for() {
    let dir = folder(&["a_ct.nii.gz", "a_seg.nii.gz"]);
    for (layout, names) in [
        (
            Layout::Csv,
            "none of manifest.csv, cohort.csv, cases.csv is in",
        ),
        (Layout::Toml, "none of manifest.toml is in"),
        (Layout::Decathlon, "none of dataset.json is in"),
    ] {
        let refused = manifest::read(dir.path(), layout, None).unwrap_err();
        assert!(refused.to_string().starts_with(names), "{refused}");
    }
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

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf_8_are_refused_by_name_in_every_layout() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let dir = tempfile::tempdir().unwrap();
    let name = |bytes: &[u8]| dir.path().join(OsStr::from_bytes(bytes));
    let inside = name(b"k\xf6ln");
    fs::create_dir(&inside).unwrap();
    write(&inside, "a_ct.nii.gz", "");
    write(&inside, "cohort.csv", "image\na_ct.nii.gz\n");
    let pairs = dir.path().join("pairs");
    fs::create_dir(&pairs).unwrap();
    fs::write(pairs.join(OsStr::from_bytes(b"m\xfcller_ct.nii.gz")), "").unwrap();
    let liver = map(&[("liver", &[1])]);
    for cohort in [inside.join("cohort.csv"), inside, pairs] {
        let refused = manifest::read(&cohort, Layout::Auto, Some(&liver)).unwrap_err();
        let ManifestError::Problems { problems, .. } = &refused else {
            panic!("{refused}");
        };
        assert!(
            matches!(&problems[..], [Problem::NotUtf8 { path, .. }] if path.starts_with(dir.path())),
            "{refused}"
        );
    }
}

#[test]
fn a_cohort_without_organs_or_without_a_folder_is_refused() {
    let dir = folder(&["a_ct.nii.gz", "a_seg.nii.gz"]);
    let err = manifest::read(dir.path(), Layout::Auto, None)
        .unwrap_err()
        .to_string();
    assert!(err.contains("give an organ map, as `liver = [1]`"), "{err}");
    let gone = manifest::read(&dir.path().join("gone"), Layout::Auto, None).unwrap_err();
    assert!(matches!(gone, ManifestError::File(_)), "{gone}");
    let strange = manifest::read(&dir.path().join("a_ct.nii.gz"), Layout::Auto, None).unwrap_err();
    assert!(
        matches!(strange, ManifestError::UnknownLayout { .. }),
        "{strange}"
    );
}

fn names(manifest: &Manifest) -> Vec<String> {
    let cases = manifest.cases.iter();
    cases
        .map(|case| format!("{}/{}", case.id, case.patient))
        .collect()
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
fn patients_come_from_a_pattern_or_a_table_where_the_layout_names_none() {
    let dir = folder(&["d/p1_a.nii.gz", "d/p1_b.nii.gz", "d/p2_a.nii.gz"]);
    let organs = liver_and_kidney();
    let read = |rule: &PatientRule| {
        let options = ReadOptions {
            organs: Some(&organs),
            patients: Some(rule),
            ..ReadOptions::default()
        };
        manifest::read_with(&dir.path().join("d"), &options)
    };
    let pattern = |text: &str| PatientRule::Pattern(PatientPattern::new(text).unwrap());
    let want = ["p1_a/p1", "p1_b/p1", "p2_a/p2"];
    let by_pattern = read(&pattern("^(p[0-9]+)_")).unwrap();
    assert_eq!(names(&by_pattern), want);
    assert!(by_pattern.notes.is_empty(), "{:?}", by_pattern.notes);
    let misfit = read(&pattern("^(p1)_")).unwrap_err().to_string();
    assert!(
        misfit.contains("`p2_a` has no patient: its name does not match"),
        "{misfit}"
    );

    let path = dir.path().join("patients.csv");
    let table = PatientRule::Table(path.clone());
    fs::write(
        &path,
        "Case\tPatient ID\np1_a\tp1\np1_b\tp1\np2_a\tp2\ngone\tp3\n",
    )
    .unwrap();
    let by_table = read(&table).unwrap();
    assert_eq!(names(&by_table), want);
    assert!(
        by_table.notes[0].contains("`gone` the first"),
        "{:?}",
        by_table.notes
    );
    fs::write(&path, "case,patient\np1_a,p1\np1_a,p2\np1_b,\n").unwrap();
    let text = read(&table).unwrap_err().to_string();
    for part in [
        "line 3",
        "`p2`",
        "line 4",
        "not filled in",
        "`p2_a` has no patient: no row",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    write(dir.path(), "m.csv", "patient,image\nx,d/p1_a.nii.gz\n");
    let options = ReadOptions {
        organs: Some(&organs),
        patients: Some(&table),
        ..ReadOptions::default()
    };
    let twice = manifest::read_with(&dir.path().join("m.csv"), &options).unwrap_err();
    assert!(
        matches!(twice, ManifestError::TwicePatients { .. }),
        "{twice}"
    );
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

#[test]
fn values_to_ignore_come_from_the_data_set_and_the_options() {
    let dir = folder(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]);
    write(
        dir.path(),
        "dataset.json",
        r#"{"channel_names": {"0": "T2"}, "labels": {"background": 0, "liver": 1, "ignore": 2}}"#,
    );
    let read = |organs: &OrganMap, ignored_labels: &[u16]| {
        let options = ReadOptions {
            organs: Some(organs),
            ignored_labels,
            ..ReadOptions::default()
        };
        manifest::read_with(dir.path(), &options)
    };
    let liver = map(&[("liver", &[1])]);
    let manifest = read(&liver, &[9]).unwrap();
    assert_eq!(manifest.ignored_labels, [2, 9]);
    assert_eq!(manifest.other_channel.as_deref(), Some("T2"), "not CT");
    let claimed = read(&map(&[("liver", &[1, 2])]), &[]).unwrap();
    assert!(
        claimed.ignored_labels.is_empty(),
        "the map's own say goes first"
    );
    let both = read(&liver, &[1]).unwrap_err();
    assert!(matches!(both, ManifestError::Organs { .. }), "{both}");
}

/// What a cohort is refused with.
fn refused(path: &Path, organs: Option<&OrganMap>) -> String {
    let read = manifest::read(path, Layout::Auto, organs);
    read.unwrap_err().to_string()
}

#[test]
fn patients_whose_names_differ_by_case_or_form_alone_are_refused_with_both_spellings() {
    let dir = folder(&["a.nii", "b.nii", "c.nii"]);
    let organs = liver_and_kidney();
    let path = dir.path().join("m.csv");
    for (one, other, shown) in [
        ("P0", "p0", "`p0` is called `P0`"),
        (
            "M\u{fc}ller",
            "Mu\u{308}ller",
            "(U+0308) is called `M\u{fc}ller` (U+00FC)",
        ),
        ("\u{d55c}", "\u{1112}\u{1161}\u{11ab}", "(U+D55C)"),
    ] {
        let table = format!("id,patient,image\na,{one},a.nii\nb,{one},b.nii\nc,{other},c.nii\n");
        write(dir.path(), "m.csv", &table);
        let text = refused(&path, Some(&organs));
        assert!(
            text.starts_with("1 problem") && text.contains(shown),
            "{text}"
        );
        assert!(
            text.contains("line 4 (c)") && text.contains("line 2 (a)"),
            "{text}"
        );
        let table = format!("id,image\n{one},a.nii\n{other},b.nii\n");
        write(dir.path(), "m.csv", &table);
        let text = refused(&path, Some(&organs));
        assert!(
            text.starts_with("1 problem") && text.contains("is taken by line 2"),
            "{text}"
        );
    }
    write(
        dir.path(),
        "m.csv",
        "id,patient,image\na,M\u{fc}ller,a.nii\nb,Muller,b.nii\n",
    );
    assert!(
        manifest::read(&path, Layout::Auto, Some(&organs)).is_ok(),
        "two people"
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
