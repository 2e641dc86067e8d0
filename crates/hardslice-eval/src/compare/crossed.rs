//! How sure an estimate is where every patient meets every training: patients, trainings and A|B
//! splits are all random.
//!
//! The rows are trainings, the columns patients. The variance of an arm's mean, or of a weighted sum
//! of arms' means on the same patients (a difference is one), is that between patients (of the
//! trainings' weighted mean), plus that between each arm's trainings, less what both of these count:
//! the rest of each arm's table, the last two times the square of the arm's weight.
//! Where trainings share a split, the means of the splits are taken for trainings as well, and the
//! wider interval counts. (Not the greater standard error: with two splits that happen to lie close it
//! would be that of the trainings, whose many degrees of freedom know nothing of splits.) Arms are
//! taken to be trained apart: if one seed moves two arms alike, the standard error of their difference
//! is too large, never too small. Trainings of one arm must differ, too: one net that stands for
//! several trainings makes it too small.
//!
//! # Sources
//!
//! - H. Scheffé (1959), "The Analysis of Variance", chapter 7: the crossed table with random rows and
//!   columns.
//! - F. E. Satterthwaite (1946), "An approximate distribution of estimates of variance components",
//!   Biometrics Bulletin 2(6), 110–114. We count the degrees of freedom of the added parts alone, and
//!   let the variance fall below neither of them.
//! - P. Hall (1992), "On the removal of skewness by transformation", Journal of the Royal
//!   Statistical Society B 54(1), 221–228: the interval of a single arm, whose patients are skewed.

use super::limits::WIDE;
use super::mean::mean;
use super::student_t::{quantile, two_sided_p};

/// How sure an estimate is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    by_training: StandardError,
    /// With the means of splits for trainings, where trainings share a split.
    by_split: Option<StandardError>,
}

/// An estimate's standard error and its degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct StandardError {
    pub(crate) value: f64,
    pub(crate) df: f64,
    /// Third standardised moment of the patients' part, over `√n`, as it shows in the whole.
    skewness: f64,
    /// Variance between patients, alone.
    of_patients: f64,
    /// Its degrees of freedom.
    df_of_patients: f64,
    /// Whether the trainings differ no more than their luck with single patients makes them.
    are_trainings_alike: bool,
}

impl Spread {
    /// Of the sum of arms' means, each times its weight: `[arm][training][patient]`, at least two
    /// patients; 1 and -1 are a difference. `splits` names the split of each training. With one
    /// training it holds the spread of patients alone.
    pub(crate) fn of<Arm: AsRef<[Vec<f64>]>>(
        arms: &[Arm],
        weights: &[f64],
        splits: &[u64],
    ) -> Self {
        let mut names = splits.to_vec();
        names.sort_unstable();
        names.dedup();
        let of_arm = |rows: &Arm| -> Vec<Vec<f64>> {
            let of_split = |name: &u64| {
                let members = rows.as_ref().iter().zip(splits);
                let members = members.filter(|(_, split)| *split == name);
                column_means(&members.map(|(row, _)| row.as_slice()).collect::<Vec<_>>())
            };
            names.iter().map(of_split).collect()
        };
        let is_nested = names.len() > 1 && names.len() < splits.len();
        let means = is_nested.then(|| arms.iter().map(of_arm).collect::<Vec<_>>());
        Self {
            by_training: StandardError::of(arms, weights),
            by_split: means.map(|means| StandardError::of(&means, weights)),
        }
    }

    /// That with the wider interval of those that leave `alpha` out.
    fn widest(&self, alpha: f64) -> StandardError {
        let of_trainings = self.by_training;
        self.by_split
            .filter(|of_splits| of_splits.half_width(alpha) > of_trainings.half_width(alpha))
            .unwrap_or(of_trainings)
    }

    /// Whether the interval is wider than it need be: the trainings are alike, and that they might not
    /// be makes it wider.
    pub(crate) fn is_wide(&self) -> bool {
        self.widest(WIDE.alpha).is_wide()
    }

    /// The standard error by which an estimate is less sure to differ from 0, and the chance of an
    /// estimate at least so far from 0 where the truth is 0.
    pub(crate) fn test(&self, estimate: f64) -> (StandardError, f64) {
        let of_trainings = (self.by_training, self.by_training.two_sided_p(estimate));
        self.by_split
            .map(|of_splits| (of_splits, of_splits.two_sided_p(estimate)))
            .filter(|(_, p)| *p > of_trainings.1)
            .unwrap_or(of_trainings)
    }

