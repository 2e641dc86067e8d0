//! How scores vary, as was observed: patients, luck of nets with each of them, nets and splits; and
//! comparisons that are drawn from it.

use rayon::prelude::*;

use super::crossed::{Spread, column_means, column_means_of, rests, row_means, sum_of_squares};
use super::draws::{DrawnPatient, DrawnTrainings, Normal};
use super::end_point::EndPoint;
use super::error::CompareError;
use super::jackknife::pseudo_values;
use super::limits::{LEAST_PATIENTS, LEAST_TRAININGS};
use super::mean::mean;
use super::paired::Paired;
use super::plan::ComparisonPlan;
use super::scores::{ArmScore, Scores};

/// What a tenth of the patients, the lowest or failing ones, is assumed to gain.
pub(super) const GAIN_OF_TENTH: f64 = 0.1;

/// What every patient is assumed to gain.
pub(super) const GAIN_OF_ALL: f64 = 0.01;

/// How the scores of arms vary that were compared: variance components of the crossed table of
/// patients and trainings, pooled over arms. Patients are drawn among those that were scored, each
/// with its own luck of nets: a patient with a low score mostly has more of it.
#[derive(Debug, Clone)]
pub struct ObservedSpread {
    patients: Vec<DrawnPatient>,
    split_sd: f64,
    net_sd: f64,
}

/// A comparison of one arm with its references, all the same but for luck, that is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnComparison<'a> {
    pub(super) observed: &'a ObservedSpread,
    pub(super) n_patients: usize,
    /// The split of each training; those of a split stand together.
    pub(super) splits: &'a [u64],
    pub(super) n_references: usize,
    pub(super) end_point: EndPoint,
    /// Of a claim.
    pub(super) alpha: f64,
}

/// What a drawn comparison would have shown.
#[derive(Debug, Clone, Copy)]
struct Drawn {
    /// The least gain of every patient that it shows: what the arm must gain to be found better than
    /// each reference.
    least_gain_of_all: f64,
    /// Whether it shows that the lowest tenth gains [`GAIN_OF_TENTH`].
    lowest_tenth_is_found: bool,
}

/// What drawn comparisons would have shown: chances, and a gain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// That the lowest tenth gains [`GAIN_OF_TENTH`].
    pub(super) lowest_tenth_gains: f64,
    /// That every patient gains [`GAIN_OF_ALL`].
    pub(super) all_gain: f64,
    /// The gain of every patient that 80 of 100 show.
    pub(super) found_in_80: f64,
}

impl ObservedSpread {
    /// Of the plan's arms in an earlier comparison's scores, which are between 0 and 1, as Dice is, or
    /// of all arms where none of the plan's is there; and of how many. Patients lie where the plan's
    /// references have them, where these are there. `None` where the arms share fewer patients than a
    /// test takes, [`LEAST_PATIENTS`], or fewer trainings than [`LEAST_TRAININGS`].
    ///
    /// # Errors
    ///
    /// [`CompareError`] for a score that is no finite number and a case scored twice.
    pub fn of(
        rows: &[ArmScore],
        plan: &ComparisonPlan,
    ) -> Result<Option<(Self, usize)>, CompareError> {
        let scores = Scores::new(rows)?;
        let is_claimed = |arm: &str| plan.arms.iter().any(|claimed| claimed.arm == arm);
        let is_reference = |arm: &str| plan.references.iter().any(|of| of.arm == arm);
        let of_plan = |arm: &&str| is_claimed(arm) || is_reference(arm);
        let mut arms = scores.arms.clone();
        if arms.iter().any(of_plan) {
            arms.retain(of_plan);
        }
        if arms.is_empty() {
            return Ok(None);
        }
        // References come last.
        arms.sort_by_key(|arm| is_reference(arm));
        let n_others = arms.iter().filter(|arm| !is_reference(arm)).count();
        let Ok(paired) = Paired::new(&scores, &arms) else {
            return Ok(None);
        };
        let first = if n_others < arms.len() { n_others } else { 0 };
        let spread = Self::of_paired(&paired, &paired.scores()[first..]);
        Ok(spread.map(|spread| (spread, arms.len())))
    }

