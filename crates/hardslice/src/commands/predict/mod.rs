//! `hardslice predict`: label maps of new scans.

mod job;
mod predicted;
mod told;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use hardslice_data::audit::intensity_findings;
use hardslice_data::preprocess::ScanSlices;
use hardslice_data::{Share, voxels_blake3};
use hardslice_train::{Model, SliceConfidence, predict, write_confidence};
use hardslice_volume::dicom::{Maker, SourceSeries, write_rtstruct, write_seg};
use hardslice_volume::{Placement, Structure, read_scan_series, write_structures};

use self::job::Job;
use self::predicted::{Predicted, identity_of};
use self::told::tell_of_table;
use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::done::Done;
use crate::folder_lock::Held;
use crate::layout::{confidence_beside, share_beside};
use crate::outputs::{LabelFormat, LabelsOut};
use crate::provenance;
use crate::provenance::MadeOf;
use crate::structures::StructureTable;

/// Predict label maps of new scans, on the scans' own grids.
///
/// A model's folder needs nothing else: it holds weights, net, organs and preprocessing, and its
/// model.json tells which value is which organ.
///
/// --out is a file where its name ends like one (.nii.gz, .nii, .nrrd, .seg.nrrd, .mha, .mhd), else a
/// folder, in which each label map is called after its scan, NAME.nii.gz or as --format says. Nothing
/// that is read is written over.
///
/// Beside each label map goes NAME.confidence.csv, a row for each slice and organ: the Dice to be
/// expected of what was found (`expected_dice`) or, where nothing was, the chance that the organ is there
/// (missed), and whether a person should look at the slice (look). Both are calibrated on the
/// patients that the training held out for validation.
///
/// --format dicom-seg writes a DICOM segmentation of a DICOM series, --format rtstruct a structure set
/// with contours along the edges of pixels: patient, study and frame of
/// reference are the series', dates too; UIDs follow from series, model and labels (2.25....), so that
/// the same input gives the same file.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The model's folder, as training leaves it.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// A scan (NIfTI, NRRD or MetaImage file, or folder with a DICOM series), or a folder of such
    /// files.
    #[arg(long, value_name = "SCAN_OR_FOLDER")]
    input: PathBuf,
    /// The DICOM series to predict, where the folder holds several: its `SeriesInstanceUID`.
    #[arg(long, value_name = "UID")]
    series: Option<String>,
    /// The label map, or the folder for those of a folder of scans.
    #[arg(long, value_name = "FILE_OR_FOLDER")]
    out: PathBuf,
    /// Write over label maps that are there and that no earlier `predict` is known to have written, or that
    /// were edited since.
    #[arg(long)]
    overwrite: bool,
    /// The format, where the name of a file does not say it.
    #[arg(long, value_enum)]
    format: Option<LabelFormat>,
    /// Codes and colours of organs that the program does not know, or should show otherwise, for
    /// formats that hold them: a table with the columns
    /// organ,scheme,code,meaning,side,color.
    #[arg(long, value_name = "FILE.csv")]
    structures: Option<PathBuf>,
    /// Predict this share of a folder of scans alone, as 2/5, the second of five; others are predicted by
    /// other processes, on any machine that sees the folders, at the same time or not. Whichever comes
    /// last writes the provenance of all: then what is there has the bytes of one run. All on one
    /// instruction set: --instructions.
    #[arg(long = "part", value_name = "K/N")]
    share: Option<Share>,
    /// Keep only each organ's largest connected component.
    #[arg(long)]
    largest_component: bool,
    /// Average over the slice as it is, flipped, and mirrored, as far as the net was trained on such
    /// slices: up to three times the work.
    #[arg(long)]
    flip_averaging: bool,
    #[command(flatten)]
    device: DeviceArg,
}

