//! How close the whole training loop comes to its bare steps.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use burn::tensor::Device;
use hardslice_data::SliceRef;
use hardslice_data::balance::{Plan, PlanEntry, Reason, WeightedSampler};
use hardslice_data::store::Store;
use serde::Serialize;

use super::{BenchError, Effort, Workload};
use crate::config::{Lr0Setting, TrainConfig};
use crate::dataset::SliceDataset;
use crate::fit::{FitContext, FitError, Phase, TrainState, fit};
use crate::layout::TrainingDir;
use crate::loader::LoaderConfig;
use crate::net::{Net, NetConfig};
use crate::progress::{Event, Observer};

/// The bare steps and the whole loop take turns, this many times each.
const N_ROUNDS: usize = 5;

const SEED: u64 = 0;
const NAME: &str = "bench";

/// What the whole loop took beside its bare steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoopMeasured {
    /// Rows and columns of a slice, as stored.
    pub pixels: usize,
    /// Slices in a batch.
    pub batch: usize,
    /// A bare step: one batch over and over, nothing else; seconds, median of the rounds.
    pub bare_s: f64,
    /// A step of the loop, with store, variations, batches and logs; seconds, median of the rounds.
    pub loop_s: f64,
    /// Writing a checkpoint, seconds, median of the rounds.
    pub checkpoint_s: f64,
    /// Speed of the loop over speed of its bare steps, a checkpoint written as often as `[train]`
    /// has it by default; median of the rounds.
    pub share: f64,
}

/// Where the whole loop is measured.
#[derive(Debug, Clone, Copy)]
pub struct LoopPlace<'a> {
    /// The prepared cohort; its slices' size takes the place of the workload's.
    pub store: &'a Store,
    /// Gets what trainings leave.
    pub dir: &'a Path,
    /// Where the net is trained.
    pub device: &'a Device,
    /// Seconds since 1970, for logs.
    pub wall_time_s: fn() -> f64,
}

/// Trains the workload's net on a store's first organ, taking turns with bare steps on one of its
/// batches. `advanced` is told the steps done.
///
/// # Errors
///
/// [`BenchError`] when the store has no annotated slice, the net no such size, or training fails.
pub fn measure_loop(
    workload: Workload,
    effort: Effort,
    place: &LoopPlace<'_>,
    advanced: &(dyn Fn(u64) + Sync),
) -> Result<LoopMeasured, BenchError> {
    let contest = Contest {
        config: workload.train_config(effort.n_steps() as u64 + 1)?,
        net_config: workload.net_config()?,
        dataset: SliceDataset::new(place.store, place.store.all_organs().take(1).collect(), 0),
        warmup: effort.warmup,
        place,
    };
    let plan = contest.plan()?;
    let (mut bare, mut whole, mut saving, mut shares) = (vec![], vec![], vec![], vec![]);
    for round in 0..N_ROUNDS {
        let clock = Clock::new(round as u64 * contest.config.steps, advanced);
        let bare_s = contest.bare(&plan)?;
        let [loop_s, checkpoint_s] = contest.whole(&plan, round, &clock)?;
        let saved_s = checkpoint_s * loop_s / (contest.config.checkpoint_minutes * 60.0);
        shares.push(bare_s / (loop_s + saved_s));
        bare.push(bare_s);
        whole.push(loop_s);
        saving.push(checkpoint_s);
    }
    Ok(LoopMeasured {
        pixels: place.store.size(),
        batch: contest.config.batch,
        bare_s: median(bare),
        loop_s: median(whole),
        checkpoint_s: median(saving),
        share: median(shares),
    })
}

/// Number of rounds and steps in each that [`measure_loop`] takes in the whole loop.
pub fn n_loop_steps(effort: Effort) -> u64 {
    (N_ROUNDS * (effort.n_steps() + 1)) as u64
}

/// Both sides on the same net, settings and store.
struct Contest<'a> {
    config: TrainConfig,
    net_config: NetConfig,
    dataset: SliceDataset<'a>,
    warmup: usize,
    place: &'a LoopPlace<'a>,
}

