//! The whole protocol: prepare, split, one round for each net, results, pictures.

use std::path::Path;

use anyhow::{Context, anyhow};
use burn::tensor::Device;
use hardslice::experiment::Experiment;
use hardslice_data::manifest::{self, Manifest};
use hardslice_data::split::{Split, facts};
use hardslice_data::store::{PrepareReport, Store, prepare};
use hardslice_data::{Organ, OrganMap};
use hardslice_train::round::{self, Protocol, RoundOutcome, Workplace};
use hardslice_volume::whole_file::write_whole_bytes;

use crate::Done;
use crate::bars::{Bars, wall_time_s};
use crate::claim::Claim;
use crate::{pictures, provenance, results};

/// What to run, where, and who is told.
pub(crate) struct Whole<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) out: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) bars: &'a Bars,
    pub(crate) force: bool,
}

/// What a whole run ends with.
pub(crate) struct Finished {
    pub(crate) done: Done,
    /// The organs of each net, and its round.
    pub(crate) rounds: Vec<(Vec<Organ>, RoundOutcome)>,
}

/// Runs the protocol, going on where it was stopped.
pub(crate) fn run_whole(whole: &Whole<'_>) -> anyhow::Result<Finished> {
    let Whole {
        experiment,
        out,
        device,
        bars,
        ..
    } = *whole;
    let _claim = Claim::of(out)?;
    let toml = experiment.to_toml()?;
    write_whole_bytes(&out.join("experiment.toml"), toml.as_bytes())
        .with_context(|| format!("cannot write into {}", out.display()))?;

    let Ground {
        store,
        organs,
        done,
    } = ground(experiment, out, bars)?;
    let split = make_split(experiment, &store, &organs, &out.join("split.json"), bars)?;

    let mut rounds = Vec::new();
    for organs in nets(experiment, &organs) {
        let protocol = protocol(experiment, organs.clone())?;
        let place = Workplace {
            store: &store,
            split: &split,
            dir: &out.join(folder_of(&organs)),
            init: experiment.init.as_deref(),
            device,
            observer: bars,
            wall_time_s,
            force: whole.force,
        };
        rounds.push((organs, round::run(&protocol, &place)?));
    }
    results::write(out, experiment, &rounds)?;
    provenance::write(out, experiment, &store, device)?;
    pictures::write(out, &store, &split, &rounds, bars)?;
    Ok(Finished { done, rounds })
}

/// The cohort, prepared.
pub(crate) struct Ground {
    pub(crate) store: Store,
    /// The organs to train.
    pub(crate) organs: Vec<Organ>,
    /// Whether all scans are in the store.
    pub(crate) done: Done,
}

/// Prepares the store in `out`, or finds it prepared.
pub(crate) fn ground(experiment: &Experiment, out: &Path, bars: &Bars) -> anyhow::Result<Ground> {
    let manifest = read_manifest(experiment)?;
    let report = prepare_store(&manifest, experiment, &out.join("store"), bars)?;
    let store = Store::open(out.join("store"))?;
    let organs = trained_organs(experiment, store.organs())?;
    let done = if report.failures.is_empty() {
        Done::Clean
    } else {
        Done::Findings
    };
    Ok(Ground {
        store,
        organs,
        done,
    })
}

/// Reads the experiment's cohort.
pub(crate) fn read_manifest(experiment: &Experiment) -> anyhow::Result<Manifest> {
    let cohort = &experiment.cohort;
    Ok(manifest::read(
        &cohort.path,
        cohort.layout,
        cohort.labels.as_ref(),
    )?)
}

/// Prepares the store and tells which scans are not in it.
pub(crate) fn prepare_store(
    manifest: &Manifest,
    experiment: &Experiment,
    dir: &Path,
    bars: &Bars,
) -> anyhow::Result<PrepareReport> {
    for note in &manifest.notes {
        bars.line(&format!("note: {note}"));
    }
    bars.begin("prepare", manifest.cases.len() as u64, 0);
    let progress = |progress: hardslice_data::Progress<'_>| {
        bars.advance(progress.n_over as u64);
    };
    let report = prepare(manifest, &experiment.prepare, dir, &progress)?;
    bars.end();
    for failure in &report.failures {
        let causes = crate::causes(&failure.error);
        bars.line(&format!("not in the store: {}: {causes}", failure.case));
    }
    Ok(report)
}

/// The organs to train: those that the experiment names, or all of the cohort's.
pub(crate) fn trained_organs(
    experiment: &Experiment,
    cohort: &OrganMap,
) -> anyhow::Result<Vec<Organ>> {
    if experiment.organs.is_empty() {
        return Ok(cohort.organs().cloned().collect());
    }
    for organ in &experiment.organs {
        if cohort.index_of(organ).is_none() {
            return Err(anyhow!(
                "the organ `{organ}` is not in the cohort, which has {cohort}"
            ));
        }
    }
    Ok(experiment.organs.clone())
}

/// Makes the split, or reads the one that is there.
pub(crate) fn make_split(
    experiment: &Experiment,
    store: &Store,
    organs: &[Organ],
    path: &Path,
    bars: &Bars,
) -> anyhow::Result<Split> {
    let facts = facts(store, organs);
    let split = if path.exists() {
        let split = Split::load(path, &facts)?;
        if split.store_blake3 != store.content_hash() || split.options != experiment.split {
            return Err(anyhow!(
                "{} was made for another store or with other options: take another --out folder, \
                 or delete it and the trainings beside it",
                path.display()
            ));
        }
        split
    } else {
        let split = Split::make(&facts, &experiment.split, store.content_hash())?;
        split.save(path)?;
        split
    };
    for warning in &split.warnings {
        bars.line(&format!("warning: {warning}"));
    }
    bars.line(&format!(
        "split: {} test, {} validation, {} A, {} B scans",
        split.test.len(),
        split.validation.len(),
        split.a.len(),
        split.b.len()
    ));
    Ok(split)
}

/// The organs of each net: one net for all, or one each.
pub(crate) fn nets(experiment: &Experiment, organs: &[Organ]) -> Vec<Vec<Organ>> {
    if experiment.one_net {
        return vec![organs.to_vec()];
    }
    organs.iter().map(|organ| vec![organ.clone()]).collect()
}

/// The folder of a net: `liver`, or `liver+kidney`.
pub(crate) fn folder_of(organs: &[Organ]) -> String {
    organs
        .iter()
        .map(Organ::as_str)
        .collect::<Vec<_>>()
        .join("+")
}

/// What a round of these organs is.
pub(crate) fn protocol(experiment: &Experiment, organs: Vec<Organ>) -> anyhow::Result<Protocol> {
    let init_blake3 = experiment.init.as_ref().map(|path| {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the first weights {}", path.display()))?;
        Ok::<_, anyhow::Error>(blake3::hash(&bytes).to_hex().to_string())
    });
    Ok(Protocol {
        organs,
        net: experiment.net.clone(),
        final_net: experiment.final_net.clone(),
        train: experiment.train.clone(),
        mining: experiment.mining,
        balance: experiment.balance,
        predict: experiment.predict,
        score: experiment.score,
        arms: experiment.arms.clone(),
        seed: experiment.seed,
        init_blake3: init_blake3.transpose()?,
    })
}
