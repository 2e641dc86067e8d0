//! NRRD, as a scan, as a label map and as a segmentation of several layers.

use std::fs;
use std::path::Path;

use super::{label_names, labels_both_ways, reference, scan_both_ways};

pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("volume.nrrd");
    fs::write(&path, input).expect("a folder to write to");
    // What a detached header may name.
    fs::write(folder.join("a.raw"), input).expect("a folder to write to");
    let name = if input.starts_with(b"NRRD") {
        ""
    } else {
        "volume.nrrd"
    };
    let placement = scan_both_ways(&path, name).map(|scan| scan.placement);
    let placement = placement.unwrap_or_else(reference);
    labels_both_ways(&path, name, &placement, &label_names());
}
