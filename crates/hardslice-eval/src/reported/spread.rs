//! How far values with a known mean, least and greatest value can and must spread.
//!
//! # Sources
//!
//! - R. Bhatia and C. Davis (2000), "A better bound on the variance", American Mathematical Monthly
//!   107(4), 353–357: `(max - mean)(mean - min)` as bound on the mean square, for any n.
//! - For n values the bound is reached only where whole numbers of them lie at the two ends. What
//!   is reached otherwise, and the least spread, follow from the sum of squares being convex: it
//!   is greatest with all values but one at the ends, least with all but the two ends equal.

use super::RoundedNumber;
use super::row::{Denominator, ImplausibilityKind, ReportedRow};
use super::row::{Implausibility, decimals_shown};

/// The greatest sum of squared distances from the mean that `n` values within `[min, max]` can
/// have; 0 for none or where `max` is `min`.
///
/// All values but one lie at the ends: `k` at `max`, `n - k - 1` at `min`, where `k` is the largest
/// whole number with `k (max - min) ≤ n (mean - min)`, and one takes up the rest. Never more than
/// `n (max - mean)(mean - min)`, the bound of Bhatia and Davis.
///
/// ```
/// # use hardslice_eval::reported::greatest_squares;
/// // 0, 0, 0, 1 have mean 1/4: three times 1/16 and 9/16.
/// assert!((greatest_squares(4, 0.25, 0.0, 1.0) - 0.75).abs() < 1e-12);
/// // Mean 3/8: 0, 0, 1/2, 1, since no two values at 1 and two at 0 have it.
/// assert!((greatest_squares(4, 0.375, 0.0, 1.0) - (1.25 - 0.5625)).abs() < 1e-12);
/// ```
pub fn greatest_squares(n: usize, mean: f64, min: f64, max: f64) -> f64 {
    if n == 0 || max <= min {
        return 0.0;
    }
    let n = n as f64;
    let n_high = n_at_max(n, mean, min, max);
    let rest = (n * (mean - min) - n_high * (max - min)).max(0.0);
    n_high * (max - mean).powi(2)
        + (min + rest - mean).powi(2)
        + (n - n_high - 1.0) * (mean - min).powi(2)
}

/// How many of `n` values lie at the maximum where they spread most.
fn n_at_max(n: f64, mean: f64, min: f64, max: f64) -> f64 {
    // The tenth digit is rounding of the arithmetic, not a value that lies short of the end.
    let share = n * (mean - min) / (max - min);
    (share + 1e-9).floor().clamp(0.0, n - 1.0)
}

/// The least sum of squared distances from the mean that `n` values have, of which one is `min` and
/// one is `max`: with `a = mean - min` and `b = max - mean`
///
/// ```text
/// a² + b² + (a - b)² / (n - 2)
/// ```
///
/// since the other n - 2 values are nearest to the mean when all are equal. For fewer than three
/// values the last term is not there.
///
/// ```
/// # use hardslice_eval::reported::least_squares;
/// // 0, 1/2, 1.
/// assert!((least_squares(3, 0.5, 0.0, 1.0) - 0.5).abs() < 1e-12);
/// // 0, 0, 0, 1: the two others must be 0, too.
/// assert!((least_squares(4, 0.25, 0.0, 1.0) - 0.75).abs() < 1e-12);
/// ```
pub fn least_squares(n: usize, mean: f64, min: f64, max: f64) -> f64 {
    least_of_ends(n, mean - min, max - mean)
}

fn least_of_ends(n: usize, below: f64, above: f64) -> f64 {
    let ends = below.powi(2) + above.powi(2);
    if n > 2 {
        ends + (below - above).powi(2) / (n as f64 - 2.0)
    } else {
        ends
    }
}

