//! Whether mean, least and greatest value can stand beside each other, and within the score's
//! limits.

use super::RoundedNumber;
use super::row::{Implausibility, ImplausibilityKind, ReportedRow, decimals_shown};

pub(super) fn check(row: &ReportedRow, found: &mut Vec<Implausibility>) {
    outside_limits(row, found);
    if let (Some(min), Some(max)) = (&row.min, &row.max) {
        if min.low() > max.high() + row.slack() {
            let sentence = format!("min {min} is greater than max {max}");
            found.push(Implausibility::new(
                ImplausibilityKind::MinAboveMax,
                sentence,
            ));
            return;
        }
        if row.n == Some(1) && min.high() < max.low() - row.slack() {
            let sentence = format!("min {min} and max {max} differ, but one value (n = 1) is both");
            found.push(Implausibility::new(
                ImplausibilityKind::MeanOutside,
                sentence,
            ));
            return;
        }
    }
    let n_found = found.len();
    outside_ends(row, found);
    if found.len() == n_found {
        found.extend(too_near_an_end(row));
    }
}

/// Values outside what the score can be.
fn outside_limits(row: &ReportedRow, found: &mut Vec<Implausibility>) {
    let Some([low, high]) = row.limits else {
        return;
    };
    let numbers = [("mean", &row.mean), ("min", &row.min), ("max", &row.max)];
    for (name, number) in numbers {
        let Some(number) = number else {
            continue;
        };
        if number.high() < low - row.slack() || number.low() > high + row.slack() {
            let sentence =
                format!("{name} {number} is outside [{low}, {high}], where the score lies");
            found.push(Implausibility::new(
                ImplausibilityKind::OutsideLimits,
                sentence,
            ));
        }
    }
}

/// A mean below the least or above the greatest value.
fn outside_ends(row: &ReportedRow, found: &mut Vec<Implausibility>) {
    let Some(mean) = &row.mean else {
        return;
    };
    let mut outside = |sentence| {
        found.push(Implausibility::new(
            ImplausibilityKind::MeanOutside,
            sentence,
        ));
    };
    if let Some(min) = &row.min
        && mean.high() < min.low() - row.slack()
    {
        outside(format!("mean {mean} is below min {min}"));
    }
    if let Some(max) = &row.max
        && mean.low() > max.high() + row.slack()
    {
        outside(format!("mean {mean} is above max {max}"));
    }
}

/// A mean nearer to one end than n values can have it when one of them lies at the other end.
fn too_near_an_end(row: &ReportedRow) -> Option<Implausibility> {
    let (n, mean) = (row.n?, row.mean.as_ref()?);
    let (min, max) = (row.min.as_ref()?, row.max.as_ref()?);
    let others = n.checked_sub(1)? as f64;
    let n_values = n as f64;
    let with_one = |one: f64, rest: f64| (one + others * rest) / n_values;
    let places = decimals_shown(mean);
    let least = with_one(max.low(), min.low());
    let greatest = with_one(min.high(), max.high());
    let sentence = |word: &str, bound: f64, one: &RoundedNumber, rest: &RoundedNumber, at: f64| {
        format!(
            "mean {mean} is {word} than {n} values can have of which one is {one} and none lies \
             beyond {rest}: ({one} + {others:.0} · {rest}) / {n} = {at:.places$}, and {bound:.places$} \
             however the printed digits were rounded"
        )
    };
    if mean.high() < least - row.slack() {
        let at = with_one(max.value, min.value);
        let sentence = sentence("smaller", least, max, min, at);
        return Some(Implausibility::new(
            ImplausibilityKind::MeanOutside,
            sentence,
        ));
    }
    if mean.low() > greatest + row.slack() {
        let at = with_one(min.value, max.value);
        let sentence = sentence("greater", greatest, min, max, at);
        return Some(Implausibility::new(
            ImplausibilityKind::MeanOutside,
            sentence,
        ));
    }
    None
}
