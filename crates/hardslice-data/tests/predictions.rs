//! Predictions of other programs, by name and by frame of reference.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::mining::ExternalPredictions;
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{CaseId, Organ, OrganMap, PatientId};
use hardslice_volume::dicom::read_series;
use hardslice_volume::{LabelNames, Scan, read_labels, write_label_map};

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../hardslice-volume/tests/golden/dicom")
        .join(case)
}

/// A store of one DICOM series, `c`, with its segmentation.
fn store(dir: &Path) -> Store {
    let organ = Organ::new("liver").unwrap();
    let case = Case {
        id: CaseId::new("c").unwrap(),
        patient: PatientId::new("c").unwrap(),
        image: golden("oblique"),
        series_uid: None,
        labels: Some(golden("seg_binary")),
        organs_annotated: vec![organ.clone()],
    };
    let manifest = Manifest {
        cases: vec![case],
        organs: OrganMap::new([(organ, vec![1])]).unwrap(),
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels: Vec::new(),
    };
    let options = PrepareOptions {
        size: 8,
        ..PrepareOptions::default()
    };
    prepare(&manifest, &options, Accepted::Everything, dir, &|_| {}).unwrap();
    Store::open(dir).unwrap()
}

/// What becomes of the predictions in a folder: `Ok`, or why they are not scored.
fn scored(store: &Store, dir: &Path) -> Result<(), String> {
    let organs: Vec<_> = store.all_organs().collect();
    let predictions = ExternalPredictions {
        store,
        organs: &organs,
        dir,
        labels: None,
        probabilities: false,
    };
    let mut scores = predictions.scores(&[0], 1, &|| ());
    scores
        .remove(0)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn label_map() -> (Scan<f32>, Scan<u16>) {
    let scan = read_series(&golden("oblique"), None).unwrap();
    let names = LabelNames::default();
    let labels = read_labels(&golden("seg_binary"), &scan, &names).unwrap();
    (scan, labels)
}

#[test]
fn a_segmentation_of_another_frame_of_reference_is_no_prediction_of_a_stored_scan() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let frame = store.cases()[0].source.frame_of_reference.clone().unwrap();
    let seg = fs::read(golden("seg_binary/0.dcm")).unwrap();
    let write = |folder: &str, bytes: &[u8]| {
        let folder = dir.path().join(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("c.DCM"), bytes).unwrap();
        folder
    };
    assert_eq!(scored(&store, &write("its", &seg)), Ok(()));
    let at = seg
        .windows(frame.len())
        .position(|bytes| bytes == frame.as_bytes())
        .unwrap();
    let mut other = seg;
    let last = &mut other[at + frame.len() - 1];
    *last = if *last == b'1' { b'2' } else { b'1' };
    let refused = scored(&store, &write("others", &other)).unwrap_err();
    assert!(refused.contains("frame of reference"), "{refused}");
    // The record says so also when it is read again.
    assert!(
        fs::read_to_string(dir.path().join("store/store.json"))
            .unwrap()
            .contains(&frame)
    );
}

#[test]
fn a_prediction_is_found_by_its_name_whatever_its_ending_and_two_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let (scan, labels) = label_map();
    let labels = labels.volume.map(|label| u8::try_from(label).unwrap());
    for (at, name) in [
        "c.nii",
        "c.NII.GZ",
        "c.nrrd",
        "c.mha",
        "c.MHD",
        "c/liver.NII",
    ]
    .into_iter()
    .enumerate()
    {
        let folder = dir.path().join(at.to_string());
        let path = folder.join(name);
        write_label_map(&path, &labels, &scan.placement).unwrap();
        fs::write(folder.join("._c.nii.gz"), "resource fork").unwrap();
        fs::write(folder.join("c.txt"), "notes").unwrap();
        assert_eq!(scored(&store, &folder), Ok(()), "{name}");
        write_label_map(&folder.join("c.nii.gz"), &labels, &scan.placement).unwrap();
        let refused = scored(&store, &folder).unwrap_err();
        assert!(refused.contains("two predictions"), "{name}: {refused}");
    }
    let refused = scored(&store, &dir.path().join("store")).unwrap_err();
    assert!(
        refused.starts_with("there is no prediction of `c`"),
        "{refused}"
    );
}

#[test]
fn the_folds_of_a_trainers_folder_are_one_folder_of_predictions() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let (scan, labels) = label_map();
    let trainer = dir.path().join("nnUNetTrainer__nnUNetPlans__2d");
    let predicted = |fold: &str| {
        let folder = trainer.join(fold).join("validation");
        fs::create_dir_all(&folder).unwrap();
        let volume = labels.volume.clone().map(|label| u8::from(label > 0));
        write_label_map(&folder.join("c.nii.gz"), &volume, &scan.placement).unwrap();
    };
    fs::create_dir_all(trainer.join("fold_0/validation")).unwrap();
    fs::create_dir_all(trainer.join("fold_2")).unwrap();
    // A net that has seen every case, and a training that is none of the folds.
    predicted("fold_all");
    predicted("fold_0_old");
    let missing = scored(&store, &trainer).unwrap_err();
    assert!(
        missing.starts_with("there is no prediction of `c`"),
        "{missing}"
    );
    predicted("fold_1");
    assert_eq!(scored(&store, &trainer), Ok(()));
    predicted("fold_3");
    let twice = scored(&store, &trainer).unwrap_err();
    assert!(
        twice.contains("two predictions") && twice.contains("fold_3"),
        "{twice}"
    );
}
