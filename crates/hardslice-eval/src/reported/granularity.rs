//! Means and spreads of values that come in steps: counts, or percentages of yes and no.
//!
//! # Sources
//!
//! - N. Brown and J. Heathers (2017), "The GRIM test", Social Psychological and Personality Science
//!   8(4), 363–369: n times the mean of whole numbers is a whole number.
//! - J. Anaya (2016), "The GRIMMER test", `PeerJ` Preprints 4:e2400v1: their sum of squares is whole,
//!   and odd where their sum is odd.

use super::RoundedNumber;
use super::row::{Denominator, Implausibility, ImplausibilityKind, ReportedRow};

/// Beyond so many sums a printed mean is too coarse to say anything.
const MOST_SUMS: f64 = 10_000.0;

pub(super) fn check(row: &ReportedRow, found: &mut Vec<Implausibility>) {
    let Some(step) = row.step else {
        return;
    };
    for (name, number) in [("min", &row.min), ("max", &row.max)] {
        if let Some(number) = number
            && whole_between(number.low() / step, number.high() / step).is_none()
        {
            let sentence = format!("{name} {number} is no multiple of {step}, as every value is");
            found.push(granularity(sentence));
        }
    }
    let (Some(n), Some(mean)) = (row.n, &row.mean) else {
        return;
    };
    let n_values = n as f64;
    let sums = [mean.low(), mean.high()].map(|end| end * n_values / step);
    if sums[1] - sums[0] > MOST_SUMS {
        return;
    }
    let Some(first) = whole_between(sums[0], sums[1]) else {
        let nearest = (mean.value * n_values / step).round() * step;
        let sentence = format!(
            "mean {mean} is not that of {n} multiples of {step}: {n} · {mean} = {}, the nearest sum \
             is {nearest}, whose mean is {:.6}",
            short(mean.value * n_values),
            nearest / n_values
        );
        found.push(granularity(sentence));
        return;
    };
    let Some(sd) = row.sd.as_ref().filter(|_| n > 1) else {
        return;
    };
    let mut candidates = std::iter::successors(Some(first), |sum| {
        Some(sum + 1.0).filter(|next| *next <= sums[1] + tolerance(sums[1]))
    });
    if !candidates.any(|sum| has_sum_of_squares(row, sd, sum, n_values, step)) {
        let sentence = format!(
            "SD {sd} is not that of {n} multiples of {step} with mean {mean}: no whole sum of \
             squares gives it, with n - 1 or n in the denominator"
        );
        found.push(granularity(sentence));
    }
}

/// Whether a sum of squares, in units of the step, that is whole and odd exactly where the sum is,
/// gives a spread that would have been printed so.
fn has_sum_of_squares(row: &ReportedRow, sd: &RoundedNumber, sum: f64, n: f64, step: f64) -> bool {
    row.denominators().any(|denominator| {
        let divisor = match denominator {
            Denominator::Sample => n - 1.0,
            Denominator::Population => n,
        };
        let squares = |sd: f64| (sd.max(0.0) / step).powi(2) * divisor + sum * sum / n;
        let (low, high) = (squares(sd.low()), squares(sd.high()));
        let odd = sum.rem_euclid(2.0);
        // Whole numbers of the sum's parity are twice a whole number and 1 where it is odd.
        whole_between((low - odd) / 2.0, (high - odd) / 2.0).is_some()
    })
}

/// The first whole number in a range, whose ends are blurred by the rounding of the arithmetic.
fn whole_between(low: f64, high: f64) -> Option<f64> {
    let first = (low - tolerance(low)).ceil();
    (first <= high + tolerance(high)).then_some(first)
}

fn tolerance(value: f64) -> f64 {
    1e-9 * value.abs().max(1.0)
}

fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn granularity(sentence: String) -> Implausibility {
    Implausibility::new(ImplausibilityKind::Granularity, sentence)
}
