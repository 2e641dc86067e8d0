//! What segmentations and structure sets take from their series, and what they are refused for.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::fs;
use std::path::Path;

use hardslice_volume::dicom::{
    Maker, SourceSeries, read_rtstruct, read_seg, read_series, write_rtstruct, write_seg,
};
use hardslice_volume::{Anatomy, Code, LabelNames, Note, Scan, Structure, Volume};

use support::{Writer, dicom_golden as golden};

/// A copy of the five files of the golden series `explicit`, each through `change`.
fn series_with(change: impl Fn(usize, &mut Vec<u8>)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..5 {
        let mut bytes = fs::read(golden("explicit").join(format!("{k}.dcm"))).unwrap();
        change(k, &mut bytes);
        fs::write(dir.path().join(format!("{k}.dcm")), bytes).unwrap();
    }
    dir
}

/// Where an element of an explicit file begins, by its tag and VR, and how long its value is; the file's
/// own meta information is passed over.
fn find(bytes: &[u8], tag: [u16; 2], vr: &str) -> Option<(usize, usize)> {
    let [a, b] = tag.map(u16::to_le_bytes);
    let head = [&a[..], &b, vr.as_bytes()].concat();
    let at = bytes.windows(6).position(|window| window == head)?;
    let length = u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]);
    Some((at, usize::from(length)))
}

/// Gives an element another value; `None` takes it away.
fn set(bytes: &mut Vec<u8>, tag: [u16; 2], vr: &str, value: Option<&[u8]>) {
    let (at, length) = find(bytes, tag, vr).unwrap();
    let element = value.map(|value| {
        assert!(value.len().is_multiple_of(2), "padded");
        let length = u16::try_from(value.len()).unwrap().to_le_bytes();
        let [a, b] = tag.map(u16::to_le_bytes);
        [&a[..], &b, vr.as_bytes(), &length, value].concat()
    });
    bytes.splice(at..at + 8 + length, element.unwrap_or_default());
}

/// The value of an element as text.
fn text(path: &Path, tag: [u16; 2], vr: &str) -> Option<String> {
    let bytes = fs::read(path).unwrap();
    let (at, length) = find(&bytes, tag, vr)?;
    let value = String::from_utf8_lossy(&bytes[at + 8..at + 8 + length]).into_owned();
    Some(value.trim_end_matches(['\0', ' ']).to_owned())
}

const CHARACTER_SET: [u16; 2] = [0x0008, 0x0005];
const INSTANCE_UID: [u16; 2] = [0x0008, 0x0018];
const CONTENT_DATE: [u16; 2] = [0x0008, 0x0023];
const PATIENT_NAME: [u16; 2] = [0x0010, 0x0010];
const PATIENT_ID: [u16; 2] = [0x0010, 0x0020];
const STUDY_UID: [u16; 2] = [0x0020, 0x000D];
const SERIES_UID: [u16; 2] = [0x0020, 0x000E];
const FRAME_OF_REFERENCE: [u16; 2] = [0x0020, 0x0052];

/// Dates of the golden series.
const DATES: [[u16; 2]; 3] = [[0x0008, 0x0020], [0x0008, 0x0021], CONTENT_DATE];

const MAKER: Maker<'static> = Maker {
    version: "0.0.0",
    model: "a model",
};

fn structure(name: &str) -> Structure {
    Structure {
        name: name.to_owned(),
        value: 1,
        color: [1, 2, 3],
        anatomy: Some(Anatomy {
            code: Code {
                scheme: "SCT".to_owned(),
                value: "10200004".to_owned(),
                meaning: "Liver".to_owned(),
            },
            side: None,
        }),
    }
}

fn bone(scan: &Scan<f32>) -> Volume<u8> {
    scan.volume.clone().map(|hu| u8::from(hu > 300.0))
}

const WRITERS: [Writer; 2] = [write_seg, write_rtstruct];

/// Writes the bones of a series with a writer.
fn written(
    write: Writer,
    dir: &Path,
    structure: &Structure,
    path: &Path,
) -> Result<Vec<Note>, String> {
    let scan = read_series(dir, None).unwrap();
    let series = SourceSeries::read(dir, None).map_err(|error| error.to_string())?;
    let structures = [structure.clone()];
    let written = write(path, &bone(&scan), &series, &structures, &MAKER);
    written.map_err(|error| error.to_string())
}

#[test]
fn a_series_without_what_refers_to_it_is_refused() {
    for (tag, vr, name) in [
        (STUDY_UID, "UI", "StudyInstanceUID"),
        (SERIES_UID, "UI", "SeriesInstanceUID"),
        (FRAME_OF_REFERENCE, "UI", "FrameOfReferenceUID"),
        (INSTANCE_UID, "UI", "SOPInstanceUID"),
        ([0x0008, 0x0016], "UI", "SOPClassUID"),
    ] {
        for value in [None, Some(&b""[..])] {
            let dir = series_with(|_, bytes| set(bytes, tag, vr, value));
            let refused = SourceSeries::read(dir.path(), None)
                .unwrap_err()
                .to_string();
            for part in [name, "is missing or empty", "write another format", ".dcm"] {
                assert!(
                    refused.contains(part),
                    "`{part}` is missing from: {refused}"
                );
            }
        }
    }
}

