//! Stored cases as people look at them: on the scans' own pixels, with truth and predictions.

use anyhow::{Context, anyhow};
use hardslice_data::store::{Store, judged};
use hardslice_data::{CaseId, Organ};
use hardslice_eval::{Mask, Overlap};
use hardslice_train::ModelRecord;
use hardslice_train::layout::ArmDir;
use hardslice_volume::{PerAxis, Volume, read_nifti_labels};

/// A case's place in the store.
pub(crate) fn place_of(store: &Store, case: &str) -> anyhow::Result<usize> {
    let place = store.place_of(case);
    place.ok_or_else(|| anyhow!("case `{case}` is not in the store"))
}

/// A stored slice, brought to the scan's own pixels.
pub(crate) fn slice_hu(store: &Store, case_idx: usize, z: usize) -> anyhow::Result<Vec<f32>> {
    let grid = &store.cases()[case_idx].placement.canonical;
    let fit = store.options().preprocessing().plane_fit(grid)?;
    let slice = store.image(case_idx, z);
    let square: Vec<f32> = slice.iter().map(|hu| f32::from(*hu)).collect();
    Ok(fit.restore(&square))
}

/// The stored slices of a case, brought to the scan's own pixels.
pub(crate) fn image(store: &Store, case_idx: usize) -> anyhow::Result<Volume<f32>> {
    let grid = store.cases()[case_idx].placement.canonical;
    let mut voxels = Vec::with_capacity(grid.shape.n_voxels());
    for z in 0..grid.shape.z {
        voxels.extend(slice_hu(store, case_idx, z)?);
    }
    Ok(Volume::new(grid, voxels)?)
}

/// An organ's voxels; `None` where nobody looked for it.
pub(crate) fn truth(store: &Store, case_idx: usize, organ: &Organ) -> Option<Vec<bool>> {
    let (labels, value) = labels(store, case_idx, organ)?;
    Some(labels.iter().map(|label| *label == value).collect())
}

/// An organ's pixels in slice `z`; `None` where nobody looked for it.
pub(crate) fn truth_slice(
    store: &Store,
    case_idx: usize,
    z: usize,
    organ: &Organ,
) -> Option<Vec<bool>> {
    let (labels, value) = labels(store, case_idx, organ)?;
    let n_pixels = store.cases()[case_idx].placement.canonical.shape.n_pixels();
    let slice = labels[z * n_pixels..(z + 1) * n_pixels].iter();
    Some(slice.map(|label| *label == value).collect())
}

/// The labels of a case and the value of an organ in them; `None` where nobody looked for it.
pub(crate) fn labels<'s>(
    store: &'s Store,
    case_idx: usize,
    organ: &Organ,
) -> Option<(&'s [u8], u8)> {
    let organ = store.organ_of(organ)?;
    let is_annotated = store.is_annotated(case_idx, organ);
    let labels = store.native_labels(case_idx).filter(|_| is_annotated)?;
    Some((labels, store.label_of(organ)))
}

/// Truth and prediction of an organ in slice `z`, without the pixels that are to be ignored, as the
/// ledger counts them; no truth where nobody looked for it.
pub(crate) fn slice_overlap(
    store: &Store,
    case_idx: usize,
    z: usize,
    organ: &Organ,
    predicted: &[bool],
) -> Overlap {
    let shape = store.cases()[case_idx].placement.canonical.shape;
    let one = PerAxis { z: 1, ..shape };
    let mask = |pixels| Mask::new(pixels, true, one).expect("one slice of the scan");
    let n_pixels = shape.n_pixels();
    let labels = store.native_labels(case_idx).unwrap_or_default();
    let labels = labels.get(z * n_pixels..(z + 1) * n_pixels);
    let predicted = judged(labels.unwrap_or_default(), predicted);
    let truth = truth_slice(store, case_idx, z, organ);
    let truth = truth.unwrap_or_else(|| vec![false; n_pixels]);
    let overlap = Overlap::count(&mask(&truth), &mask(&predicted));
    overlap.expect("masks of one slice")
}

/// The label map that an arm's folder holds of a case; `None` where it holds none.
pub(crate) fn prediction(arm: &ArmDir, case: &CaseId) -> anyhow::Result<Option<Volume<u16>>> {
    let path = arm.prediction(case);
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(read_nifti_labels(&path)?.volume))
}

/// What the model of an arm's folder is.
pub(crate) fn record(arm: &ArmDir) -> anyhow::Result<ModelRecord> {
    ModelRecord::read(&arm.training().model())?
        .ok_or_else(|| anyhow!("the model of {} is missing", arm.path().display()))
}

/// The voxels with a value in a label map of a case, without those that are to be ignored: scores do
/// not count them.
pub(crate) fn mask_of(
    store: &Store,
    case_idx: usize,
    labels: &Volume<u16>,
    value: u16,
) -> Vec<bool> {
    let truth = store.native_labels(case_idx).unwrap_or_default();
    let labels = judged(truth, labels.voxels());
    labels.iter().map(|label| *label == value).collect()
}

/// An organ's voxels in an arm's prediction of a case, without those that are to be ignored; `None`
/// where the arm has none.
pub(crate) fn predicted(
    arm: &ArmDir,
    store: &Store,
    case_idx: usize,
    organ: &Organ,
) -> anyhow::Result<Option<Vec<bool>>> {
    let Some(labels) = prediction(arm, &store.cases()[case_idx].id)? else {
        return Ok(None);
    };
    let record = record(arm)?;
    let output = record.output_of(organ);
    let output = output.with_context(|| format!("the model has no {organ}"))?;
    let value = u16::from(record.label_value(output));
    Ok(Some(mask_of(store, case_idx, &labels, value)))
}

/// Dice of each slice; absent where truth and prediction are both empty, 0 where one of the two is.
pub(crate) fn slice_dice(
    truth: &[bool],
    predicted: &[bool],
    shape: PerAxis<usize>,
) -> Vec<Option<f64>> {
    let mask = |voxels| Mask::new(voxels, true, shape).expect("a scan of the shape");
    let overlaps = Overlap::count_slices(&mask(truth), &mask(predicted));
    let overlaps = overlaps.expect("masks of one shape").into_iter();
    overlaps.map(Overlap::dice).collect()
}
