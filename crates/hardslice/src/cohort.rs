//! The cohort of an experiment: read, prepared, split.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hardslice_data::audit::{Accepted, AuditReport, AuditRow, Kind, Severity};
use hardslice_data::manifest::{self, Manifest, ReadOptions};
use hardslice_data::split::{Split, SplitOptions, facts, listed_facts};
use hardslice_data::store::{Existing, PrepareReport, Store, prepare_over};
use hardslice_data::{CaseId, Mirror, Organ, OrganMap};
use hardslice_eval::compare::counted;
use hardslice_train::net::Net;
use hardslice_train::{ComputeDevice, warm_start};

use crate::bars::Bars;
use crate::done::Done;
use crate::experiment::Experiment;
use crate::folder_lock::{FolderLock, Held, SharedFolder};
use crate::layout::{OutDir, audit_table, check_organ};
use crate::outputs::refuse_over_cohort;

/// A cohort, prepared.
pub(crate) struct PreparedCohort {
    pub(crate) store: Store,
    /// The organs to train.
    pub(crate) organs: Vec<Organ>,
    /// What was noted and found while it was read.
    pub(crate) findings: Findings,
    /// Whether all scans are in the store.
    pub(crate) done: Done,
    /// `prepare` has no business in this store until the work is done.
    _held: Held,
}

/// What a person should know of a cohort: kept beside the results.
pub(crate) struct Findings {
    /// What its list says.
    pub(crate) notes: Vec<String>,
    /// What its scans and labels show.
    pub(crate) audit: AuditReport,
}

impl PreparedCohort {
    /// Prepares the store in `out`, or finds it prepared. What can be refused before a scan is read
    /// is refused then: folds that the cohort's patients do not give, organs that it does not have,
    /// weights to begin with that do not fit.
    pub(crate) fn prepare(
        experiment: &Experiment,
        out: &OutDir,
        bars: &Bars,
    ) -> anyhow::Result<Self> {
        let manifest = read_manifest(experiment)?;
        let organs = trained_organs(experiment, &manifest.organs)?;
        listed_folds(&manifest, experiment, &organs)?;
        check_first_weights(experiment, &organs)?;
        refuse_over_cohort(&manifest, experiment, &out.store(), out.files_written())?;
        let lock = FolderLock::of(&out.store())?;
        let report = if rests_on_store(out)? {
            prepare_store(Existing::Keep, &manifest, experiment, &out.store(), bars)
                .context("take another --out folder, or delete the results there")?
        } else {
            prepare_store(Existing::Replace, &manifest, experiment, &out.store(), bars)?
        };
        let store = Store::open(out.store())?;
        if experiment.train.flip_mode.shows_mirrored() {
            tell_what_is_not_mirrored(&store, &organs, bars);
        }
        let done = if report.failures.is_empty() {
            Done::Clean
        } else {
            Done::Findings
        };
        Ok(Self {
            store,
            organs,
            findings: Findings {
                notes: manifest.notes,
                audit: report.audit,
            },
            done,
            _held: Held::Alone(lock),
        })
    }