impl Contest<'_> {
    /// Every annotated slice as often as any other.
    fn plan(&self) -> Result<Plan, BenchError> {
        let store = self.place.store;
        let cases = store.cases().iter().enumerate();
        let annotated = cases.filter(|(case_idx, _)| self.dataset.is_annotated(*case_idx));
        let entries = annotated.flat_map(|(case_idx, case)| {
            (0..case.n_slices).map(move |z| PlanEntry {
                slice: SliceRef::at(case_idx, z),
                weight: 1.0,
                reason: Reason::Base,
            })
        });
        let plan = Plan::new(entries).expect("each slice once, each of weight 1");
        if plan.entries().is_empty() {
            return Err(BenchError::NothingAnnotated {
                path: store.dir().to_owned(),
            });
        }
        Ok(plan)
    }

    fn state(&self) -> TrainState {
        let device = self.place.device.clone().autodiff();
        TrainState::new(Net::new(&self.net_config, 1, SEED, &device), &self.config)
    }

    /// Seconds of a bare step.
    fn bare(&self, plan: &Plan) -> Result<f64, BenchError> {
        let sampler = WeightedSampler::new(plan.clone(), self.config.flip_mode, SEED, NAME);
        let sampler = sampler.ok_or(FitError::EmptyPlan)?;
        let mut batches = LoaderConfig {
            dataset: self.dataset.clone(),
            sampler,
            augment: self.config.augment,
            batch_size: self.config.batch,
            seed: SEED,
            name: NAME.to_owned(),
        };
        let batch = batches.batch(0);
        let mut state = self.state();
        let mut times = Vec::new();
        for _ in 0..self.config.steps {
            (state, _) = state.take_step(&batch, &self.config, SEED, self.place.device)?;
            times.push(Instant::now());
        }
        Ok(self.seconds_a_step(&times))
    }

    /// Seconds of a step in the whole loop, and of writing its checkpoint.
    fn whole(&self, plan: &Plan, round: usize, clock: &Clock<'_>) -> Result<[f64; 2], BenchError> {
        let context = FitContext {
            dataset: &self.dataset,
            validation: &[],
            device: self.place.device,
            seed: SEED,
            observer: clock,
            wall_time_s: self.place.wall_time_s,
            force: false,
        };
        let phase = Phase {
            name: NAME.to_owned(),
            stage: NAME.to_owned(),
            config: Cow::Borrowed(&self.config),
            lr0_setting: Lr0Setting::Common,
            plan: plan.clone(),
            steps: 0..self.config.steps,
        };
        let dir = TrainingDir::new(self.place.dir.join(format!("round_{round}")));
        fit(self.state(), &phase, NAME, &dir, &context)?;
        let end = Instant::now();
        let times = clock.times();
        let last = times.last().expect("a training has steps");
        Ok([
            self.seconds_a_step(&times),
            end.duration_since(*last).as_secs_f64(),
        ])
    }

    /// Mean over the steps after the warm-up.
    fn seconds_a_step(&self, times: &[Instant]) -> f64 {
        let measured = &times[self.warmup.min(times.len())..];
        let [Some(first), Some(last)] = [measured.first(), measured.last()] else {
            return f64::NAN;
        };
        last.duration_since(*first).as_secs_f64() / (measured.len() - 1).max(1) as f64
    }
}

/// Notes when each step ended.
struct Clock<'a> {
    times: Mutex<Vec<Instant>>,
    n_before: u64,
    advanced: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Clock<'a> {
    fn new(n_before: u64, advanced: &'a (dyn Fn(u64) + Sync)) -> Self {
        Self {
            times: Mutex::default(),
            n_before,
            advanced,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Instant>> {
        let times = self.times.lock();
        times.expect("nothing panics while it holds the lock")
    }

    fn times(&self) -> Vec<Instant> {
        self.locked().clone()
    }
}

impl Observer for Clock<'_> {
    fn notify(&self, event: &Event<'_>) {
        if let Event::Step { step, .. } = event {
            self.locked().push(Instant::now());
            (self.advanced)(self.n_before + step);
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
