//! Hyper-parameters: how a net is trained.

use std::fmt;

use hardslice_data::SettingError;
use hardslice_data::balance::FlipMode;
use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::loss::Loss;
use crate::schedule::PolySchedule;
use crate::sgd::SgdConfig;

/// How a net is trained. The same for every arm of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Steps over both halves, N in the paper.
    pub steps: u64,
    /// Slices in a batch.
    pub batch: usize,
    /// First learning rate.
    pub lr0: f64,
    /// Exponent of the poly schedule.
    pub power: f64,
    /// Momentum of SGD; 0 for none.
    pub momentum: f64,
    /// Largest norm of all gradients of a step together, to which larger ones are scaled down; 0 for no
    /// bound. (PyTorch's `clip_grad_norm_`.)
    pub clip_grad_norm: f64,
    /// Decay of the moving average of the weights that predicts, from 0 to below 1: 0.99 averages over
    /// the last hundred steps or so; 0 for none.
    pub ema: f64,
    /// What is made small.
    pub loss: Loss,
    /// First learning rate of the arm `baseline_focal`. `None`: [`lr0`](Self::lr0) times what focal
    /// loss [takes](Loss::lr0_factor) more than [`loss`](Self::loss).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_lr0: Option<f64>,
    /// The same of the arm `baseline_top_k`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k_lr0: Option<f64>,
    /// How flipped and mirrored versions come about: `random`, `mirrored`, `enumerated` or `none`;
    /// `copies` in files.
    #[serde(rename = "copies")]
    pub flip_mode: FlipMode,
    /// Variations beyond flip and mirror.
    pub augment: Augmentation,
    /// How much more often slices with the organ are shown than slices without.
    pub positive_weight: f64,
    /// Validations over the whole training, at fixed steps.
    pub n_validations: u64,
    /// Minutes between two checkpoints.
    pub checkpoint_minutes: f64,
    /// Newest checkpoints kept.
    pub keep_checkpoints: usize,
}

/// The setting that a first learning rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lr0Setting {
    /// [`TrainConfig::lr0`], of all arms but the rivals.
    #[default]
    Common,
    /// [`TrainConfig::focal_lr0`].
    Focal,
    /// [`TrainConfig::top_k_lr0`].
    TopK,
}

impl fmt::Display for Lr0Setting {
    /// As it is called in files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Common => "lr0",
            Self::Focal => "focal_lr0",
            Self::TopK => "top_k_lr0",
        })
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 2000,
            batch: 16,
            lr0: 0.1,
            power: 0.9,
            momentum: 0.9,
            clip_grad_norm: 0.0,
            ema: 0.0,
            loss: Loss::default(),
            focal_lr0: None,
            top_k_lr0: None,
            flip_mode: FlipMode::default(),
            augment: Augmentation::default(),
            positive_weight: 1.0,
            n_validations: 10,
            checkpoint_minutes: 5.0,
            keep_checkpoints: 2,
        }
    }
}

impl TrainConfig {
    /// The same with another loss and the first learning rate `lr0`, or else with the one that the
    /// loss takes. Gradients are clipped so that the longest step is as long as before: losses that take
    /// another rate have gradients on another scale.
    #[must_use]
    pub fn with_loss(&self, loss: Loss, lr0: Option<f64>) -> Self {
        let taken = self.lr0 * loss.lr0_factor() / self.loss.lr0_factor();
        let lr0 = lr0.unwrap_or(taken);
        Self {
            loss,
            lr0,
            clip_grad_norm: self.clip_grad_norm * self.lr0 / lr0,
            ..self.clone()
        }
    }

    /// The learning rate at each step.
    pub fn schedule(&self) -> PolySchedule {
        PolySchedule {
            lr0: self.lr0,
            power: self.power,
            n_steps: self.steps,
        }
    }

    /// The optimiser's settings.
    pub fn sgd(&self) -> SgdConfig {
        SgdConfig {
            momentum: self.momentum,
            clip_grad_norm: self.clip_grad_norm,
        }
    }

    /// Steps of the first half, after which the plan changes.
    pub fn first_half(&self) -> u64 {
        self.steps / 2
    }

