//! Evaluation: inference on the test patients and their scores.

use std::fs;
use std::io;
use std::path::Path;

use hardslice_data::store::{Store, StoredSlices, judged};
use hardslice_data::{CaseId, Organ, identity};
use hardslice_eval::{CaseScores, Mask, ScoreError, ScoreOptions, score_masks};
use hardslice_volume::plane::PlaneFitError;
use hardslice_volume::whole_file::{unsealed, write_sealed};
use hardslice_volume::{Action, FileError, ShearedGrid, Volume, WriteError, write_label_map};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::confidence::{JudgedConfidence, overlaps, write_judged};
use crate::layout::ArmDir;
use crate::model::Model;
use crate::predict::{Predicted, predict};
use crate::progress::Reporter;

/// The scores of one organ in one test case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestScore {
    /// Case.
    pub case: CaseId,
    /// Organ.
    pub organ: Organ,
    /// Its scores.
    #[serde(flatten)]
    pub scores: CaseScores,
}

/// The scores of a model on the test patients, as they are kept on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Hash of the model's weights and of everything else that decides the scores.
    pub identity: String,
    /// Organ by organ, case by case.
    pub scores: Vec<TestScore>,
}

/// A model cannot be evaluated.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// A scan's slices have no size.
    #[error("case `{case}` cannot be predicted")]
    Predict {
        /// The case.
        case: String,
        /// Why.
        source: PlaneFitError,
    },
    /// Prediction and labels do not fit each other.
    #[error("case `{case}` cannot be scored")]
    Score {
        /// The case.
        case: String,
        /// Why.
        source: ScoreError,
    },
    /// Distances on the scan's grid cannot be measured.
    #[error("case `{case}` cannot be scored in millimetres")]
    Sheared {
        /// The case.
        case: String,
        /// Why.
        source: ShearedGrid,
    },
    /// A prediction cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The scores cannot be written or read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Predicts the test cases and scores them on the scans' own grids.
///
/// What `dir` holds from an earlier run of the same model is not done again, unless predictions are
/// gone that pictures are made of. Cases are places in
/// the store; an organ is scored where it is annotated. A voxel that is to be ignored belongs to no
/// organ, neither in the truth nor in the prediction, as in nnU-Net's own evaluation; distances are
/// those between the surfaces of what is left.
///
/// # Errors
///
/// [`EvaluateError`] when a case cannot be predicted or scored, or a file cannot be written.
pub fn evaluate(
    model: &Model,
    store: &Store,
    test: &[usize],
    options: &ScoreOptions,
    dir: &ArmDir,
    reporter: &Reporter<'_>,
) -> Result<Vec<TestScore>, EvaluateError> {
    let path = dir.evaluation();
    let identity = identity_of(model, store, test, options);
    let is_predicted = |case: &usize| dir.prediction(&store.cases()[*case].id).is_file();
    if let Some(done) = read(&path)?.filter(|done| done.identity == identity)
        && test.iter().all(is_predicted)
        && (model.record.confidence.is_none() || dir.confidence().is_file())
    {
        reporter.skipped();
        return Ok(done.scores);
    }
    let n_slices = |cases: &[usize]| -> u64 {
        cases
            .iter()
            .map(|case| store.cases()[*case].n_slices as u64)
            .sum()
    };
    reporter.started(n_slices(test), 0);
    let (mut scores, mut confidence) = (Vec::new(), Vec::new());
    for (i, case_idx) in test.iter().enumerate() {
        let before = n_slices(&test[..i]);
        let case = &store.cases()[*case_idx];
        let source = StoredSlices {
            store,
            case_idx: *case_idx,
        };
        let progress = |done: usize| reporter.advanced(before + done as u64);
        let predicted =
            predict(model, &source, &model.record.predict, &progress).map_err(|source| {
                EvaluateError::Predict {
                    case: case.id.to_string(),
                    source,
                }
            })?;
        let labels = &predicted.labels;
        write_label_map(&dir.prediction(&case.id), labels, &case.placement)?;
        scores.extend(score(model, store, *case_idx, labels, options)?);
        let judged = judged_confidence(model, store, *case_idx, &predicted);
        let judged = judged.map_err(|source| EvaluateError::Score {
            case: case.id.to_string(),
            source,
        })?;
        confidence.extend(judged.into_iter().map(|slice| (case.id.clone(), slice)));
    }
    reporter.finished();
    // Organ by organ, as tables show them.
    scores.sort_by_key(|score: &TestScore| model.record.output_of(&score.organ));
    if model.record.confidence.is_some() {
        write_judged(&dir.confidence(), &confidence)?;
    }
    let done = Evaluation { identity, scores };
    write_sealed(&path, &done)?;
    Ok(done.scores)
}

