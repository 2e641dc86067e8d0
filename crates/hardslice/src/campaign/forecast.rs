//! What a campaign will take.

use std::fmt;
use std::time::Instant;

use burn::tensor::Device;
use hardslice_kernels::Buffer;
use hardslice_train::net::Net;
use hardslice_train::{Batch, TrainState};

use super::jobs::waves;
use super::{Campaign, Trial};
use crate::counted::counted;
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
        for (trial_idx, (trial, speed)) in trials.iter().zip(&speeds).enumerate() {
            let jobs: Vec<_> = waves(trial_idx, trial).concat();
            let n_steps: u64 = jobs.iter().map(|job| job.n_steps).sum();
            forecast.n_jobs += jobs.len();
            forecast.n_steps += n_steps;
            forecast.seconds += speed.seconds_a_step * n_steps as f64;
            // Each training keeps checkpoints with weights and velocities, its best and its last
            // weights.
            let copies = 2 * trial.experiment.train.keep_checkpoints + 2;
            forecast.disk_mb += (jobs.len() * copies) as f64 * speed.weights_mb;
        }
        Ok(forecast)
    }
}

/// How fast each trial is trained; those of one net are measured once.
pub(super) fn speeds(trials: &[Trial], device: &Device) -> anyhow::Result<Vec<Speed>> {
    let mut measured: Vec<(&Trial, Speed)> = Vec::new();
    let mut speeds = Vec::new();
    for trial in trials {
        let found = measured.iter().find(|(other, _)| is_as_fast(other, trial));
        let speed = if let Some((_, speed)) = found {
            *speed
        } else {
            let speed = Speed::of(trial, device)?;
            measured.push((trial, speed));
            speed
        };
        speeds.push(speed);
    }
    Ok(speeds)
}

/// Whether two trials train the same net on batches of the same size.
fn is_as_fast(a: &Trial, b: &Trial) -> bool {
    a.organs.len() == b.organs.len()
        && a.experiment.net == b.experiment.net
        && a.experiment.train == b.experiment.train
        && a.experiment.prepare.size == b.experiment.prepare.size
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
    fn of(trial: &Trial, device: &Device) -> anyhow::Result<Self> {
        let Trial {
            experiment, organs, ..
        } = trial;
        let (n, size) = (experiment.train.batch, experiment.prepare.size);
        let n_channels = 1 + 2 * experiment.net.context;
        let batch = Batch {
            n,
            n_channels,
            n_organs: organs.len(),
            size,
            images: Buffer::copy_of(&vec![0.5; n * n_channels * size * size]),
            targets: Buffer::copy_of(&vec![1.0; n * organs.len() * size * size]),
            annotated: vec![1.0; n * organs.len()],
            valid: None,
        };
        let net = Net::new(&experiment.net, organs.len(), 0, &device.clone().autodiff());
        let weights_mb = (net.n_parameters() * size_of::<f32>()) as f64 / 1e6;
        let mut state = TrainState::new(net, &experiment.train);
        let mut least = f64::INFINITY;
        forget_peak();
        for _ in 0..N_STEPS {
            let begun = Instant::now();
            (state, _) = state.take_step(&batch, &experiment.train, 0, device)?;
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
