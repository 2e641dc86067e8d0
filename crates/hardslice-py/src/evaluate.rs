//! Scores of label maps.

use std::path::PathBuf;

use hardslice::data::{CaseId, Organ, OrganLabels, OrganMap};
use hardslice::eval::compare::{
    ArmScore, ClaimedArm, Comparison, ComparisonPlan, Reference, Role, Wording, compare,
};
use hardslice::eval::{CaseScores, Convention, ScoreOptions};
use hardslice::evaluation::{EvaluatedOrgan, Evaluation, Unscored, summary as summary_of};
use hardslice::label_doubts::{Doubt, Outside, doubts};
use hardslice::label_maps::{LabelMaps, LabelValue, Meaning};
use hardslice::volume::PerAxis;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::arrays::{Job, of_one_shape, on_both};
use crate::failure::{exception, in_json};
use crate::work::work;

/// An organ as Python gives it: its name, its label values, the names of its structures.
pub(crate) type GivenOrgan = (String, Vec<u16>, Vec<String>);

fn entries(organs: Vec<GivenOrgan>) -> anyhow::Result<Vec<OrganLabels>> {
    let entries = organs.into_iter().map(|(name, labels, structures)| {
        Ok(OrganLabels {
            organ: Organ::new(name)?,
            labels,
            structures,
        })
    });
    entries.collect()
}

/// The organs given; `None` for none.
pub(crate) fn organ_map(organs: Option<Vec<GivenOrgan>>) -> PyResult<Option<OrganMap>> {
    let map =
        |organs| -> anyhow::Result<OrganMap> { Ok(OrganMap::from_entries(entries(organs)?)?) };
    let map = organs.map(map).transpose();
    map.map_err(|error| exception(&error))
}

/// Which label values are which organ, as Python gives it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct GivenLabels {
    organs: Option<Vec<GivenOrgan>>,
    predicted_organs: Option<Vec<GivenOrgan>>,
    ignored: Vec<u16>,
}

/// What [`GivenLabels`] come to.
pub(crate) struct KnownLabels {
    organs: Option<OrganMap>,
    predicted_organs: Option<OrganMap>,
    ignored: Vec<u16>,
}

impl GivenLabels {
    pub(crate) fn known(self) -> PyResult<KnownLabels> {
        let organs = organ_map(self.organs)?;
        let predicted_organs = match (&organs, self.predicted_organs) {
            (_, None) => None,
            (Some(organs), Some(others)) => {
                let map = || Ok(organs.with_labels(entries(others)?)?);
                Some(map().map_err(|error: anyhow::Error| exception(&error))?)
            }
            (None, Some(_)) => {
                return Err(PyValueError::new_err(
                    "prediction_labels are given without labels, which say what is which organ in the truth",
                ));
            }
        };
        Ok(KnownLabels {
            organs,
            predicted_organs,
            ignored: self.ignored,
        })
    }
}

impl KnownLabels {
    pub(crate) fn meaning(&self) -> Meaning<'_> {
        Meaning {
            organs: self.organs.as_ref(),
            predicted_organs: self.predicted_organs.as_ref(),
            ignored: &self.ignored,
        }
    }
}

/// What is scored, as both functions take it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    labels: GivenLabels,
    convention: String,
    nsd_tolerance_mm: f64,
}

/// What [`Settings`] come to.
struct Scoring {
    labels: KnownLabels,
    /// Convention and tolerance.
    options: ScoreOptions,
}

impl Settings {
    fn scoring(self) -> PyResult<Scoring> {
        let convention = match self.convention.as_str() {
            "surface_distance" => Convention::SurfaceDistance,
            "monai" => Convention::Monai,
            other => {
                return Err(PyValueError::new_err(format!(
                    "convention is `{other}`, wanted \"surface_distance\" or \"monai\""
                )));
            }
        };
        Ok(Scoring {
            labels: self.labels.known()?,
            options: ScoreOptions {
                nsd_tolerance_mm: self.nsd_tolerance_mm,
                convention,
            },
        })
    }
}

impl Job for Scoring {
    type Made = (Vec<(Organ, CaseScores)>, Outside);

    fn of<T: LabelValue>(&self, maps: &LabelMaps<'_, T>) -> anyhow::Result<Self::Made> {
        let meaning = self.labels.meaning();
        maps.with_one_meaning(&meaning, |maps| {
            maps.score(meaning.organs, meaning.ignored, &self.options)
        })
    }
}