/// A standard deviation that is larger or smaller than its row allows.
pub(super) fn check(row: &ReportedRow, found: &mut Vec<Implausibility>) {
    let Some(sd) = &row.sd else {
        return;
    };
    if sd.high() < 0.0 {
        let sentence =
            format!("SD {sd} is negative; it is the root of a sum of squares, at least 0");
        found.push(Implausibility::new(
            ImplausibilityKind::NegativeSd,
            sentence,
        ));
        return;
    }
    if row.n == Some(1) {
        if sd.low() > 0.0 {
            let sentence = format!(
                "SD {sd} is that of one value (n = 1); one value has none, or 0 with n in the \
                 denominator"
            );
            found.push(Implausibility::new(
                ImplausibilityKind::SdTooLarge,
                sentence,
            ));
        }
        return;
    }
    found.extend(too_large(row, sd));
    found.extend(too_small(row, sd));
}

/// Least and greatest value that the row allows its values: as printed, or else the limits of the
/// score.
fn ends(row: &ReportedRow) -> (Option<End<'_>>, Option<End<'_>>) {
    let limit = |value: f64| End {
        printed: None,
        value,
    };
    let printed = |number| End::of(number);
    let low = row.limits.map(|[low, _]| limit(low));
    let high = row.limits.map(|[_, high]| limit(high));
    (
        row.min.as_ref().map(printed).or(low),
        row.max.as_ref().map(printed).or(high),
    )
}

/// One end of the values' range.
#[derive(Debug, Clone, Copy)]
struct End<'r> {
    /// `None` where it is the score's own limit, which is exact.
    printed: Option<&'r RoundedNumber>,
    value: f64,
}

impl<'r> End<'r> {
    fn of(number: &'r RoundedNumber) -> Self {
        Self {
            printed: Some(number),
            value: number.value,
        }
    }

    fn half_unit(&self) -> f64 {
        self.printed.map_or(0.0, |number| number.half_unit)
    }

    fn shown(&self) -> String {
        self.printed
            .map_or_else(|| self.value.to_string(), |number| number.text.clone())
    }
}

fn too_large(row: &ReportedRow, sd: &RoundedNumber) -> Option<Implausibility> {
    let (Some(min), Some(max)) = ends(row) else {
        return None;
    };
    let (low, high) = (min.value - min.half_unit(), max.value + max.half_unit());
    let width = high - low;
    if width < 0.0 {
        return None;
    }
    // Without a mean the values lie half at each end.
    let (mean_low, mean_high) = row
        .mean
        .as_ref()
        .map_or((low, high), |mean| (mean.low(), mean.high()));
    let (mean_low, mean_high) = (mean_low.max(low), mean_high.min(high));
    if mean_low > mean_high {
        return None;
    }
    let greatest = greatest_of_means(row.n, mean_low, mean_high, low, high);
    let by = |denominator| row.root_mean(greatest, denominator);
    let allowed = row.denominators().map(by).fold(0.0, f64::max);
    if sd.low() <= allowed + row.slack() {
        return None;
    }
    let places = decimals_shown(sd);
    let n_words = row
        .n
        .map_or_else(|| "values".to_owned(), |n| format!("{n} values"));
    let mean_words = row
        .mean
        .as_ref()
        .map_or_else(String::new, |mean| format!(" with mean {mean}"));
    let rule = arithmetic_of_largest(row, &min, &max, places);
    let sentence = format!(
        "SD {sd} is larger than {n_words} from {} to {}{mean_words} can have: {rule}; however the \
         printed digits were rounded, at most {allowed:.places$} against at least {:.places$}",
        min.shown(),
        max.shown(),
        sd.low()
    );
    Some(Implausibility::new(
        ImplausibilityKind::SdTooLarge,
        sentence,
    ))
}

/// The greatest mean square (or sum of squares where n is known) over all means in a range.
///
/// Between two means at which whole numbers of values lie at the ends the sum of squares is a
/// convex function of the mean, and at these it is on the parabola of Bhatia and Davis: it is
/// greatest at an end of the range or at the whole number nearest to the middle.
fn greatest_of_means(n: Option<usize>, from: f64, to: f64, low: f64, high: f64) -> f64 {
    let width = high - low;
    let Some(n_values) = n.filter(|_| width > 0.0) else {
        let nearest = f64::midpoint(low, high).clamp(from, to);
        return (high - nearest) * (nearest - low);
    };
    let n = n_values as f64;
    let counts = |mean: f64| n * (mean - low) / width;
    let (first, last) = (counts(from).ceil(), counts(to).floor());
    let mut means = vec![from, to];
    if first <= last {
        for count in [(n / 2.0).floor(), (n / 2.0).ceil()] {
            means.push(low + count.clamp(first, last) * width / n);
        }
    }
    let squares = means
        .into_iter()
        .map(|mean| greatest_squares(n_values, mean, low, high));
    squares.fold(0.0, f64::max)
}

