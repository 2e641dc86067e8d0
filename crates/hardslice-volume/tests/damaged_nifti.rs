//! Damaged and unusual NIfTI files: each is refused with a message that names what is wrong.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use hardslice_volume::{Grid, PerAxis, Volume, read_nifti_labels, read_nifti_scan, write_scan};

/// A file of 2 × 3 × 4 voxels of 16 bits and the folder it lies in.
struct Sample {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
}

impl Sample {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let grid = Grid {
            shape: PerAxis::new(4, 3, 2),
            world_from_voxel: [
                [0.8, 0.0, 0.0, 1.0],
                [0.0, 0.8, 0.0, 2.0],
                [0.0, 0.0, 5.0, 3.0],
            ],
        };
        let path = dir.path().join("good.nii");
        write_scan(&path, &Volume::new(grid, (0..24).collect()).unwrap()).unwrap();
        let bytes = fs::read(path).unwrap();
        Self { dir, bytes }
    }

    /// Overwrites bytes of the header.
    fn with(mut self, at: usize, field: &[u8]) -> Self {
        self.bytes[at..at + field.len()].copy_from_slice(field);
        self
    }

    /// Sets the data type and puts these bytes in the voxels' place.
    fn with_voxels(mut self, datatype: i16, bytes: &[u8]) -> Self {
        self.bytes.truncate(352);
        self.bytes.extend_from_slice(bytes);
        self.with(70, &datatype.to_le_bytes())
    }

    fn write(&self, name: &str) -> PathBuf {
        self.write_bytes(name, &self.bytes)
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn gzipped(&self) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(&self.bytes).unwrap();
        gz.finish().unwrap()
    }
}

/// Asserts that reading fails with this message, path last.
#[track_caller]
fn refused(path: &Path, message: &str) {
    let err = read_nifti_scan(path).unwrap_err().to_string();
    assert_eq!(
        err,
        format!("{message}: {}", path.display()),
        "the message of {path:?}"
    );
}

#[test]
fn files_that_are_no_nifti_are_told_apart() {
    let sample = Sample::new();
    refused(
        &sample.write_bytes("empty.nii", b""),
        "a NIfTI header has 348 bytes, the file holds 0",
    );
    refused(
        &sample.write_bytes("text.nii", b"patient,image\n1,a.nii\n"),
        "not a NIfTI file: it begins with bytes [70, 61, 74, 69], a NIfTI header with its own \
         size, 348 or 540",
    );
    refused(
        &sample.write_bytes("head.nii", &sample.bytes[..200]),
        "a NIfTI header has 348 bytes, the file holds 200",
    );
    let missing = sample.dir.path().join("missing.nii");
    let err = read_nifti_scan(&missing).unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("cannot read {}", missing.display()),
        "no such file"
    );
    assert!(
        std::error::Error::source(&err).is_some(),
        "the file system's reason is kept"
    );
    refused(
        &Sample::new().with(344, &[0; 4]).write("analyze.nii"),
        "not a NIfTI file: its magic is [00, 00, 00, 00] (zeros: Analyze 7.5, which says nothing \
         about directions; convert it to NIfTI)",
    );
    refused(
        &Sample::new().with(344, b"ni1\0").write("pair.nii"),
        "the header says that the voxels stand in an .img file beside it, but it is not named .hdr",
    );
}

#[test]
fn short_files_are_refused_with_the_bytes_found_and_wanted() {
    let sample = Sample::new();
    refused(
        &sample.write_bytes("short.nii", &sample.bytes[..352 + 40]),
        "the voxels need 48 bytes, the file holds 40 (truncated copy or download?)",
    );
    // Voxels that deflate cannot shrink, so that a cut lies among them.
    let noise: Vec<u8> = (0..24_u32)
        .flat_map(|i| (i * 40_503 % 65_536).to_le_bytes())
        .collect();
    let sample = Sample::new().with_voxels(8, &noise);
    let gz = sample.gzipped();
    let path = sample.write_bytes("cut.nii.gz", &gz[..gz.len() - 30]);
    let err = read_nifti_scan(&path).unwrap_err().to_string();
    assert!(
        err.starts_with("the voxels need 96 bytes, the file holds "),
        "{err}"
    );
    assert!(
        err.ends_with(&format!(
            "(truncated copy or download?): {}",
            path.display()
        )),
        "{err}"
    );
    let path = sample.write_bytes("cut_in_header.nii.gz", &gz[..12]);
    let err = read_nifti_scan(&path).unwrap_err().to_string();
    assert!(
        err.starts_with("a NIfTI header has 348 bytes, the file holds "),
        "{err}"
    );
    let mut flipped = gz;
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let path = sample.write_bytes("checksum.nii.gz", &flipped);
    let err = read_nifti_scan(&path).unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("cannot read {}", path.display()),
        "checksum"
    );
    let cause = std::error::Error::source(&err).unwrap().to_string();
    assert!(cause.contains("corrupt"), "{cause}");
}

