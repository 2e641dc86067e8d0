//! Pictures of the test patients' predictions: worst, median and best slice, and a coronal view.

use std::path::Path;

use anyhow::{Context, anyhow};
use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ};
use hardslice_eval::{Mask, Overlap};
use hardslice_train::ModelRecord;
use hardslice_train::round::RoundOutcome;
use hardslice_view::overlay::{CasePictures, PanelStyle, case_sheet};
use hardslice_volume::plane::PlaneFit;
use hardslice_volume::{PerAxis, Volume, read_nifti_labels};

use crate::bars::Bars;
use crate::whole::folder_of;

/// Draws a sheet for each test case, arm and organ into `pictures/`.
pub(crate) fn write(
    out: &Path,
    store: &Store,
    split: &Split,
    rounds: &[(Vec<Organ>, RoundOutcome)],
    bars: &Bars,
) -> anyhow::Result<()> {
    let n_arms: usize = rounds.iter().map(|(_, round)| round.arms.len()).sum();
    let test = split.cases(Fold::Test);
    bars.begin("draw predictions", (n_arms * test.len()) as u64, 0);
    let mut done = 0;
    for (organs, round) in rounds {
        for (arm, _) in &round.arms {
            let dir = out.join(folder_of(organs)).join(arm.name());
            for case in test {
                let sheet = Sheet {
                    store,
                    case,
                    dir: &dir,
                    arm: arm.name(),
                };
                sheet.write(&out.join("pictures"))?;
                done += 1;
                bars.advance(done);
            }
        }
    }
    bars.end();
    Ok(())
}

struct Sheet<'a> {
    store: &'a Store,
    case: &'a CaseId,
    dir: &'a Path,
    arm: &'a str,
}

impl Sheet<'_> {
    fn write(&self, pictures: &Path) -> anyhow::Result<()> {
        let path = self
            .dir
            .join("predictions")
            .join(format!("{}.nii.gz", self.case));
        if !path.exists() {
            return Ok(()); // Nobody annotated an organ of this net in the case.
        }
        let predicted = read_nifti_labels(&path)?.volume;
        let record = ModelRecord::read(&self.dir.join("model"))?
            .ok_or_else(|| anyhow!("the model of {} is missing", self.dir.display()))?;
        let cases = self.store.cases();
        let case_idx = cases
            .iter()
            .position(|case| case.id == *self.case)
            .ok_or_else(|| anyhow!("case `{}` is not in the store", self.case))?;
        let image_hu = self.image(case_idx)?;
        for (organ_idx, organ) in record.organ_names().enumerate() {
            let value = u16::from(record.label_value(organ_idx));
            let predicted: Vec<bool> = predicted.voxels().iter().map(|v| *v == value).collect();
            let truth = self.truth(case_idx, organ);
            let dice = truth
                .as_deref()
                .map(|truth| slice_dice(truth, &predicted, image_hu.shape()));
            let stamp = if record.leaky { ", LEAKY" } else { "" };
            let title = format!("{}, {organ}, {}{stamp}", self.case, self.arm);
            let sheet = CasePictures {
                title: &title,
                image_hu: &image_hu,
                truth: truth.as_deref(),
                predicted: &predicted,
                slice_dice: dice.as_deref().unwrap_or_default(),
            };
            let picture = case_sheet(&sheet, &PanelStyle::of_width(320))?;
            let name = format!("{}_{organ}_{}.png", self.case, self.arm);
            picture
                .write_png(&pictures.join(name))
                .context("cannot write a picture")?;
        }
        Ok(())
    }

    /// The stored slices, brought to the scan's own pixels.
    fn image(&self, case_idx: usize) -> anyhow::Result<Volume<f32>> {
        let grid = self.store.cases()[case_idx].placement.canonical;
        let spacing = grid.spacing_mm();
        let fit = PlaneFit::new(
            [grid.shape.y, grid.shape.x],
            [spacing.y, spacing.x],
            self.store.size(),
        )?;
        let mut voxels = Vec::with_capacity(grid.shape.n_voxels());
        for z in 0..grid.shape.z {
            let slice = self.store.image(case_idx, z);
            let square: Vec<f32> = slice.iter().map(|hu| f32::from(*hu)).collect();
            voxels.extend(fit.restore(&square));
        }
        Ok(Volume::new(grid, voxels)?)
    }

    fn truth(&self, case_idx: usize, organ: &Organ) -> Option<Vec<bool>> {
        let organ_idx = self.store.organs().index_of(organ)?;
        let is_annotated = self.store.cases()[case_idx].is_annotated(organ);
        let labels = self
            .store
            .native_labels(case_idx)
            .filter(|_| is_annotated)?;
        let value = self.store.organs().store_value(organ_idx);
        Some(labels.iter().map(|label| *label == value).collect())
    }
}

/// Dice of each slice; absent where truth and prediction are both empty.
fn slice_dice(truth: &[bool], predicted: &[bool], shape: PerAxis<usize>) -> Vec<Option<f64>> {
    let one = PerAxis { z: 1, ..shape };
    let n = shape.n_pixels().max(1);
    let dice = truth
        .chunks_exact(n)
        .zip(predicted.chunks_exact(n))
        .map(|(truth, predicted)| {
            let truth = Mask::new(truth, true, one).ok()?;
            let predicted = Mask::new(predicted, true, one).ok()?;
            Overlap::count(&truth, &predicted).ok()?.dice()
        });
    dice.collect()
}
