//! DICOM files as people have them: what is harmless is read, what is not is refused by name.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;

use hardslice_volume::dicom::{list_series, read_seg, read_series};
use hardslice_volume::{LabelNames, Reference, Scan, read_scan};

use support::{dicom_golden as golden, series_refusal};

/// A copy of the five files of the golden series `case`, each through `change`, named `IM0.dcm`...
fn series_with(case: &str, change: impl Fn(usize, Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for k in 0..5 {
        let bytes = fs::read(golden(case).join(format!("{k}.dcm"))).unwrap();
        fs::write(dir.path().join(format!("IM{k}.dcm")), change(k, bytes)).unwrap();
    }
    dir
}

fn refusal(dir: &Path) -> String {
    series_refusal(dir, None)
}

fn whole() -> Scan<f32> {
    read_series(&golden("explicit"), None).unwrap()
}

/// Where an element of an explicit file begins, by the bytes of its tag and VR.
fn find(bytes: &[u8], tag: [u8; 4], vr: [u8; 2]) -> usize {
    let head = [&tag[..], &vr].concat();
    let at = bytes.windows(6).position(|window| window == head);
    at.unwrap()
}

/// An element of an explicit file with VR UN instead of its own.
fn as_un(bytes: &mut Vec<u8>, tag: [u8; 4], vr: [u8; 2]) {
    let at = find(bytes, tag, vr);
    let length = [bytes[at + 6], bytes[at + 7], 0, 0];
    let head = [b"UN\0\0".as_slice(), &length].concat();
    bytes.splice(at + 4..at + 8, head);
}

/// What is done to the bytes of a file.
type Change = fn(Vec<u8>) -> Vec<u8>;

const ITEM: [u8; 8] = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
const ITEM_END: [u8; 8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0];
const SEQUENCE_END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];

/// A sequence of undefined length as UN, with a sequence inside, in implicit little endian.
fn unknown_sequence(group: u16) -> Vec<u8> {
    let inner = [
        &[0x08, 0, 0x15, 0x11, 0xFF, 0xFF, 0xFF, 0xFF][..],
        &ITEM,
        &[0x08, 0, 0x04, 0x01, 4, 0, 0, 0],
        b"text",
        &ITEM_END,
        &SEQUENCE_END,
    ]
    .concat();
    [
        &group.to_le_bytes()[..],
        &[0x10, 0x10],
        b"UN\0\0\xFF\xFF\xFF\xFF",
        &ITEM,
        &inner,
        &ITEM_END,
        &SEQUENCE_END,
    ]
    .concat()
}

#[test]
fn known_attributes_with_vr_un_are_read_by_the_dictionary() {
    let dir = series_with("explicit", |_, mut bytes| {
        for (tag, vr) in [
            ([0x08, 0, 0x60, 0], *b"CS"),
            ([0x20, 0, 0x32, 0], *b"DS"),
            ([0x20, 0, 0x37, 0], *b"DS"),
            ([0x28, 0, 0x10, 0], *b"US"),
            ([0x28, 0, 0x11, 0], *b"US"),
            ([0x28, 0, 0x30, 0], *b"DS"),
            ([0x28, 0, 0x00, 1], *b"US"),
            ([0x28, 0, 0x03, 1], *b"US"),
            ([0x28, 0, 0x52, 0x10], *b"DS"),
            ([0x28, 0, 0x53, 0x10], *b"DS"),
        ] {
            as_un(&mut bytes, tag, vr);
        }
        bytes
    });
    assert_eq!(
        read_series(dir.path(), None).unwrap(),
        whole(),
        "the same scan"
    );
}

#[test]
fn sequences_with_vr_un_are_passed_over() {
    for group in [0x0009, 0x0008] {
        let dir = series_with("explicit", |_, mut bytes| {
            let at = find(&bytes, [0x10, 0, 0x10, 0], *b"PN");
            bytes.splice(at..at, unknown_sequence(group));
            bytes
        });
        let scan = read_series(dir.path(), None).unwrap();
        assert_eq!(scan, whole(), "group {group:04x}");
    }
}

