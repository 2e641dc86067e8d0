//! What a comparison could have found: its power with patients and trainings that vary as those do
//! that were scored.
//!
//! The gains are assumed, never the difference that was found: the power against that is another way
//! of writing its p, and says nothing. What is taken from the scores is how they vary: patients are
//! drawn among those that were tested, with replacement, each with its own luck of nets (a patient
//! with a low score mostly has more of it); nets and splits vary by the variance components of the
//! crossed table, pooled over arms.
//!
//! # Sources
//!
//! J. M. Hoenig and D. M. Heisey (2001), "The abuse of power: the pervasive fallacy of power
//! calculations for data analysis", The American Statistician 55(1), 19–24.

use rayon::prelude::*;

use super::comparison::Sensitivity;
use super::crossed::{Spread, column_means, column_means_of, rests, row_means, sum_of_squares};
use super::draws::{DrawnPatient, DrawnTrainings, Normal};
use super::end_point::EndPoint;
use super::error::CompareError;
use super::jackknife::pseudo_values;
use super::limits::{LEAST_PATIENTS, LEAST_TRAININGS};
use super::mean::mean;
use super::paired::Paired;
use super::plan::ComparisonPlan;
use super::power::{GAIN_OF_ALL, GAIN_OF_TENTH};
use super::scores::{ArmScore, Scores};

/// Repetitions: a power of 80 % has a standard error of 1.3 %.
const N_REPETITIONS: usize = 1000;

/// Of so many a gain is said to be found.
const FOUND: usize = N_REPETITIONS * 4 / 5;

/// What a comparison of these scores, which are between 0 and 1 as Dice is, could have found of each
/// arm of the plan; nothing of an arm that has too few patients or trainings for a test.
///
/// # Errors
///
/// [`CompareError`] as [`compare`](super::compare()) has them.
pub fn sensitivity(
    plan: &ComparisonPlan,
    rows: &[ArmScore],
) -> Result<Vec<Sensitivity>, CompareError> {
    plan.check()?;
    let scores = Scores::new(rows)?;
    let mut found = Vec::new();
    for claimed in &plan.arms {
        let of_arm = plan
            .pairs()
            .into_iter()
            .filter(|(arm, _)| *arm == claimed.arm);
        let references = of_arm.map(|(_, reference)| reference.arm.as_str());
        let arms: Vec<&str> = [claimed.arm.as_str()]
            .into_iter()
            .chain(references)
            .collect();
        if arms.len() == 1 {
            continue;
        }
        let paired = Paired::new(&scores, &arms)?;
        if paired.n_patients() < LEAST_PATIENTS || paired.n_trainings() < LEAST_TRAININGS {
            continue;
        }
        let observed = Observed::of(&paired, plan);
        found.push(observed.sensitivity(&claimed.arm));
    }
    Ok(found)
}

/// How scores vary.
#[derive(Debug)]
struct Observed {
    patients: Vec<DrawnPatient>,
    splits: Vec<u64>,
    split_sd: f64,
    net_sd: f64,
    n_references: usize,
    end_point: EndPoint,
    /// Of a claim.
    alpha: f64,
}

impl Observed {
    /// Of an arm, the first, and its references: the patients' scores are those of the references.
    fn of(paired: &Paired, plan: &ComparisonPlan) -> Self {
        let arms = paired.scores();
        let splits = paired.splits();
        let (n_patients, n_trainings) = (paired.n_patients(), splits.len());
        let of_references: Vec<&[f64]> = arms[1..].iter().flatten().map(Vec::as_slice).collect();
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
        Self {
            patients: patients
                .map(|(&score, variance)| DrawnPatient {
                    score,
                    net_sd: variance.sqrt(),
                })
                .collect(),
            splits,
            split_sd: split.max(0.0).sqrt(),
            net_sd: (net - luck).max(0.0).sqrt(),
            n_references: arms.len() - 1,
            end_point: plan.end_points[0],
            alpha: plan.alpha / plan.n_claims() as f64,
        }
    }

    fn sensitivity(&self, arm: &str) -> Sensitivity {
        let mut found: Vec<(f64, bool)> = (0..N_REPETITIONS as u64)
            .into_par_iter()
            .map(|idx| self.repeat(&mut Normal::new(0, idx)))
            .collect();
        let share = |is: &dyn Fn(&(f64, bool)) -> bool| {
            found.iter().filter(|f| is(f)).count() as f64 / N_REPETITIONS as f64
        };
        let lowest_tenth_gains = share(&|(_, is_found)| *is_found);
        let all_gain = share(&|(needed, _)| *needed <= GAIN_OF_ALL);
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        Sensitivity {
            arm: arm.to_owned(),
            lowest_tenth_gains,
            all_gain,
            found_in_80: found[FOUND - 1].0,
        }
    }

    /// One comparison: the least gain of every patient that it shows, and whether it shows that of the
    /// lowest tenth. What every patient gains moves end point and difference by as much and leaves the
    /// spread as it is.
    fn repeat(&self, draws: &mut Normal) -> (f64, bool) {
        let n = self.patients.len();
        let draw = |_| self.patients[draws.below(n)];
        let mut patients: Vec<DrawnPatient> = (0..n).map(draw).collect();
        patients.sort_by(|a, b| a.score.total_cmp(&b.score));
        let trainings = DrawnTrainings {
            splits: &self.splits,
            split_sd: self.split_sd,
            net_sd: self.net_sd,
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
        let (mut needed, mut is_found) = (f64::NEG_INFINITY, true);
        for _ in 0..self.n_references {
            let reference = by_end_point(&trainings.scores(&patients, draws));
            needed = needed.max(self.shown_from(&alike, &reference));
            is_found &= self.shown_from(&better, &reference) <= 0.0;
        }
        (needed, is_found)
    }

    /// What the arm must gain, in every patient, to be shown better than the reference.
    fn shown_from(&self, arm: &[Vec<f64>], reference: &[Vec<f64>]) -> f64 {
        let whole = |rows: &[Vec<f64>]| mean(rows.iter().map(|row| mean(row.iter().copied())));
        let both = [arm.to_vec(), reference.to_vec()];
        let spread = Spread::of(&both, &[1.0, -1.0], &self.splits);
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
