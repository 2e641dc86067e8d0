//! `hardslice predict`: label maps of new scans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use hardslice_data::preprocess::ScanSlices;
use hardslice_data::{Left, Share, identity, voxels_blake3};
use hardslice_train::{Model, ModelRecord, SliceConfidence, predict, write_confidence};
use hardslice_volume::dicom::{Maker, SourceSeries, write_rtstruct, write_seg};
use hardslice_volume::folder::visible_entries;
use hardslice_volume::whole_file::read_json_if_there;
use hardslice_volume::{
    Ending, Placement, Structure, files_written, read_scan_series, write_structures,
};

use serde::{Deserialize, Serialize};

use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::done::Done;
use crate::external::said_of_missing;
use crate::folder_lock::Held;
use crate::layout::{confidence_beside, provenance_beside, share_beside};
use crate::looks::Looks;
use crate::named_files::{NamedFile, folders_of_volumes, volumes_in};
use crate::notes::Notes;
use crate::outputs::{
    LabelFormat, LabelsOut, refuse_among, refuse_among_records, refuse_over_inputs, refuse_within,
};
use crate::provenance;
use crate::provenance::{MadeOf, ProvenanceError};
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
    /// Write over label maps that are there and that no earlier `predict` is known to have written.
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

/// A scan and where its label map goes.
struct Job {
    scan: NamedFile,
    out: PathBuf,
    format: LabelFormat,
}

/// What is known of scans that were predicted, beside their label maps.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Predicted {
    notes: Notes,
    n_failed: usize,
    looks: Looks,
    /// Scans that the model was trained on.
    trained_on: Vec<String>,
    /// Of a share: the hash of each scan that was predicted, and of what was written of it.
    files: Vec<(String, String)>,
}

impl Job {
    /// The hash of the scan, and of each file that was written of it.
    fn hashes(&self) -> Result<Vec<(String, String)>, ProvenanceError> {
        let written = files_written(&self.out).into_iter();
        let written = written.chain([confidence_beside(&self.out)]);
        let written: Vec<PathBuf> = written.filter(|path| path.exists()).collect();
        let written = written.iter().map(PathBuf::as_path);
        let all: Vec<&Path> = std::iter::once(self.scan.path.as_path())
            .chain(written)
            .collect();
        provenance::hashes(&all)
    }
}

impl Predicted {
    /// Refuses a share whose scans, or what was written of them, are no longer what they were.
    fn check_files(&self, share: Share) -> anyhow::Result<()> {
        for (path, hash) in &self.files {
            let now = provenance::hashes(&[Path::new(path)]).ok();
            if now.is_none_or(|now| now[0].1 != *hash) {
                return Err(anyhow!(
                    "{path} is gone, or no longer what it was when part {share} was predicted: predict \
                     that part again, which then joins them"
                ));
            }
        }
        Ok(())
    }
}

/// Hash of all that decides what every share of the scans leaves.
fn identity_of(model: &Model, settings: &impl Serialize, jobs: &[Job]) -> String {
    let scans: Vec<&str> = jobs.iter().map(|job| job.scan.name.as_str()).collect();
    let weights = (&model.record.weights_blake3, &model.record.confidence);
    identity(&(weights, settings, scans, model.net.arithmetic()))
}

