//! What is compared of the patients' scores.

use serde::{Deserialize, Serialize};

use super::mean::mean;

/// A number of the scores of all patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndPoint {
    /// Mean of the lowest tenth of the patients, rounded up: of `⌈n / 10⌉` of `n`.
    ///
    /// What hard slices are for: the worst cases. Steadier than the minimum, which hangs on one
    /// patient; of ten patients or fewer it *is* the minimum.
    WorstTenth,
    /// Mean of all patients.
    Mean,
    /// The lowest patient. Falls with the number of patients, and resampling cannot tell how sure
    /// it is: a bootstrap never draws a lower patient than those seen.
    Min,
}

impl EndPoint {
    /// All end points.
    pub const ALL: [Self; 3] = [Self::WorstTenth, Self::Mean, Self::Min];

    /// The name in files: `worst_tenth`, `mean`, `min`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorstTenth => "worst_tenth",
            Self::Mean => "mean",
            Self::Min => "min",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WorstTenth => "worst tenth",
            Self::Mean => "mean",
            Self::Min => "minimum",
        }
    }

    /// The end point of one score a patient, in any order. `None` without patients.
    ///
    /// ```
    /// # use hardslice_eval::compare::EndPoint;
    /// let scores: Vec<f64> = (0..11).map(|score| f64::from(10 - score)).collect();
    /// assert_eq!(EndPoint::WorstTenth.of(&scores), Some(0.5)); // two of eleven: 0 and 1
    /// ```
    pub fn of(self, scores: &[f64]) -> Option<f64> {
        (!scores.is_empty()).then(|| self.of_some(&mut scores.to_vec()))
    }

    /// The end point of at least one patient. Leaves the scores in ascending order.
    pub(super) fn of_some(self, scores: &mut [f64]) -> f64 {
        scores.sort_unstable_by(f64::total_cmp);
        mean(scores[..self.n_lowest(scores.len())].iter().copied())
    }

    /// How many patients count, the lowest ones, of `n`.
    pub(super) fn n_lowest(self, n: usize) -> usize {
        match self {
            Self::WorstTenth => n.div_ceil(10),
            Self::Mean => n,
            Self::Min => n.min(1),
        }
    }

    /// Whether it hangs on a single patient, so that its bootstrapped interval means little.
    pub(super) fn hangs_on_one(self, n_patients: usize) -> bool {
        self.n_lowest(n_patients) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_tenth_is_rounded_up_to_whole_patients() {
        let n_of = |n| EndPoint::WorstTenth.n_lowest(n);
        assert_eq!([1, 2, 10, 11, 20, 21, 40].map(n_of), [1, 1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn end_points_worked_by_hand() {
        let mut scores = vec![0.75; 9];
        scores.extend([0.25, 1.0, 0.5]);
        assert_eq!(
            EndPoint::WorstTenth.of(&scores),
            Some(0.375),
            "0.25 and 0.5"
        );
        assert_eq!(EndPoint::Min.of(&scores), Some(0.25), "the lowest");
        let mean = 8.5 / 12.0;
        let found = EndPoint::Mean.of(&scores).unwrap();
        assert!((found - mean).abs() < 1e-15, "8.5 / 12");
        assert_eq!(EndPoint::Mean.of(&[]), None, "no patients");
    }
}
