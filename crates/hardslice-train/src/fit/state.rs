//! The training state (net, optimiser, position), and one training step.

use std::borrow::Cow;
use std::collections::BTreeMap;

use burn::tensor::Device;
use hardslice_data::random::Stream;
use thiserror::Error;

use super::FitError;
use crate::average::WeightAverage;
use crate::checkpoint::{Checkpoint, CheckpointError, Position};
use crate::config::TrainConfig;
use crate::dataset::Batch;
use crate::device::on_sharing_thread;
use crate::net::{ForwardContext, Net};
use crate::sgd::{NoGradientNorm, Sgd};
use crate::weights::Weights;

/// A loss, the gradients or the weights are not numbers any more.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{what} at step {step} (learning rate {lr:.2e}): training has diverged")]
pub struct Diverged {
    /// Step, counted from 1.
    pub step: u64,
    /// What is no number.
    pub what: NotFinite,
    /// Its learning rate.
    pub lr: f64,
}

/// What is not a number where a training has diverged.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NotFinite {
    /// The loss.
    #[error("the loss is {0}")]
    Loss(f64),
    /// The gradients.
    #[error(transparent)]
    Gradients(#[from] NoGradientNorm),
    /// The weights, after the last step: no loss comes after it.
    #[error("the weights are not finite")]
    Weights,
}

/// A net in training.
#[derive(Debug, Clone)]
pub struct TrainState {
    /// The net, with gradients.
    pub net: Net,
    /// Its optimiser.
    pub sgd: Sgd,
    /// The average of its weights, where one is kept.
    pub average: Option<WeightAverage>,
    /// Where the training stands.
    pub position: Position,
}

impl TrainState {
    /// A net before its first step.
    pub fn new(net: Net, config: &TrainConfig) -> Self {
        let instruction_set = net.arithmetic();
        let average = (config.ema > 0.0).then(|| WeightAverage::of(config.ema, &net));
        Self {
            net,
            sgd: Sgd::default(),
            average,
            position: Position {
                step: 0,
                identity: String::new(),
                instruction_set,
                loss_sum: 0.0,
                n_losses: 0,
                best: None,
                not_learnt: BTreeMap::new(),
            },
        }
    }

    /// Takes one step: forward, loss, backward, update. Gives the loss of the batch as well.
    ///
    /// Weights that nobody else holds are updated where they lie.
    ///
    /// # Errors
    ///
    /// [`Diverged`] when the loss or the gradients are not numbers.
    pub fn take_step(
        self,
        batch: &Batch,
        config: &TrainConfig,
        seed: u64,
        device: &Device,
    ) -> Result<(Self, f64), Diverged> {
        on_sharing_thread(device, || self.take_step_here(batch, config, seed, device))
    }

    fn take_step_here(
        mut self,
        batch: &Batch,
        config: &TrainConfig,
        seed: u64,
        device: &Device,
    ) -> Result<(Self, f64), Diverged> {
        let step = self.position.step;
        let lr = config.schedule().lr(step);
        let device = device.clone().autodiff();
        let mut ctx = ForwardContext::train(Stream::new(seed, &format!("dropout/step/{step}")));
        let logits = self.net.forward(batch.images(&device), &mut ctx);
        let loss = config.loss.of(logits, batch.targets(&device));
        let value = f64::from(loss.clone().inner().into_scalar::<f32>());
        let diverged = |what| Diverged {
            step: step + 1,
            what,
            lr,
        };
        if !value.is_finite() {
            return Err(diverged(NotFinite::Loss(value)));
        }
        let gradients = loss.backward();
        let stepped = self.sgd.step(self.net, gradients, config.sgd(), lr);
        self.net = stepped.map_err(|norm| diverged(norm.into()))?;
        self.net.absorb_statistics(ctx);
        self.position.step += 1;
        if let Some(average) = &mut self.average {
            average.take_in(&self.net, self.position.step);
        }
        self.position.loss_sum += value;
        self.position.n_losses += 1;
        Ok((self, value))
    }

    /// The net that predicts: with the averaged weights, where an average is kept.
    pub fn predictor(&self) -> Cow<'_, Net> {
        match &self.average {
            Some(average) => Cow::Owned(average.net(&self.net)),
            None => Cow::Borrowed(&self.net),
        }
    }

    /// The state, to save it.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.position.clone(),
            weights: Weights::of(&self.net),
            velocities: self.sgd.state(),
            average: self.average.as_ref().map(WeightAverage::state),
        }
    }

    /// Takes a saved state over. The net must be of the same build. From then on the state is that of
    /// this machine's arithmetic.
    ///
    /// # Errors
    ///
    /// [`FitError::OtherInstructionSet`] when other arithmetic made it, but with `force`;
    /// [`FitError::Checkpoint`] when the weights do not fit the net.
    pub fn restore(
        self,
        saved: Checkpoint,
        config: &TrainConfig,
        device: &Device,
        force: bool,
    ) -> Result<Self, FitError> {
        let wanted = self.position.instruction_set;
        if saved.position.instruction_set != wanted && !force {
            return Err(FitError::OtherInstructionSet {
                found: saved.position.instruction_set,
                wanted,
            });
        }
        let net = saved
            .weights
            .load_into(self.net)
            .map_err(CheckpointError::from)?;
        let average = (config.ema > 0.0).then(|| match saved.average {
            Some(average) => WeightAverage::from_state(config.ema, average, &net.device()),
            // A training that kept none: one begins here.
            None => WeightAverage::of(config.ema, &net),
        });
        Ok(Self {
            net,
            average,
            sgd: Sgd::from_state(saved.velocities, device),
            position: Position {
                instruction_set: wanted,
                ..saved.position
            },
        })
    }
}