    /// Whether the validation patients are scored after `step` steps.
    pub fn is_validation(&self, step: u64) -> bool {
        let n_until = |step: u64| {
            u128::from(step) * u128::from(self.n_validations.max(1)) / u128::from(self.steps)
        };
        step > 0 && n_until(step) > n_until(step - 1)
    }

    /// Steps between two lines of the log: about a thousand lines over the training.
    pub fn log_every(&self) -> u64 {
        (self.steps / 1000).max(1)
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// The first that is not.
    pub fn check(&self) -> Result<(), SettingError> {
        let is_share = |value: f64| (0.0..1.0).contains(&value);
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let is_one = |lr0: f64| (lr0 as f32).is_finite() && lr0 > 0.0;
        let is_rate = |lr0: Option<f64>| lr0.is_none_or(is_one);
        let settings = [
            (
                self.steps < 2,
                "steps must be 2 at least, one for each half",
            ),
            (self.batch == 0, "batch must be 1 at least"),
            (
                self.n_validations == 0,
                "n_validations must be 1 at least: one is always made at the end",
            ),
            (
                self.keep_checkpoints == 0,
                "keep_checkpoints must be 1 at least: a training goes on from it",
            ),
            (
                !is_one(self.lr0),
                "lr0 must be above 0, in single precision",
            ),
            (
                !is_rate(self.focal_lr0),
                "focal_lr0 must be above 0, in single precision",
            ),
            (
                !is_rate(self.top_k_lr0),
                "top_k_lr0 must be above 0, in single precision",
            ),
            (
                self.checkpoint_minutes.is_nan() || self.checkpoint_minutes < 0.0,
                "checkpoint_minutes must be 0 at least",
            ),
            (
                !(self.power.is_finite() && self.power >= 0.0),
                "power must be 0 at least",
            ),
            (
                !is_share(self.momentum),
                "momentum must be from 0 to below 1",
            ),
            (
                !(self.clip_grad_norm.is_finite() && self.clip_grad_norm >= 0.0),
                "clip_grad_norm must be 0 at least, and 0 for none",
            ),
            (!is_share(self.ema), "ema must be from 0 to below 1"),
            (
                !(self.positive_weight.is_finite() && self.positive_weight > 0.0),
                "positive_weight must be above 0",
            ),
        ];
        SettingError::check("train", settings)?;
        self.loss.check()?;
        self.augment.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_validations_as_asked_for_and_the_last_is_at_the_end() {
        for (steps, n_validations, n) in [(2000, 10, 10), (19, 10, 10), (7, 1, 1), (3, 10, 3)] {
            let config = TrainConfig {
                steps,
                n_validations,
                ..TrainConfig::default()
            };
            let at: Vec<u64> = (0..=steps)
                .filter(|step| config.is_validation(*step))
                .collect();
            assert_eq!((at.len(), at.last()), (n, Some(&steps)), "{at:?}");
        }
        let default = TrainConfig::default();
        assert!(
            default.is_validation(200) && !default.is_validation(199),
            "every 200"
        );
    }

    #[test]
    fn a_rate_beyond_single_precision_is_refused() {
        let config = |lr0| TrainConfig {
            lr0,
            ..TrainConfig::default()
        };
        assert!(config(1e38).check().is_ok(), "a number");
        assert!(config(1e39).check().is_err(), "infinite");
    }

    #[test]
    fn a_rival_loss_takes_its_own_rate_and_no_longer_steps() {
        let config = TrainConfig {
            lr0: 0.05,
            clip_grad_norm: 2.0,
            ..TrainConfig::default()
        };
        for (loss, lr0, wanted) in [
            (Loss::focal_of_its_authors(), None, (0.5, 0.2)),
            (Loss::focal_of_its_authors(), Some(0.1), (0.1, 1.0)),
            (Loss::top_k_by_default(), None, (0.0015, 2.0 / 0.03)),
        ] {
            let other = config.with_loss(loss, lr0);
            let found = (other.lr0, other.clip_grad_norm);
            let is_near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
            assert!(
                is_near(found.0, wanted.0) && is_near(found.1, wanted.1),
                "{loss:?}: {found:?}"
            );
        }
    }
}