#[test]
fn impossible_dimensions_are_refused_before_anything_is_allocated() {
    let dim = |at: usize, n: i16| Sample::new().with(40 + 2 * at, &n.to_le_bytes());
    refused(
        &dim(2, 0).write("zero.nii"),
        "dimensions [3, 2, 0, 4, 1, 1, 1, 1] (number of axes, then their lengths) make no volume",
    );
    refused(
        &dim(0, 9).write("nine_axes.nii"),
        "dimensions [9, 2, 3, 4, 1, 1, 1, 1] (number of axes, then their lengths) make no volume",
    );
    refused(
        &dim(1, -5).write("negative.nii"),
        "dimensions [3, -5, 3, 4, 1, 1, 1, 1] (number of axes, then their lengths) make no volume",
    );
    let giant = 32_767_i16.to_le_bytes();
    let giant = Sample::new()
        .with(42, &giant)
        .with(44, &giant)
        .with(46, &giant);
    refused(
        &giant.write("giant.nii"),
        "the voxels need 70362301923326 bytes, the file holds 48 (truncated copy or download?)",
    );
    let path = giant.write_bytes("giant.nii.gz", &giant.gzipped());
    let err = read_nifti_scan(&path).unwrap_err().to_string();
    assert!(
        err.starts_with("the voxels need 70362301923326 bytes, the compressed file can hold "),
        "{err}"
    );
    let frames = Sample::new()
        .with(40, &4_i16.to_le_bytes())
        .with(48, &7_i16.to_le_bytes());
    refused(
        &frames.write("frames.nii"),
        "7 frames, but a scan has one (dimensions [4, 2, 3, 4, 7, 1, 1, 1]); split the file",
    );
}

#[test]
fn types_that_are_no_real_numbers_are_refused_by_name() {
    for (code, name) in [
        (128, "RGB24"),
        (2304, "RGBA32"),
        (32, "COMPLEX64"),
        (77, "UNKNOWN"),
    ] {
        refused(
            &Sample::new().with_voxels(code, &[0; 96]).write("type.nii"),
            &format!("voxels of type {name} (code {code}) are not read, only real numbers are"),
        );
    }
}

#[test]
fn nan_voxels_are_counted_and_the_first_is_named() {
    let mut voxels = [1.5_f32; 24];
    voxels[2 * 3 + 3] = f32::NAN;
    voxels[20] = f32::INFINITY;
    let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let sample = Sample::new().with_voxels(16, &bytes);
    refused(
        &sample.write("nan.nii"),
        "2 voxels are NaN or infinite, the first at [1, 1, 1] (x, y, z in the file's own order)",
    );
    let path = sample.write("nan_labels.nii");
    let err = read_nifti_labels(&path).unwrap_err().to_string();
    let wanted = "labels are whole numbers from 0 to 65535, but voxel [0, 0, 0] (x, y, z in the \
                  file's own order) is 1.5: ";
    assert!(err.starts_with(wanted), "{err}");
}

#[test]
fn headers_that_place_nothing_are_refused() {
    let sample = Sample::new().with(280, &[0; 4]);
    let path = sample.write("flat.nii");
    let err = read_nifti_scan(&path).unwrap_err().to_string();
    assert!(
        err.contains("is singular") && err.contains("flat.nii"),
        "{err}"
    );
    let no_sform = || Sample::new().with(254, &[0; 2]);
    let quaternion = no_sform()
        .with(256, &0.9_f32.to_le_bytes())
        .with(260, &0.9_f32.to_le_bytes());
    let err = read_nifti_scan(&quaternion.write("quaternion.nii"))
        .unwrap_err()
        .to_string();
    assert!(
        err.contains("is longer than 1, so it is no rotation"),
        "{err}"
    );
    refused(
        &Sample::new()
            .with(108, &8_f32.to_le_bytes())
            .write("offset.nii"),
        "the voxels begin at byte 8 (348 or later was wanted)",
    );
    refused(
        &Sample::new()
            .with(108, &f32::NAN.to_le_bytes())
            .write("offset_nan.nii"),
        "the voxels begin at byte NaN (348 or later was wanted)",
    );
    refused(
        &Sample::new()
            .with(116, &f32::INFINITY.to_le_bytes())
            .write("scale.nii"),
        "slope 1 and intercept inf cannot be applied",
    );
}

