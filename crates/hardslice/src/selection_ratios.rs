//! What a sweep found of an organ with a net, by selection ratio: its table and its learning curve.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hardslice_data::balance::{Arm, PlanSummary};
use hardslice_data::split::{Fold, Split};
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ, PatientId};
use hardslice_eval::Summary;
use hardslice_eval::compare::{ArmScore, EndPoint, capitalised};
use hardslice_eval::learning_curve::{CurveArm, CurvePoint, LearningCurve, learning_curve};
use hardslice_train::TestScore;
use hardslice_view::paper_tables::{PaperArm, PaperKey, PaperNet, PaperOrgan};
use hardslice_view::table::{Metric, RatioRow, Table, ratio_table};
use hardslice_volume::whole_file::read_json_if_there;

use crate::arms::paper_row;
use crate::layout::{OutDir, RoundName};
use crate::results::{Trainings, arm_score};
use crate::training::Training;

/// The ratio of the proposed arm, fixed beforehand; the paper chose it by its test results.
pub(crate) const PROPOSED: f64 = 0.5;

/// What is asked of a learning curve.
pub(crate) const QUESTION: &str =
    "How much would more training patients give, and what does it cost to annotate only half?";

/// A test score of a sweep, and what was trained for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SweepScore<'s> {
    pub(crate) arm: Arm,
    pub(crate) net: &'s str,
    pub(crate) ratio: f64,
    pub(crate) training: Training,
    pub(crate) score: &'s TestScore,
}

/// An organ with a net.
#[derive(Debug)]
pub(crate) struct SelectionRatios<'s> {
    pub(crate) organ: Organ,
    /// The net's name in configurations.
    pub(crate) net: String,
    /// The rows that have scores.
    rows: BTreeMap<PaperArm, Scored<'s>>,
    /// What each row is trained on; those whose split is not known are absent.
    trained_on: BTreeMap<PaperArm, TrainedOn>,
}

#[derive(Debug, Default)]
struct Scored<'s> {
    trainings: Trainings<'s>,
    scores: Vec<ArmScore>,
}

/// What a row is trained on.
#[derive(Debug, Clone, PartialEq)]
struct TrainedOn {
    /// Patients of whom the organ is annotated.
    patients: BTreeSet<PatientId>,
    /// Their scans of which it is.
    cases: BTreeSet<CaseId>,
    /// Slices; the mean over trainings where these differ. `None` where a plan is missing.
    n_slices: Option<f64>,
}

/// Gathers the scores of a sweep by organ and net, in the order in which these come first; scores of
/// arms and ratios that are no row of a table are passed over.
///
/// `splits` are those of the ratios, by their files.
///
/// Fails for a score of a case that the store lacks, and a plan that cannot be read.
pub(crate) fn gather<'s>(
    scores: impl IntoIterator<Item = SweepScore<'s>>,
    store: &Store,
    splits: &BTreeMap<String, Split>,
    out: &OutDir,
) -> anyhow::Result<Vec<SelectionRatios<'s>>> {
    let mut found: Vec<SelectionRatios<'s>> = Vec::new();
    for scored in scores {
        let Some(row) = paper_row(scored.arm.name(), scored.ratio) else {
            continue;
        };
        let organ = &scored.score.organ;
        let place = found
            .iter()
            .position(|of| of.organ == *organ && of.net == scored.net);
        let place = place.unwrap_or_else(|| {
            found.push(SelectionRatios {
                organ: organ.clone(),
                net: scored.net.to_owned(),
                rows: BTreeMap::new(),
                trained_on: BTreeMap::new(),
            });
            found.len() - 1
        });
        let of_row = found[place].rows.entry(row).or_default();
        of_row.trainings.add(scored.training, scored.score);
        let name = curve_name(row);
        let score = arm_score(store.cases(), name, scored.training, scored.score)?;
        of_row.scores.push(score);
    }
    for of in &mut found {
        for row in PaperArm::ALL {
            let Some(split) = splits.get(&split_file(row)) else {
                continue;
            };
            let mut trained_on = TrainedOn::of(store, split, &of.organ, row);
            if row == PaperArm::Proposed {
                trained_on.n_slices = of.mean_slices_of_plans(out)?;
            }
            of.trained_on.insert(row, trained_on);
        }
    }
    Ok(found)
}

