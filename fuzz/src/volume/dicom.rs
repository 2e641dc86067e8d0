//! DICOM: a file, a folder of slices, a segmentation or structure set.

use std::fs;
use std::path::Path;

use hardslice_volume::dicom::list_series;

use super::{holds, label_names, labels_both_ways, reference, scan_both_ways};
use crate::target::names_the_file;

/// Parts the files of a series in one input.
const NEXT_FILE: &[u8] = b"NEXTFILE";

/// The most that a file's pixels can shrink, by the transfer syntax that its bytes name.
pub(crate) fn unpacked(input: &[u8]) -> usize {
    let syntaxes: [(&[u8], usize); 9] = [
        (b"1.2.840.10008.1.2.1.99", 1032),
        (b"1.2.840.10008.1.2.8.1", 1032),
        (b"1.2.840.10008.1.2.5", 64),
        (b"1.2.840.10008.1.2.4.50", 1024),
        (b"1.2.840.10008.1.2.4.51", 1024),
        (b"1.2.840.10008.1.2.4.57", 1024),
        (b"1.2.840.10008.1.2.4.70", 1024),
        // JPEG-LS and JPEG 2000.
        (b"1.2.840.10008.1.2.4.8", 1 << 16),
        (b"1.2.840.10008.1.2.4.9", 1 << 16),
    ];
    let of_input = syntaxes.iter().filter(|(uid, _)| holds(input, uid));
    of_input.map(|(_, ratio)| *ratio).max().unwrap_or(1)
}

pub(crate) fn file(input: &[u8], folder: &Path) {
    let path = folder.join("image.dcm");
    fs::write(&path, input).expect("a folder to write to");
    scan_both_ways(&path, "image.dcm");
    if let Err(error) = list_series(&path) {
        names_the_file(&error, "image.dcm");
    }
}

pub(crate) fn series(input: &[u8], folder: &Path) {
    let series = folder.join("series");
    // Files of the input before.
    if let Err(error) = fs::remove_dir_all(&series) {
        assert_eq!(
            error.kind(),
            std::io::ErrorKind::NotFound,
            "it can be removed"
        );
    }
    fs::create_dir(&series).expect("a folder to write to");
    let mut rest = input;
    for number in 0..16 {
        let next = rest
            .windows(NEXT_FILE.len())
            .position(|window| window == NEXT_FILE);
        let file = &rest[..next.unwrap_or(rest.len())];
        fs::write(series.join(format!("{number}.dcm")), file).expect("a folder to write to");
        match next {
            Some(at) => rest = &rest[at + NEXT_FILE.len()..],
            None => break,
        }
    }
    scan_both_ways(&series, "series");
    if let Err(error) = list_series(&series) {
        names_the_file(&error, "series");
    }
}

pub(crate) fn seg(input: &[u8], folder: &Path) {
    let path = folder.join("labels.dcm");
    fs::write(&path, input).expect("a folder to write to");
    labels_both_ways(&path, "labels.dcm", &reference(), &label_names());
}
