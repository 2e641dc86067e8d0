//! Cohorts whose labels are folders of masks: organs known by the names of structures alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use hardslice::volume::{Volume, read_nifti_labels, write_label_map};
use support::{experiment_of, run, words, workplace};

/// Structures of a phantom and their values in its label map.
const STRUCTURES: [(&str, u16); 3] = [("liver", 1), ("kidney_right", 2), ("kidney_left", 3)];

/// Lays the phantoms out as TotalSegmentator does: `CASE/ct.nii.gz` and `CASE/segmentations/` with a
/// mask for each structure.
fn as_masks(dir: &Path) {
    for entry in fs::read_dir(dir.join("phantoms/images")).unwrap() {
        let image = entry.unwrap().path();
        let name = image.file_name().unwrap().to_str().unwrap();
        let case = dir
            .join("masks")
            .join(name.strip_suffix(".nii.gz").unwrap());
        fs::create_dir_all(case.join("segmentations")).unwrap();
        fs::copy(&image, case.join("ct.nii.gz")).unwrap();
        let labels = read_nifti_labels(&dir.join("phantoms/labels").join(name)).unwrap();
        for (structure, value) in STRUCTURES {
            let mask = labels
                .volume
                .voxels()
                .iter()
                .map(|label| u8::from(*label == value));
            let mask = Volume::new(*labels.volume.grid(), mask.collect()).unwrap();
            let path = case
                .join("segmentations")
                .join(format!("{structure}.nii.gz"));
            write_label_map(&path, &mask, &labels.placement).unwrap();
        }
    }
}

#[test]
fn organs_known_by_structures_alone_have_a_net_each_with_its_own_output() {
    let dir = workplace();
    as_masks(dir.path());
    let experiment = experiment_of(&["baseline", "hard"])
        .replace("organs = [\"liver\"]", "organs = [\"hepar\", \"kidney\"]")
        .replace("phantoms/cohort.csv", "masks")
        .replace(
            "{ liver = [1], kidney_right = [2], kidney_left = [3], spleen = [4] }",
            "{ hepar = [\"liver\"], kidney = [\"kidney_left\", \"kidney_right\"] }",
        );
    fs::write(dir.path().join("masks.toml"), experiment).unwrap();
    run(&words("run masks.toml --out out"), dir.path());
    for organ in ["hepar", "kidney"] {
        let model = dir.path().join("out").join(organ).join("hard/model");
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(model.join("model.json")).unwrap()).unwrap();
        let organs = record["organs"].as_array().unwrap();
        assert_eq!(organs.len(), 1, "one output, one organ: {organs:?}");
        assert_eq!(organs[0]["organ"], organ);
        let args = format!(
            "predict --model out/{organ}/hard/model --input masks/phantom_000/ct.nii.gz --out {organ}.nii.gz"
        );
        run(&words(&args), dir.path());
        let predicted = read_nifti_labels(&dir.path().join(format!("{organ}.nii.gz"))).unwrap();
        let values = predicted
            .volume
            .voxels()
            .iter()
            .collect::<std::collections::BTreeSet<_>>();
        assert!(
            values.contains(&1),
            "the organ's value is not the background's: {values:?}"
        );
    }
}