    /// Of these arms, with patients where `references`, `[arm][training][patient]`, have them.
    pub(super) fn of_paired(paired: &Paired, references: &[Vec<Vec<f64>>]) -> Option<Self> {
        if paired.n_patients() < LEAST_PATIENTS || paired.n_trainings() < LEAST_TRAININGS {
            return None;
        }
        let arms = paired.scores();
        let splits = paired.splits();
        let (n_patients, n_trainings) = (paired.n_patients(), splits.len());
        let of_references: Vec<&[f64]> = references.iter().flatten().map(Vec::as_slice).collect();
        let scores = column_means(&of_references);
        let mut net_variances = vec![0.0; n_patients];
        let mut of_arms = Vec::new();
        for arm in arms {
            let means = row_means(arm);
            for (cell, rest) in rests(arm, &means, &column_means_of(arm)).enumerate() {
                net_variances[cell % n_patients] += rest * rest;
            }
            of_arms.push(components(&means, &splits));
        }
        let df = (arms.len() * (n_trainings - 1)) as f64;
        let unbiased = n_patients as f64 / (n_patients - 1) as f64;
        for variance in &mut net_variances {
            *variance *= unbiased / df;
        }
        let luck = mean(net_variances.iter().copied()) / n_patients as f64;
        let [net, split] = [0, 1].map(|of| mean(of_arms.iter().map(|found| found[of])));
        let patients = scores.iter().zip(net_variances);
        Some(Self {
            patients: patients
                .map(|(&score, variance)| DrawnPatient {
                    score,
                    net_sd: variance.sqrt(),
                })
                .collect(),
            split_sd: split.max(0.0).sqrt(),
            net_sd: (net - luck).max(0.0).sqrt(),
        })
    }
}

impl DrawnComparison<'_> {
    /// Of so many comparisons, the same on any number of threads.
    pub(super) fn shown(&self, n: usize) -> Shown {
        let mut drawn: Vec<Drawn> = (0..n as u64)
            .into_par_iter()
            .map(|idx| self.draw(&mut Normal::new(0, idx)))
            .collect();
        drawn.sort_by(|a, b| a.least_gain_of_all.total_cmp(&b.least_gain_of_all));
        let share = |is: fn(&&Drawn) -> bool| drawn.iter().filter(is).count() as f64 / n as f64;
        Shown {
            lowest_tenth_gains: share(|drawn| drawn.lowest_tenth_is_found),
            all_gain: share(|drawn| drawn.least_gain_of_all <= GAIN_OF_ALL),
            found_in_80: drawn[n * 4 / 5 - 1].least_gain_of_all,
        }
    }

    /// Draws patients with replacement, and the scores of each arm. What every patient gains moves end
    /// point and difference by as much and leaves the spread as it is.
    fn draw(&self, draws: &mut Normal) -> Drawn {
        let n = self.n_patients;
        let of_observed = &self.observed.patients;
        let draw = |_| of_observed[draws.below(of_observed.len())];
        let mut patients: Vec<DrawnPatient> = (0..n).map(draw).collect();
        patients.sort_by(|a, b| a.score.total_cmp(&b.score));
        let trainings = DrawnTrainings {
            splits: self.splits,
            split_sd: self.observed.split_sd,
            net_sd: self.observed.net_sd,
        };
        let by_end_point = |scores: &[Vec<f64>]| -> Vec<Vec<f64>> {
            let rows = scores.iter();
            rows.map(|row| pseudo_values(self.end_point, row)).collect()
        };
        let mut arm = trainings.scores(&patients, draws);
        let alike = by_end_point(&arm);
        for score in arm.iter_mut().flat_map(|row| &mut row[..n.div_ceil(10)]) {
            *score = (*score + GAIN_OF_TENTH).min(score.max(1.0));
        }
        let better = by_end_point(&arm);
        let mut drawn = Drawn {
            least_gain_of_all: f64::NEG_INFINITY,
            lowest_tenth_is_found: true,
        };
        for _ in 0..self.n_references {
            let reference = by_end_point(&trainings.scores(&patients, draws));
            let gain = self.shown_from(&alike, &reference);
            drawn.least_gain_of_all = drawn.least_gain_of_all.max(gain);
            drawn.lowest_tenth_is_found &= self.shown_from(&better, &reference) < 0.0;
        }
        drawn
    }

    /// What the arm must gain more than, in every patient, to be shown better than the reference.
    fn shown_from(&self, arm: &[Vec<f64>], reference: &[Vec<f64>]) -> f64 {
        let whole = |rows: &[Vec<f64>]| mean(rows.iter().map(|row| mean(row.iter().copied())));
        let spread = Spread::of(&[arm, reference], &[1.0, -1.0], self.splits);
        spread.half_width(self.alpha) - (whole(arm) - whole(reference))
    }
}

/// Variances of the trainings' means within and between splits, which may come out below 0. Where no
/// split has two trainings all of it is within.
fn components(means: &[f64], splits: &[u64]) -> [f64; 2] {
    let named: Vec<(&u64, &f64)> = splits.iter().zip(means).collect();
    let groups: Vec<Vec<f64>> = named
        .chunk_by(|a, b| a.0 == b.0)
        .map(|group| group.iter().map(|(_, mean)| **mean).collect())
        .collect();
    let (n, n_splits) = (means.len(), groups.len());
    if n_splits == 1 || n_splits == n {
        return [sum_of_squares(means) / (n - 1) as f64, 0.0];
    }
    let within = groups
        .iter()
        .map(|group| sum_of_squares(group))
        .sum::<f64>()
        / (n - n_splits) as f64;
    let of_splits = row_means(&groups);
    let each = mean(groups.iter().map(|group| 1.0 / group.len() as f64));
    let between = sum_of_squares(&of_splits) / (n_splits - 1) as f64 - within * each;
    [within, between]
}
