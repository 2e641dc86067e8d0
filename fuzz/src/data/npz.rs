//! An archive of probabilities.

use std::fs;
use std::path::Path;

use hardslice_data::npz::each_class;
use hardslice_volume::PerAxis;

use crate::target::names_the_file;

/// Probabilities of a scan of 8 × 8 × 8 voxels, as the seeds are.
pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("case.npz");
    fs::write(&path, input).expect("a folder to write to");
    let shape = PerAxis::new(8, 8, 8);
    let mut sums = vec![0.0; 512];
    let mut n = 0;
    let read = each_class(&path, &[shape], |class, probabilities| {
        assert_eq!(class.index, n, "one after the other");
        assert_eq!(probabilities.len(), 512, "of every voxel");
        n += 1;
        for (sum, probability) in sums.iter_mut().zip(&probabilities) {
            *sum += f64::from(*probability);
        }
    });
    match read {
        Ok(n_classes) => {
            assert_eq!(n_classes, n, "all are handed over");
            let is_one = |sum: &f64| (sum - 1.0).abs() < 0.05;
            assert!(sums.iter().all(is_one), "probabilities of a voxel sum to 1");
        }
        Err(error) => names_the_file(&error, "case.npz"),
    }
}
