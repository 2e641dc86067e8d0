//! One printed row of statistics, and what cannot be true of it.

use super::RoundedNumber;

/// Statistics of some values as they were printed. What is not printed is `None`, and rules that
/// need it are left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReportedRow {
    /// Number of values.
    pub n: Option<usize>,
    /// Mean.
    pub mean: Option<RoundedNumber>,
    /// Standard deviation.
    pub sd: Option<RoundedNumber>,
    /// Least value.
    pub min: Option<RoundedNumber>,
    /// Greatest value.
    pub max: Option<RoundedNumber>,
    /// What the variance was divided by. `None` where it is not known: a row is possible if either
    /// makes it possible.
    pub denominator: Option<Denominator>,
    /// Limits of the score, as `[0, 1]` for Dice or `[0, 100]` for Dice in per cent.
    pub limits: Option<[f64; 2]>,
    /// What every value is a multiple of: 1 for counts, 100 for percentages of yes and no. Above 0.
    pub step: Option<f64>,
}

/// What a sum of squares is divided by to make a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denominator {
    /// `n - 1`, the estimate from a sample: `STDEV.S` of Excel, `sd` of R, pandas.
    Sample,
    /// `n`: `STDEV.P` of Excel, `std` of `NumPy`.
    Population,
}

/// Something about a row that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Implausibility {
    /// Which rule it breaks.
    pub kind: ImplausibilityKind,
    /// What is wrong, in a sentence with its arithmetic; without a full stop.
    pub sentence: String,
}

/// The rule that a row breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImplausibilityKind {
    /// A value outside the limits of the score.
    OutsideLimits,
    /// The least value above the greatest.
    MinAboveMax,
    /// A mean outside the range, or nearer to one end than n values allow.
    MeanOutside,
    /// A standard deviation below 0.
    NegativeSd,
    /// A standard deviation above what mean, range and n allow.
    SdTooLarge,
    /// A standard deviation below what least and greatest value force at that n.
    SdTooSmall,
    /// A mean or spread that values in steps cannot have.
    Granularity,
}

impl Implausibility {
    pub(super) fn new(kind: ImplausibilityKind, sentence: String) -> Self {
        Self { kind, sentence }
    }
}

impl ReportedRow {
    /// The denominators that are possible.
    pub(super) fn denominators(&self) -> impl Iterator<Item = Denominator> + use<> {
        let known = self.denominator;
        [Denominator::Sample, Denominator::Population]
            .into_iter()
            .filter(move |one| known.is_none_or(|known| known == *one))
    }

    /// The standard deviation of a sum of squares; without n, `squares` is their mean, and n - 1
    /// is at least half of n.
    pub(super) fn root_mean(&self, squares: f64, denominator: Denominator) -> f64 {
        let variance = match (self.n, denominator) {
            (Some(n), Denominator::Sample) => squares / (n as f64 - 1.0),
            (Some(n), Denominator::Population) => squares / n as f64,
            (None, Denominator::Sample) => 2.0 * squares,
            (None, Denominator::Population) => squares,
        };
        variance.max(0.0).sqrt()
    }

    /// How far comparisons may be off by the rounding of the arithmetic alone, so that numbers
    /// printed with all their digits are not found fault with.
    pub(super) fn slack(&self) -> f64 {
        let numbers = [&self.mean, &self.sd, &self.min, &self.max];
        let largest = numbers
            .into_iter()
            .flatten()
            .map(|number| number.value.abs());
        1e-9 * largest.fold(0.0, f64::max)
    }
}

/// Decimals with which bounds are shown beside a number: one more than it has, four at least.
pub(super) fn decimals_shown(number: &RoundedNumber) -> usize {
    // An f64 has no more than 15.
    (number.n_decimals + 1).clamp(4, 15)
}
