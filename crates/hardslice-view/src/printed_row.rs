//! A row of statistics as a table prints it, and whether it can be true.

use hardslice_eval::reported::{
    Denominator, ReportedRow, RoundedNumber, greatest_squares, implausibilities,
};

/// Mean, spread and range of `n` scores, with the decimals that are printed of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedRow {
    /// Cases.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Decimals of mean and range.
    pub n_decimals: usize,
    /// Decimals of the standard deviation.
    pub n_decimals_sd: usize,
    /// What the variance was divided by; `None` where it is not known.
    pub denominator: Option<Denominator>,
}

impl PrintedRow {
    /// Whether no `n` values can have been printed as this row.
    pub fn is_impossible(&self) -> bool {
        let number = |value| Some(RoundedNumber::of(value, self.n_decimals));
        let row = ReportedRow {
            n: Some(self.n),
            mean: number(self.mean),
            sd: Some(RoundedNumber::of(self.sd, self.n_decimals_sd)),
            min: number(self.min),
            max: number(self.max),
            denominator: self.denominator,
            ..ReportedRow::default()
        };
        !implausibilities(&row).is_empty()
    }

    /// The largest standard deviation, with `n - 1` in the denominator, of `n` values with this
    /// mean and range; `NaN` for fewer than two.
    pub fn largest_sd(&self) -> f64 {
        let squares = greatest_squares(self.n, self.mean, self.min, self.max);
        (squares / (self.n as f64 - 1.0)).sqrt()
    }
}