#[test]
fn preamble_meta_information_and_group_length_may_be_missing() {
    let cases: [(&str, Change); 5] = [
        ("no preamble", |bytes| bytes[128..].to_vec()),
        ("no preamble and no mark", |bytes| bytes[132..].to_vec()),
        ("no meta information", |bytes| {
            bytes[find(&bytes, [8, 0, 8, 0], *b"CS")..].to_vec()
        }),
        ("no group length", |bytes| {
            [&bytes[..132], &bytes[144..]].concat()
        }),
        ("a wrong group length", |mut bytes| {
            bytes[140] = 20;
            bytes
        }),
    ];
    for (title, change) in cases {
        for case in ["explicit", "big_endian"] {
            if case == "big_endian" && title == "no meta information" {
                continue;
            }
            let scan = read_series(series_with(case, |_, bytes| change(bytes)).path(), None);
            let wanted = read_series(&golden(case), None).unwrap();
            assert_eq!(scan.unwrap(), wanted, "{case}, {title}");
        }
    }
    // Only the last slices, as in a folder that two consoles wrote.
    let mixed = series_with("explicit", |k, bytes| match k {
        3.. => bytes[find(&bytes, [8, 0, 8, 0], *b"CS")..].to_vec(),
        _ => bytes,
    });
    assert_eq!(
        read_series(mixed.path(), None).unwrap(),
        whole(),
        "none is left out"
    );
}

#[test]
fn implicit_files_without_preamble_and_meta_information_are_read() {
    let dir = series_with("implicit", |_, bytes| {
        let at = bytes
            .windows(4)
            .skip(132)
            .position(|tag| tag == [8, 0, 8, 0]);
        bytes[132 + at.unwrap()..].to_vec()
    });
    let wanted = read_series(&golden("implicit"), None).unwrap();
    assert_eq!(
        read_series(dir.path(), None).unwrap(),
        wanted,
        "the same scan"
    );
}

#[test]
fn padding_behind_the_data_is_left_alone() {
    for padding in [vec![0; 1], vec![0; 700], b"garbage of 21 bytes..".to_vec()] {
        let dir = series_with("explicit", |_, bytes| [bytes, padding.clone()].concat());
        assert_eq!(
            read_series(dir.path(), None).unwrap(),
            whole(),
            "{} bytes",
            padding.len()
        );
    }
}

#[test]
fn a_slice_that_cannot_be_read_refuses_the_series_wherever_it_breaks_off() {
    let n_bytes = fs::read(golden("explicit/0.dcm")).unwrap().len();
    for cut in (0..n_bytes)
        .step_by(23)
        .chain([1, 131, 132, 133, n_bytes - 1])
    {
        let dir = series_with("explicit", |k, mut bytes| {
            if k == 4 {
                bytes.truncate(cut);
            }
            bytes
        });
        let text = refusal(dir.path());
        assert!(text.contains("IM4.dcm"), "{cut} bytes:\n{text}");
    }
}

#[test]
fn an_empty_or_damaged_file_named_as_the_others_is_never_a_shorter_volume() {
    for (title, content) in [
        ("empty", vec![]),
        ("zeros", vec![0; 4000]),
        ("text", b"<html>".to_vec()),
    ] {
        for name in ["IM4", "IM05.dcm", "note.DCM", "x.ima"] {
            let dir = tempfile::tempdir().unwrap();
            for k in 0..4 {
                let to = dir.path().join(format!("IM{k}"));
                fs::copy(golden("explicit").join(format!("{k}.dcm")), to).unwrap();
            }
            fs::write(dir.path().join(name), &content).unwrap();
            let text = refusal(dir.path());
            assert!(
                text.contains(name) && text.contains("are no DICOM"),
                "{title}:\n{text}"
            );
        }
    }
    let dir = series_with("explicit", |_, bytes| bytes);
    fs::write(dir.path().join("README.txt"), "CT of patient 17").unwrap();
    fs::write(dir.path().join(".DS_Store"), "").unwrap();
    fs::write(dir.path().join("._IM4.dcm"), "resource fork").unwrap();
    assert_eq!(
        read_series(dir.path(), None).unwrap(),
        whole(),
        "these are no slices"
    );
}