    /// The chance of [`Spread::test`].
    pub(crate) fn two_sided_p(&self, estimate: f64) -> f64 {
        self.test(estimate).1
    }

    /// Half the width of the interval that leaves `alpha` out: 0 lies outside of it where
    /// [`Spread::two_sided_p`] is below `alpha`.
    pub(crate) fn half_width(&self, alpha: f64) -> f64 {
        self.widest(alpha).half_width(alpha)
    }

    /// The ends of an interval that leaves `alpha` out, half on each side, for an estimate whose
    /// patients are skewed.
    pub(crate) fn skewed_ends(&self, estimate: f64, alpha: f64) -> [f64; 2] {
        self.widest(alpha).skewed_ends(estimate, alpha)
    }

    /// Whether so few patients make the skewness that one of these ends lies where the transform is at its
    /// steepest, several standard errors away.
    pub(crate) fn is_too_skewed(&self, alpha: f64) -> bool {
        let widest = self.widest(alpha);
        widest.skewness.abs() * quantile(alpha, widest.df) >= 1.0
    }
}

impl StandardError {
    /// With the rows for trainings.
    fn of<Arm: AsRef<[Vec<f64>]>>(arms: &[Arm], weights: &[f64]) -> Self {
        let arms: Vec<&[Vec<f64>]> = arms.iter().map(AsRef::as_ref).collect();
        let (n_rows, n) = (arms[0].len() as f64, arms[0][0].len());
        let columns: Vec<Vec<f64>> = arms.iter().map(|rows| column_means_of(rows)).collect();
        let of_patient = |patient: usize| {
            let weighted = columns.iter().zip(weights);
            weighted.map(|(arm, weight)| weight * arm[patient]).sum()
        };
        let patients: Vec<f64> = (0..n).map(of_patient).collect();
        let between_patients = sum_of_squares(&patients) / (n as f64 - 1.0) / n as f64;
        let (mut between_rows, mut in_both, mut of_df) = (0.0, 0.0, 0.0);
        if n_rows > 1.0 {
            for ((rows, columns), weight) in arms.iter().zip(&columns).zip(weights) {
                let squared = weight * weight;
                let means = row_means(rows);
                let of_arm = squared * (sum_of_squares(&means) / (n_rows - 1.0) / n_rows);
                between_rows += of_arm;
                of_df += of_arm * of_arm / (n_rows - 1.0);
                let rest: f64 = rests(rows, &means, columns).map(|rest| rest * rest).sum();
                in_both +=
                    squared * (rest / ((n_rows - 1.0) * (n as f64 - 1.0)) / (n_rows * n as f64));
            }
        }
        let added = between_patients + between_rows;
        let variance = (added - in_both).max(between_patients).max(between_rows);
        of_df += between_patients * between_patients / (n as f64 - 1.0);
        let df = if of_df > 0.0 {
            (variance * variance / of_df).max(1.0)
        } else {
            n as f64 - 1.0
        };
        Self {
            value: variance.sqrt(),
            df,
            skewness: skewness_of_mean(&patients, variance),
            of_patients: between_patients,
            df_of_patients: n as f64 - 1.0,
            are_trainings_alike: in_both > 0.0 && between_rows <= WIDE.unseen * in_both,
        }
    }

    fn is_wide(&self) -> bool {
        let of_patients = || self.of_patients.sqrt() * quantile(WIDE.alpha, self.df_of_patients);
        self.are_trainings_alike && self.half_width(WIDE.alpha) > WIDE.beyond * of_patients()
    }

    fn two_sided_p(&self, estimate: f64) -> f64 {
        if self.value > 0.0 {
            two_sided_p(estimate / self.value, self.df)
        } else if estimate == 0.0 {
            1.0
        } else {
            0.0
        }
    }

    fn half_width(&self, alpha: f64) -> f64 {
        self.value * quantile(alpha, self.df)
    }

    fn skewed_ends(&self, estimate: f64, alpha: f64) -> [f64; 2] {
        let t = quantile(alpha, self.df);
        [t, -t].map(|t| estimate - self.value * self.unskewed(t))
    }

    fn unskewed(&self, t: f64) -> f64 {
        let a = self.skewness;
        if a.abs() < 1e-8 {
            return t;
        }
        (libm::cbrt(1.0 + a * (t - a / 6.0)) - 1.0) * 3.0 / a
    }
}

