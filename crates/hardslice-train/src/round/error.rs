//! What can stop a round.

use std::path::PathBuf;

use hardslice_data::Organ;
use hardslice_data::balance::{Arm, ArmError, PlanError};
use hardslice_data::mining::{TauError, WriteError};
use hardslice_volume::FileError;
use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::confidence::CalibrateError;
use crate::evaluate::EvaluateError;
use crate::fit::FitError;
use crate::model::ModelError;

/// A round of the protocol cannot go on.
#[derive(Debug, Error)]
pub enum RoundError {
    /// An organ is not in the store.
    #[error("the store has no organ `{organ}`; it has {known}")]
    UnknownOrgan {
        /// The organ asked for.
        organ: String,
        /// The organs of the store.
        known: String,
    },
    /// What an earlier run left belongs to another protocol.
    #[error(
        "{} holds the work of another experiment (configuration, seed, data or split have \
         changed): take another --out folder, or delete this one", path.display()
    )]
    OtherExperiment {
        /// The file or folder.
        path: PathBuf,
    },
    /// There is no training to go on from.
    #[error("there is no checkpoint to go on from in {}", path.display())]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
    },
    /// The training to go on from does not stand where the second half begins.
    #[error(
        "the training to go on from stands at step {found}, and the second half begins at step \
         {wanted}: train its first half to the end, with the same number of steps ({})",
        path.display()
    )]
    OtherHalf {
        /// Its step.
        found: u64,
        /// The step wanted.
        wanted: u64,
        /// Its checkpoints.
        path: PathBuf,
    },
    /// The training to go on from does not say whom it was shown.
    #[error(
        "{} holds no model, which says which scans it was trained on: go on from what `train --half first` \
         left, or from the folder `pretrained` of a run",
        path.display()
    )]
    FirstHalfWithoutModel {
        /// Its folder.
        path: PathBuf,
    },
    /// A training whose checkpoints were gone came to another end than the first time.
    #[error(
        "its checkpoints are gone, and trained again it ended with other weights than the first time, \
         which what came after it was made of: train into another --out folder, or delete this one ({})",
        path.display()
    )]
    OtherWeights {
        /// The folder.
        path: PathBuf,
    },
    /// A plan shows slices of a patient who is not trained on.
    #[error(
        "the plan shows slices of `{case}`, which is neither in A nor in B of the split: what is tested \
         or validated on must not be trained on ({})",
        path.display()
    )]
    HeldOut {
        /// The case.
        case: String,
        /// The plan.
        path: PathBuf,
    },
    /// A net that is to score slices would never see an organ.
    #[error(
        "the arm `{arm}` rests on {scored} scored by a net that is trained on {fold}, and no patient of \
         {fold} shows `{organ}`: that net would call every slice of it hard; take another ratio or seed \
         in [split], or take the arm out"
    )]
    NotShown {
        /// The arm.
        arm: Arm,
        /// The organ.
        organ: Organ,
        /// Who trains the net.
        fold: &'static str,
        /// Whom it scores.
        scored: &'static str,
    },
    /// A first half that showed a patient who is held out now.
    #[error(
        "the first half was trained on `{case}`, whom this split tests or validates on: go on with the \
         split that it was trained with ({})",
        path.display()
    )]
    FirstHalfHeldOut {
        /// The case.
        case: String,
        /// Its folder.
        path: PathBuf,
    },
    /// A model that was trained on what it is to score.
    #[error(
        "the model was trained on {n} of the {n_a} scans of A, as `{case}`: it knows them, and hardly a \
         slice of them would be hard; mine with a model trained on B of this split (`train --half \
         first`, or `pretrained/model` of a run)"
    )]
    KnowsA {
        /// How many.
        n: usize,
        /// Scans of A.
        n_a: usize,
        /// The first of them.
        case: String,
    },
    /// Something that was to be there is not trained.
    #[error("this is not trained to its end, and nothing was to be trained now: {}", path.display())]
    NotTrained {
        /// The folder.
        path: PathBuf,
    },
    /// Rounds of mining with a net that does not mine.
    #[error(
        "the arm `rounds` scores A anew with the net that it trains, which [final_net] keeps apart \
         from the one that mines: take `rounds` out of arms, or take [final_net] out"
    )]
    RoundsWithFinalNet,
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Training.
    #[error(
        "training{} {}",
        arm.as_ref().map_or(String::new(), |arm| format!(" `{arm}`")),
        if matches!(source, FitError::Stopped { .. }) { "stopped" } else { "failed" }
    )]
    Fit {
        /// The arm, or what else the training is called; none of one by hand.
        arm: Option<String>,
        /// Why.
        source: FitError,
    },
    /// The plan of an arm.
    #[error(transparent)]
    Arm(#[from] ArmError),
    /// A plan's file.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The threshold.
    #[error(transparent)]
    Tau(#[from] TauError),
    /// What a mining leaves.
    #[error(transparent)]
    Mining(#[from] WriteError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A model's folder.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// How far a model can be trusted.
    #[error("a model cannot be calibrated on a validation scan")]
    Calibrate(#[from] CalibrateError),
    /// Prediction or scoring.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}
