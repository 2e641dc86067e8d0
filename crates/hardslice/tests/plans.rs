//! What becomes of hard slices whose labels are wrong, and of plans in other programs.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use hardslice_volume::{Volume, read_nifti_labels, read_nifti_scan, write_label_map};
use support::{EXPERIMENT, printed, run, words};

/// A prepared cohort whose labels are wrong here and there, and the right labels as predictions.
fn with_wrong_labels() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let step = |args: &str| run(&words(args), dir.path());
    let phantoms = "phantom --patients 8 --size 64 --seed 5";
    step(&format!("{phantoms} --out right"));
    step(&format!("{phantoms} --out phantoms --label-errors 0.1"));
    let experiment = EXPERIMENT.replace("size = 32", "size = 64");
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    step("prepare experiment.toml --out store");
    step("split experiment.toml --store store --out split.json");
    dir
}

/// Takes the liver out of some predictions of slices whose labels are right and hold it, one in
/// twenty, and names these slices.
fn miss_slices(dir: &Path) -> BTreeSet<(String, String)> {
    let wrong = fs::read_to_string(dir.join("phantoms/errors.csv")).unwrap();
    let wrong = slices(&wrong, |_| true);
    let mut missed = BTreeSet::new();
    for entry in fs::read_dir(dir.join("right/labels")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let case = name.strip_suffix(".nii.gz").unwrap().to_owned();
        let read = read_nifti_labels(&path).unwrap();
        let shape = read.volume.shape();
        let n = shape.n_pixels();
        let mut voxels: Vec<u8> = read
            .volume
            .voxels()
            .iter()
            .map(|label| u8::try_from(*label).unwrap())
            .collect();
        for z in (0..shape.z).step_by(20) {
            let slice = (case.clone(), z.to_string());
            let pixels = &mut voxels[z * n..(z + 1) * n];
            if pixels.contains(&1) && !wrong.contains(&slice) {
                pixels
                    .iter_mut()
                    .filter(|label| **label == 1)
                    .for_each(|label| *label = 0);
                missed.insert(slice);
            }
        }
        let labels = Volume::new(*read.volume.grid(), voxels).unwrap();
        write_label_map(&path, &labels, &read.placement).unwrap();
    }
    missed
}

const MINE: &str =
    "mine experiment.toml --store store --split split.json --predictions right/labels --tau 0.98";

