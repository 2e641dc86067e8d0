//! What is compared of the patients' scores.

use serde::{Deserialize, Serialize};

use super::mean::mean;

/// Patients that [`EndPoint::WorstOfFive`] draws.
const DRAWN: usize = 5;

/// A number of the scores of all patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndPoint {
    /// The score that the worst of five patients is expected to have, the five drawn at random:
    /// `Σ x₍ᵢ₎ C(n − i, 4) / C(n, 5)` over the scores in ascending order. Of fewer than five
    /// patients it is the lowest.
    ///
    /// What hard slices are for: the worst cases. All patients count, the lower the more, so that it
    /// is steadier than the mean of a lowest tenth, and without its bias: it is a U-statistic.
    ///
    /// # Sources
    ///
    /// W. Hoeffding (1948), "A class of statistics with asymptotically normal distribution", Annals
    /// of Mathematical Statistics 19(3), 293–325.
    WorstOfFive,
    /// Mean of all patients.
    Mean,
    /// Mean of the lowest tenth of the patients, rounded up: of `⌈n / 10⌉` of `n`. Described, not
    /// tested: too few patients decide it.
    WorstTenth,
    /// The lowest patient. Falls with the number of patients. Described, not tested: it hangs on one
    /// patient.
    Min,
}

impl EndPoint {
    /// All end points.
    pub const ALL: [Self; 4] = [Self::WorstOfFive, Self::Mean, Self::WorstTenth, Self::Min];

    /// The name in files: `worst_of_five`, `mean`, `worst_tenth`, `min`.
    pub fn name(self) -> &'static str {
        match self {
            Self::WorstOfFive => "worst_of_five",
            Self::Mean => "mean",
            Self::WorstTenth => "worst_tenth",
            Self::Min => "min",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::WorstOfFive => "worst of five",
            Self::Mean => "mean",
            Self::WorstTenth => "worst tenth",
            Self::Min => "minimum",
        }
    }

    /// Whether enough patients decide it for an interval and a test. The others are only described.
    pub fn is_tested(self) -> bool {
        matches!(self, Self::WorstOfFive | Self::Mean)
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
        let lowest = |n: usize| mean(scores[..n].iter().copied());
        match self {
            Self::WorstOfFive => {
                let weights = worst_of_five_weights(scores.len());
                scores.iter().zip(weights).map(|(x, w)| x * w).sum()
            }
            Self::Mean => lowest(scores.len()),
            Self::WorstTenth => lowest(scores.len().div_ceil(10)),
            Self::Min => scores[0],
        }
    }
}

/// How much each of `n` patients counts, the lowest first: the chance that it is the lowest of five
/// drawn without repetition.
pub(super) fn worst_of_five_weights(n: usize) -> Vec<f64> {
    let drawn = DRAWN.min(n);
    let mut weights = Vec::with_capacity(n);
    let mut weight = drawn as f64 / n as f64;
    for n_above in (0..n).rev() {
        weights.push(weight);
        // Of the patients above this one, all but `drawn - 1` places can be taken by the next.
        weight *= (n_above + 1).saturating_sub(drawn) as f64 / n_above.max(1) as f64;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for end_point in EndPoint::ALL {
            assert_eq!(end_point.of(&[]), None, "no patients");
        }
    }

    #[test]
    fn the_worst_of_five_is_the_mean_over_all_ways_to_draw_five() {
        let scores = [0.9, 0.2, 0.7, 0.95, 0.5, 0.85, 0.6, 0.91];
        let (mut sum, mut n) = (0.0, 0.0);
        for drawn in (0..1_usize << scores.len()).filter(|drawn| drawn.count_ones() == 5) {
            let of_drawn = (0..scores.len()).filter(|idx| drawn >> idx & 1 == 1);
            sum += of_drawn.map(|idx| scores[idx]).fold(1.0, f64::min);
            n += 1.0;
        }
        let found = EndPoint::WorstOfFive.of(&scores).unwrap();
        assert!((found - sum / n).abs() < 1e-14, "{found} of {n} draws");
    }

    #[test]
    fn of_five_patients_or_fewer_the_worst_of_five_is_the_lowest() {
        for n in 1..=5 {
            let scores: Vec<f64> = (0..n).map(|i| 0.5 + 0.0625 * f64::from(i)).collect();
            assert_eq!(EndPoint::WorstOfFive.of(&scores), Some(0.5), "{n}");
        }
    }
}
