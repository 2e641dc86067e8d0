//! A dataset of slices for nnU-Net.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::anyhow;
use hardslice_data::split::Fold;
use hardslice_data::store::IGNORED;
use hardslice_data::{SliceRef, voxels_blake3};
use hardslice_volume::folder::visible_paths;
use hardslice_volume::{
    Action, Grid, PerAxis, Placement, Volume, read_scan_series, write_label_map, write_scan,
};
use serde_json::{Map, Value, json};

use super::{Export, copies, write_json};
use crate::bars::Bars;
use crate::folder_lock::FolderLock;

/// The versions that the list's repetitions hold for: what they hold for is written into the dataset.
const VERSIONS: &str = "nnU-Net 2.6 or newer (nnunetv2>=2.6): up to 2.5 it keeps the listed cases in a \
     dictionary, so that a slice that is listed twice is drawn no more often than the others";

/// Whether the description of a dataset is one that was written here: any other dataset is somebody's.
pub(super) fn is_own(dataset: &Value) -> bool {
    let said = dataset["description"].as_str();
    said.is_some_and(|said| said.starts_with(DESCRIBED))
}

const DESCRIBED: &str = "Slices that hardslice weighed, for ";

fn description() -> String {
    format!("{DESCRIBED}{VERSIONS}.")
}

/// `imagesTr` and `labelsTr` with every slice of the plan and of the validation patients as a scan
/// of one slice, `dataset.json`, and `splits_final.json`, whose one fold lists a slice as often as it
/// weighs: nnU-Net draws from that list.
pub(super) fn write(export: &Export, out: &Path, bars: &Bars) -> anyhow::Result<()> {
    check_name(out)?;
    export.check_annotations()?;
    let _lock = FolderLock::of(out)?;
    remove_earlier(out)?;
    let mut train = Vec::new();
    let mut slices: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut n_rounded = 0;
    for entry in export.plan.entries() {
        let SliceRef { case_idx, z } = entry.slice;
        slices.entry(case_idx).or_default().insert(z);
        let name = name(export, entry.slice);
        train.extend(std::iter::repeat_n(name, copies(entry)));
        n_rounded += usize::from(entry.weight.fract() != 0.0 || entry.weight < 1.0);
    }
    if n_rounded > 0 {
        bars.line(&format!(
            "warning: {n_rounded} weights are no whole numbers; nnU-Net counts, so they were rounded \
             (and are 1 at least)"
        ));
    }
    let mut validation = Vec::new();
    for place in export.cases_of(Fold::Validation) {
        for z in 0..export.store.cases()[place].n_slices {
            let slice = SliceRef::at(place, z);
            slices.entry(slice.case_idx).or_default().insert(slice.z);
            validation.push(name(export, slice));
        }
    }
    bars.begin("export", slices.len() as u64, 0);
    for (done, (case_idx, slices)) in slices.iter().enumerate() {
        write_slices(export, *case_idx, slices, out)?;
        bars.advance(done as u64 + 1);
    }
    bars.end();
    let mut labels = Map::new();
    labels.insert("background".to_owned(), json!(0));
    for (value, organ) in (1..).zip(export.organ_names()) {
        labels.insert(organ.to_string(), json!(value));
    }
    if !export.store.ignored_labels().is_empty() {
        labels.insert("ignore".to_owned(), json!(export.organs.len() + 1));
    }
    let n_slices: usize = slices.values().map(BTreeSet::len).sum();
    write_json(
        &out.join("splits_final.json"),
        &json!([{"train": train, "val": validation}]),
    )?;
    write_json(
        &out.join("dataset.json"),
        &json!({
            "channel_names": {"0": "CT"},
            "labels": labels,
            "numTraining": n_slices,
            "file_ending": ".nii.gz",
            "description": description(),
        }),
    )?;
    bars.tell(&format!("for {VERSIONS}"));
    bars.tell(
        "next: nnUNetv2_plan_and_preprocess, then copy splits_final.json into the dataset's folder \
         in nnUNet_preprocessed, and train the configuration 2d, fold 0",
    );
    Ok(())
}

/// Removes the slices of an earlier export: a dataset has those of its plan alone. Other files stay.
fn remove_earlier(out: &Path) -> anyhow::Result<()> {
    // `refuse_over_inputs` has seen that the dataset is one of ours.
    if !out.join("dataset.json").exists() {
        return Ok(());
    }
    for (folder, ending) in [("imagesTr", "_0000.nii.gz"), ("labelsTr", ".nii.gz")] {
        let folder = out.join(folder);
        if !folder.is_dir() {
            continue;
        }
        for path in visible_paths(&folder)? {
            let name = path.file_name().and_then(|name| name.to_str());
            let stem = name.and_then(|name| name.strip_suffix(ending));
            if stem.is_some_and(is_slice_name) {
                fs::remove_file(&path).map_err(Action::Remove.on(&path))?;
            }
        }
    }
    Ok(())
}

