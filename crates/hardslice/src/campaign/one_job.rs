//! One job of a campaign, on whichever machine a queue runs it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, anyhow};
use hardslice_train::layout::TrainingDir;
use hardslice_train::{Event, Observer};
use hardslice_volume::Action;
use hardslice_volume::whole_file::{remove_if_there, write_whole_bytes};
use thiserror::Error;

use super::jobs::{self, Work};
use super::planned::{Planned, planned};
use super::{Campaign, Failed, Trial};
use crate::bars::Bars;
use crate::causes::causes;
use crate::cohort::{PreparedCohort, make_split};
use crate::done::Done;
use crate::folder_lock::SharedFolder;
use crate::job_folder::{Claim, Claimed, Claims, JobsRecord, Stands};
use crate::stop;

/// A job came before its turn. That is no failure of its own.
#[derive(Debug, Error)]
#[error(
    "job {id} needs job {needs}, which is not done: run that one first (`hardslice status` tells how \
     far all are)"
)]
struct NotItsTurn {
    id: usize,
    needs: usize,
}

impl Campaign<'_> {
    /// Does one job, going on where it was stopped; one that is done ends at once. `describe` gives
    /// the trials of the campaign, and the hash of all that decides them.
    pub(crate) fn do_job(
        &self,
        id: usize,
        describe: impl FnOnce(&PreparedCohort) -> anyhow::Result<(Vec<Trial>, String)>,
    ) -> anyhow::Result<Done> {
        let jobs = self.out.jobs();
        let record = JobsRecord::read(&jobs)?.ok_or_else(|| {
            anyhow!(
                "no jobs were written in this folder: give --write-jobs in place of --job first: {}",
                self.out.path().display()
            )
        })?;
        if !(1..=record.n_jobs).contains(&id) {
            return Err(anyhow!(
                "there is no job {id}: they are counted from 1 to {} ({})",
                record.n_jobs,
                jobs.table().display()
            ));
        }
        stop::is_job_of_queue();
        let is_done = || jobs.done(id).exists();
        let done_before = || {
            self.bars.tell(&format!("job {id}: done before"));
            Ok(Done::Clean)
        };
        if is_done() {
            self.described(&record, describe)?;
            return done_before();
        }
        let tell = |said: &str| self.bars.tell(&format!("note: {said}"));
        let claim = Claims::new(jobs.claims()).take_in_turn(Claimed::Job(id), tell)?;
        let _shared = SharedFolder::of(self.out.path())?;
        let described = self.described(&record, describe);
        // By whoever held the claim a moment ago.
        if described.is_ok() && is_done() {
            return done_before();
        }
        let failed = jobs.failed(id);
        let worked =
            described.and_then(|(cohort, trials)| self.work_on(id, &claim, &cohort, &trials));
        match worked {
            Ok(()) => {
                let path = jobs.done(id);
                write_whole_bytes(&path, b"").map_err(Action::Write.on(&path))?;
                remove_if_there(&failed)?;
                Ok(Done::Clean)
            }
            Err(error) => {
                if !stop::is_cause_of(&error) && !error.is::<NotItsTurn>() {
                    let said = causes(error.as_ref()) + "\n";
                    // The error itself is what matters, also where it cannot be written down.
                    drop(write_whole_bytes(&failed, said.as_bytes()));
                }
                Err(error)
            }
        }
    }

    /// Marks the jobs of a campaign done, where some were written: the command alone has done them, but
    /// for arms that failed.
    pub(crate) fn mark_jobs_done(
        &self,
        trials: &[Trial],
        campaign_blake3: &str,
        failed: &Failed,
    ) -> anyhow::Result<()> {
        let jobs = self.out.jobs();
        let record = JobsRecord::read(&jobs)?;
        if record.is_none_or(|record| record.campaign_blake3 != campaign_blake3) {
            return Ok(());
        }
        for Planned { id, job, .. } in planned(trials) {
            let is_done = match job.work {
                Work::Shared => true,
                Work::Arm(arm) => !job.has_failed(arm, failed),
                Work::Whole => !failed.contains_key(&job.trial),
            };
            let path = jobs.done(id);
            if is_done && !path.exists() {
                write_whole_bytes(&path, b"").map_err(Action::Write.on(&path))?;
                remove_if_there(&jobs.failed(id))?;
            }
        }
        Ok(())
    }

    /// The cohort and the trials of the campaign that the jobs were written for.
    fn described(
        &self,
        record: &JobsRecord,
        describe: impl FnOnce(&PreparedCohort) -> anyhow::Result<(Vec<Trial>, String)>,
    ) -> anyhow::Result<(PreparedCohort, Vec<Trial>)> {
        let cohort = PreparedCohort::open(self.experiment, &self.out)?;
        let (trials, campaign_blake3) = describe(&cohort)?;
        if campaign_blake3 != record.campaign_blake3 || planned(&trials).len() != record.n_jobs {
            return Err(anyhow!(
                "the jobs in this folder were written for another experiment, cohort, seeds or other \
                 options of the command: give the job's own command, as jobs.csv has it, or write the \
                 jobs again with --write-jobs: {}",
                self.out.jobs().table().display()
            ));
        }
        Ok((cohort, trials))
    }

    fn work_on(
        &self,
        id: usize,
        claim: &Claim,
        cohort: &PreparedCohort,
        trials: &[Trial],
    ) -> anyhow::Result<()> {
        let Planned { needs, job, .. } = planned(trials)[id - 1];
        if let Some(needs) = needs
            && !self.out.jobs().done(needs).exists()
        {
            return Err(NotItsTurn { id, needs }.into());
        }
        let trial = &trials[job.trial];
        let file = trial.name.split();
        let path = self.out.path().join(&file);
        if !path.exists() {
            return Err(anyhow!(
                "the folds are gone: write the jobs again with --write-jobs: {}",
                path.display()
            ));
        }
        let split = make_split(
            &trial.experiment,
            &cohort.store,
            &cohort.organs,
            &path,
            self.bars,
        )?;
        let splits = BTreeMap::from([(file, split)]);
        let round = self.out.round(&trial.name);
        let of_shared = needs.filter(
            |_| matches!(job.work, Work::Arm(arm) if has_lost_state(&round.first_half(arm))),
        );
        // It will be trained again, by one at a time.
        let claims = Claims::new(self.out.jobs().claims());
        let of_shared = of_shared.map(|shared| claims.take(Claimed::Job(shared)));
        let _of_shared = of_shared.transpose()?;
        let observer = OfClaim {
            bars: self.bars,
            claim,
        };
        let failed = jobs::work(self, cohort, trial, &splits, job.work, &observer)
            .with_context(|| format!("in {}", trial.name))?;
        let failed = failed.iter().map(|failed| {
            let (arm, because) = (failed.arm, &failed.because);
            format!("{}: the arm `{arm}` failed, because {because}", trial.name)
        });
        let failed: Vec<String> = failed.collect();
        let after_shared = trial.experiment.arms.iter();
        let n_after_shared = after_shared.filter(|arm| arm.needs_shared()).count();
        let others_go_on = job.work == Work::Shared && failed.len() < n_after_shared;
        if failed.is_empty() {
            Ok(())
        } else if others_go_on {
            // The jobs of those that cannot will say so.
            for line in &failed {
                self.bars.line(&format!("warning: {line}"));
            }
            Ok(())
        } else {
            Err(anyhow!("{}", failed.join("\n")))
        }
    }
}

/// Whether the training that an arm goes on from is over and its checkpoints were deleted.
fn has_lost_state(training: &TrainingDir) -> bool {
    let entries = fs::read_dir(training.checkpoints());
    entries.is_ok_and(|mut entries| entries.next().is_none()) || !training.checkpoints().exists()
}

/// Says on the terminal and in the claim how far the job is.
struct OfClaim<'a> {
    bars: &'a Bars,
    claim: &'a Claim,
}

impl Observer for OfClaim<'_> {
    fn wants_stop(&self) -> bool {
        self.bars.wants_stop()
    }

    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Started { stage, n, done } => self.claim.begins(Stands {
                stage: (*stage).to_owned(),
                step: *done,
                n_steps: *n,
            }),
            Event::Advanced { done } => self.claim.advanced(*done),
            _ => {}
        }
        self.bars.notify(event);
    }
}