/// What was found of each row of the paper's tables: the test Dice of each seed's training.
pub(crate) fn paper_summaries(by_ratio: &[SelectionRatios<'_>]) -> BTreeMap<PaperKey, Summary> {
    let of_the_paper = by_ratio
        .iter()
        .filter_map(|of| Some((of.of_the_paper()?, &of.rows)));
    let rows = of_the_paper.flat_map(|((organ, net), rows)| {
        let rows = rows.iter();
        rows.map(move |(arm, scored)| {
            let key = PaperKey {
                organ,
                net,
                arm: *arm,
            };
            (key, scored.trainings.summary(Metric::Dice))
        })
    });
    rows.collect()
}

/// The file of the split that a row is trained on.
pub(crate) fn split_file(row: PaperArm) -> String {
    let name = RoundName {
        ratio: Some(ratio_of(row)),
        ..RoundName::default()
    };
    name.split()
}

/// The ratio of the split that a row is trained on: the baseline takes A and B of the proposed arm's,
/// which together are the same for all.
fn ratio_of(row: PaperArm) -> f64 {
    match row {
        PaperArm::Baseline | PaperArm::Proposed => PROPOSED,
        PaperArm::Ratio08 => 0.8,
        PaperArm::Ratio05 => 0.5,
        PaperArm::Ratio03 => 0.3,
        PaperArm::Ratio02 => 0.2,
    }
}

/// What a row is called on a learning curve.
fn curve_name(row: PaperArm) -> &'static str {
    match row {
        PaperArm::Baseline => "ratio 1",
        PaperArm::Ratio08 => "ratio 0.8",
        PaperArm::Ratio05 => "ratio 0.5",
        PaperArm::Ratio03 => "ratio 0.3",
        PaperArm::Ratio02 => "ratio 0.2",
        PaperArm::Proposed => "proposed",
    }
}

impl TrainedOn {
    /// B, or A and B: of the proposed arm, too, whose slices of A are found by their annotations.
    fn of(store: &Store, split: &Split, organ: &Organ, row: PaperArm) -> Self {
        let folds = match row {
            PaperArm::Baseline | PaperArm::Proposed => &[Fold::A, Fold::B][..],
            _ => &[Fold::B],
        };
        let named: BTreeSet<&CaseId> = folds.iter().flat_map(|fold| split.cases(*fold)).collect();
        let cases = store.cases().iter();
        let cases = cases.filter(|case| named.contains(&case.id) && case.is_annotated(organ));
        let mut trained_on = Self {
            patients: BTreeSet::new(),
            cases: BTreeSet::new(),
            n_slices: None,
        };
        let mut n_slices = 0;
        for case in cases {
            trained_on.patients.insert(case.patient.clone());
            trained_on.cases.insert(case.id.clone());
            n_slices += case.n_slices;
        }
        trained_on.n_slices = Some(n_slices as f64);
        trained_on
    }
}