#[test]
fn a_slice_under_the_name_of_a_broken_download_or_a_packer_is_never_a_shorter_volume() {
    for name in [
        "IM4.dcm.part",
        "IM4.dcm.crdownload",
        "IM4.DCM.filepart",
        "IM4.dcm~",
        "IM4.dcm (1)",
        "IM4.part",
        "x.dcm.tmp",
    ] {
        for content in [&b""[..], b"cut"] {
            let dir = series_with("explicit", |_, bytes| bytes);
            fs::remove_file(dir.path().join("IM4.dcm")).unwrap();
            fs::write(dir.path().join(name), content).unwrap();
            let text = refusal(dir.path());
            assert!(
                text.contains(name) && text.contains("are no DICOM"),
                "{text}"
            );
        }
    }
    for (named, hidden) in [("IM4.dcm", ".IM4.dcm.Xy12Zw"), ("IM4", ".IM4.a7Pq09")] {
        let dir = series_with("explicit", |_, bytes| bytes);
        if named == "IM4" {
            for n in 0..5 {
                let name = dir.path().join(format!("IM{n}"));
                fs::rename(name.with_extension("dcm"), name).unwrap();
            }
        }
        let slice = dir.path().join(named);
        fs::write(dir.path().join(hidden), "cut").unwrap();
        assert_eq!(
            read_series(dir.path(), None).unwrap(),
            whole(),
            "the slice is there"
        );
        fs::remove_file(slice).unwrap();
        let text = refusal(dir.path());
        assert!(text.contains(hidden), "{text}");
    }
    let dir = series_with("explicit", |_, bytes| bytes);
    for name in ["IM4.png", "IM4.dcm.json", "Thumbs.db", "preview.jpg"] {
        fs::write(dir.path().join(name), "no slice").unwrap();
    }
    assert_eq!(
        read_series(dir.path(), None).unwrap(),
        whole(),
        "named after a slice that is there, or of no slice's kind"
    );
}

#[test]
fn slices_packed_with_gzip_are_named_with_what_to_do() {
    let packed = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    for (name, are_all) in [("IM#.dcm.gz", true), ("slice#.gz", true), ("y#", false)] {
        let dir = series_with("explicit", |_, bytes| bytes);
        for k in 0..5 {
            let (from, name) = (format!("IM{k}.dcm"), name.replace('#', &k.to_string()));
            let from = dir.path().join(from);
            if are_all || k == 4 {
                let bytes = packed(&fs::read(&from).unwrap());
                fs::write(dir.path().join(name), bytes).unwrap();
                fs::remove_file(from).unwrap();
            }
        }
        let text = refusal(dir.path());
        assert!(
            text.contains("packed with gzip") && text.contains("gunzip"),
            "{text}"
        );
    }
    let dir = series_with("explicit", |_, bytes| bytes);
    fs::write(dir.path().join("notes.txt.gz"), packed(b"no slice")).unwrap();
    assert_eq!(
        read_series(dir.path(), None).unwrap(),
        whole(),
        "packed text"
    );
}

#[test]
fn a_file_of_few_bytes_takes_no_memory_for_what_it_announces() {
    let dir = series_with("explicit", |_, mut bytes| {
        let at = find(&bytes, [0x10, 0, 0x10, 0], *b"PN");
        let giant = [&[0x09, 0, 0x10, 0x10][..], b"UN\0\0\xF0\xFF\xFF\xDF"].concat();
        bytes.splice(at..at, giant);
        bytes
    });
    let text = refusal(dir.path());
    assert!(text.contains("3758096368 bytes were announced"), "{text}");
}

#[test]
fn sequences_within_sequences_end_somewhere() {
    let dir = series_with("explicit", |_, mut bytes| {
        let at = find(&bytes, [0x10, 0, 0x10, 0], *b"PN");
        let mut deep = [&[0x09, 0, 0x10, 0x10][..], b"UN\0\0\xFF\xFF\xFF\xFF"].concat();
        for _ in 0..100_000 {
            deep.extend(ITEM);
            deep.extend([0x08, 0, 0x15, 0x11, 0xFF, 0xFF, 0xFF, 0xFF]);
        }
        bytes.splice(at..at, deep);
        bytes
    });
    let text = refusal(dir.path());
    assert!(text.contains("64 sequences deep"), "{text}");
}

