//! Holm's correction for multiple comparisons.

/// Holm's step-down correction: the `p` of each comparison such that rejecting all at or below
/// `alpha` rejects any true null hypothesis with a probability of at most `alpha`.
///
/// The smallest of `m` is multiplied by `m`, the next by `m - 1`, and so on; none is let below a
/// smaller one's, and none above 1. In the order given.
///
/// # Sources
///
/// S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal
/// of Statistics 6(2), 65–70.
///
/// ```
/// # use hardslice_eval::compare::holm;
/// assert_eq!(holm(&[0.5, 0.125, 0.25]), [0.5, 0.375, 0.5]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut ascending: Vec<usize> = (0..p.len()).collect();
    ascending.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut corrected = vec![1.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, idx) in ascending.into_iter().enumerate() {
        least = least.max((p.len() - rank) as f64 * p[idx]).min(1.0);
        corrected[idx] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_comparison_is_corrected_below_a_smaller_one() {
        // 3 · 0.25 = 0.75, and 2 · 0.25 and 1 · 0.25 would be less.
        assert_eq!(holm(&[0.25, 0.25, 0.25]), [0.75; 3], "ties stay ties");
        assert_eq!(holm(&[1.0, 0.5]), [1.0, 1.0], "never above 1");
        assert_eq!(holm(&[0.03]), [0.03], "one comparison costs nothing");
        assert!(holm(&[]).is_empty(), "no comparisons");
    }
}
