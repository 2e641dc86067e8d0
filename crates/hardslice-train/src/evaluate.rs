//! Predicting and scoring the test patients.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hardslice_data::store::Store;
use hardslice_eval::{CaseScores, Mask, ScoreError, ScoreOptions, score_masks};
use hardslice_volume::plane::PlaneFitError;
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Volume, WriteError, write_label_map};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::Model;
use crate::predict::{StoredSlices, predict};
use crate::progress::{Event, Observer};

/// The scores of one organ in one test case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestScore {
    /// Case.
    pub case: String,
    /// Organ.
    pub organ: String,
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
    /// A prediction cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The scores cannot be written or read.
    #[error("cannot access the scores {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Predicts the test cases into `dir/predictions` and scores them on the scans' own grids.
///
/// What `dir` holds from an earlier run of the same model is not done again. Cases are places in
/// the store; an organ is scored where it is annotated.
///
/// # Errors
///
/// [`EvaluateError`] when a case cannot be predicted or scored, or a file cannot be written.
pub fn evaluate(
    model: &Model,
    store: &Store,
    test: &[usize],
    options: &ScoreOptions,
    dir: &Path,
    (stage, observer): (&str, &dyn Observer),
) -> Result<Vec<TestScore>, EvaluateError> {
    let path = dir.join("evaluation.json");
    let identity = identity(model, store, test, options);
    if let Some(done) = read(&path)?.filter(|done| done.identity == identity) {
        observer.notify(&Event::Skipped { stage });
        return Ok(done.scores);
    }
    let n_slices = |cases: &[usize]| -> u64 {
        cases
            .iter()
            .map(|case| store.cases()[*case].n_slices as u64)
            .sum()
    };
    observer.notify(&Event::Started {
        stage,
        n: n_slices(test),
        done: 0,
    });
    let mut scores = Vec::new();
    for (i, case_idx) in test.iter().enumerate() {
        let before = n_slices(&test[..i]);
        let case = &store.cases()[*case_idx];
        let source = StoredSlices {
            store,
            case_idx: *case_idx,
        };
        let progress = |done: usize| {
            observer.notify(&Event::Advanced {
                done: before + done as u64,
            });
        };
        let labels =
            predict(model, &source, &model.record.predict, &progress).map_err(|source| {
                EvaluateError::Predict {
                    case: case.id.to_string(),
                    source,
                }
            })?;
        let file = dir.join("predictions").join(format!("{}.nii.gz", case.id));
        write_label_map(&file, &labels, &case.placement)?;
        scores.extend(score(model, store, *case_idx, &labels, options)?);
    }
    observer.notify(&Event::Finished);
    // Organ by organ, as tables show them.
    scores.sort_by_key(|score: &TestScore| {
        model
            .record
            .organ_names()
            .position(|organ| organ.as_str() == score.organ)
    });
    let done = Evaluation { identity, scores };
    let json = serde_json::to_vec_pretty(&done).map_err(io::Error::other);
    let written = json.and_then(|json| write_whole_bytes(&path, &json));
    written.map_err(|source| EvaluateError::File { path, source })?;
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
    let (shape, spacing_mm) = (predicted.shape(), predicted.grid().spacing_mm());
    let mut scores = Vec::new();
    for (organ_idx, organ) in model.record.organ_names().enumerate() {
        let Some(store_idx) = store
            .organs()
            .index_of(organ)
            .filter(|_| case.is_annotated(organ))
        else {
            continue;
        };
        let inside = (
            store.organs().store_value(store_idx),
            model.record.label_value(organ_idx),
        );
        let scored = Mask::new(truth, inside.0, shape)
            .and_then(|truth| Ok((truth, Mask::new(predicted.voxels(), inside.1, shape)?)))
            .map_err(ScoreError::from)
            .and_then(|(truth, predicted)| score_masks(&truth, &predicted, spacing_mm, options));
        scores.push(TestScore {
            case: case.id.to_string(),
            organ: organ.to_string(),
            scores: scored.map_err(|source| EvaluateError::Score {
                case: case.id.to_string(),
                source,
            })?,
        });
    }
    Ok(scores)
}

fn identity(model: &Model, store: &Store, test: &[usize], options: &ScoreOptions) -> String {
    let cases: Vec<&str> = test
        .iter()
        .map(|case| store.cases()[*case].id.as_str())
        .collect();
    let all = (
        &model.record.weights_blake3,
        model.record.predict,
        store.content_hash(),
        cases,
        options,
    );
    // Plain data of numbers and text always has a JSON form.
    let json = serde_json::to_vec(&all).unwrap_or_default();
    blake3::hash(&json).to_hex().to_string()
}

fn read(path: &Path) -> Result<Option<Evaluation>, EvaluateError> {
    match fs::read(path) {
        // Scores of another version of the program are made again.
        Ok(json) => Ok(serde_json::from_slice(&json).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EvaluateError::File {
            path: path.to_owned(),
            source,
        }),
    }
}