/// Case and slice of the rows of a table that end so.
fn slices(csv: &str, is_wanted: impl Fn(&str) -> bool) -> BTreeSet<(String, String)> {
    let rows = csv.lines().skip(1).filter(|row| is_wanted(row));
    rows.map(|row| {
        let mut cells = row.split(',').map(str::to_owned);
        (cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}

#[test]
fn wrong_labels_are_found_and_kept_out_of_the_plan() {
    let dir = with_wrong_labels();
    let missed = miss_slices(dir.path());
    run(&words(&format!("{MINE} --out mined")), dir.path());
    let truth = "--truth phantoms/errors.csv --store store --out found.csv";
    let said = printed(&words(&format!("triage --in mined {truth}")), dir.path());
    let found = fs::read_to_string(dir.path().join("found.csv")).unwrap();
    let suspects = slices(&found, |row| row.contains(",suspect,"));
    let wrong = fs::read_to_string(dir.path().join("phantoms/errors.csv")).unwrap();
    let wrong = slices(&wrong, |row| row.split(',').nth(2) == Some("1"));
    assert!(
        suspects.len() > 5 && suspects.is_subset(&wrong),
        "wrong labels alone:\n{said}"
    );
    let plan = fs::read_to_string(dir.path().join("mined/mining/plan.csv")).unwrap();
    let hard = slices(&plan, |row| row.ends_with(",hard"));
    assert!(
        suspects.is_subset(&hard),
        "without a wish nothing is kept out"
    );
    let missed: BTreeSet<_> = missed.intersection(&hard).collect();
    assert!(
        missed.len() > 2,
        "right labels with a wrong prediction are hard, too"
    );

    let excluding = format!("{MINE} --exclude suspects --out excluded");
    run(&words(&excluding), dir.path());
    let plan = fs::read_to_string(dir.path().join("excluded/mining/plan.csv")).unwrap();
    let kept = slices(&plan, |row| row.ends_with(",hard"));
    assert!(kept.is_disjoint(&suspects), "kept out");
    let all: BTreeSet<_> = kept.union(&suspects).cloned().collect();
    assert_eq!(all, hard, "and nothing else");
    let (case, z) = suspects.first().unwrap();
    let why = format!("why {case}:{z} --in excluded --store store --split split.json");
    let why = printed(&words(&why), dir.path());
    for part in [
        "hard for the liver",
        "suspect: ",
        "kept out of the plans",
        "hard: not shown",
    ] {
        assert!(why.contains(part), "{part:?} is missing:\n{why}");
    }
}

#[test]
fn a_plan_leaves_for_other_programs_with_its_slices_and_weights() {
    let dir = with_wrong_labels();
    run(&words(&format!("{MINE} --out mined")), dir.path());
    let export = |format: &str, out: &str| {
        let args = format!(
            "export --format {format} --out {out} --organ liver --plan mined/mining/plan.csv \
             --store store --split split.json"
        );
        run(&words(&args), dir.path());
        dir.path().join(out)
    };
    let table = fs::read_to_string(export("csv", "weights.csv")).unwrap();
    let datalist: serde_json::Value =
        serde_json::from_slice(&fs::read(export("monai", "datalist.json")).unwrap()).unwrap();
    let dataset = export("nnunet", "raw/Dataset501_Liver");
    nothing_read_is_written_over(dir.path());
    let splits: serde_json::Value =
        serde_json::from_slice(&fs::read(dataset.join("splits_final.json")).unwrap()).unwrap();
    let info: serde_json::Value =
        serde_json::from_slice(&fs::read(dataset.join("dataset.json")).unwrap()).unwrap();
    let versions = info["description"].as_str().unwrap();
    assert!(
        versions.contains("nnunetv2>=2.6"),
        "the versions it holds for: {versions}"
    );
    let mut listed: BTreeMap<&str, u32> = BTreeMap::new();
    for name in splits[0]["train"].as_array().unwrap() {
        *listed.entry(name.as_str().unwrap()).or_default() += 1;
    }
    let items = datalist["training"].as_array().unwrap();
    assert_eq!(items.len(), table.lines().count() - 1, "the same slices");
    assert_eq!(items.len(), listed.len(), "here too");
    let mut n_other_axes = 0;
    for (item, row) in items.iter().zip(table.lines().skip(1)) {
        let cells: Vec<&str> = row.split(',').collect();
        let [case, z, weight] = ["case", "z", "weight"].map(|key| &item[key]);
        assert_eq!(
            (cells[0], cells[4]),
            (case.as_str().unwrap(), z.to_string().as_str())
        );
        assert!((weight.as_f64().unwrap() - cells[7].parse::<f64>().unwrap()).abs() < 1e-12);
        let z = usize::try_from(z.as_u64().unwrap()).unwrap();
        let name = format!("{}_z{z:04}", cells[0]);
        let apart = f64::from(listed[name.as_str()]) - weight.as_f64().unwrap();
        assert!(apart.abs() < 1e-12, "{name}");
        n_other_axes += usize::from(item["axis"] != 2 || item["index"] != item["z"]);
    }
    assert!(n_other_axes > 0, "some scans lie otherwise in their files");
    slice_lies_as_in_its_scan(&items[items.len() / 2], &dataset);
}

/// Asserts that an export refuses outputs that are inputs, and names that are no outputs.
fn nothing_read_is_written_over(dir: &Path) {
    for (format, out, part) in [
        ("csv", "mined/mining/plan.csv", "written over"),
        ("csv", "store/audit.csv", "written over"),
        ("csv", "weights.txt", ".csv"),
        ("monai", "split.json", "written over"),
        ("monai", "./store/store.json", "written over"),
        ("nnunet", "phantoms", "holds what is read here"),
        (
            "nnunet",
            "store/Dataset501_Liver",
            "lies in a folder that is read",
        ),
        ("nnunet", "Dataset501.csv", "ends like a file's"),
    ] {
        let args = format!(
            "export --format {format} --out {out} --organ liver --plan mined/mining/plan.csv \
             --store store --split split.json"
        );
        support::assert_ends(&words(&args), dir, 2, &[part]);
    }
}

/// One slice of an export, voxel by voxel, from the scan that our own reader brings to canonical
/// axes.
fn slice_lies_as_in_its_scan(item: &serde_json::Value, dataset: &Path) {
    let z = usize::try_from(item["z"].as_u64().unwrap()).unwrap();
    let name = format!("{}_z{z:04}", item["case"].as_str().unwrap());
    let scan = read_nifti_scan(Path::new(item["image"].as_str().unwrap())).unwrap();
    let slice = read_nifti_scan(&dataset.join(format!("imagesTr/{name}_0000.nii.gz"))).unwrap();
    assert_eq!(slice.volume.voxels(), scan.volume.slice(z), "{name}");
    let [of_slice, of_scan] = [&slice, &scan].map(|read| *read.volume.grid());
    let across = of_slice.spacing_mm().z;
    assert!(
        (across - 999.0).abs() < 1e-2,
        "the axis that nnU-Net slices along: {across}"
    );
    for axis in 0..3 {
        let start =
            of_scan.world_from_voxel[axis][3] + z as f64 * of_scan.world_from_voxel[axis][2];
        let found = of_slice.world_from_voxel[axis][3];
        assert!(
            (found - start).abs() < 1e-2,
            "where the slice lies: {found} for {start}"
        );
    }
    let labels = read_nifti_labels(Path::new(item["label"].as_str().unwrap())).unwrap();
    let slice = read_nifti_labels(&dataset.join(format!("labelsTr/{name}.nii.gz"))).unwrap();
    let liver: Vec<u16> = labels
        .volume
        .slice(z)
        .iter()
        .map(|l| u16::from(*l == 1))
        .collect();
    assert_eq!(slice.volume.voxels(), liver, "{name}");
}
