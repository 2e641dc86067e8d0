//! What a campaign will take.

use std::fmt;
use std::time::Instant;

use anyhow::Context;
use burn::tensor::Device;
use hardslice_eval::compare::counted;
use hardslice_kernels::Buffer;
use hardslice_train::net::{Net, NetConfig};
use hardslice_train::{Batch, TrainConfig, TrainState};

use super::jobs::{Work, waves};
use super::{Campaign, Trial};
use crate::experiment::Experiment;
use crate::peak_memory::{forget_peak, peak_rss_mb};

/// Bare steps that are measured of each net.
const N_STEPS: usize = 3;

/// Trainings, steps, time and disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forecast {
    n_trials: usize,
    n_jobs: usize,
    n_steps: u64,
    seconds: f64,
    disk_mb: f64,
}

impl Forecast {
    /// Measures a few steps of each net and counts.
    pub(crate) fn of(campaign: &Campaign<'_>, trials: &[Trial]) -> anyhow::Result<Self> {
        let speeds = speeds(trials, campaign.device)?;
        let mut forecast = Self {
            n_trials: trials.len(),
            n_jobs: 0,
            n_steps: 0,
            seconds: 0.0,
            disk_mb: 0.0,
        };
        for (trial_idx, (trial, speeds)) in trials.iter().zip(&speeds).enumerate() {
            // Each training keeps checkpoints with weights and velocities, its best and its last
            // weights.
            let copies = (2 * trial.experiment.train.keep_checkpoints + 2) as f64;
            for job in waves(trial_idx, trial).concat() {
                let speed = speeds.of(job.work);
                forecast.n_jobs += 1;
                forecast.n_steps += job.n_steps;
                forecast.seconds += speed.seconds_a_step * job.n_steps as f64;
                forecast.disk_mb += copies * speed.weights_mb;
            }
        }
        Ok(forecast)
    }
}

/// How fast each trial is trained; those of one net are measured once.
pub(super) fn speeds<'t>(trials: &'t [Trial], device: &Device) -> anyhow::Result<Vec<TrialSpeeds>> {
    let mut measured: Vec<(Trained<'t>, Speed)> = Vec::new();
    let mut speed_of = |trained: Trained<'t>| -> anyhow::Result<Speed> {
        let found = measured.iter().find(|(other, _)| *other == trained);
        if let Some((_, speed)) = found {
            return Ok(*speed);
        }
        let speed = Speed::of(trained, device)?;
        measured.push((trained, speed));
        Ok(speed)
    };
    let speeds = trials.iter().map(|trial| {
        let Experiment { net, final_net, .. } = &trial.experiment;
        Ok(TrialSpeeds {
            mining: speed_of(Trained::of(trial, net))?,
            arms: speed_of(Trained::of(trial, final_net.as_ref().unwrap_or(net)))?,
        })
    });
    speeds.collect()
}

/// How fast the nets of a trial are trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TrialSpeeds {
    /// The net that mines.
    mining: Speed,
    /// The net of the arms: another one with `[final_net]`.
    arms: Speed,
}

impl TrialSpeeds {
    /// How fast a job's net is trained; the larger one of a job with all of them.
    pub(super) fn of(&self, work: Work) -> &Speed {
        let is_mining_larger = self.mining.weights_mb > self.arms.weights_mb;
        if work == Work::Shared || work == Work::Whole && is_mining_larger {
            &self.mining
        } else {
            &self.arms
        }
    }
}

/// What decides how long a step takes.
#[derive(Clone, Copy, PartialEq)]
struct Trained<'t> {
    net: &'t NetConfig,
    train: &'t TrainConfig,
    n_organs: usize,
    size: usize,
}

impl<'t> Trained<'t> {
    fn of(trial: &'t Trial, net: &'t NetConfig) -> Self {
        Self {
            net,
            train: &trial.experiment.train,
            n_organs: trial.organs.len(),
            size: trial.experiment.prepare.size,
        }
    }
}

/// How fast a net is trained, and how large it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Speed {
    pub(super) seconds_a_step: f64,
    weights_mb: f64,
    /// The most that the process held over these steps; absent where the system does not tell.
    pub(super) memory_mb: Option<f64>,
}

impl Speed {
    fn of(trained: Trained<'_>, device: &Device) -> anyhow::Result<Self> {
        let Trained {
            net,
            train,
            n_organs,
            size,
        } = trained;
        let n = train.batch;
        let n_channels = 1 + 2 * net.context;
        let batch = Batch {
            n,
            n_channels,
            n_organs,
            size,
            images: Buffer::copy_of(&vec![0.5; n * n_channels * size * size]),
            targets: Buffer::copy_of(&vec![1.0; n * n_organs * size * size]),
            annotated: vec![1.0; n * n_organs],
            valid: None,
        };
        let net = Net::new(net, n_organs, 0, &device.clone().autodiff());
        let weights_mb = (net.n_parameters() * size_of::<f32>()) as f64 / 1e6;
        let mut state = TrainState::new(net, train);
        let mut least = f64::INFINITY;
        forget_peak();
        for _ in 0..N_STEPS {
            let begun = Instant::now();
            let taken = state.take_step(&batch, train, 0, device);
            (state, _) = taken.context(
                "a few steps were to be measured, on made-up slices, to say how long the training takes; no \
                 arm was trained yet",
            )?;
            least = least.min(begun.elapsed().as_secs_f64());
        }
        Ok(Self {
            seconds_a_step: least,
            weights_mb,
            memory_mb: peak_rss_mb(),
        })
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            n_trials,
            n_jobs,
            n_steps,
            seconds,
            disk_mb,
        } = self;
        let minutes = seconds / 60.0;
        write!(
            f,
            "{}, {}, {n_steps} steps: about {minutes:.0} min of training, by a few steps measured now \
             (validation, mining and evaluation come on top), and up to {disk_mb:.0} MB of checkpoints \
             and models beside the store and the predictions",
            counted(*n_trials, "round"),
            counted(*n_jobs, "training"),
        )
    }
}