impl SelectionRatios<'_> {
    /// The net for people.
    pub(crate) fn net_title(&self) -> &str {
        PaperNet::from_name(&self.net).map_or(self.net.as_str(), |net| net.title())
    }

    /// For headings: `kidney_left, U-Net`.
    pub(crate) fn title(&self) -> String {
        format!("{}, {}", self.organ, self.net_title())
    }

    /// For names of files: `kidney_left-unet`.
    pub(crate) fn stem(&self) -> String {
        let organ = RoundName::of_organs(std::slice::from_ref(&self.organ));
        format!("{}-{}", organ.organs_dir(), self.net)
    }

    /// Organ and net as one of the paper's tables has them; `None` where none is of these.
    fn of_the_paper(&self) -> Option<(PaperOrgan, PaperNet)> {
        PaperOrgan::from_name(self.organ.as_str()).zip(PaperNet::from_name(&self.net))
    }

    /// Whether one of the paper's tables is of this organ and net.
    pub(crate) fn is_the_papers(&self) -> bool {
        self.of_the_paper().is_some()
    }

    /// The slices of the second half of the proposed arm, the mean over its trainings.
    fn mean_slices_of_plans(&self, out: &OutDir) -> anyhow::Result<Option<f64>> {
        let scored = self.rows.get(&PaperArm::Proposed);
        let scores = scored.map_or(&[][..], |scored| &scored.scores);
        let seeds: BTreeSet<u64> = scores.iter().map(|score| score.seed).collect();
        let mut n_slices = Vec::new();
        for seed in seeds {
            let name = RoundName {
                net: Some(self.net.clone()),
                seed: Some(seed),
                ratio: Some(PROPOSED),
                ..RoundName::of_organs(std::slice::from_ref(&self.organ))
            };
            let path: PathBuf = out.round(&name).arm(Arm::Hard).training().plan_summary();
            let Some(plan) = read_json_if_there::<PlanSummary>(&path)? else {
                return Ok(None);
            };
            n_slices.push(plan.n_slices as f64);
        }
        let n = n_slices.len() as f64;
        Ok((n > 0.0).then(|| n_slices.iter().sum::<f64>() / n))
    }

    /// The arms of the learning curve, and notes of those that are no points of their own.
    fn curve_arms(&self) -> (Vec<CurveArm>, Vec<String>) {
        let (mut arms, mut notes) = (Vec::new(), Vec::new());
        let mut seen: BTreeMap<&BTreeSet<CaseId>, PaperArm> = BTreeMap::new();
        for row in PaperArm::ALL {
            let Some(trained_on) = self.trained_on.get(&row) else {
                continue;
            };
            let is_fitted = row != PaperArm::Proposed;
            if is_fitted {
                // The same training twice would pass for two.
                if let Some(first) = seen.get(&trained_on.cases) {
                    notes.push(format!(
                        "{} was trained on the patients of {}: they are one point.",
                        capitalised(curve_name(row)),
                        curve_name(*first)
                    ));
                    continue;
                }
                seen.insert(&trained_on.cases, row);
            }
            let n_patients = trained_on.patients.len();
            if n_patients > 0 {
                arms.push(CurveArm {
                    arm: curve_name(row).to_owned(),
                    n_patients,
                    is_fitted,
                });
            }
        }
        (arms, notes)
    }

    /// The learning curve, or the sentence why there is none.
    pub(crate) fn learning_curve(&self) -> Result<LearningCurve, String> {
        let (arms, same) = self.curve_arms();
        let scores = self.rows.values().flat_map(|row| row.scores.clone());
        let scores: Vec<ArmScore> = scores.collect();
        let found = learning_curve("Dice", &arms, &scores);
        let mut curve = found.map_err(|error| {
            let why = format!(
                "There is no learning curve: {}.",
                crate::causes::causes(&error)
            );
            std::iter::once(why)
                .chain(same.clone())
                .collect::<Vec<_>>()
                .join(" ")
        })?;
        curve.notes.extend(same);
        curve.notes.push(
            "Every training has the same number of steps, whatever its ratio: with fewer patients \
             each slice is shown more often."
                .to_owned(),
        );
        if self.rows.contains_key(&PaperArm::Proposed) {
            curve.notes.push(
                "The proposed model is beside the line and not part of it: all its patients are \
                 annotated, and it is trained on part of their slices."
                    .to_owned(),
            );
        }
        Ok(curve)
    }

    /// The table of an organ that the paper has none of: the same rows.
    ///
    /// Fails for a case that was scored twice.
    pub(crate) fn table(&self) -> anyhow::Result<Table> {
        let mut rows = Vec::new();
        for row in PaperArm::ALL {
            let trained_on = self.trained_on.get(&row);
            let scored = self.rows.get(&row);
            let worst_of_five = match scored {
                Some(scored) => worst_of_five(row, &scored.scores)?,
                None => None,
            };
            rows.push(RatioRow {
                model: row.title().to_owned(),
                n_patients: trained_on.map(|trained_on| trained_on.patients.len()),
                n_slices: trained_on.and_then(|trained_on| trained_on.n_slices),
                dice: scored.map(|scored| scored.trainings.summary(Metric::Dice)),
                worst_of_five,
            });
        }
        Ok(ratio_table(self.organ.as_str(), self.net_title(), &rows))
    }
}

/// Of patients with a score in each training; `None` where there is no such patient.
fn worst_of_five(row: PaperArm, scores: &[ArmScore]) -> anyhow::Result<Option<f64>> {
    if scores.iter().all(|score| score.value.is_none()) {
        return Ok(None);
    }
    let arm = CurveArm {
        arm: curve_name(row).to_owned(),
        n_patients: 1,
        is_fitted: false,
    };
    Ok(Some(
        CurvePoint::of(&arm, EndPoint::WorstOfFive, scores)?.estimate(),
    ))
}
