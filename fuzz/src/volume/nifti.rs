//! NIfTI: a file, or a pair of which both files hold the input.

use std::fs;
use std::path::Path;

use hardslice_volume::{LabelNames, read_nifti_labels};

use super::{labels_both_ways, reference, scan_both_ways};
use crate::target::names_the_file;

pub(crate) fn run(input: &[u8], folder: &Path) {
    // A file that is a DICOM file, too, is read as one where any scan is asked for.
    if input.get(128..132) == Some(b"DICM") {
        return;
    }
    let is_pair = [&b"ni1"[..], b"ni2"]
        .iter()
        .any(|magic| input.get(344..347) == Some(*magic) || input.get(4..7) == Some(*magic));
    let path = if is_pair {
        fs::write(folder.join("pair.img"), input).expect("a folder to write to");
        folder.join("pair.hdr")
    } else {
        folder.join("single.nii")
    };
    fs::write(&path, input).expect("a folder to write to");
    let name = if is_pair { "pair." } else { "single.nii" };
    let scan = scan_both_ways(&path, name);
    // Label maps have no names.
    let names = [LabelNames::default()];
    match read_nifti_labels(&path) {
        Ok(labels) => {
            let scan = scan.expect("every label is a number");
            assert_eq!(labels.placement, scan.placement, "one header");
            let pairs = labels.volume.voxels().iter().zip(scan.volume.voxels());
            for (label, value) in pairs {
                assert!(
                    (f32::from(*label) - value).abs() <= 0.01,
                    "{label} for {value}"
                );
            }
            labels_both_ways(&path, name, &scan.placement, &names);
        }
        Err(error) => {
            names_the_file(&error, name);
            labels_both_ways(&path, name, &reference(), &names);
        }
    }
}