/// Two tables of one score compared by plan, as JSON. The scores are JSON, too: a list of
/// `ArmScore`, whose arms are `reference` and `predictions`.
#[pyfunction]
pub(crate) fn compare_tables(scores: &str, n_organs: usize) -> PyResult<String> {
    let compared = || -> anyhow::Result<Comparison> {
        let scores: Vec<ArmScore> = serde_json::from_str(scores)?;
        let arms = vec![ClaimedArm {
            arm: "predictions".to_owned(),
            chooses_slices: false,
            control: None,
        }];
        let references = vec![Reference {
            arm: "reference".to_owned(),
            role: Role::Baseline,
        }];
        let plan = ComparisonPlan::of_dice(arms, references, n_organs);
        Ok(compare(&plan, &Wording::new(), &scores)?)
    };
    in_json(&compared().map_err(|error| exception(&error))?)
}

/// Scores of two arrays as JSON: a list of organs with their scores.
#[pyfunction]
pub(crate) fn evaluate_arrays(
    truth: &Bound<'_, PyAny>,
    predicted: &Bound<'_, PyAny>,
    spacing_mm: [f64; 3],
    settings: Settings,
) -> PyResult<String> {
    let scoring = settings.scoring()?;
    let [z, y, x] = spacing_mm;
    let arrays = of_one_shape(truth, predicted)?;
    let spacing_mm = PerAxis::new(z, y, x);
    let (organs, outside) = on_both(truth.py(), &arrays, spacing_mm, &scoring)?;
    let seen = organs.iter();
    let doubts = doubts(
        seen.map(|(organ, scores)| (organ, scores.status.into())),
        &outside,
    );
    in_json(&json!({ "organs": organs, "doubts": of_values(&doubts) }))
}

/// The doubts that values of no organ raise, in words. That a case does not show an organ is none, and the
/// status of its scores says so.
pub(crate) fn of_values(found: &[Doubt]) -> Vec<String> {
    let of_values = found
        .iter()
        .filter(|doubt| !matches!(doubt, Doubt::Nowhere(_)));
    of_values.map(Doubt::to_string).collect()
}

/// Scores of two files or folders as JSON.
#[pyfunction]
#[pyo3(signature = (truth, predictions, scans, grid_tolerance_mm, settings, progress))]
pub(crate) fn evaluate_paths(
    py: Python<'_>,
    truth: PathBuf,
    predictions: PathBuf,
    scans: Option<PathBuf>,
    grid_tolerance_mm: Option<f64>,
    settings: Settings,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let scoring = settings.scoring()?;
    let evaluated = work(py, progress, |watch| {
        let evaluation = Evaluation {
            truth: &truth,
            predictions: &predictions,
            scans: scans.as_deref(),
            meaning: scoring.labels.meaning(),
            grid_tolerance_mm,
            options: &scoring.options,
        };
        evaluation.score(watch.as_ref())
    })?;
    in_json(&json!({
        "rows": evaluated.rows.iter().map(row_in_json).collect::<Vec<_>>(),
        "failures": failures_in_json(&evaluated.failures),
        "extra": evaluated.extra,
        "notes": evaluated.notes(),
        "doubts": of_values(&evaluated.doubts()),
    }))
}

/// Cases without scores, and why.
pub(crate) fn failures_in_json(failures: &[(CaseId, String)]) -> Value {
    let failures = failures.iter();
    failures
        .map(|(case, because)| json!({ "case": case.as_str(), "because": because }))
        .collect()
}

fn row_in_json(row: &EvaluatedOrgan) -> Value {
    json!({
        "case": row.case.as_str(),
        "organ": row.organ.as_ref().map(Organ::as_str),
        "scores": row.scores.as_ref().ok(),
        "status": match &row.scores {
            Ok(scores) => scores.status.word(),
            Err(why) => why.word(),
        },
    })
}

/// A row of a table as Python gives it back: case, organ, and its scores as JSON or why there are none.
type GivenRow = (String, Option<String>, Option<String>);

/// The statistics of rows as JSON: a list with `organ`, `metric` and the numbers.
#[pyfunction]
pub(crate) fn summary(rows: Vec<GivenRow>) -> PyResult<String> {
    let rows = rows.into_iter().map(|(case, organ, scores)| {
        let scores = scores.as_deref().map(serde_json::from_str::<CaseScores>);
        Ok(EvaluatedOrgan {
            case: CaseId::new(case)?,
            organ: organ.map(Organ::new).transpose()?,
            scores: scores.transpose()?.ok_or(Unscored::NotScored),
        })
    });
    let rows: anyhow::Result<Vec<_>> = rows.collect();
    let rows = summary_of(&rows.map_err(|error| exception(&error))?);
    let rows = rows.iter().map(|row| {
        json!({
            "organ": row.organ,
            "metric": row.metric.key(),
            "summary": row.summary,
        })
    });
    in_json(&rows.collect::<Vec<_>>())
}
