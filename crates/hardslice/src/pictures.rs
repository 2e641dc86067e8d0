//! Pictures of the test patients' predictions: worst, median and best slice, and a coronal view.

use std::path::Path;

use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ};
use hardslice_train::layout::ArmDir;
use hardslice_train::round::RoundOutcome;
use hardslice_view::overlay::{CasePictures, PanelStyle, case_sheet};

use crate::bars::Bars;
use crate::layout::{OutDir, RoundName};
use crate::scans;

/// Draws a sheet for each test case, arm and organ into `pictures/`.
pub(crate) fn write(
    out: &OutDir,
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
            let dir = out.round(&RoundName::of_organs(organs)).arm(*arm);
            for case in test {
                let sheet = Sheet {
                    store,
                    case,
                    dir: &dir,
                    arm: arm.name(),
                };
                sheet.write(&out.pictures())?;
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
    dir: &'a ArmDir,
    arm: &'a str,
}

impl Sheet<'_> {
    fn write(&self, pictures: &Path) -> anyhow::Result<()> {
        let Some(predicted) = scans::prediction(self.dir, self.case)? else {
            return Ok(()); // Nobody annotated an organ of this net in the case.
        };
        let record = scans::record(self.dir)?;
        let case_idx = scans::place_of(self.store, self.case.as_str())?;
        let image_hu = scans::image(self.store, case_idx)?;
        for (output, organ) in record.outputs().zip(record.organ_names()) {
            let value = u16::from(record.label_value(output));
            let predicted = scans::mask_of(self.store, case_idx, &predicted, value);
            let truth = scans::truth(self.store, case_idx, organ);
            let dice = truth
                .as_deref()
                .map(|truth| scans::slice_dice(truth, &predicted, image_hu.shape()));
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
            picture.write_png(&pictures.join(name))?;
        }
        Ok(())
    }
}
