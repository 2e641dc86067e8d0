//! One row of the ledger, and how it stands in the file.

use super::columns::columns;
use crate::mining::triage::Triage;
use crate::mining::{Decision, ScoreRule, Tau};
use crate::{CaseId, Organ, PatientId, SliceKind};

columns! {
    /// What the mining saw and decided of one slice for one organ. The columns of the file are these
    /// fields in this order; new ones come last and are optional, so that older ledgers can be read.
    pub struct LedgerRow {
        /// Round of mining, from 0.
        round: u32,
        /// Case.
        case: CaseId,
        /// Whose scan it is.
        patient: PatientId,
        /// Slice, from the feet up.
        z: u32,
        /// Distance between neighbouring slices, in millimetres.
        slice_spacing_mm: f64,
        /// Organ.
        organ: Organ,
        /// What the slice shows of the organ.
        kind: SliceKind,
        /// Pixels of the organ in the ground truth, on the store's grid.
        truth_px: u32,
        /// Pixels of the organ in the prediction.
        predicted_px: u32,
        /// Pixels in both.
        shared_px: u32,
        /// Which rule scored the slice.
        rule: ScoreRule,
        /// Dice, absent where the slice counts as empty.
        dice: Option<f64>,
        /// The organ's threshold.
        tau: f64,
        /// How the threshold was set; `paper` means that the test set was used.
        tau_rule: Tau,
        /// Hard or easy.
        decision: Decision,
        /// The decision in words.
        reason: String,
        /// Weight of the slice in the plan of the arm `hard`; 0 when it is not in it.
        weight: f64,
        /// Hash of what scored it: the model's weights, or the files of predictions.
        model: String,
        /// Area of the organ in the ground truth, on the store's grid, in square millimetres.
        truth_mm2: Option<f64>,
        /// Mean binary cross-entropy of the slice's pixels, natural logarithm; absent where there
        /// were no probabilities.
        loss: Option<f64>,
        /// What the triage found; absent for other slices.
        triage: Option<Triage>,
        /// What that rests on, in words.
        triage_reason: Option<String>,
    }
}
