//! How far a model's predictions can be trusted, slice by slice: calibrated on the validation patients,
//! told beside every label map.

mod calibrated;
mod table;

use hardslice_data::store::{IGNORED, Store, StoredSlices, judged};
use hardslice_data::{Organ, OutputIdx};
use hardslice_eval::confidence::{Calibration, Expected, Trial};
use hardslice_eval::{Mask, Overlap, ScoreError};
use hardslice_volume::plane::PlaneFitError;
use thiserror::Error;

pub use calibrated::Confidence;
pub(crate) use table::write_judged;
pub use table::{JudgedRow, read_judged, write_confidence};

use crate::model::{Model, ModelRecord};
use crate::predict::{Predicted, predict};

/// What is to be expected of the answer for one organ on one slice.
#[derive(Debug, Clone, PartialEq)]
pub struct SliceConfidence {
    /// The slice, from 0 at the feet.
    pub z: usize,
    /// The organ.
    pub organ: Organ,
    /// Pixels of the answer, on the scan's own grid.
    pub n_predicted: usize,
    /// What is to be expected; `None` where no validation patient had such an answer.
    pub expected: Option<Expected>,
    /// Whether a person should look at it.
    pub look: bool,
}

/// A model cannot be calibrated on a scan.
#[derive(Debug, Error)]
pub enum CalibrateError {
    /// Its slices have no size.
    #[error(transparent)]
    Predict(#[from] PlaneFitError),
    /// Truth and prediction cannot be counted.
    #[error(transparent)]
    Count(#[from] ScoreError),
}

/// The same with the Dice that it had.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedConfidence {
    /// What was expected.
    pub expected: SliceConfidence,
    /// Truth and answer.
    pub overlap: Overlap,
}

impl Confidence {
    /// Calibrates a model on the scans of the validation patients, places in the store; `progress` is
    /// told the slices done. `None` where none of its organs is annotated in any of them.
    ///
    /// The scans are predicted as any other would be, on their own grids and with the model's own
    /// [`crate::PredictOptions`].
    ///
    /// # Errors
    ///
    /// [`CalibrateError`] when a scan cannot be predicted, or is too long to be counted.
    ///
    /// # Panics
    ///
    /// When the net gives what is no number.
    pub fn calibrate(
        model: &Model,
        store: &Store,
        validation: &[usize],
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Option<Self>, CalibrateError> {
        let mut trials = vec![Vec::new(); model.record.organs.len()];
        let mut n_done = 0;
        for &case_idx in validation {
            let source = StoredSlices { store, case_idx };
            let options = &model.record.predict;
            let predicted = predict(model, &source, options, &|done| progress(n_done + done))?;
            n_done += store.cases()[case_idx].n_slices;
            for (output, trials) in model.record.outputs().zip(&mut trials) {
                let overlaps = overlaps(model, store, case_idx, &predicted, output)?;
                let certainties = predicted.certainties.iter().skip(output.idx());
                let certainties = certainties.step_by(model.record.organs.len());
                let of_slices = certainties
                    .zip(overlaps)
                    .filter_map(|(certainty, overlap)| {
                        Some(Trial {
                            certainty: *certainty,
                            overlap: overlap?,
                        })
                    });
                trials.extend(of_slices);
            }
        }
        let organs: Vec<Option<Calibration>> =
            trials.iter().map(|of| Calibration::fit(of)).collect();
        Ok(organs.iter().any(Option::is_some).then(|| Self {
            n_scans: u32::try_from(validation.len()).expect("scans are counted in 32 bits"),
            organs,
        }))
    }

    /// What is to be expected of a prediction, slice by slice from the feet up and organ by organ.
    /// Organs without a calibration are left out.
    ///
    /// # Panics
    ///
    /// When the prediction is of another model.
    pub fn of_slices(&self, record: &ModelRecord, predicted: &Predicted) -> Vec<SliceConfidence> {
        assert_eq!(
            self.organs.len(),
            record.organs.len(),
            "one for each output"
        );
        let n_pixels = predicted.labels.shape().n_pixels();
        let slices = predicted.labels.voxels().chunks_exact(n_pixels);
        let certainties = predicted.certainties.chunks_exact(self.organs.len());
        let mut rows = Vec::new();
        for (z, (labels, certainties)) in slices.zip(certainties).enumerate() {
            let outputs = record.outputs().zip(record.organ_names());
            for ((output, organ), calibration) in outputs.zip(&self.organs) {
                let Some(calibration) = calibration else {
                    continue;
                };
                let value = record.label_value(output);
                let n_predicted = labels
                    .iter()
                    .map(|label| usize::from(*label == value))
                    .sum();
                let expected = calibration.expected(&certainties[output.idx()], n_predicted);
                rows.push(SliceConfidence {
                    z,
                    organ: organ.clone(),
                    n_predicted,
                    expected,
                    look: calibration.is_to_be_looked_at(expected),
                });
            }
        }
        rows
    }
}

/// Truth and prediction of each slice of a case; no slices where the organ is not annotated. What is to
/// be ignored belongs to neither, and a slice of which nothing is left by that is `None`: one that
/// nobody has judged, or whose whole answer lies where nobody has.
pub(crate) fn overlaps(
    model: &Model,
    store: &Store,
    case_idx: usize,
    predicted: &Predicted,
    output: OutputIdx,
) -> Result<Vec<Option<Overlap>>, ScoreError> {
    let organ = model.record.organs.organ(output.idx());
    let organ = organ.expect("the model has an organ for each of its outputs");
    let case = &store.cases()[case_idx];
    let place = store.organ_of(organ).filter(|_| case.is_annotated(organ));
    let (Some(place), Some(truth)) = (place, store.native_labels(case_idx)) else {
        return Ok(Vec::new());
    };
    let values = [store.label_of(place), model.record.label_value(output)];
    let shape = predicted.labels.shape();
    let answers = predicted.labels.voxels();
    let known = judged(truth, answers);
    let overlaps = Overlap::count_slices(
        &Mask::new(truth, values[0], shape)?,
        &Mask::new(&known, values[1], shape)?,
    )?;
    let n_pixels = shape.n_pixels();
    let slices = truth
        .chunks_exact(n_pixels)
        .zip(answers.chunks_exact(n_pixels));
    let judged = overlaps
        .into_iter()
        .zip(slices)
        .map(|(overlap, (truth, answer))| {
            let is_judged = truth.iter().any(|label| *label != IGNORED);
            let is_answer_judged = overlap.n_predicted > 0 || !answer.contains(&values[1]);
            (is_judged && is_answer_judged).then_some(overlap)
        });
    Ok(judged.collect())
}