/// The bound at the printed numbers, as a formula with its numbers.
fn arithmetic_of_largest(row: &ReportedRow, min: &End<'_>, max: &End<'_>, places: usize) -> String {
    let (low, high) = (min.shown(), max.shown());
    let Some(mean) = &row.mean else {
        let half = (max.value - min.value) / 2.0;
        return format!("half of them at each end, ({high} - {low}) / 2 = {half:.places$} with n");
    };
    let product = ((max.value - mean.value) * (mean.value - min.value)).max(0.0);
    let with_n = product.sqrt();
    let formula = format!("({high} - {mean}) · ({mean} - {low})");
    match row.n {
        None => format!(
            "√({formula}) = {with_n:.places$} with n in the denominator, at most √2 times that \
             with n - 1"
        ),
        Some(n) => {
            let with_less = (product * n as f64 / (n as f64 - 1.0)).sqrt();
            let exact = greatest_squares(n, mean.value, min.value, max.value);
            let exact = (exact / (n as f64 - 1.0)).sqrt();
            let k = n_at_max(n as f64, mean.value, min.value, max.value);
            format!(
                "√({formula} · {n}/{}) = {with_less:.places$} with n - 1 in the denominator, \
                 {with_n:.places$} with n, and {exact:.places$} with n - 1 for whole numbers of \
                 values at the ends ({k:.0} at {high}, {:.0} at {low}, one between)",
                n - 1,
                n as f64 - k - 1.0,
            )
        }
    }
}

fn too_small(row: &ReportedRow, sd: &RoundedNumber) -> Option<Implausibility> {
    let (n, min, max) = (row.n?, row.min.as_ref()?, row.max.as_ref()?);
    if n < 2 {
        return None;
    }
    let least = match &row.mean {
        Some(mean) => {
            let below = box_of(mean, min, mean.value - min.value);
            let above = box_of(max, mean, max.value - mean.value);
            least_in_box(n, below, above)
        }
        // Whatever the mean: nearest when it is the middle.
        None => (max.low() - min.high()).max(0.0).powi(2) / 2.0,
    };
    let by = |denominator| row.root_mean(least, denominator);
    let forced = row.denominators().map(by).fold(f64::INFINITY, f64::min);
    if sd.high() >= forced - row.slack() {
        return None;
    }
    let places = decimals_shown(sd);
    let at = match &row.mean {
        Some(mean) => {
            let squares = least_squares(n, mean.value, min.value, max.value);
            let third = if n > 2 {
                format!(" + ({mean} - {min} - {max} + {mean})² / {}", n - 2)
            } else {
                String::new()
            };
            format!(
                "√((({mean} - {min})² + ({max} - {mean})²{third}) / {}) = {:.places$} with n - 1 \
                 in the denominator, {:.places$} with n",
                n - 1,
                row.root_mean(squares, Denominator::Sample),
                row.root_mean(squares, Denominator::Population),
            )
        }
        None => format!(
            "√(({max} - {min})² / 2 / {}) = {:.places$} with n - 1 in the denominator",
            n - 1,
            row.root_mean((max.value - min.value).powi(2) / 2.0, Denominator::Sample)
        ),
    };
    let sentence = format!(
        "SD {sd} is smaller than {n} values can have of which one is {min} and one {max}: at least \
         {at}; however the printed digits were rounded, at least {forced:.places$} against at most \
         {:.places$}",
        sd.high()
    );
    Some(Implausibility::new(
        ImplausibilityKind::SdTooSmall,
        sentence,
    ))
}

/// What a difference of two printed numbers can be before rounding, not below 0.
fn box_of(one: &RoundedNumber, other: &RoundedNumber, difference: f64) -> [f64; 2] {
    let half = one.half_unit + other.half_unit;
    [(difference - half).max(0.0), (difference + half).max(0.0)]
}