#[test]
fn zeros_behind_a_gzip_file_are_padding_and_several_members_are_one_file() {
    let sample = Sample::new();
    let whole = read_nifti_scan(&sample.write("whole.nii")).unwrap();
    let gz = sample.gzipped();
    let member = |bytes: &[u8]| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    };
    let (first, second) = sample.bytes.split_at(360);
    let zeros = vec![0; 100_000];
    for (title, bytes) in [
        ("one zero", [&gz[..], &zeros[..1]].concat()),
        ("a block of zeros", [&gz[..], &zeros[..512]].concat()),
        (
            "more than a buffer of zeros",
            [&gz[..], &zeros, &zeros, &zeros].concat(),
        ),
        ("two members", [member(first), member(second)].concat()),
        (
            "two members, zeros between",
            [&member(first), &zeros[..3], &member(second)].concat(),
        ),
        ("an empty member behind", [&gz[..], &member(b"")].concat()),
        (
            "many members",
            sample.bytes.iter().flat_map(|b| member(&[*b])).collect(),
        ),
    ] {
        let path = sample.write_bytes("padded.nii.gz", &bytes);
        let scan = read_nifti_scan(&path).unwrap();
        assert_eq!(scan, whole, "{title}: the same voxels, and nothing to say");
    }
}

#[test]
fn other_bytes_behind_the_voxels_are_counted_in_a_note() {
    let sample = Sample::new();
    let whole = read_nifti_scan(&sample.write("whole.nii")).unwrap();
    let mut longer = Sample::new();
    longer.bytes.extend_from_slice(b"more");
    for (title, name, bytes) in [
        (
            "behind gzip",
            "a.nii.gz",
            [&sample.gzipped()[..], b"more"].concat(),
        ),
        ("within gzip", "b.nii.gz", longer.gzipped()),
        ("plain", "c.nii", longer.bytes.clone()),
        (
            "half a magic",
            "d.nii.gz",
            [&sample.gzipped()[..], b"\x1f"].concat(),
        ),
    ] {
        let scan = read_nifti_scan(&sample.write_bytes(name, &bytes)).unwrap();
        assert_eq!(scan.volume, whole.volume, "{title}");
        let n_bytes = if title == "half a magic" { 1 } else { 4 };
        let note = scan
            .notes
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        let wanted = format!("{n_bytes} bytes behind the voxels were not read: ");
        assert!(note.starts_with(&wanted), "{title}: {note}");
    }
}

#[test]
fn a_gzip_file_that_breaks_off_is_refused_wherever_it_does() {
    let sample = Sample::new();
    let gz = sample.gzipped();
    for n in [
        3,
        12,
        gz.len() / 2,
        gz.len() - 9,
        gz.len() - 4,
        gz.len() - 1,
    ] {
        let path = sample.write_bytes("cut.nii.gz", &gz[..n]);
        assert!(read_nifti_scan(&path).is_err(), "{n} of {} bytes", gz.len());
    }
    let two = [&gz[..], &gz[..gz.len() / 2]].concat();
    let path = sample.write_bytes("second_cut.nii.gz", &two);
    assert!(
        read_nifti_scan(&path).is_err(),
        "the second member breaks off"
    );
    let mut wrong_sum = gz.clone();
    let at = gz.len() - 6;
    wrong_sum[at] ^= 1;
    let path = sample.write_bytes("sum.nii.gz", &wrong_sum);
    assert!(read_nifti_scan(&path).is_err(), "the checksum is wrong");
}