    /// Opens the store in `out`, which was prepared before, beside any number of others that do. No
    /// scan and no list of the cohort is opened, nothing is written, and of the store's files no more
    /// is read than its record: they are mapped.
    ///
    /// Fails when there is no finished store, or an organ that is to be trained is not in it.
    pub(crate) fn open(experiment: &Experiment, out: &OutDir) -> anyhow::Result<Self> {
        let lock = SharedFolder::of(&out.store())?;
        let store = Store::open(out.store())?;
        let organs = trained_organs(experiment, store.organs())?;
        Ok(Self {
            store,
            organs,
            findings: Findings {
                notes: Vec::new(),
                audit: AuditReport {
                    cases: Vec::new(),
                    n_errors: 0,
                    n_warnings: 0,
                    n_notes: 0,
                },
            },
            done: Done::Clean,
            _held: Held::Shared(lock),
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

/// Whether what was trained in a folder rests on the store that is there. One that is damaged, or that
/// somebody replaced, is none to be kept.
fn rests_on_store(out: &OutDir) -> anyhow::Result<bool> {
    let Ok(store) = Store::open(out.store()) else {
        return Ok(false);
    };
    let is_of_store = |path: &PathBuf| {
        let split = Split::read(path);
        split.is_ok_and(|split| split.store_blake3 == store.content_hash())
    };
    Ok(out.splits()?.iter().any(is_of_store))
}

/// Refuses a prepared cohort that the experiment would have prepared otherwise, and folds that were made of
/// another one.
pub(crate) fn refuse_other_store(
    experiment: &Experiment,
    store: &Store,
    split: Option<(&Split, &Path)>,
) -> anyhow::Result<()> {
    let cohort = &experiment.cohort;
    let changes = store.changes(&experiment.prepare, cohort.labels.as_ref(), &cohort.ignore);
    if !changes.is_empty() {
        return Err(anyhow!(
            "the experiment would prepare another cohort than that in {}: {}; give the experiment that it was \
             prepared with, or prepare anew",
            store.dir().display(),
            changes.join("; ")
        ));
    }
    split.map_or(Ok(()), |(split, path)| {
        refuse_other_split(split, path, store)
    })
}

/// Refuses folds that were made of another prepared cohort.
pub(crate) fn refuse_other_split(split: &Split, path: &Path, store: &Store) -> anyhow::Result<()> {
    if split.store_blake3 == store.content_hash() {
        return Ok(());
    }
    Err(anyhow!(
        "{} was made for another prepared cohort than that in {}, with other scans, labels or settings: give \
         those that belong together, or make it anew with `hardslice split` (rule = {{ table = ... }} keeps \
         folds that a table lists)",
        path.display(),
        store.dir().display()
    ))
}

/// Reads the experiment's cohort.
pub(crate) fn read_manifest(experiment: &Experiment) -> anyhow::Result<Manifest> {
    let cohort = &experiment.cohort;
    let patients = cohort.patient_rule();
    let options = ReadOptions {
        layout: cohort.layout,
        organs: cohort.labels.as_ref(),
        patients: patients.as_ref(),
        ignored_labels: &cohort.ignore,
    };
    Ok(manifest::read_with(&cohort.path, &options)?)
}

/// Weights to begin with fit each net that an experiment trains, told before a scan is read.
fn check_first_weights(experiment: &Experiment, organs: &[Organ]) -> anyhow::Result<()> {
    let Some(path) = &experiment.init else {
        return Ok(());
    };
    let n_outputs = if experiment.one_net { organs.len() } else { 1 };
    let device = ComputeDevice::default().open()?;
    for config in std::iter::once(&experiment.net).chain(&experiment.final_net) {
        let net = Net::new(config, n_outputs, experiment.training_seed(), &device);
        warm_start(net, path)?;
    }
    Ok(())
}

/// Prepares the store and tells which scans are not in it and what the audit found, once for each
/// kind.
///
/// # Errors
///
/// When no label shows an organ that is to be trained, or the audit found errors that the experiment
/// does not accept: the cases are prepared, and the store is not finished.
pub(crate) fn prepare_store(
    existing: Existing,
    manifest: &Manifest,
    experiment: &Experiment,
    dir: &Path,
    bars: &Bars,
) -> anyhow::Result<PrepareReport> {
    for note in &manifest.notes {
        bars.tell(&format!("note: {note}"));
    }
    bars.begin("prepare", manifest.cases.len() as u64, 0);
    let progress = |progress: hardslice_data::Progress<'_>| {
        bars.advance(progress.n_over as u64);
    };
    let accepted = Accepted::Kinds(&experiment.cohort.accept);
    let options = &experiment.prepare;
    let report = prepare_over(existing, manifest, options, accepted, dir, &progress)?;
    bars.end();
    for failure in &report.failures {
        let causes = crate::causes::causes(&failure.error);
        bars.line(&format!("not in the store: {}: {causes}", failure.case));
    }
    report.audit.write_csv(&audit_table(dir))?;
    let said = report.audit.rows();
    // A scan that is not in the store has been named with the reason.
    let left_out: BTreeSet<&CaseId> = report
        .failures
        .iter()
        .map(|failure| &failure.case)
        .collect();
    let said = said.filter(|row| {
        row.severity != Severity::Error || accepted.has(row.kind) && !left_out.contains(row.case)
    });
    let (notes, warnings): (Vec<_>, Vec<_>) = said.partition(|row| row.severity == Severity::Note);
    for line in by_kind(notes) {
        bars.tell(&line);
    }
    for line in by_kind(warnings) {
        bars.line(&line);
    }
    check_organs(
        &report.audit,
        &trained_organs(experiment, &manifest.organs)?,
        &manifest.organs,
    )?;
    if report.n_refused == 0 {
        return Ok(report);
    }
    let refused: Vec<AuditRow<'_>> = report.audit.refused(accepted).collect();
    let kinds: BTreeSet<&str> = refused.iter().map(|row| row.kind.name()).collect();
    let acceptable: BTreeSet<&str> = refused
        .iter()
        .filter(|row| row.kind.can_be_accepted())
        .map(|row| row.kind.name())
        .collect();
    let accept: Vec<String> = acceptable
        .iter()
        .map(|kind| format!("\"{kind}\""))
        .collect();
    let accept = match accept.len() {
        0 => String::new(),
        _ => format!(
            ", or, where you know better, accept = [{}] in [cohort] of the experiment",
            accept.join(", ")
        ),
    };
    for line in by_kind(refused.iter().cloned()) {
        bars.line(&line);
    }
    Err(anyhow!(
        "the audit found {} in the cohort ({}), so that nothing is trained on it: repair what is \
         wrong{accept}; all that was found stands in {}",
        match refused.len() {
            1 => "1 error".to_owned(),
            n => format!("{n} errors"),
        },
        kinds.into_iter().collect::<Vec<_>>().join(", "),
        audit_table(dir).display()
    ))
}

/// Findings, a line for each kind: the first of them, and how many more cases have it.
fn by_kind<'a>(rows: impl IntoIterator<Item = AuditRow<'a>>) -> Vec<String> {
    let mut kinds: BTreeMap<(Severity, Kind), Vec<AuditRow<'a>>> = BTreeMap::new();
    for row in rows {
        kinds.entry((row.severity, row.kind)).or_default().push(row);
    }
    let line = |((severity, kind), rows): ((Severity, Kind), Vec<AuditRow<'a>>)| {
        let AuditRow {
            case, message, fix, ..
        } = &rows[0];
        let more = match rows.len() - 1 {
            0 => String::new(),
            n => format!("; {n} more of this kind"),
        };
        format!("{severity}: {kind}: {case}: {message} ({fix}){more}")
    };
    kinds.into_iter().map(line).collect()
}

/// The folds by the cohort's list alone; refused are those that it cannot give, before hours are spent
/// on its scans. Who is in A and who in B is not worked out.
pub(crate) fn listed_folds(
    manifest: &Manifest,
    experiment: &Experiment,
    organs: &[Organ],
) -> anyhow::Result<Split> {
    if manifest.cases.iter().all(|case| case.labels.is_none()) {
        return Err(no_labels(manifest.cases.len()));
    }
    let options = SplitOptions {
        // Which patients are most alike is not asked here.
        n_candidates: 1,
        ..experiment.split.clone()
    };
    let facts = listed_facts(manifest, organs);
    Split::make(&facts, &options, "").context("the cohort cannot be split as [split] says")
}

/// Refuses organs that no label file shows: a typing error in the organ map trains for nothing.
pub(crate) fn check_organs(
    audit: &AuditReport,
    organs: &[Organ],
    known: &OrganMap,
) -> anyhow::Result<()> {
    let labelled = || audit.cases.iter().filter(|case| !case.organs_ml.is_empty());
    if labelled().next().is_none() {
        return Err(no_labels(audit.cases.len()));
    }
    for organ in organs {
        let volumes = labelled().flat_map(|case| &case.organs_ml);
        let mut of_organ = volumes.filter(|(other, _)| other == organ);
        if of_organ.all(|(_, ml)| *ml <= 0.0) {
            let values: BTreeSet<u16> = labelled()
                .flat_map(|case| case.label_values.iter().copied())
                .collect();
            // A structure's value was given to it here, and says nothing to anybody.
            let named = |value: &u16| {
                let is_given = known
                    .entries()
                    .iter()
                    .any(|entry| entry.labels.contains(value));
                let names = known.label_names().iter();
                let mut of_value = names.filter(|(_, other)| *other == *value && !is_given);
                let name = of_value.next().map(|(name, _)| format!("`{name}`"));
                name.unwrap_or_else(|| value.to_string())
            };
            let values: Vec<String> = values.iter().map(named).collect();
            let entry = known.entries().iter().find(|entry| entry.organ == *organ);
            let by_names = entry.filter(|entry| entry.labels.is_empty());
            let has_numbers = values.iter().any(|value| value.parse::<u16>().is_ok());
            if let (Some(entry), true) = (by_names, has_numbers) {
                return Err(anyhow!(
                    "no case has a voxel of `{organ}`: it is given by names alone ({}), and label \
                     maps hold numbers (values found: {}); write the value that it has there, the \
                     one that dataset.json gives it where there is one, as `{organ} = [1]` in \
                     `labels` in [cohort]",
                    entry.structures.join(", "),
                    values.join(", ")
                ));
            }
            return Err(anyhow!(
                "no case has a voxel of `{organ}`: nothing can be learnt of it (values found: {}); \
                 correct `labels` in [cohort] (--label for a command without an experiment)",
                values.join(", ")
            ));
        }
    }
    Ok(())
}

fn no_labels(n_scans: usize) -> anyhow::Error {
    anyhow!(
        "no case of the cohort has labels that can be read: nothing can be learnt of its {}; \
         name the labels in a column `labels` of a table, or put them beside the scans \
         (NAME_seg.nii.gz, or images/ with labels/)",
        counted(n_scans, "scan")
    )
}

/// The organs to train: those that the experiment names, in any spelling, or all of the cohort's.
pub(crate) fn trained_organs(
    experiment: &Experiment,
    cohort: &OrganMap,
) -> anyhow::Result<Vec<Organ>> {
    let organs = organs_asked_for(experiment, cohort)?;
    organs.iter().try_for_each(check_organ)?;
    Ok(organs)
}

fn organs_asked_for(experiment: &Experiment, cohort: &OrganMap) -> anyhow::Result<Vec<Organ>> {
    if experiment.organs.is_empty() {
        return Ok(cohort.organs().cloned().collect());
    }
    let mut organs: Vec<Organ> = Vec::new();
    for name in &experiment.organs {
        let organ = cohort.organ_named(name.as_str()).ok_or_else(|| {
            anyhow!("the organ `{name}` is not in the cohort, which has {cohort}")
        })?;
        if organs.contains(organ) {
            return Err(anyhow!(
                "the organ `{name}` is to be trained twice: name it once"
            ));
        }
        organs.push(organ.clone());
    }
    Ok(organs)
}

/// Refuses test patients whose distances cannot be measured, before hours are spent on training.
fn check_upright(split: &Split, store: &Store) -> anyhow::Result<()> {
    for case in &split.test {
        let place = store.place_of(case.as_str());
        let grid = place.map(|place| store.cases()[place].placement.canonical);
        if let Some(Err(sheared)) = grid.map(|grid| grid.measured_spacing_mm()) {
            return Err(anyhow!(
                "the test case `{case}` cannot be scored in millimetres, so leave it out of the test \
                 set or mend it: {sheared}"
            ));
        }
    }
    Ok(())
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
        check_upright(&split, store)?;
        let changes = split.changes(&facts, &experiment.split, store.content_hash())?;
        if !changes.is_empty() {
            return Err(anyhow!(
                "{} was made for another store or with other options: take another --out folder, \
                 or delete it and the trainings beside it. Changed: {}",
                path.display(),
                changes.join("; ")
            ));
        }
        split
    } else {
        let split = Split::make(&facts, &experiment.split, store.content_hash())?;
        check_upright(&split, store)?;
        split.save(path)?;
        split
    };
    for warning in &split.warnings {
        bars.line(&format!("warning: {warning}"));
    }
    bars.tell(&format!(
        "split: {} test, {} validation, {} A, {} B scans",
        split.test.len(),
        split.validation.len(),
        split.a.len(),
        split.b.len()
    ));
    Ok(split)
}
