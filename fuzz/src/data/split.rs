//! Splits: our own, and nnU-Net's.

use std::fs;
use std::path::Path;

use hardslice_data::split::{CaseFacts, Fold, Lists, Split};
use hardslice_data::{CaseId, Organ, PatientId};

use crate::target::names_the_file;

pub(crate) fn json(input: &[u8], folder: &Path) {
    let path = folder.join("split.json");
    fs::write(&path, input).expect("a folder to write to");
    let cases = cases();
    match Split::load(&path, &cases) {
        Ok(split) => {
            for fold in Fold::ALL {
                for case in split.cases(fold) {
                    assert_eq!(split.fold_of(case), Some(fold), "a case is in one fold");
                    assert!(
                        cases.iter().any(|known| known.id == *case),
                        "a case that is there"
                    );
                }
            }
            split.save(&path).expect("what was read can be written");
            let again = Split::load(&path, &cases).expect("what was written can be read");
            assert_eq!(again, split, "as it was written");
        }
        Err(error) => names_the_file(&error, ""),
    }
}

pub(crate) fn nnunet(input: &[u8], folder: &Path) {
    let path = folder.join("splits_final.json");
    fs::write(&path, input).expect("a folder to write to");
    for fold in [0, 1, usize::MAX] {
        if let Err(error) = Lists::from_nnunet(&path, fold) {
            names_the_file(&error, "splits_final.json");
        }
    }
}

/// Six scans of five patients.
fn cases() -> Vec<CaseFacts> {
    let case = |(id, patient): (&str, &str)| CaseFacts {
        id: CaseId::new(id).expect("a plain name"),
        patient: PatientId::new(patient).expect("a plain name"),
        voxels_blake3: id.to_owned(),
        n_slices: 10,
        n_positive: vec![(Organ::new("liver").expect("a plain name"), Some(4))],
    };
    let cases = [
        ("a", "p1"),
        ("b", "p2"),
        ("c", "p3"),
        ("d", "p4"),
        ("e", "p5"),
        ("f", "p5"),
    ];
    cases.map(case).to_vec()
}
