//! The cohort of an experiment: read, prepared, split.

use std::path::Path;

use anyhow::anyhow;
use hardslice::experiment::Experiment;
use hardslice_data::manifest::{self, Manifest};
use hardslice_data::split::{Split, facts};
use hardslice_data::store::{PrepareReport, Store, prepare};
use hardslice_data::{Mirror, Organ, OrganMap};

use crate::Done;
use crate::bars::Bars;
use crate::layout::OutDir;

/// A cohort, prepared.
pub(crate) struct PreparedCohort {
    pub(crate) store: Store,
    /// The organs to train.
    pub(crate) organs: Vec<Organ>,
    /// Whether all scans are in the store.
    pub(crate) done: Done,
}

impl PreparedCohort {
    /// Prepares the store in `out`, or finds it prepared.
    pub(crate) fn prepare(
        experiment: &Experiment,
        out: &OutDir,
        bars: &Bars,
    ) -> anyhow::Result<Self> {
        let manifest = read_manifest(experiment)?;
        let report = prepare_store(&manifest, experiment, &out.store(), bars)?;
        let store = Store::open(out.store())?;
        let organs = trained_organs(experiment, store.organs())?;
        tell_what_is_not_mirrored(&store, &organs, bars);
        let done = if report.failures.is_empty() {
            Done::Clean
        } else {
            Done::Findings
        };
        Ok(Self {
            store,
            organs,
            done,
        })
    }
}

/// Says which organs keep slices from being mirrored.
fn tell_what_is_not_mirrored(store: &Store, organs: &[Organ], bars: &Bars) {
    let known = store.organs();
    for organ in organs {
        let mirror = known.index_of(organ).map(|idx| known.mirror(idx));
        if let Some(Mirror::Missing { twin }) = mirror {
            bars.line(&format!(
                "warning: slices are not mirrored for a net that finds `{organ}`: mirrored, it would be \
                 `{twin}`, which the organ map does not have; name both to have slices mirrored"
            ));
        }
    }
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
