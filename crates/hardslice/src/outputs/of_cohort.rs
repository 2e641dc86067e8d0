//! What a command that prepares a cohort may write where.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::manifest::{Case, Manifest, PatientRule};
use hardslice_data::split::Rule;
use hardslice_data::store::record_path;

use super::{refuse_around, refuse_over_inputs, refuse_within, resolved};
use crate::experiment::Experiment;
use crate::layout::{OutDir, audit_table};

/// Refuses to write over the experiment's own file, or over the weights that it begins with. The
/// file that a run has left, with every value spelt out, is written again as it is.
pub(crate) fn refuse_over_experiment(
    path: &Path,
    experiment: &Experiment,
    out: &OutDir,
) -> anyhow::Result<()> {
    if let Some(init) = &experiment.init
        && let Some(dir) = init.parent()
        && resolved(dir) != resolved(out.path())
    {
        // Whatever lies deeper may be a net of the folder's own.
        refuse_around(out.path(), init)?;
    }
    let spelt_out = experiment.to_toml()?;
    let is_spelt_out = fs::read(path).is_ok_and(|text| text == spelt_out.as_bytes());
    if is_spelt_out {
        return Ok(());
    }
    refuse_over_inputs(out.files_written(), [path.to_owned()])
}

/// The lists that an experiment names beside the scans: the cohort's, that of the folds, that of the
/// patients; and the weights that it begins with.
pub(crate) fn inputs_of_experiment(experiment: &Experiment) -> Vec<PathBuf> {
    let of_rule = match &experiment.split.rule {
        Rule::Table { path } | Rule::NnUnet { path, .. } => Some(path.clone()),
        _ => None,
    };
    let of_patients = match experiment.cohort.patient_rule() {
        Some(PatientRule::Table(path)) => Some(path),
        _ => None,
    };
    let list = list_of(&experiment.cohort.path);
    let others = [of_rule, of_patients, experiment.init.clone()];
    std::iter::once(list)
        .chain(others.into_iter().flatten())
        .collect()
}

/// The file that lists a cohort: itself, or the one in its folder.
fn list_of(cohort: &Path) -> PathBuf {
    if cohort.is_dir() {
        cohort.join("dataset.json")
    } else {
        cohort.to_owned()
    }
}

/// Refuses an output folder in which a part of the cohort would be written over, or would look like
/// a part of it the next time.
///
/// `store` is where the prepared cohort goes, `written` what else the command leaves.
pub(crate) fn refuse_over_cohort(
    manifest: &Manifest,
    experiment: &Experiment,
    store: &Path,
    written: impl IntoIterator<Item = PathBuf>,
) -> anyhow::Result<()> {
    let scans = || {
        let cases = manifest.cases.iter();
        cases.flat_map(Case::inputs)
    };
    let place = resolved(store);
    if let Some(inside) = scans().find(|path| resolved(path).starts_with(&place)) {
        return Err(anyhow!(
            "{} is where the prepared cohort is written, and a part of the cohort itself lies there: \
             name another --out ({})",
            store.display(),
            inside.display()
        ));
    }
    // A series, a folder of masks.
    for folder in scans().filter(|path| path.is_dir()) {
        refuse_within(store, folder)?;
    }
    let inputs = scans().cloned().chain([list_of(&manifest.source)]);
    let inputs = inputs.chain(inputs_of_experiment(experiment));
    let of_store = [record_path(store), audit_table(store)];
    refuse_over_inputs(written.into_iter().chain(of_store), inputs)
}