#[test]
fn labels_that_are_whole_up_to_the_rounding_of_slope_and_f32_are_read_with_a_note() {
    // Labels 0, 3, ... 69 stored as u8 with a slope of 3 as rounded by a writer.
    let stored: Vec<u8> = (0..24).collect();
    let sample = Sample::new()
        .with_voxels(2, &stored)
        .with(112, &3.00001_f32.to_le_bytes());
    let labels = read_nifti_labels(&sample.write("slope.nii")).unwrap();
    let want: Vec<u16> = (0..24).map(|v| 3 * v).collect();
    assert_eq!(labels.volume.voxels(), want, "the numbers meant");
    let [note] = &labels.notes[..] else {
        panic!("{:?}", labels.notes)
    };
    let wanted = "23 voxels are no whole numbers, by 2.3e-4 at most, and were taken for the \
                  nearest label: ";
    assert!(note.to_string().starts_with(wanted), "{note}");

    let mut values = [1.0_f32; 24];
    values[7] = 0.9985;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let sample = Sample::new().with_voxels(16, &bytes);
    let err = read_nifti_labels(&sample.write("off.nii"))
        .unwrap_err()
        .to_string();
    assert!(
        err.contains("but voxel [1, 0, 1]") && err.contains("is 0.998"),
        "{err}"
    );
}

#[test]
fn ways_of_placing_a_volume_that_contradict_each_other_are_a_note() {
    let note = |sample: &Sample| {
        let scan = read_nifti_scan(&sample.write("pose.nii")).unwrap();
        let grid = *scan.volume.grid();
        let notes: Vec<_> = scan.notes.iter().map(ToString::to_string).collect();
        (grid.world_from_voxel[2], notes.join("\n"))
    };
    let (_, quiet) = note(&Sample::new());
    assert_eq!(quiet, "", "sform and qform agree");
    // The qform is moved along z by 2 mm; the sform is taken.
    let moved = Sample::new().with(276, &5_f32.to_le_bytes());
    let (z_row, text) = note(&moved);
    assert!(
        text.starts_with("sform and qform place the volume differently, corners up to 2.000 mm"),
        "{text}"
    );
    assert!((z_row[3] - 3.0).abs() < 1e-6, "{z_row:?}");
    // No qform, and another slice thickness in pixdim.
    let spacing = Sample::new()
        .with(252, &[0; 2])
        .with(88, &4_f32.to_le_bytes());
    let (z_row, text) = note(&spacing);
    assert!(
        text.contains(
            "pixdim says [0.8000, 0.8000, 4.0000] mm, its sform [0.8000, 0.8000, 5.0000] mm"
        ),
        "{text}"
    );
    assert!((z_row[2] - 5.0).abs() < 1e-6, "{z_row:?}");
    // Neither.
    let (_, text) = note(&Sample::new().with(252, &[0; 4]));
    assert!(text.contains("says nothing about directions"), "{text}");
}

#[test]
fn a_pair_is_found_in_letters_of_any_case() {
    let whole = Sample::new();
    let whole = read_nifti_scan(&whole.write("whole.nii")).unwrap();
    let sample = Sample::new()
        .with(344, b"ni1\0")
        .with(108, &0_f32.to_le_bytes());
    for (header, voxels) in [
        ("A.HDR", "A.IMG"),
        ("b.hdr", "b.IMG"),
        ("c.Hdr", "c.img"),
        ("D.HDR", "D.IMG.GZ"),
    ] {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(&sample.bytes[352..]).unwrap();
        let plain = sample.bytes[352..].to_vec();
        let bytes = if voxels.ends_with("GZ") {
            gz.finish().unwrap()
        } else {
            plain
        };
        sample.write_bytes(header, &sample.bytes[..348]);
        sample.write_bytes(voxels, &bytes);
        for name in [header, voxels] {
            let scan = read_nifti_scan(&sample.dir.path().join(name)).unwrap();
            assert_eq!(scan.volume, whole.volume, "{name}");
        }
    }
}

#[test]
fn a_pair_without_its_other_file_names_the_missing_one() {
    let sample = Sample::new().with(344, b"ni1\0");
    let path = sample.write("lonely.hdr");
    let err = read_nifti_scan(&path).unwrap_err().to_string();
    assert!(err.ends_with("lonely.img"), "{err}");
}

#[test]
fn no_single_damaged_byte_of_a_header_makes_the_reader_panic() {
    let sample = Sample::new();
    let path = sample.dir.path().join("damaged.nii");
    let mut n_refused = 0;
    for at in 0..352 {
        for damage in [0x01, 0x7f, 0x80, 0xff] {
            let mut bytes = sample.bytes.clone();
            bytes[at] ^= damage;
            fs::write(&path, &bytes).unwrap();
            n_refused += usize::from(read_nifti_scan(&path).is_err());
            drop(read_nifti_labels(&path));
        }
    }
    // The header's size and magic alone: 4 + 3 bytes, damaged in four ways.
    assert!(
        n_refused >= 28,
        "only {n_refused} of 1408 damaged files were refused"
    );
}