/// The mean of each row.
pub(super) fn row_means(rows: &[Vec<f64>]) -> Vec<f64> {
    rows.iter().map(|row| mean(row.iter().copied())).collect()
}

/// What is left of each cell, row by row, without the means of its row and its column.
pub(super) fn rests<'a>(
    rows: &'a [Vec<f64>],
    row_means: &'a [f64],
    column_means: &'a [f64],
) -> impl Iterator<Item = f64> + 'a {
    let whole = mean(row_means.iter().copied());
    rows.iter().zip(row_means).flat_map(move |(row, of_row)| {
        let cells = row.iter().zip(column_means);
        cells.map(move |(cell, of_column)| cell - of_row - of_column + whole)
    })
}

pub(super) fn column_means_of(rows: &[Vec<f64>]) -> Vec<f64> {
    column_means(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

pub(super) fn column_means(rows: &[&[f64]]) -> Vec<f64> {
    let of_column = |column: usize| mean(rows.iter().map(|row| row[column]));
    (0..rows[0].len()).map(of_column).collect()
}

/// Of the differences from the mean.
pub(super) fn sum_of_squares(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    values.iter().map(|value| (value - centre).powi(2)).sum()
}

fn skewness_of_mean(patients: &[f64], variance: f64) -> f64 {
    let n = patients.len() as f64;
    let centre = mean(patients.iter().copied());
    let third: f64 = patients.iter().map(|value| (value - centre).powi(3)).sum();
    if variance > 0.0 {
        // The third moment of the mean, over that of a whole with this variance.
        third / n / (n * n) / (variance * variance.sqrt())
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_trainings_and_two_patients_worked_by_hand() {
        // Rows 1 3 and 3 9: columns 2 and 6, rows 2 and 6, whole 4; the rest is ±1 everywhere.
        let table = vec![vec![1.0, 3.0], vec![3.0, 9.0]];
        // Between patients 8 / 1 / 2 = 4, between rows 4, counted twice 4 / 1 / 4 = 1.
        let found = Spread::of(&[table], &[1.0], &[0, 0]);
        assert!((found.by_training.value - 7.0_f64.sqrt()).abs() < 1e-15);
        assert!(
            (found.by_training.df - 49.0 / 32.0).abs() < 1e-14,
            "49 / (16 + 16)"
        );
    }

    #[test]
    fn one_training_knows_of_patients_alone() {
        let found = Spread::of(&[vec![vec![0.5, 0.75, 1.0]]], &[1.0], &[0]);
        assert!((found.by_training.value - (0.0625_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((found.by_training.df - 2.0).abs() < 1e-15);
    }

    #[test]
    fn trainings_that_agree_within_a_split_count_as_one() {
        let row = |shift: f64| (0..8).map(|i| shift + 0.01 * f64::from(i)).collect();
        let together = vec![row(0.0), row(0.0), row(0.5), row(0.5)];
        let apart = Spread::of(std::slice::from_ref(&together), &[1.0], &[0, 1, 2, 3]);
        let nested = Spread::of(&[together], &[1.0], &[0, 0, 1, 1]);
        assert_eq!(apart.by_split, None);
        let nested = nested.by_split.unwrap();
        assert!(nested.value > apart.by_training.value);
        assert!(
            nested.df < apart.by_training.df,
            "two splits, not four trainings"
        );
    }

    #[test]
    fn two_splits_that_happen_to_lie_close_are_still_two() {
        // The means of both splits are nearly the same, those of trainings are not.
        let row = |shift: f64| (0..20).map(|i| shift + 0.001 * f64::from(i % 4)).collect();
        let table = vec![row(0.0), row(0.1), row(0.2), row(0.02), row(0.1), row(0.24)];
        let found = Spread::of(&[table], &[1.0], &[0, 0, 0, 1, 1, 1]);
        let by_split = found.by_split.unwrap();
        assert!(by_split.value < found.by_training.value);
        for alpha in [0.05, 0.05 / 6.0, 0.001] {
            let half_width = found.half_width(alpha);
            assert!(half_width >= by_split.half_width(alpha));
            assert!(half_width >= found.by_training.half_width(alpha));
            // Interval and test say the same.
            assert!((found.two_sided_p(half_width) - alpha).abs() < 1e-9);
        }
        assert!(
            found.half_width(0.001) > 2.0 * found.by_training.half_width(0.001),
            "one degree of freedom"
        );
    }
}