impl Predict {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let table = StructureTable::read(self.structures.as_deref())?;
        let out = LabelsOut::of(&self.out, self.format)?;
        let jobs = self.jobs(&out)?;
        self.tell_of_folders(&jobs, bars);
        let device = self.device.open()?;
        let model = Model::read(&self.model, &device)?;
        let structures = table.of_model(&model.record);
        if out.format() == LabelFormat::DicomSeg {
            table.refuse_without_code(&structures)?;
        }
        tell_of_table(&table, &model.record, bars);
        let into_a_folder = jobs.iter().any(|job| job.out != self.out);
        if self.share.is_some() && !into_a_folder {
            return Err(anyhow!(
                "--part divides a folder of scans, and this is one scan: {}",
                self.input.display()
            ));
        }
        let _held = into_a_folder
            .then(|| Held::of(&self.out, self.share))
            .transpose()?;
        self.tell_of_model(&model.record, bars);
        let found = self.all(&model, &jobs, &structures, bars)?;
        let settings = (
            self.largest_component,
            self.flip_averaging,
            &self.series,
            out.format(),
        );
        let Some(Predicted {
            notes, n_failed, ..
        }) = self.joined(found, &identity_of(&model, &settings, &jobs), bars)?
        else {
            return Ok(Done::Clean);
        };
        if n_failed == jobs.len() {
            return Err(anyhow!("none of the {n_failed} scans could be predicted"));
        }
        let scans = jobs.iter().map(|job| job.scan.path.as_path());
        let read = std::iter::once(self.model.as_path()).chain(self.structures.as_deref());
        let inputs: Vec<&Path> = read.chain(scans).collect();
        let made_of = MadeOf {
            command: "predict",
            settings: &settings,
            inputs: &inputs,
            notes: &notes,
        };
        let outputs = self.outputs(&jobs)?;
        provenance::of_command_that_left(&outputs, &self.out, &made_of, &device)?;
        if let Some(share) = self.share {
            let path = |share| share_beside(&self.out, share);
            share.clear(|share| path(share).expect("its provenance stands beside it"))?;
        }
        Ok(if n_failed == 0 && !notes.has_errors() {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    /// Predicts the scans, or those of a share, and tells what there is to say of them.
    fn all(
        &self,
        model: &Model,
        jobs: &[Job],
        structures: &[Structure],
        bars: &Bars,
    ) -> anyhow::Result<Predicted> {
        let of_share = self
            .share
            .map_or(0..jobs.len(), |share| share.range(jobs.len()));
        let mut found = Predicted::default();
        for job in &jobs[of_share] {
            match self.one(model, job, structures, bars, &mut found) {
                Ok(of_scan) => {
                    found.looks.add(&job.scan.name, of_scan);
                    if self.share.is_some() {
                        found.files.extend(job.hashes()?);
                    }
                }
                // The only one: its error is the command's.
                Err(error) if jobs.len() == 1 => return Err(error),
                // A disk that takes this one no more takes none of the others.
                Err(error) if crate::causes::is_refused_writing(&error) => return Err(error),
                Err(error) => {
                    found.n_failed += 1;
                    bars.line(&format!(
                        "not predicted: {}",
                        crate::causes::causes(error.as_ref())
                    ));
                }
            }
        }
        found.notes.tell(bars);
        found.looks.tell(bars);
        if let Some(first) = found.trained_on.first() {
            bars.tell(&format!(
                "note: the model was trained on {} of these scans, as {first}: how well it predicts them \
                 says nothing of new patients",
                found.trained_on.len()
            ));
        }
        Ok(found)
    }

    fn one(
        &self,
        model: &Model,
        job: &Job,
        structures: &[Structure],
        bars: &Bars,
        found: &mut Predicted,
    ) -> anyhow::Result<Vec<SliceConfidence>> {
        let scan = read_scan_series(&job.scan.path, self.series.as_deref())?;
        if let Err(sheared) = scan.volume.grid().measured_spacing_mm() {
            let name = &job.scan.name;
            bars.line(&format!(
                "warning: {name}: slices are predicted as they lie; {sheared}"
            ));
        }
        let series = self.series_of(job, &scan.placement)?;
        let preprocessing = model.record.preprocessing();
        let odd = intensity_findings(scan.volume.voxels(), preprocessing.window_hu);
        found.notes.add_of_scan(&job.scan.name, odd);
        let source = ScanSlices::new(&scan.volume, preprocessing)?;
        let mut options = model.record.predict;
        options.largest_component |= self.largest_component;
        options.flip_averaging |= self.flip_averaging;
        bars.begin(
            &format!("predict {}", job.scan.name),
            scan.volume.shape().z as u64,
            0,
        );
        let predicted = predict(model, &source, &options, &|done| bars.advance(done as u64))?;
        let labels = &predicted.labels;
        let written = match &series {
            None => {
                write_structures(&job.out, labels, &scan.placement, structures)?;
                Vec::new()
            }
            Some(series) => {
                let maker = Maker {
                    version: env!("CARGO_PKG_VERSION"),
                    model: &model.record.weights_blake3,
                };
                let write = match job.format {
                    LabelFormat::Rtstruct => write_rtstruct,
                    _ => write_seg,
                };
                write(&job.out, labels, series, structures, &maker)?
            }
        };
        let confidence = model.record.confidence.as_ref();
        let slices = confidence.map(|known| known.of_slices(&model.record, &predicted));
        let slices = slices.unwrap_or_default();
        if confidence.is_some() {
            write_confidence(&confidence_beside(&job.out), &job.scan.name, &slices)?;
        }
        bars.end();
        found.notes.add(&scan.notes);
        found.notes.add(&written);
        let trained_on = &model.record.trained_on;
        if !trained_on.is_empty() && trained_on.contains(&voxels_blake3(&scan.volume)) {
            found.trained_on.push(job.scan.name.clone());
        }
        Ok(slices)
    }

    /// What the label map is derived from, where its format says so.
    fn series_of(&self, job: &Job, placement: &Placement) -> anyhow::Result<Option<SourceSeries>> {
        if !job.format.is_of_series() {
            return Ok(None);
        }
        let path = &job.scan.path;
        let series = SourceSeries::read(path, self.series.as_deref())?;
        if !series.is_of(placement) {
            return Err(anyhow!(
                "the series was changed while it was read: {}",
                path.display()
            ));
        }
        Ok(Some(series))
    }
}
