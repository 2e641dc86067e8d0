//! The trainings of a campaign, side by side.

use anyhow::Context;
use hardslice_data::balance::{Arm, Tau};
use hardslice_data::few_at_once;
use hardslice_train::round;

use super::progress::{OfJob, Overall};
use super::{Campaign, Cell, Ground, Splits};

/// What one job does of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Pre-training and mining, for all arms that begin so.
    Shared,
    /// One arm.
    Arm(Arm),
    /// All arms, one after the other.
    Whole,
}

/// A job and the steps that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    /// Place of its cell.
    pub(super) cell: usize,
    pub(super) work: Work,
    pub(super) n_steps: u64,
}

/// The jobs of a cell in waves: those of a wave can run side by side.
pub(super) fn waves(cell_idx: usize, cell: &Cell) -> [Vec<Job>; 2] {
    let train = &cell.experiment.train;
    let (n, first) = (train.steps, train.first_half());
    let second = if cell.experiment.final_net.is_some() {
        n
    } else {
        n - first
    };
    let job = |work, n_steps| Job {
        cell: cell_idx,
        work,
        n_steps,
    };
    let (on_b, on_all): (Vec<Arm>, Vec<Arm>) = cell
        .experiment
        .arms
        .iter()
        .partition(|arm| arm.pretrains_on_b());
    // The net on B, and for some arms that on A.
    let n_nets =
        u64::from(!on_b.is_empty()) + u64::from(on_b.iter().any(|arm| arm.needs_cross_fold()));
    let n_shared = n_nets * first;
    let of_on_all = on_all.iter().map(|arm| job(Work::Arm(*arm), n));
    let of_on_b = on_b.iter().map(|arm| job(Work::Arm(*arm), second));
    if cell.experiment.mining.tau == Tau::Paper {
        // A is mined by what the baseline's test scores say.
        let n_steps = n * on_all.len() as u64 + n_shared + second * on_b.len() as u64;
        return [vec![job(Work::Whole, n_steps)], Vec::new()];
    }
    let shared = (!on_b.is_empty()).then(|| job(Work::Shared, n_shared));
    [
        shared.into_iter().chain(of_on_all).collect(),
        of_on_b.collect(),
    ]
}

/// Runs all jobs, `campaign.jobs` at a time, each with its share of the threads.
pub(super) fn train(
    campaign: &Campaign<'_>,
    ground: &Ground,
    cells: &[Cell],
    splits: &Splits,
) -> anyhow::Result<()> {
    let mut of_waves = [Vec::new(), Vec::new()];
    for (cell_idx, cell) in cells.iter().enumerate() {
        for (all, of_cell) in of_waves.iter_mut().zip(waves(cell_idx, cell)) {
            all.extend(of_cell);
        }
    }
    let n_steps = of_waves.iter().flatten().map(|job| job.n_steps).sum();
    let n_threads = (rayon::current_num_threads() / campaign.jobs.max(1)).max(1);
    campaign.bars.begin("train", n_steps, 0);
    let overall = Overall::new(campaign.bars);
    let mut failures: Vec<(usize, anyhow::Error)> = Vec::new();
    for mut wave in of_waves {
        // What rests on a job that failed is left out; the other cells go on.
        wave.retain(|job| failures.iter().all(|(cell, _)| *cell != job.cell));
        let outcomes = few_at_once(&wave, campaign.jobs, |job| {
            let cell = &cells[job.cell];
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(n_threads)
                .build()?;
            pool.install(|| run(campaign, ground, (cell, splits), job, &overall))
                .with_context(|| format!("in {}", cell.dir.display()))
        });
        let outcomes = wave.iter().zip(outcomes);
        failures.extend(outcomes.filter_map(|(job, outcome)| Some((job.cell, outcome.err()?))));
    }
    campaign.bars.end();
    let n_failed = failures.len();
    let mut failures = failures.into_iter();
    let Some((_, first)) = failures.next() else {
        return Ok(());
    };
    for (_, error) in failures {
        let causes = crate::causes(error.as_ref());
        campaign.bars.line(&format!("failed: {causes}"));
    }
    Err(first.context(format!(
        "{n_failed} of the trainings failed; all others are done, and the same command goes on with \
         what is missing"
    )))
}

fn run(
    campaign: &Campaign<'_>,
    ground: &Ground,
    (cell, splits): (&Cell, &Splits),
    job: &Job,
    overall: &Overall<'_>,
) -> anyhow::Result<()> {
    let mut protocol = cell.protocol()?;
    let dir = campaign.out.join(&cell.dir);
    let observer = OfJob::new(overall, cell.dir.display().to_string());
    let place = campaign.place(ground, (cell, splits), &dir, &observer);
    match job.work {
        Work::Shared => round::share(&protocol, &place)?,
        Work::Arm(arm) => {
            protocol.arms = vec![arm];
            round::train(&protocol, &place)?;
        }
        Work::Whole => round::train(&protocol, &place)?,
    }
    observer.end(job.n_steps);
    Ok(())
}
