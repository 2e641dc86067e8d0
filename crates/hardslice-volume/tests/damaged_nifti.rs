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
