//! MetaImage, as a scan and as a label map.

use std::fs;
use std::path::Path;

use super::{label_names, labels_both_ways, reference, scan_both_ways};

pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("volume.mha");
    fs::write(&path, input).expect("a folder to write to");
    // What a header may name as the file of the voxels.
    fs::write(folder.join("a.raw"), input).expect("a folder to write to");
    // Where the header names another file, an error may be about that one.
    let placement = scan_both_ways(&path, "").map(|scan| scan.placement);
    let placement = placement.unwrap_or_else(reference);
    labels_both_ways(&path, "", &placement, &label_names());
}
