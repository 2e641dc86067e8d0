//! Cohorts that test a comparison itself: is it able to find a gain, and does it find none where there is none?

use hardslice_data::random::Stream;
use serde::{Deserialize, Serialize};

/// A cohort in which one difficulty is rare among the patients of A and common among those of test.
///
/// Nothing else is difficult in it, B and validation have none of it, and `folds.csv` says who
/// belongs where: 30 % of the patients are tested, 5 % validate, a third of the others are B. Of the
/// patients of A 3 % have the difficulty, of those of test 30 %, in a third of the liver's slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// A stretch of the liver is full of iodised oil, white instead of grey. A net learns it as soon
    /// as it sees enough of it: emphasising hard slices must help.
    Learnable,
    /// In a stretch of the liver one half is not labelled, in each slice another one. No image tells
    /// which: whatever is emphasised, nothing can be learnt from it.
    Unlearnable,
}

/// Share of the patients that are tested, and that validate.
const TEST: f64 = 0.3;
const VALIDATION: f64 = 0.05;
/// Share of B among those that are trained on.
const B: f64 = 1.0 / 3.0;
/// Share of the patients with the difficulty.
const DIFFICULT_OF_A: f64 = 0.03;
const DIFFICULT_OF_TEST: f64 = 0.3;
/// The fewest patients in which every fold has somebody, and A and test somebody difficult.
pub(crate) const FEWEST: usize = 20;

/// Which part of the cohort a patient belongs to, as the column `fold` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    A,
    B,
    Validation,
    Test,
}

impl Fold {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// The place of a patient in a control cohort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) fold: Fold,
    /// Whether the difficulty is planted.
    pub(crate) difficult: bool,
}

/// The place of patient number `index` of `n`: the folds are dealt at random, once for the cohort of
/// this seed.
pub(crate) fn role(index: usize, n: usize, seed: u64) -> Role {
    let n_test = share_of(n, TEST);
    let n_validation = share_of(n, VALIDATION);
    let n_b = share_of(n - n_test - n_validation, B);
    let n_a = n - n_test - n_validation - n_b;
    let mut stream = Stream::new(seed, "phantom/control/folds");
    let mut place = stream.permutation(n)[index];
    // Of each fold the first ones are difficult.
    for (fold, size, share) in [
        (Fold::Test, n_test, DIFFICULT_OF_TEST),
        (Fold::Validation, n_validation, 0.0),
        (Fold::B, n_b, 0.0),
        (Fold::A, n_a, DIFFICULT_OF_A),
    ] {
        if place < size {
            let difficult = share > 0.0 && place < share_of(size, share);
            return Role { fold, difficult };
        }
        place -= size;
    }
    unreachable!("patient {index} of {n} belongs to no fold")
}

/// This share of a number, rounded, but one at least.
fn share_of(n: usize, share: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to n"
    )]
    let rounded = (n as f64 * share).round() as usize;
    rounded.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difficulty_is_rare_in_a_common_in_test_and_nowhere_else() {
        let roles: Vec<Role> = (0..200).map(|index| role(index, 200, 0)).collect();
        let count = |fold: Fold| {
            let of_fold = roles.iter().filter(|role| role.fold == fold);
            let difficult = of_fold.clone().filter(|role| role.difficult).count();
            [of_fold.count(), difficult]
        };
        assert_eq!(count(Fold::Test), [60, 18], "test: 30 %");
        assert_eq!(count(Fold::Validation), [10, 0], "validation");
        assert_eq!(count(Fold::B), [43, 0], "B");
        assert_eq!(count(Fold::A), [87, 3], "A: 3 %");
    }

    #[test]
    fn the_smallest_cohort_has_somebody_difficult_in_a_and_in_test() {
        let roles: Vec<Role> = (0..FEWEST).map(|index| role(index, FEWEST, 0)).collect();
        for fold in [Fold::A, Fold::Test] {
            let is_difficult = |role: &&Role| role.fold == fold && role.difficult;
            assert!(roles.iter().any(|role| is_difficult(&role)), "{fold:?}");
        }
    }
}
