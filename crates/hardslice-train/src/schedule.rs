//! The learning rate schedule (poly).

/// The poly schedule: `lr0 · (1 − step / n_steps)^power`.
///
/// It runs over all `n_steps` of a training, both halves of a protocol included: it does not
/// restart when the hard slices come in.
///
/// # Sources
///
/// Zhang et al. (2019), section 2.4, with `power` 0.9; the schedule is that of Chen et al. (2016),
/// "DeepLab".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolySchedule {
    /// Learning rate at step 0.
    pub lr0: f64,
    /// Exponent.
    pub power: f64,
    /// Steps in the whole training.
    pub n_steps: u64,
}

impl PolySchedule {
    /// Learning rate of a step, counted from 0; 0 from `n_steps` on.
    pub fn lr(&self, step: u64) -> f64 {
        if step >= self.n_steps {
            return 0.0;
        }
        let left = 1.0 - step as f64 / self.n_steps as f64;
        self.lr0 * left.powf(self.power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poly_starts_at_lr0_falls_every_step_and_ends_at_zero() {
        let schedule = PolySchedule {
            lr0: 0.1,
            power: 0.9,
            n_steps: 1000,
        };
        assert!(
            (schedule.lr(0) - 0.1).abs() < 1e-15,
            "the first step takes lr0"
        );
        // 0.1 * 0.5^0.9, worked out by hand: 0.5^0.9 = 0.535 886 731 268 146 6
        assert!(
            (schedule.lr(500) - 0.053_588_673_126_814_66).abs() < 1e-15,
            "half way"
        );
        for step in 0..1000 {
            assert!(
                schedule.lr(step + 1) < schedule.lr(step),
                "not lower after step {step}"
            );
        }
        assert!(schedule.lr(1000) <= 0.0, "nothing is left at the end");
    }
}
