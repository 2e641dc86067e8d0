//! A plan as other programs take it, a ledger, a model, and a list of labels to be corrected.

pub(crate) mod corrections;
mod fiftyone;
mod monai;
mod nnunet;
pub(crate) mod onnx;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::balance::{Plan, PlanEntry};
use hardslice_data::mining::read_plan;
use hardslice_data::split::{Fold, Split};
use hardslice_data::store::{Store, StoredCase};
use hardslice_data::{CaseId, Organ, SliceRef, StoreOrgan};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, Placement, describe_labels};
use serde::Serialize;

use crate::bars::Bars;
use crate::cohort::refuse_other_split;
use crate::experiment::Experiment;
use crate::layout::OutDir;
use crate::outputs;

pub(crate) use fiftyone::LedgerExport;

/// What a plan is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    /// A row a slice with its weight.
    Csv,
    /// A dataset of slices with its splits.
    Nnunet,
    /// A datalist.
    Monai,
}

/// A plan, and what it is a plan of.
#[derive(Debug)]
pub(crate) struct Export {
    store: Store,
    plan: Plan,
    split: Split,
    plan_file: PathBuf,
    split_file: PathBuf,
    /// Trained organs, by their places in the store.
    organs: Vec<StoreOrgan>,
}

/// Where a slice lies in its files.
#[derive(Debug, Clone, Copy, Serialize)]
struct FileSlice {
    /// Voxel axis of the file that runs along the body, 0 to 2.
    axis: usize,
    /// Slice along it, from 0.
    index: usize,
}

impl Export {
    /// Reads what a run left: the plan of an arm, its cohort and its folds.
    pub(crate) fn read(
        store: &Path,
        split: &Path,
        plan: &Path,
        organs: &[Organ],
    ) -> anyhow::Result<Self> {
        let store = Store::open(store)?;
        let (plan_file, split_file) = (plan.to_owned(), split.to_owned());
        let split = Split::read(split)?;
        refuse_other_split(&split, &split_file, &store)?;
        let plan = read_plan(plan, &store)?;
        refuse_held_out(&plan, &store, &split, &plan_file)?;
        let place = |organ: &Organ| {
            let place = store.organ_of(organ);
            place.ok_or_else(|| anyhow!("the cohort has no {organ}; it has {}", store.organs()))
        };
        let organs = organs
            .iter()
            .map(place)
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self {
            store,
            plan,
            split,
            plan_file,
            split_file,
            organs,
        })
    }

    /// Refuses an output that is a scan of the cohort, or a folder in which such lie: the dataset
    /// that the cohort was read from has a `dataset.json` and a `splits_final.json` of its own.
    fn refuse_over_inputs(&self, format: PlanFormat, out: &Path) -> anyhow::Result<()> {
        let cases = self.store.cases().iter();
        let scans = cases.flat_map(|case| case.source.inputs());
        let lists = [&self.plan_file, &self.split_file].into_iter().cloned();
        let lists = lists.chain(self.lists_of_cohort());
        match format {
            PlanFormat::Csv | PlanFormat::Monai => {
                let read = lists.chain([self.store.dir().to_owned()]);
                outputs::refuse_over_inputs([out.to_owned()], scans.cloned().chain(read))?;
                outputs::refuse_among_records(out)?;
                match format {
                    PlanFormat::Csv => {
                        outputs::refuse_over_other_tables(out, &weights::COLUMNS.join(","))
                    }
                    _ => outputs::refuse_over_other_json(out, monai::is_own),
                }
            }
            PlanFormat::Nnunet => {
                outputs::refuse_within(out, self.store.dir())?;
                let read = scans.cloned().chain([self.store.dir().to_owned()]);
                let mut read = read.chain(lists);
                read.try_for_each(|path| outputs::refuse_around(out, &path))?;
                outputs::refuse_in_round(out)?;
                outputs::refuse_over_other_json(&out.join("dataset.json"), nnunet::is_own)
            }
        }
    }

    /// The lists that the cohort of a run was read from, where the store is a run's own.
    fn lists_of_cohort(&self) -> Vec<PathBuf> {
        let of_run = self.store.dir().parent().map(OutDir::new);
        let experiment = of_run.map(|out| out.experiment());
        // A store without an experiment beside it does not say which list it was prepared from.
        let experiment = experiment.and_then(|path| Experiment::read(&path).ok());
        experiment.map_or(Vec::new(), |experiment| {
            outputs::inputs_of_experiment(&experiment)
        })
    }

    /// The other programs read the scans themselves.
    fn check_files(&self) -> anyhow::Result<()> {
        let cases = self
            .plan
            .entries()
            .iter()
            .map(|entry| self.case(entry.slice));
        let mut sources = cases.map(|case| &case.source);
        let lost = sources.find(|source| {
            let labels = source.labels.iter();
            !labels.chain([&source.image]).all(|path| path.exists())
        });
        match lost {
            None => Ok(()),
            Some(source) => Err(anyhow!(
                "the scan or its labels are not where the cohort was prepared from: {}. Paths in a \
                 manifest that are not absolute count from the folder that the program ran in: run \
                 this there, too, or prepare the cohort again",
                source.image.display()
            )),
        }
    }

    /// Writes the plan.
    pub(crate) fn write(&self, format: PlanFormat, out: &Path, bars: &Bars) -> anyhow::Result<()> {
        self.check_files()?;
        self.refuse_over_inputs(format, out)?;
        match format {
            PlanFormat::Csv => weights::write(self, out),
            PlanFormat::Nnunet => nnunet::write(self, out, bars),
            PlanFormat::Monai => monai::write(self, out),
        }
    }

    fn case(&self, slice: SliceRef) -> &StoredCase {
        &self.store.cases()[slice.case()]
    }

    /// The names of the exported organs; their labels are their places here plus one.
    fn organ_names(&self) -> impl Iterator<Item = &Organ> {
        self.organs.iter().map(|organ| self.store.organ(*organ))
    }

    /// The cases of a fold in which every exported organ is annotated, by their places.
    fn cases_of(&self, fold: Fold) -> Vec<usize> {
        let cases = self.store.cases().iter().enumerate();
        cases
            .filter(|(_, case)| self.split.fold_of(&case.id) == Some(fold) && self.is_whole(case))
            .map(|(place, _)| place)
            .collect()
    }

    /// Whether every exported organ is annotated in a case.
    fn is_whole(&self, case: &StoredCase) -> bool {
        self.organ_names().all(|organ| case.is_annotated(organ))
    }

    /// Other programs know no organ that nobody looked for: they would learn that it is absent.
    fn check_annotations(&self) -> anyhow::Result<()> {
        let mut slices = self.plan.entries().iter().map(|entry| entry.slice);
        match slices.find(|slice| !self.is_whole(self.case(*slice))) {
            None => Ok(()),
            Some(slice) => Err(anyhow!(
                "not every organ is annotated in `{}`, and elsewhere what is not annotated counts \
                 as background: export one organ at a time",
                self.case(slice).id
            )),
        }
    }

    fn file_slice(&self, slice: SliceRef) -> FileSlice {
        FileSlice::of(&self.case(slice).placement, slice.place())
    }
}