/// Whether a name is one of [`name`]'s.
fn is_slice_name(name: &str) -> bool {
    name.rsplit_once("_z")
        .is_some_and(|(_, z)| z.len() >= 4 && z.bytes().all(|byte| byte.is_ascii_digit()))
}

/// nnU-Net finds a dataset by the number in its folder's name.
fn check_name(out: &Path) -> anyhow::Result<()> {
    let name = out.file_name().and_then(|name| name.to_str());
    let number = name
        .and_then(|name| name.strip_prefix("Dataset"))
        .and_then(|rest| rest.split_once('_'));
    let is_right = number.is_some_and(|(number, name)| {
        number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()
    });
    if is_right {
        Ok(())
    } else {
        Err(anyhow!(
            "nnU-Net wants a folder named Dataset and three digits, as nnUNet_raw/Dataset500_Liver, \
             not {}",
            out.display()
        ))
    }
}

fn name(export: &Export, slice: SliceRef) -> String {
    format!("{}_z{:04}", export.case(slice).id, slice.z)
}

/// Writes some slices of one scan with their labels, on canonical axes in Hounsfield units.
fn write_slices(
    export: &Export,
    case_idx: u32,
    slices: &BTreeSet<u32>,
    out: &Path,
) -> anyhow::Result<()> {
    let place = case_idx as usize;
    let case = &export.store.cases()[place];
    let scan = read_scan_series(&case.source.image, case.source.series_uid.as_deref())?;
    let grid = *scan.volume.grid();
    let is_same = grid == case.placement.canonical
        && voxels_blake3(&scan.volume) == case.source.voxels_blake3;
    if !is_same {
        return Err(anyhow!(
            "`{}` has changed since the cohort was prepared: {}",
            case.id,
            case.source.image.display()
        ));
    }
    let values = values(export);
    let labels = export.store.native_labels(place);
    let labels = labels.ok_or_else(|| anyhow!("`{}` has no labels", case.id))?;
    let n = grid.shape.n_pixels();
    for z in slices {
        let at = *z as usize;
        let name = name(export, SliceRef { case_idx, z: *z });
        let grid = slice_grid(&grid, at);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and CT lies far within"
        )]
        let hu = scan.volume.slice(at).iter().map(|hu| hu.round() as i16);
        let image = Volume::new(grid, hu.collect())?;
        write_scan(
            &out.join("imagesTr").join(format!("{name}_0000.nii.gz")),
            &image,
        )?;
        let labels = labels[at * n..(at + 1) * n].iter();
        let labels = Volume::new(
            grid,
            labels.map(|label| values[usize::from(*label)]).collect(),
        )?;
        let path = out.join("labelsTr").join(format!("{name}.nii.gz"));
        write_label_map(&path, &labels, &Placement::new(grid)?)?;
    }
    Ok(())
}

/// The exported value of each value of the store's labels; organs that are not exported are
/// background. What is to be ignored has the highest value, as nnU-Net wants it.
fn values(export: &Export) -> [u8; 256] {
    let mut values = [0; 256];
    let n_organs = u8::try_from(export.organs.len()).expect("at most as many as a store has");
    values[usize::from(IGNORED)] = n_organs + 1;
    for (value, organ) in (1..).zip(&export.organs) {
        values[usize::from(export.store.label_of(*organ))] = value;
    }
    values
}

/// The spacing that a single slice is given along the body, as nnU-Net's own readers of 2D images give
/// it. nnU-Net takes its 2D patches across the axis of the largest spacing: with the scan's own, slices
/// that are closer than their pixels would be cut into lines.
const SPACING_OF_A_SLICE_MM: f64 = 999.0;

/// The grid of one slice of a scan, where it lies in the patient.
fn slice_grid(grid: &Grid, z: usize) -> Grid {
    let mut world_from_voxel = grid.world_from_voxel;
    let spacing_mm = grid.spacing_mm().z;
    for row in &mut world_from_voxel {
        row[3] += z as f64 * row[2];
        row[2] *= SPACING_OF_A_SLICE_MM / spacing_mm;
    }
    Grid {
        shape: PerAxis { z: 1, ..grid.shape },
        world_from_voxel,
    }
}
