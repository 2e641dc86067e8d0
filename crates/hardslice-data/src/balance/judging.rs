//! From scores to verdicts: a threshold for each organ, then a verdict on each slice.

use super::{ResolvedTau, SliceScore, Tau, TauError, TauInputs, Verdicts, case_dice};

/// What verdicts rest on.
#[derive(Debug, Clone, Copy)]
pub struct Judging<'a> {
    /// How the threshold is set.
    pub tau: Tau,
    /// Smallest area, in pixels of the store, that counts as a false positive.
    pub min_false_positive_px: u32,
    /// The organs that were scored, by their place in the scores.
    pub organs: &'a [&'a str],
    /// The slices to judge.
    pub scores: &'a [SliceScore],
    /// Scores of the validation patients; read only by tau = `validation`.
    pub validation: &'a [SliceScore],
    /// For each organ, the baseline's lowest test Dice; read only by tau = `paper`.
    pub baseline_test_min_dice: &'a [Option<f64>],
}

impl Judging<'_> {
    /// Judges every slice.
    ///
    /// # Errors
    ///
    /// [`TauError`] when what a threshold is based on is missing.
    pub fn verdicts(&self) -> Result<Verdicts, TauError> {
        let taus = (0..self.organs.len()).map(|organ| self.resolve(organ));
        Ok(Verdicts::judge(
            self.scores,
            taus.collect::<Result<_, _>>()?,
            self.min_false_positive_px,
        ))
    }

    fn resolve(&self, organ: usize) -> Result<ResolvedTau, TauError> {
        let organ_idx = u16::try_from(organ).unwrap_or(u16::MAX);
        let of_organ = self
            .scores
            .iter()
            .filter(|score| score.organ_idx == organ_idx);
        let slice_dice: Vec<Option<f64>> = of_organ
            .map(|score| score.dice(self.min_false_positive_px))
            .collect();
        let validation = case_dice(self.validation, organ_idx);
        self.tau.resolve(TauInputs {
            organ: self.organs[organ],
            slice_dice: &slice_dice,
            validation_min_dice: validation
                .into_iter()
                .map(|(_, dice)| dice)
                .reduce(f64::min),
            baseline_test_min_dice: self.baseline_test_min_dice.get(organ).copied().flatten(),
        })
    }
}
