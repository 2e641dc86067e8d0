//! The Bhatia-Davis bound: whether a printed standard deviation can belong to its mean and range.

/// One printed row of a table of scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Printed {
    /// Cases.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation with `n - 1` in the denominator.
    pub sd: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

/// Whether no set of values can have this mean, standard deviation and range.
///
/// Values within `[min, max]` with a given mean spread most when all of them lie at the two ends
/// (Bhatia and Davis), so with `n - 1` in the denominator
///
/// ```text
/// sd² ≤ (max - mean) · (mean - min) · n / (n - 1)
/// ```
///
/// Meant for reading other people's tables, and as a check on one's own before they are printed: a
/// row that fails cannot be a slip of the last digit, and its spread must not be compared with.
///
/// Printed numbers are rounded. `half_unit` is half of one unit in the last printed place of mean
/// and range (0.00005 for four decimals), `half_unit_sd` the same for the standard deviation. A row
/// is called impossible only when the bound fails for every set of numbers that would have been
/// printed as this row.
///
/// A negative standard deviation, a mean outside the range, `n` below 2 and `NaN` are impossible
/// too.
///
/// ```
/// # use hardslice_eval::{Printed, impossible_sd};
/// let row = Printed { n: 10, mean: 0.95, sd: 0.02, min: 0.90, max: 0.98 };
/// assert!(!impossible_sd(&row, 0.005, 0.005));
/// // At most √(0.03 · 0.05 · 10 / 9) = 0.041.
/// assert!(impossible_sd(&Printed { sd: 0.06, ..row }, 0.005, 0.005));
/// ```
///
/// # Sources
///
/// - R. Bhatia and C. Davis (2000), "A better bound on the variance", American Mathematical
///   Monthly 107(4), 353–357.
pub fn impossible_sd(row: &Printed, half_unit: f64, half_unit_sd: f64) -> bool {
    let printed = [row.mean, row.sd, row.min, row.max];
    if row.n < 2 || printed.into_iter().any(f64::is_nan) {
        return true;
    }
    let (low, high) = (row.min - half_unit, row.max + half_unit);
    // The product below is largest for a mean in the middle of the range.
    let mean = f64::midpoint(low, high)
        .max(row.mean - half_unit)
        .min(row.mean + half_unit);
    let n = row.n as f64;
    let largest_variance = (high - mean) * (mean - low) * n / (n - 1.0);
    let smallest_sd = (row.sd - half_unit_sd).max(0.0);
    let possible = row.sd >= -half_unit_sd
        && low <= mean
        && mean <= high
        && smallest_sd.powi(2) <= largest_variance;
    !possible
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Summary;

    #[test]
    fn a_printed_row_whose_spread_is_too_large_whatever_was_rounded_is_impossible() {
        // Zhang et al. (2019), Table A1, the baseline's 40 kidneys: at most 0.0702 by
        // (0.9698 - 0.9167) (0.9167 - 0.8262) 40 / 39. All tables: `hardslice-view::paper_tables`.
        let row = Printed {
            n: 40,
            mean: 0.9167,
            sd: 0.13,
            min: 0.8262,
            max: 0.9698,
        };
        assert!(impossible_sd(&row, 0.000_05, 0.000_5), "0.13 is printed");
        let possible = Printed { sd: 0.07, ..row };
        assert!(!impossible_sd(&possible, 0.000_05, 0.000_5), "0.070");
    }

    #[test]
    fn values_at_the_two_ends_reach_the_bound_and_a_little_more_is_impossible() {
        let summary = Summary::of([0.25, 0.25, 0.25, 0.75].map(Some));
        let row = Printed {
            n: 4,
            mean: 0.375,
            sd: summary.sd.unwrap(),
            min: 0.25,
            max: 0.75,
        };
        assert!(
            !impossible_sd(&row, 0.0, 1e-15),
            "variance 3/16 · 1/4 · 4/3 = 1/16, sd 1/4"
        );
        let wider = Printed { sd: 0.2501, ..row };
        assert!(impossible_sd(&wider, 0.0, 0.0), "0.2501 is more than 1/4");
        assert!(
            !impossible_sd(&wider, 0.0, 0.000_5),
            "but 0.250 would be printed like it"
        );
    }

    #[test]
    fn a_mean_outside_the_range_is_impossible() {
        let row = Printed {
            n: 9,
            mean: 0.95,
            sd: 0.0,
            min: 0.8,
            max: 0.9,
        };
        assert!(
            impossible_sd(&row, 0.0, 0.0),
            "0.95 above the greatest value"
        );
        assert!(
            impossible_sd(
                &Printed {
                    mean: f64::NAN,
                    ..row
                },
                0.0,
                0.0
            ),
            "no number"
        );
    }
}
