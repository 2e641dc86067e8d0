//! All rules together: what cannot be true of a printed row.

use super::row::{Implausibility, ReportedRow};
use super::{granularity, range, spread};

/// Everything about a row that cannot be true, by the numbers that are there; empty where some
/// values could have been printed so.
///
/// - mean between least and greatest value, and no nearer to one end than n values allow of which
///   one lies at the other;
/// - a standard deviation not above what mean, range and n allow (Bhatia and Davis 2000, and
///   sharper for whole numbers of values at the ends), nor below what the two ends alone make at
///   that n, each with n - 1 and n in the denominator unless one is known;
/// - values within the limits of the score;
/// - for values in steps, a mean and a standard deviation that sums of such values have.
///
/// A row of which nothing is found may still be wrong.
///
/// ```
/// # use hardslice_eval::reported::{ReportedRow, RoundedNumber, implausibilities};
/// let number = |text| RoundedNumber::parse(text).ok();
/// let row = ReportedRow {
///     n: Some(40),
///     mean: number("0.9167"),
///     sd: number("0.13"),
///     min: number("0.8262"),
///     max: number("0.9698"),
///     ..ReportedRow::default()
/// };
/// // √((0.9698 - 0.9167) · (0.9167 - 0.8262) · 40/39) = 0.0702.
/// assert_eq!(implausibilities(&row).len(), 1);
/// ```
pub fn implausibilities(row: &ReportedRow) -> Vec<Implausibility> {
    let mut found = Vec::new();
    range::check(row, &mut found);
    let has_a_range = found.is_empty();
    // The bounds of a spread mean nothing where the range itself is wrong.
    if has_a_range {
        spread::check(row, &mut found);
    }
    granularity::check(row, &mut found);
    found
}
