//! The trainings of a campaign, side by side.

use anyhow::Context;
use hardslice_data::balance::Arm;
use hardslice_data::bounded_parallel_map;
use hardslice_data::mining::Tau;
use hardslice_train::Observer;
use hardslice_train::round::{self, FailedArm};

use super::progress::{OfJob, Overall};
use super::{Campaign, Failed, PreparedCohort, Splits, Trial};

/// What one job does of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Pre-training and mining, for all arms that begin so.
    Shared,
    /// One arm.
    Arm(Arm),
    /// All arms, one after the other.
    Whole,
}

impl Work {
    /// As the list of jobs has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Arm(arm) => arm.name(),
            Self::Whole => "all",
        }
    }
}

/// A job and the steps that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// Place of its trial.
    pub(super) trial: usize,
    pub(super) work: Work,
    pub(super) n_steps: u64,
}

impl Job {
    /// Whether the training of an arm of its trial failed.
    pub(super) fn has_failed(&self, arm: Arm, failed: &Failed) -> bool {
        let mut of_trial = failed.get(&self.trial).into_iter().flatten();
        of_trial.any(|failed| failed.arm == arm)
    }
}

/// The jobs of all trials in waves: those of a wave can run side by side.
pub(super) fn waves_of_all(trials: &[Trial]) -> [Vec<Job>; 2] {
    let mut of_waves = [Vec::new(), Vec::new()];
    for (trial_idx, trial) in trials.iter().enumerate() {
        for (all, of_trial) in of_waves.iter_mut().zip(waves(trial_idx, trial)) {
            all.extend(of_trial);
        }
    }
    of_waves
}

/// The jobs of a trial in waves: those of a wave can run side by side.
pub(super) fn waves(trial_idx: usize, trial: &Trial) -> [Vec<Job>; 2] {
    let train = &trial.experiment.train;
    let (n, first) = (train.steps, train.first_half());
    let second = if trial.experiment.final_net.is_some() {
        n
    } else {
        n - first
    };
    let job = |work, n_steps| Job {
        trial: trial_idx,
        work,
        n_steps,
    };
    let (after_shared, alone): (Vec<Arm>, Vec<Arm>) = trial
        .experiment
        .arms
        .iter()
        .partition(|arm| arm.needs_shared());
    // The net on B, and for some arms those on A and on all patients.
    let needs = |is: fn(&Arm) -> bool| u64::from(after_shared.iter().any(is));
    let has_on_all = trial.experiment.final_net.is_none();
    let n_nets = needs(|_| true)
        + needs(|arm| arm.needs_cross_fold())
        + u64::from(has_on_all) * needs(|arm| arm.pretrains_on_all());
    let n_shared = n_nets * first;
    let n_of_arm = |arm: Arm| if arm.needs_shared() { second } else { n };
    let of_arm = |arm: &Arm| job(Work::Arm(*arm), n_of_arm(*arm));
    if trial.experiment.mining.tau == Tau::Paper {
        // A is mined by what the baseline's test scores say.
        let arms = trial.experiment.arms.iter();
        let n_steps = n_shared + arms.map(|arm| n_of_arm(*arm)).sum::<u64>();
        return [vec![job(Work::Whole, n_steps)], Vec::new()];
    }
    let shared = (!after_shared.is_empty()).then(|| job(Work::Shared, n_shared));
    [
        shared.into_iter().chain(alone.iter().map(of_arm)).collect(),
        after_shared.iter().map(of_arm).collect(),
    ]
}

/// Runs all jobs, `campaign.jobs` at a time, each with its share of the threads.
pub(super) fn train(
    campaign: &Campaign<'_>,
    cohort: &PreparedCohort,
    trials: &[Trial],
    splits: &Splits,
) -> anyhow::Result<Failed> {
    let of_waves = waves_of_all(trials);
    let n_steps = of_waves.iter().flatten().map(|job| job.n_steps).sum();
    let n_threads = (rayon::current_num_threads() / campaign.jobs.max(1)).max(1);
    campaign.bars.begin("train", n_steps, 0);
    let overall = Overall::new(campaign.bars);
    let mut failures: Vec<(usize, anyhow::Error)> = Vec::new();
    let mut failed_arms = Failed::new();
    for mut wave in of_waves {
        // What rests on a job that failed is left out; the other trials go on.
        wave.retain(|job| failures.iter().all(|(trial, _)| *trial != job.trial));
        wave.retain(|job| !matches!(job.work, Work::Arm(arm) if job.has_failed(arm, &failed_arms)));
        let outcomes = bounded_parallel_map(&wave, campaign.jobs, |job| {
            let trial = &trials[job.trial];
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()?;
            pool.install(|| run(campaign, cohort, trial, splits, job, &overall))
                .with_context(|| format!("in {}", trial.name))
        });
        for (job, outcome) in wave.iter().zip(outcomes) {
            match outcome {
                Ok(failed) if failed.is_empty() => {}
                Ok(failed) => failed_arms.entry(job.trial).or_default().extend(failed),
                Err(error) => failures.push((job.trial, error)),
            }
        }
    }
    campaign.bars.end();
    let n_failed = failures.len();
    let mut failures = failures.into_iter();
    let Some((_, first)) = failures.next() else {
        return Ok(failed_arms);
    };
    for (_, error) in failures {
        let causes = crate::causes::causes(error.as_ref());
        campaign.bars.line(&format!("failed: {causes}"));
    }
    Err(first.context(format!(
        "{n_failed} of the trainings failed; all others are done, and the same command goes on with \
         what is missing"
    )))
}

fn run(
    campaign: &Campaign<'_>,
    cohort: &PreparedCohort,
    trial: &Trial,
    splits: &Splits,
    job: &Job,
    overall: &Overall<'_>,
) -> anyhow::Result<Vec<FailedArm>> {
    let observer = OfJob::new(overall, trial.name.to_string());
    let failed = work(campaign, cohort, trial, splits, job.work, &observer)?;
    for FailedArm { arm, because } in &failed {
        campaign
            .bars
            .line(&format!("failed: {}, `{arm}`: {because}", trial.name));
    }
    observer.end(job.n_steps);
    Ok(failed)
}

/// Does what a job does of a trial, or finds it done. Gives the arms whose training failed.
pub(super) fn work(
    campaign: &Campaign<'_>,
    cohort: &PreparedCohort,
    trial: &Trial,
    splits: &Splits,
    work: Work,
    observer: &dyn Observer,
) -> anyhow::Result<Vec<FailedArm>> {
    let mut protocol = trial.protocol()?;
    let context = campaign.context(cohort, trial, splits, observer)?;
    Ok(match work {
        Work::Shared => round::share(&protocol, &context)?,
        Work::Arm(arm) => {
            protocol.arms = vec![arm];
            round::train(&protocol, &context)?
        }
        Work::Whole => round::train(&protocol, &context)?,
    })
}
