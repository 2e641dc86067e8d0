//! How many patients more to ask for.

/// A round number of patients, about a quarter to a third of `n`, at least 1: the largest within that
/// range that is a multiple of the coarsest possible of 1, 2, 5, 10, 20, 50, ...; where no whole number
/// lies within it, the last below.
pub(super) fn more_patients(n: usize) -> usize {
    let (from, to) = (n.div_ceil(4), n / 3);
    let steps = (0..18).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_usize.pow(power)));
    let steps: Vec<usize> = steps.take_while(|step| *step <= to.max(1)).collect();
    let mut largest = steps.iter().rev().map(|step| to / step * step);
    let within = largest.find(|multiple| *multiple >= from);
    within.unwrap_or(to).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_a_round_number_of_about_a_quarter_to_a_third() {
        let found = [1, 2, 4, 5, 6, 10, 16, 22, 60, 100, 129, 133, 200, 1000];
        let found = found.map(more_patients);
        assert_eq!(found, [1, 1, 1, 1, 2, 3, 5, 6, 20, 30, 40, 40, 50, 300]);
        for n in 12..3000 {
            let more = more_patients(n);
            assert!(4 * more >= n && 3 * more <= n, "{more} of {n}");
        }
    }
}
