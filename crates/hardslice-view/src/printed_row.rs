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
    /// Whether the statistics are means over several trainings: no whole number of values lies at the
    /// ends then.
    pub is_averaged: bool,
}

impl PrintedRow {
    /// Whether no `n` values can have been printed as this row.
    pub fn is_impossible(&self) -> bool {
        if self.is_averaged {
            return self.spreads_more_than_averages_can();
        }
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
        if self.is_averaged {
            return self.largest_averaged_sd(self.mean, [self.min, self.max]);
        }
        let squares = greatest_squares(self.n, self.mean, self.min, self.max);
        (squares / (self.n as f64 - 1.0)).sqrt()
    }

    /// The bound of Bhatia and Davis without whole numbers of values at the ends. It is concave in mean
    /// and range, so that averages of rows that keep it keep it, too.
    fn largest_averaged_sd(&self, mean: f64, [min, max]: [f64; 2]) -> f64 {
        let n = self.n as f64;
        let square = ((max - mean) * (mean - min)).max(0.0);
        (square * n / (n - 1.0)).sqrt()
    }

    fn spreads_more_than_averages_can(&self) -> bool {
        let printed = |value| RoundedNumber::of(value, self.n_decimals);
        let (mean, ends) = (
            printed(self.mean),
            [printed(self.min).low(), printed(self.max).high()],
        );
        let mean = f64::midpoint(ends[0], ends[1]).clamp(mean.low(), mean.high());
        // The last digit of the arithmetic is no finding.
        let allowed = self.largest_averaged_sd(mean, ends) + 1e-9;
        RoundedNumber::of(self.sd, self.n_decimals_sd).low() > allowed
    }
}