#[test]
fn a_file_that_holds_more_frames_than_it_announces_is_refused() {
    let dir = series_with("explicit", |_, mut bytes| {
        let at = find(&bytes, [0xE0, 0x7F, 0x10, 0], *b"OW");
        let pixels = bytes[at + 12..].to_vec();
        bytes.extend(pixels);
        let n = u32::try_from(bytes.len() - at - 12).unwrap();
        bytes[at + 8..at + 12].copy_from_slice(&n.to_le_bytes());
        bytes
    });
    let text = refusal(dir.path());
    assert!(
        text.contains("holds 2 frames, the header announces 1"),
        "{text}"
    );
}

#[test]
fn pixel_data_of_no_length_or_one_byte_short_is_refused() {
    for short in [1, 84] {
        let dir = series_with("explicit", |k, mut bytes| {
            if k == 2 {
                let at = find(&bytes, [0xE0, 0x7F, 0x10, 0], *b"OW");
                bytes.truncate(bytes.len() - short);
                let n = u32::try_from(bytes.len() - at - 12).unwrap();
                bytes[at + 8..at + 12].copy_from_slice(&n.to_le_bytes());
            }
            bytes
        });
        let text = refusal(dir.path());
        let found = 84 - short;
        assert!(
            text.contains(&format!("needs 84 bytes, {found} are there")),
            "{text}"
        );
        assert!(text.contains("IM2.dcm"), "{text}");
    }
}

#[test]
fn a_localizer_alone_is_no_scan() {
    let dir = series_with("explicit", |_, bytes| {
        let mut bytes = bytes;
        // A word of as many letters as a survey's type needs.
        let at = find(&bytes, [8, 0, 8, 0], *b"CS");
        let kind = b"ORIGINAL\\PRIMARY\\LOCALIZER";
        bytes.splice(at + 6..at + 8 + 22, [&[26, 0][..], kind].concat());
        bytes
    });
    let text = refusal(dir.path());
    assert!(text.contains("is a localizer"), "{text}");
}

#[test]
fn slices_of_two_frames_of_reference_make_no_volume() {
    let dir = series_with("explicit", |k, mut bytes| {
        if k == 3 {
            let at = find(&bytes, [0x20, 0, 0x52, 0], *b"UI");
            bytes[at + 20] = if bytes[at + 20] == b'1' { b'2' } else { b'1' };
        }
        bytes
    });
    let text = refusal(dir.path());
    assert!(text.contains("belong to 2 frames of reference"), "{text}");
}

#[test]
fn a_segmentation_of_another_frame_of_reference_is_refused_where_the_scans_is_known() {
    let scan = read_series(&golden("oblique"), None).unwrap();
    let uid = scan.frame_of_reference.clone().unwrap();
    let names = LabelNames::default();
    let seg = golden("seg_binary");
    assert!(read_seg(&seg, &scan, &names).is_ok(), "its own");
    let other = Reference {
        placement: &scan.placement,
        frame_of_reference: Some("1.2.3"),
    };
    let text = read_seg(&seg, other, &names).unwrap_err().to_string();
    assert!(text.contains(&uid) && text.contains("1.2.3"), "{text}");
    assert!(read_seg(&seg, &scan.placement, &names).is_ok(), "not known");
}

#[test]
fn a_single_file_without_preamble_is_a_scan() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = fs::read(golden("explicit/0.dcm")).unwrap();
    let path = dir.path().join("slice");
    fs::write(&path, &bytes[132..]).unwrap();
    assert_eq!(read_scan(&path).unwrap().volume.shape().z, 1, "one slice");
}

