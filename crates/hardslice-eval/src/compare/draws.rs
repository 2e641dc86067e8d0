//! Trainings that are drawn: what nets, splits and luck with single patients add to patients' scores.

use crate::splitmix::SplitMix64;

/// A patient whose scores are drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnPatient {
    /// By an average net.
    pub(super) score: f64,
    /// Standard deviation of what a net adds.
    pub(super) net_sd: f64,
}

/// An arm's trainings, by how much they vary.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnTrainings<'a> {
    /// The split of each training; those of a split stand together.
    pub(super) splits: &'a [u64],
    /// Standard deviation of what a split adds to all its nets.
    pub(super) split_sd: f64,
    /// Standard deviation of what a net adds to all patients.
    pub(super) net_sd: f64,
}

impl DrawnTrainings<'_> {
    /// Scores, `[training][patient]`.
    pub(super) fn scores(self, patients: &[DrawnPatient], draws: &mut Normal) -> Vec<Vec<f64>> {
        let mut of_split = 0.0;
        let mut rows = Vec::with_capacity(self.splits.len());
        for (idx, split) in self.splits.iter().enumerate() {
            if idx == 0 || self.splits[idx - 1] != *split {
                of_split = self.split_sd * draws.next();
            }
            let of_net = of_split + self.net_sd * draws.next();
            let score =
                |patient: &DrawnPatient| patient.score + of_net + patient.net_sd * draws.next();
            rows.push(patients.iter().map(score).collect());
        }
        rows
    }
}

/// The split of each training, for [`DrawnTrainings`], where every split has as many seeds.
pub(super) fn splits(n_splits: usize, n_seeds: usize) -> Vec<u64> {
    (0..n_splits as u64)
        .flat_map(|split| std::iter::repeat_n(split, n_seeds))
        .collect()
}

/// Normal numbers, the same on every machine.
///
/// # Sources
///
/// G. E. P. Box and M. E. Muller (1958), "A note on the generation of random normal deviates", Annals
/// of Mathematical Statistics 29(2), 610–611.
#[derive(Debug)]
pub(super) struct Normal(SplitMix64);

impl Normal {
    pub(super) fn new(seed: u64, idx: u64) -> Self {
        Self(SplitMix64::of_resample(seed, idx))
    }

    /// Above 0 and at most 1.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.0.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `n`, each as likely.
    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    pub(super) fn next(&mut self) -> f64 {
        let (radius, turn) = (self.uniform(), self.uniform());
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * turn)
    }
}
