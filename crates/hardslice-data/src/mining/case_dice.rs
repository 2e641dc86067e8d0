//! Dice of whole cases, from the counts of their slices.

use std::collections::BTreeMap;

use super::SliceScore;
use crate::OutputIdx;

/// Dice of one organ over whole cases, from the counts of their slices, in the cases' order.
///
/// On the store's grid, not the scan's: what validation and thresholds go by. A case in which the
/// organ is neither labelled nor predicted has none and is left out.
///
/// ```
/// use hardslice_data::mining::{SliceScore, case_dice};
/// use hardslice_data::{OutputIdx, SliceRef};
///
/// let liver = OutputIdx::new(0);
/// let score = |z, n_truth, n_predicted, n_shared| SliceScore {
///     slice: SliceRef::at(7, z),
///     output: liver,
///     n_truth,
///     n_predicted,
///     n_shared,
/// };
/// // 2 · (30 + 10) / (40 + 40 + 60 + 20): slices are summed before they are divided.
/// let scores = [score(0, 40, 40, 30), score(1, 60, 20, 10)];
/// assert_eq!(case_dice(&scores, liver), [(7, 0.5)]);
/// ```
pub fn case_dice(scores: &[SliceScore], output: OutputIdx) -> Vec<(u32, f64)> {
    let cases = case_counts(scores, output).into_iter();
    let dice = cases.map(|(case, [truth, predicted, shared])| (case, truth + predicted, shared));
    dice.filter(|(_, n_total, _)| *n_total > 0)
        .map(|(case, n_total, shared)| (case, 2.0 * shared as f64 / n_total as f64))
        .collect()
}

/// The lowest Dice of the cases in which the organ is labelled; one in which it is only predicted says
/// nothing of how well it is found.
pub(super) fn lowest_labelled_case_dice(scores: &[SliceScore], output: OutputIdx) -> Option<f64> {
    let cases = case_counts(scores, output).into_values();
    let labelled = cases.filter(|[truth, ..]| *truth > 0);
    let dice =
        labelled.map(|[truth, predicted, shared]| 2.0 * shared as f64 / (truth + predicted) as f64);
    dice.reduce(f64::min)
}

/// Pixels of each case: labelled, predicted, both.
fn case_counts(scores: &[SliceScore], output: OutputIdx) -> BTreeMap<u32, [u64; 3]> {
    let mut cases: BTreeMap<u32, [u64; 3]> = BTreeMap::new();
    for score in scores.iter().filter(|score| score.output == output) {
        let counts = cases.entry(score.slice.case_idx).or_default();
        let seen = [score.n_truth, score.n_predicted, score.n_shared];
        for (count, n) in counts.iter_mut().zip(seen) {
            *count += u64::from(n);
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SliceRef;

    #[test]
    fn case_dice_sums_slices_before_it_divides_and_leaves_empty_cases_out() {
        let score = |case_idx, z, n_truth, n_predicted, n_shared| SliceScore {
            slice: SliceRef { case_idx, z },
            output: OutputIdx::new(0),
            n_truth,
            n_predicted,
            n_shared,
        };
        let scores = [
            score(0, 0, 10, 10, 10),
            score(0, 1, 30, 10, 5),
            score(1, 0, 0, 0, 0),
            score(2, 0, 0, 4, 0),
        ];
        assert_eq!(
            case_dice(&scores, OutputIdx::new(0)),
            [(0, 0.5), (2, 0.0)],
            "2 * 15 / 60, and a case with false positives only"
        );
        assert_eq!(
            lowest_labelled_case_dice(&scores, OutputIdx::new(0)),
            Some(0.5),
            "the case without the organ sets no threshold"
        );
        assert!(
            case_dice(&scores, OutputIdx::new(1)).is_empty(),
            "another organ"
        );
    }
}
