//! Pseudo-values: what each patient contributes to an end point.
//!
//! # Sources
//!
//! - J. W. Tukey (1958), "Bias and confidence in not-quite large samples", Annals of Mathematical
//!   Statistics 29(2), 614.
//! - J. N. Arvesen (1969), "Jackknifing U-statistics", Annals of Mathematical Statistics 40(6),
//!   2076–2100: the pseudo-values of a U-statistic behave as independent observations do.

use super::end_point::{EndPoint, worst_of_five_weights};

/// `n θ − (n − 1) θ₋ₚ` for each patient `p`, where `θ₋ₚ` is the end point without them; in the
/// order of the scores. Their mean is the end point. Of the mean they are the scores themselves.
///
/// # Panics
///
/// For an end point that is not tested, and for the worst of five of five patients or fewer.
pub(super) fn pseudo_values(end_point: EndPoint, scores: &[f64]) -> Vec<f64> {
    assert!(end_point.is_tested(), "the others are only described");
    if end_point == EndPoint::Mean {
        return scores.to_vec();
    }
    let n = scores.len();
    assert!(n > 5, "without one of them five must be left to draw");
    let mut ascending: Vec<usize> = (0..n).collect();
    ascending.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let with_all = worst_of_five_weights(n);
    let without_one = worst_of_five_weights(n - 1);
    let in_order = |rank: usize| scores[ascending[rank]];
    let whole: f64 = (0..n).map(|rank| in_order(rank) * with_all[rank]).sum();
    // Without the lowest, all others move down by one place; each further step gives one back.
    let mut rest: f64 = (1..n)
        .map(|rank| in_order(rank) * without_one[rank - 1])
        .sum();
    let mut values = vec![0.0; n];
    for rank in 0..n {
        values[ascending[rank]] = n as f64 * whole - (n - 1) as f64 * rest;
        if rank + 1 < n {
            rest += without_one[rank] * (in_order(rank) - in_order(rank + 1));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_each_patient_out_gives_the_same() {
        let scores = [0.9, 0.2, 0.7, 0.95, 0.5, 0.85, 0.7];
        let found = pseudo_values(EndPoint::WorstOfFive, &scores);
        let whole = EndPoint::WorstOfFive.of(&scores).unwrap();
        for (left_out, got) in found.iter().enumerate() {
            let mut others = scores.to_vec();
            others.remove(left_out);
            let wanted = 7.0 * whole - 6.0 * EndPoint::WorstOfFive.of(&others).unwrap();
            assert!((got - wanted).abs() < 1e-13, "{left_out}: {got}, {wanted}");
        }
        let mean = found.iter().sum::<f64>() / 7.0;
        assert!((mean - whole).abs() < 1e-14, "{mean}");
    }
}