/// Says what had to be assumed of `--structures`, and which of its rows are of no organ of the model.
fn tell_of_table(table: &StructureTable, record: &ModelRecord, bars: &Bars) {
    for note in &table.notes {
        bars.tell(&format!("note: --structures: {note}"));
    }
    let unused: Vec<&str> = table.unused(record).collect();
    if !unused.is_empty() {
        bars.tell(&format!(
            "note: --structures: the model does not find {}, so these rows play no part",
            unused.join(", ")
        ));
    }
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
        provenance::of_command(&self.out, &made_of, &device)?;
        if let Some(share) = self.share {
            let path = |share| share_beside(&self.out, share);
            share.clear(|share| path(share).expect("its provenance stands beside it"))?;
        }
        Ok(if n_failed == 0 {
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

    /// Says where volumes are passed over.
    fn tell_of_folders(&self, jobs: &[Job], bars: &Bars) {
        let are_in_a_folder = jobs.iter().any(|job| job.scan.path != self.input);
        if are_in_a_folder && let Some(first) = folders_of_volumes(&self.input).first() {
            bars.tell(&format!(
                "note: folders beside the scans are not looked into, and {} holds volumes",
                first.display()
            ));
        }
    }

    /// What was found in all shares, where none is missing; what was found here, where there are no
    /// shares.
    fn joined(
        &self,
        found: Predicted,
        identity: &str,
        bars: &Bars,
    ) -> anyhow::Result<Option<Predicted>> {
        let Some(share) = self.share else {
            return Ok(Some(found));
        };
        // Refused before, where it has none.
        let path = |share| share_beside(&self.out, share).expect("the output has a name");
        match share.leave(identity, found, path)? {
            Left::All(shares) => {
                let mut all = Predicted::default();
                for (share, part) in shares.iter().zip(share.all()) {
                    share.check_files(part)?;
                }
                for share in shares {
                    all.n_failed += share.n_failed;
                    all.notes.append(share.notes);
                }
                Ok(Some(all))
            }
            Left::Missing(missing) => {
                bars.print(&said_of_missing(share, &missing))?;
                Ok(None)
            }
        }
    }

    /// What is to be done, after all that can be refused before a scan is opened.
    fn jobs(&self, out: &LabelsOut) -> anyhow::Result<Vec<Job>> {
        let scans = volumes_in(&self.input)?;
        if out.format().is_of_series() && !scans.is_empty() {
            return Err(anyhow!(
                "such files are derived from a DICOM series, and {} holds other volumes: give the \
                 folder of the series, or another --format",
                self.input.display()
            ));
        }
        let jobs = if scans.is_empty() {
            // A file, or a folder that holds a DICOM series and is searched with its folders.
            if self.input.is_dir() {
                refuse_within(&self.out, &self.input)?;
            } else {
                self.refuse_series("a file")?;
            }
            let scan = NamedFile::new(&self.input)?;
            let (out, format) = (out.of_scan(&scan.name), out.format());
            vec![Job { scan, out, format }]
        } else {
            self.refuse_series("a folder of volumes")?;
            self.refuse_mixed()?;
            let LabelsOut::Folder(..) = out else {
                return Err(anyhow!(
                    "{} is a folder of {} scans, and --out names one file: name a folder",
                    self.input.display(),
                    scans.len()
                ));
            };
            let job = |scan: NamedFile| Job {
                out: out.of_scan(&scan.name),
                format: out.format(),
                scan,
            };
            scans.into_iter().map(job).collect()
        };
        if jobs.len() > 1 || self.input.is_dir() {
            refuse_among(&self.out, &self.input)?;
        }
        refuse_within(&self.out, &self.model)?;
        refuse_among_records(&self.out)?;
        let mut outs: BTreeMap<&Path, &Path> = BTreeMap::new();
        for job in &jobs {
            if let Some(first) = outs.insert(&job.out, &job.scan.path) {
                return Err(anyhow!(
                    "two scans would be predicted into {}: rename one of {} and {}",
                    job.out.display(),
                    first.display(),
                    job.scan.path.display()
                ));
            }
        }
        let tables = jobs.iter().map(|job| confidence_beside(&job.out));
        let written = jobs.iter().flat_map(|job| files_written(&job.out));
        let written = written.chain(tables);
        let written = written.chain([provenance_beside(&self.out)?]);
        let read = jobs.iter().map(|job| job.scan.path.clone());
        let read = read.chain([self.model.clone()]);
        refuse_over_inputs(written, read.chain(self.structures.clone()))?;
        self.refuse_over_others(&jobs)?;
        Ok(jobs)
    }

    /// Refuses to write over label maps that are not known to be predictions: they may be somebody's work
    /// of weeks. Those of an earlier `predict` have its record beside them, or, where it was stopped, a
    /// table of confidence or the record of a part.
    fn refuse_over_others(&self, jobs: &[Job]) -> anyhow::Result<()> {
        let record = provenance_beside(&self.out)?;
        let record = read_json_if_there::<serde_json::Value>(&record)
            .ok()
            .flatten();
        let is_recorded = record.is_some_and(|record| record["command"] == "predict");
        if self.overwrite || is_recorded || self.share.is_some() {
            return Ok(());
        }
        let written = |job: &Job| {
            files_written(&job.out)
                .into_iter()
                .find(|file| file.exists())
        };
        let mut others = jobs
            .iter()
            .filter(|job| !confidence_beside(&job.out).exists());
        match others.find_map(written) {
            None => Ok(()),
            Some(file) => Err(anyhow!(
                "{} is there, and nothing says that `predict` wrote it: name another --out, or, if it may \
                 be lost, give --overwrite",
                file.display()
            )),
        }
    }

    fn refuse_series(&self, what: &str) -> anyhow::Result<()> {
        match &self.series {
            None => Ok(()),
            Some(_) => Err(anyhow!(
                "--series names a series of a folder of DICOM files, and {} is {what}",
                self.input.display()
            )),
        }
    }

    /// DICOM files beside volumes would be left out without a word.
    fn refuse_mixed(&self) -> anyhow::Result<()> {
        let entries = visible_entries(&self.input)?;
        let is_dicom = |path: &&PathBuf| path.is_file() && Ending::of(path) == Some(Ending::Dicom);
        match entries.iter().filter(is_dicom).count() {
            0 => Ok(()),
            n => Err(anyhow!(
                "{} holds volumes and {n} DICOM files: give the one or the other, in a folder of \
                 its own",
                self.input.display()
            )),
        }
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
        let source = ScanSlices::new(&scan.volume, model.record.preprocessing())?;
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

    /// Says where flip averaging has nothing to average over, where there is no confidence, and where
    /// it was calibrated for other predictions than these.
    fn tell_of_model(&self, record: &ModelRecord, bars: &Bars) {
        if self.flip_averaging && !record.has_flips() {
            bars.tell(
                "note: --flip-averaging changes nothing: this net was trained on slices that were \
                 neither flipped nor mirrored",
            );
        }
        for output in record.outputs() {
            let entry = &record.organs.entries()[output.idx()];
            let value = record.label_value(output);
            if entry.labels.first() != Some(&u16::from(value)) {
                bars.tell(&format!(
                    "note: `{}` is {value} in the label maps",
                    entry.organ
                ));
            }
        }
        let told = match &record.confidence {
            None => {
                "the model tells no confidence: its training held out no patients for validation, or \
                 it is of an earlier version; going on with that training by the same command adds it"
            }
            Some(_)
                if (self.largest_component && !record.predict.largest_component)
                    || (self.flip_averaging && !record.predict.flip_averaging) =>
            {
                "the Dice to be expected was calibrated without --largest-component and \
                 --flip-averaging; set them under [predict] of the training, and it is calibrated with \
                 them"
            }
            Some(_) => return,
        };
        bars.tell(&format!("note: {told}"));
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