#[test]
fn a_series_of_two_patients_is_refused_with_both() {
    for (tag, vr, value) in [
        (PATIENT_ID, "LO", &b"somebody"[..]),
        (STUDY_UID, "UI", b"1.2.3\0"),
    ] {
        let dir = series_with(|k, bytes| {
            if k == 3 {
                set(bytes, tag, vr, Some(value));
            }
        });
        let refused = SourceSeries::read(dir.path(), None)
            .unwrap_err()
            .to_string();
        let value = String::from_utf8_lossy(value);
        for part in [
            value.trim_end_matches('\0'),
            "belongs to one patient",
            ".dcm",
        ] {
            assert!(
                refused.contains(part),
                "`{part}` is missing from: {refused}"
            );
        }
    }
}

#[test]
fn a_series_without_dates_makes_an_object_of_1900_and_a_note() {
    let dir = series_with(|_, bytes| {
        for date in DATES {
            set(bytes, date, "DA", Some(b""));
        }
    });
    let out = dir.path().join("seg");
    let notes = written(write_seg, dir.path(), &structure("liver"), &out).unwrap();
    let [note @ Note::NoDate { .. }] = &notes[..] else {
        panic!("{notes:?}")
    };
    assert!(note.to_string().contains("dated 1900-01-01"), "{note}");
    assert_eq!(text(&out, CONTENT_DATE, "DA").unwrap(), "19000101");
    fs::remove_file(&out).unwrap();
    // One date is enough.
    let dir = series_with(|_, bytes| {
        for date in [DATES[1], DATES[2]] {
            set(bytes, date, "DA", None);
        }
    });
    let out = dir.path().join("seg");
    assert_eq!(
        written(write_seg, dir.path(), &structure("liver"), &out),
        Ok(vec![])
    );
    assert_eq!(
        text(&out, CONTENT_DATE, "DA").unwrap(),
        "20200101",
        "of the study"
    );
}

/// The golden series as a French console may write it.
fn in_latin_1(bytes: &mut Vec<u8>) {
    let (at, _) = find(bytes, [0x0008, 0x0008], "CS").unwrap();
    let element = [&[8, 0, 5, 0][..], b"CS", &[10, 0], b"ISO_IR 100"].concat();
    bytes.splice(at..at, element);
    set(bytes, PATIENT_NAME, "PN", Some(b"Andr\xE9e^ "));
}

#[test]
fn names_are_written_in_the_letters_of_the_series_or_in_utf_8() {
    let plain = series_with(|_, _| ());
    let french = series_with(|_, bytes| in_latin_1(bytes));
    for write in WRITERS {
        for (dir, name, charset) in [
            (&plain, "liver", None),
            (&plain, "Größe", Some("ISO_IR 192")),
            (&plain, "肝臓", Some("ISO_IR 192")),
            (&french, "liver", Some("ISO_IR 100")),
            (&french, "Größe", Some("ISO_IR 100")),
        ] {
            let out = tempfile::NamedTempFile::new().unwrap();
            written(write, dir.path(), &structure(name), out.path()).unwrap();
            let scan = read_series(dir.path(), None).unwrap();
            let names = LabelNames::new([(name, 1)]).unwrap();
            let read = read_seg(out.path(), &scan, &names)
                .or_else(|_| read_rtstruct(out.path(), &scan, &names));
            let wanted = bone(&scan).map(u16::from);
            assert_eq!(
                read.unwrap().volume.voxels(),
                wanted.voxels(),
                "found by its name"
            );
            if std::ptr::fn_addr_eq(write, write_seg as Writer) {
                assert_eq!(
                    text(out.path(), CHARACTER_SET, "CS").as_deref(),
                    charset,
                    "{name}"
                );
                let bytes = fs::read(out.path()).unwrap();
                let (at, length) = find(&bytes, PATIENT_NAME, "PN").unwrap();
                let patient = &bytes[at + 8..at + 8 + length];
                let is_french = std::ptr::eq(dir, &raw const french);
                let wanted = if is_french {
                    &b"Andr\xE9e^ "[..]
                } else {
                    b"Gold^En "
                };
                assert_eq!(patient, wanted, "to the letter");
            }
        }
        let out = plain.path().join("out");
        let refused = written(write, french.path(), &structure("肝臓"), &out).unwrap_err();
        for part in ["`肝臓` cannot stand in the DICOM file", "ISO_IR 100", "out"] {
            assert!(
                refused.contains(part),
                "`{part}` is missing from: {refused}"
            );
        }
        for name in ["a\\b", "a\nb", &"a".repeat(65)] {
            let refused = written(write, plain.path(), &structure(name), &out).unwrap_err();
            assert!(
                refused.contains("cannot stand in the DICOM file"),
                "{refused}"
            );
        }
        assert!(!out.exists());
    }
}