fn score(
    model: &Model,
    store: &Store,
    case_idx: usize,
    predicted: &Volume<u8>,
    options: &ScoreOptions,
) -> Result<Vec<TestScore>, EvaluateError> {
    let case = &store.cases()[case_idx];
    let Some(truth) = store.native_labels(case_idx) else {
        return Ok(Vec::new());
    };
    let shape = predicted.shape();
    let measured = predicted.grid().measured_spacing_mm();
    let spacing_mm = measured.map_err(|source| EvaluateError::Sheared {
        case: case.id.to_string(),
        source,
    })?;
    let predicted = judged(truth, predicted.voxels());
    let mut scores = Vec::new();
    for (output, organ) in model.record.outputs().zip(model.record.organ_names()) {
        let Some(store_organ) = store.organ_of(organ).filter(|_| case.is_annotated(organ)) else {
            continue;
        };
        let values = [
            store.label_of(store_organ),
            model.record.label_value(output),
        ];
        let scored = Mask::new(truth, values[0], shape)
            .and_then(|truth| Ok((truth, Mask::new(&predicted, values[1], shape)?)))
            .map_err(ScoreError::from)
            .and_then(|(truth, predicted)| score_masks(&truth, &predicted, spacing_mm, options));
        scores.push(TestScore {
            case: case.id.clone(),
            organ: organ.clone(),
            scores: scored.map_err(|source| EvaluateError::Score {
                case: case.id.to_string(),
                source,
            })?,
        });
    }
    Ok(scores)
}

/// What was to be expected of each slice that can be judged, organ by organ, and what it was.
fn judged_confidence(
    model: &Model,
    store: &Store,
    case_idx: usize,
    predicted: &Predicted,
) -> Result<Vec<JudgedConfidence>, ScoreError> {
    let Some(confidence) = &model.record.confidence else {
        return Ok(Vec::new());
    };
    let slices = confidence.of_slices(&model.record, predicted);
    let mut judged = Vec::new();
    for (output, organ) in model.record.outputs().zip(model.record.organ_names()) {
        let of_organ = slices.iter().filter(|slice| slice.organ == *organ);
        let overlaps = overlaps(model, store, case_idx, predicted, output)?;
        let pairs = of_organ.zip(overlaps);
        judged.extend(pairs.filter_map(|(expected, overlap)| {
            Some(JudgedConfidence {
                expected: expected.clone(),
                overlap: overlap?,
            })
        }));
    }
    Ok(judged)
}

fn identity_of(model: &Model, store: &Store, test: &[usize], options: &ScoreOptions) -> String {
    let cases: Vec<&CaseId> = test.iter().map(|case| &store.cases()[*case].id).collect();
    identity(&(
        (&model.record.weights_blake3, &model.record.confidence),
        model.record.predict,
        store.content_hash(),
        cases,
        options,
    ))
}

/// What an earlier run left; nothing where that is of another version of the program, or damaged: the
/// scores are made again.
fn read(path: &Path) -> Result<Option<Evaluation>, FileError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => {
            let json = unsealed(&bytes.map_err(Action::Read.on(path))?);
            Ok(json
                .ok()
                .and_then(|json| serde_json::from_slice(&json).ok()))
        }
    }
}