#[test]
fn a_small_file_of_a_large_image_takes_no_memory_for_it() {
    let dir = series_with("explicit", |_, mut bytes| {
        for element in [0x10, 0x11] {
            let at = find(&bytes, [0x28, 0, element, 0], *b"US");
            bytes[at + 8..at + 10].copy_from_slice(&[0xFF, 0xFF]);
        }
        bytes
    });
    let text = refusal(dir.path());
    assert!(text.contains("the frame needs 8589672450 bytes"), "{text}");
}

#[test]
fn no_single_damaged_byte_makes_the_readers_panic() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.dcm");
    let scan = read_series(&golden("oblique"), None).unwrap();
    for case in ["explicit", "enhanced_fragments", "seg_binary", "rle"] {
        let whole = fs::read(golden(case).join("0.dcm")).unwrap();
        // Every byte of one file, and enough of the others to meet each of their elements.
        let (step, damages) = match case {
            "explicit" => (1, &[0x20, 0xFF][..]),
            _ => (5, &[0xFF][..]),
        };
        for at in (128..whole.len()).step_by(step) {
            for damage in damages {
                let mut bytes = whole.clone();
                bytes[at] ^= damage;
                fs::write(&path, &bytes).unwrap();
                drop(read_scan(&path));
                drop(read_seg(&path, &scan, &LabelNames::default()));
            }
        }
    }
}

/// Two series in folders of their own, `a` and `b`, with their UIDs.
fn two_series() -> (tempfile::TempDir, [String; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let uids = [("a", "explicit"), ("b", "oblique")].map(|(folder, case)| {
        let to = dir.path().join(folder);
        fs::create_dir(&to).unwrap();
        for k in 0..5 {
            let file = format!("{k}.dcm");
            fs::copy(golden(case).join(&file), to.join(format!("IM{k}.dcm"))).unwrap();
        }
        list_series(&to).unwrap()[0].uid.clone()
    });
    (dir, uids)
}

#[test]
fn a_spoilt_file_refuses_the_series_that_it_can_belong_to_and_no_other() {
    let whole = fs::read(golden("oblique/3.dcm")).unwrap();
    for (title, content) in [("cut", &whole[..700]), ("empty", &[]), ("text", b"<html>")] {
        // In the folder of a series: that series'.
        let (dir, [a, b]) = two_series();
        fs::write(dir.path().join("b/IM9.dcm"), content).unwrap();
        let scan = read_series(dir.path(), Some(&a)).unwrap();
        let notes: Vec<String> = scan.notes.iter().map(ToString::to_string).collect();
        assert!(
            matches!(notes.as_slice(), [note] if note.contains("IM9.dcm")),
            "{title}: {notes:?}"
        );
        let text = series_refusal(dir.path(), Some(&b));
        assert!(text.contains("IM9.dcm"), "{title}: {text}");

        // In a folder without images: it could be of any.
        let (dir, uids) = two_series();
        fs::write(dir.path().join("lost.dcm"), content).unwrap();
        for uid in &uids {
            let text = series_refusal(dir.path(), Some(uid));
            assert!(text.contains("lost.dcm"), "{title}: {text}");
        }

        // Both series in one folder: by the names of the files, where these tell them apart.
        let (dir, [a, b]) = two_series();
        for k in 0..5 {
            for (folder, name) in [("a", "X"), ("b", "Y")] {
                let from = dir.path().join(folder).join(format!("IM{k}.dcm"));
                fs::rename(from, dir.path().join(format!("{name}{k}.dcm"))).unwrap();
            }
        }
        fs::write(dir.path().join("Y17.dcm"), content).unwrap();
        assert!(read_series(dir.path(), Some(&a)).is_ok(), "{title}");
        assert!(series_refusal(dir.path(), Some(&b)).contains("Y17.dcm"));
        fs::rename(dir.path().join("Y17.dcm"), dir.path().join("Z.dcm")).unwrap();
        for uid in [&a, &b] {
            let text = series_refusal(dir.path(), Some(uid));
            assert!(text.contains("Z.dcm"), "{title}: {text}");
        }
        let text = refusal(dir.path());
        assert!(text.contains("2 series were found"), "{title}: {text}");
        assert!(text.contains("5 slices of"), "{title}: {text}");
    }
}
