//! ROC AUC: how well a number tells two groups apart.

/// Area under the ROC curve: how likely a value of `lower` lies below one of `higher`, ties counting
/// a half. 1 when the groups part cleanly, 0.5 when the number tells nothing.
///
/// `None` when a group is empty or a value is not a number.
///
/// # Sources
///
/// Hanley and `McNeil` (1982): the area is the Mann–Whitney statistic over the number of pairs.
///
/// ```
/// # use hardslice_eval::auc;
/// assert_eq!(auc(&[0.1, 0.5], &[0.5, 0.9]), Some(0.875));
/// ```
pub fn auc(lower: &[f64], higher: &[f64]) -> Option<f64> {
    if lower.is_empty() || higher.is_empty() {
        return None;
    }
    if lower.iter().chain(higher).any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = higher.to_vec();
    sorted.sort_by(f64::total_cmp);
    // Twice the number of pairs in order, so that ties stay whole numbers.
    let doubled: usize = lower
        .iter()
        .map(|value| {
            let n_below = sorted.partition_point(|other| other < value);
            let n_not_above = sorted.partition_point(|other| other <= value);
            2 * (sorted.len() - n_not_above) + (n_not_above - n_below)
        })
        .sum();
    Some(doubled as f64 / (2 * lower.len() * higher.len()) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_part_cleanly_have_area_1_and_swapped_0() {
        assert_eq!(
            auc(&[1.0, 2.0], &[3.0, 4.0, 5.0]),
            Some(1.0),
            "all pairs in order"
        );
        assert_eq!(
            auc(&[3.0, 4.0, 5.0], &[1.0, 2.0]),
            Some(0.0),
            "no pair in order"
        );
    }

    #[test]
    fn the_area_is_the_share_of_pairs_in_order_with_ties_at_a_half() {
        let (lower, higher) = ([0.3_f64, 0.7, 0.7, 0.1], [0.7_f64, 0.2, 0.9]);
        let pairs = lower
            .iter()
            .flat_map(|low| higher.iter().map(move |high| (low, high)));
        let wins: f64 = pairs
            .map(|(low, high)| match low.total_cmp(high) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 0.0,
            })
            .sum();
        assert_eq!(auc(&lower, &higher), Some(wins / 12.0), "pair by pair");
    }

    #[test]
    fn an_empty_group_has_no_area() {
        assert_eq!(auc(&[], &[1.0]), None, "nothing to compare");
        assert_eq!(auc(&[f64::NAN], &[1.0]), None, "not a number");
    }
}