#[test]
fn a_segmentation_needs_a_code_and_a_structure_set_does_not() {
    let dir = golden("explicit");
    let mut without = structure("flap");
    without.anatomy = None;
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("a.dcm");
    let refused = written(write_seg, &dir, &without, &out).unwrap_err();
    assert!(refused.contains("`flap` was given none"), "{refused}");
    assert!(!out.exists());
    let out = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(
        written(write_rtstruct, &dir, &without, out.path()),
        Ok(vec![])
    );
}

#[test]
fn labels_of_another_series_are_refused() {
    let scan = read_series(&golden("oblique"), None).unwrap();
    let series = SourceSeries::read(&golden("explicit"), None).unwrap();
    assert!(!series.is_of(&scan.placement));
    let out = Path::new("nowhere.dcm");
    for write in WRITERS {
        let refused = write(out, &bone(&scan), &series, &[structure("liver")], &MAKER);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("or elsewhere: nowhere.dcm"), "{refused}");
    }
}

#[test]
fn uids_follow_from_series_labels_structures_and_model() {
    let (dir, other_dir) = (golden("explicit"), golden("implicit"));
    let out = tempfile::NamedTempFile::new().unwrap();
    let uid = |dir: &Path, change: &dyn Fn(&mut Volume<u8>), name: &str, model: &str| {
        let mut labels = bone(&read_series(dir, None).unwrap());
        change(&mut labels);
        let series = SourceSeries::read(dir, None).unwrap();
        let maker = Maker { model, ..MAKER };
        write_seg(out.path(), &labels, &series, &[structure(name)], &maker).unwrap();
        let uids = [INSTANCE_UID, SERIES_UID].map(|tag| text(out.path(), tag, "UI").unwrap());
        assert_ne!(uids[0], uids[1]);
        uids[0].clone()
    };
    let same = |_: &mut Volume<u8>| ();
    let first = uid(&dir, &same, "liver", "a");
    assert_eq!(first, uid(&dir, &same, "liver", "a"));
    assert!(first.starts_with("2.25."), "{first}");
    let changed = |labels: &mut Volume<u8>| labels.voxels_mut()[0] ^= 1;
    for other in [
        uid(&dir, &changed, "liver", "a"),
        uid(&dir, &same, "Liver", "a"),
        uid(&dir, &same, "liver", "b"),
        uid(&other_dir, &same, "liver", "a"),
    ] {
        assert_ne!(first, other);
    }
}

#[test]
fn a_series_of_one_slice_and_labels_without_a_voxel_are_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(golden("explicit").join("2.dcm"), dir.path().join("2.dcm")).unwrap();
    let out = tempfile::NamedTempFile::new().unwrap();
    let names = LabelNames::new([("liver", 1)]).unwrap();
    for dir in [dir.path(), &golden("explicit")] {
        let scan = read_series(dir, None).unwrap();
        let series = SourceSeries::read(dir, None).unwrap();
        for labels in [bone(&scan), scan.volume.clone().map(|_| 0)] {
            for write in WRITERS {
                write(out.path(), &labels, &series, &[structure("liver")], &MAKER).unwrap();
                let read = read_seg(out.path(), &scan, &names)
                    .or_else(|_| read_rtstruct(out.path(), &scan, &names));
                let wanted = labels.clone().map(u16::from);
                assert_eq!(read.unwrap().volume.voxels(), wanted.voxels());
                let is_empty = labels.voxels().iter().all(|value| *value == 0);
                if is_empty && std::ptr::fn_addr_eq(write, write_seg as Writer) {
                    let n_frames = text(out.path(), [0x0028, 0x0008], "IS");
                    assert_eq!(n_frames.as_deref(), Some("1"), "it was looked for");
                }
            }
        }
    }
}

#[test]
fn a_series_that_is_not_spaced_quite_evenly_gets_its_own_positions_and_reads_them_back() {
    const POSITION: [u16; 2] = [0x0020, 0x0032];
    // 0.12 of 2.5 mm along the body, which scans are allowed.
    let dir = series_with(|k, bytes| {
        let (at, length) = find(bytes, POSITION, "DS").unwrap();
        let position = String::from_utf8(bytes[at + 8..at + 8 + length].to_vec()).unwrap();
        let [x, y, z] = position.split('\\').collect::<Vec<_>>()[..] else {
            panic!("{position}")
        };
        let z: f64 = z.trim().parse().unwrap();
        let off = if k == 2 { 0.12 } else { 0.0 };
        let mut position = format!("{x}\\{y}\\{:.2}", z + off);
        if position.len() % 2 == 1 {
            position.push(' ');
        }
        set(bytes, POSITION, "DS", Some(position.as_bytes()));
    });
    let scan = read_series(dir.path(), None).unwrap();
    let names = LabelNames::new([("liver", 1)]).unwrap();
    for write in WRITERS {
        let out = tempfile::NamedTempFile::new().unwrap();
        written(write, dir.path(), &structure("liver"), out.path()).unwrap();
        let read = read_seg(out.path(), &scan, &names)
            .or_else(|_| read_rtstruct(out.path(), &scan, &names));
        assert_eq!(
            read.unwrap().volume.voxels(),
            bone(&scan).map(u16::from).voxels()
        );
    }
}