/// Refuses a plan that shows slices of patients who are held out.
fn refuse_held_out(plan: &Plan, store: &Store, split: &Split, file: &Path) -> anyhow::Result<()> {
    let cases = plan
        .entries()
        .iter()
        .map(|entry| &store.cases()[entry.slice.case()].id);
    let is_trained = |case: &CaseId| matches!(split.fold_of(case), Some(Fold::A | Fold::B));
    match cases.into_iter().find(|case| !is_trained(case)) {
        None => Ok(()),
        Some(case) => Err(anyhow!(
            "the plan shows slices of `{case}`, which is neither in A nor in B of the split: what is tested \
             or validated on must not be trained on; give the split that it was mined with, or mine a \
             cohort without those patients ({})",
            file.display()
        )),
    }
}

/// How the labels of a case lie in their file, which may have other axes than the scan's; `None` without
/// labels.
///
/// # Errors
///
/// They cannot be read, or hold a part of the scan alone.
fn label_placement(case: &StoredCase) -> anyhow::Result<Option<Placement>> {
    let Some(path) = &case.source.labels else {
        return Ok(None);
    };
    // Frames of a DICOM segmentation lie on the voxels of their scan.
    let placement = describe_labels(path)?.placement.unwrap_or(case.placement);
    if placement.canonical.shape == case.placement.canonical.shape {
        return Ok(Some(placement));
    }
    Err(anyhow!(
        "the labels of `{}` hold a part of the scan alone, so that no slice of theirs can be named: write \
         them on the scan's grid ({})",
        case.id,
        path.display()
    ))
}

impl FileSlice {
    /// Slice `z`, from the feet up, in a file that lies so.
    fn of(placement: &Placement, z: usize) -> Self {
        let native = placement.native_index([0, 0, z]);
        // Canonical z comes from one axis of the file.
        let axis = placement.orientation.sources_xyz()[2].axis;
        Self {
            axis,
            index: native[axis],
        }
    }
}

/// How often a slice is listed where programs count instead of weigh.
fn copies(entry: &PlanEntry) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, small"
    )]
    let rounded = entry.weight.round() as usize;
    rounded.max(1)
}

fn write_json(path: &Path, value: &serde_json::Value) -> anyhow::Result<()> {
    let written = write_whole_bytes(path, format!("{value:#}\n").as_bytes());
    Ok(written.map_err(Action::Write.on(path))?)
}
