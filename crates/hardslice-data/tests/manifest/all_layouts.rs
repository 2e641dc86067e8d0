//! What holds in every layout.

use std::fs;

use hardslice_data::OrganMap;
use hardslice_data::manifest::{
    self, Layout, ManifestError, PatientPattern, PatientRule, Problem, ReadOptions,
};

use crate::{folder, liver_and_kidney, map, names, refused, write};

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