/// The least of a² + b² + (a - b)² / (n - 2) over a box of non-negative numbers: the function is
/// convex with its least value at 0, so that it is least on a side of the box that faces 0.
fn least_in_box(n: usize, below: [f64; 2], above: [f64; 2]) -> f64 {
    let [below_low, below_high] = below;
    let [above_low, above_high] = above;
    // Where the derivative by one of them is 0.
    let best = |other: f64| {
        if n > 2 { other / (n as f64 - 1.0) } else { 0.0 }
    };
    let facing_below = least_of_ends(n, below_low, best(below_low).clamp(above_low, above_high));
    let facing_above = least_of_ends(n, best(above_low).clamp(below_low, below_high), above_low);
    facing_below.min(facing_above)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sets of `n` values on the grid of 0, 1/4, ..., 1, as what they sum up to.
    fn each_set(n: usize, see: &mut dyn FnMut(&[f64])) {
        let mut places = vec![0_usize; n];
        loop {
            let values: Vec<f64> = places.iter().map(|place| *place as f64 / 4.0).collect();
            see(&values);
            let Some(next) = places.iter().rposition(|place| *place < 4) else {
                return;
            };
            let raised = places[next] + 1;
            // Sorted sets are enough.
            places[next..].fill(raised);
        }
    }

    #[test]
    fn no_set_of_values_lies_outside_the_bounds_and_some_reach_them() {
        for n in 2..=6 {
            let (mut n_greatest, mut n_least) = (0, 0);
            each_set(n, &mut |values| {
                let mean = values.iter().sum::<f64>() / n as f64;
                let (min, max) = (values[0], values[n - 1]);
                let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                let greatest = greatest_squares(n, mean, min, max);
                let least = least_squares(n, mean, min, max);
                assert!(
                    squares <= greatest + 1e-12,
                    "{values:?}: {squares} {greatest}"
                );
                assert!(squares >= least - 1e-12, "{values:?}: {squares} {least}");
                let bhatia_davis = n as f64 * (max - mean) * (mean - min);
                assert!(greatest <= bhatia_davis + 1e-12, "{values:?}");
                n_greatest += usize::from((squares - greatest).abs() < 1e-12);
                n_least += usize::from((squares - least).abs() < 1e-12);
            });
            assert!(n_greatest > 10 && n_least > 10, "n {n}: reached by none");
        }
    }

    #[test]
    fn the_greatest_over_a_range_of_means_is_that_of_the_best_mean_in_it() {
        for n in [2, 3, 7, 40] {
            for (from, to) in [(0.1, 0.12), (0.3, 0.6), (0.62, 0.9), (0.45, 0.451)] {
                let steps = 20_000;
                let means =
                    (0..=steps).map(|step| from + (to - from) * f64::from(step) / f64::from(steps));
                let by_search = means
                    .map(|mean| greatest_squares(n, mean, 0.0, 1.0))
                    .fold(0.0, f64::max);
                let found = greatest_of_means(Some(n), from, to, 0.0, 1.0);
                assert!(found >= by_search - 1e-12, "n {n}, {from} to {to}");
                assert!(found <= by_search + 1e-3, "n {n}, {from} to {to}");
            }
        }
    }

    #[test]
    fn the_least_in_a_box_is_that_of_the_best_point_in_it() {
        for n in [2, 3, 10] {
            for (below, above) in [
                ([0.1, 0.2], [0.5, 0.9]),
                ([0.5, 0.6], [0.01, 0.3]),
                ([0.0, 0.1], [0.0, 0.2]),
            ] {
                let at =
                    |[low, high]: [f64; 2], step: i32| low + (high - low) * f64::from(step) / 200.0;
                let mut by_search = f64::INFINITY;
                for i in 0..=200 {
                    for j in 0..=200 {
                        let squares = least_of_ends(n, at(below, i), at(above, j));
                        by_search = by_search.min(squares);
                    }
                }
                let found = least_in_box(n, below, above);
                assert!(found <= by_search + 1e-12, "n {n}: {found} {by_search}");
                assert!(found >= by_search - 1e-3, "n {n}: {found} {by_search}");
            }
        }
    }
}
