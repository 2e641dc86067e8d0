//! `hardslice predict`: label maps of new scans.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice_data::preprocess::ScanSlices;
use hardslice_train::{Model, predict};
use hardslice_volume::{read_scan, write_label_map};

use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::{Done, provenance};

/// Predict label maps of new scans, on the scans' own grids.
///
/// A model's folder needs nothing else: it holds weights, net, organs and preprocessing, and its
/// model.json tells which value is which organ.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The model's folder, as training leaves it.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// A scan (NIfTI file, or folder with one DICOM series), or a folder of NIfTI scans.
    #[arg(long, value_name = "SCAN_OR_FOLDER")]
    input: PathBuf,
    /// The label map (.nii or .nii.gz), or the folder for those of a folder of scans.
    #[arg(long, value_name = "FILE_OR_FOLDER")]
    out: PathBuf,
    /// Keep only each organ's largest connected component.
    #[arg(long)]
    largest_component: bool,
    /// Average over the slice as it is, flipped, and mirrored: three times the work.
    #[arg(long)]
    flip_averaging: bool,
    #[command(flatten)]
    device: DeviceArg,
}

impl Predict {
    pub(crate) fn run(self) -> anyhow::Result<Done> {
        let device = self.device.open()?;
        let model = Model::read(&self.model, &device)?;
        let bars = Bars::new();
        let settings = (self.largest_component, self.flip_averaging);
        let inputs = [self.model.as_path(), &self.input];
        provenance::of_command(&self.out, "predict", &settings, &inputs, &device)?;
        let scans = nifti_files(&self.input)?;
        if scans.is_empty() {
            // A file, or a folder that holds one DICOM series.
            let out = if is_nifti(&self.out) {
                self.out.clone()
            } else {
                self.out.join(format!("{}.nii.gz", stem(&self.input)))
            };
            self.one(&model, &self.input, &out, &bars)?;
            return Ok(Done::Clean);
        }
        let mut n_failed = 0;
        for scan in &scans {
            let out = self.out.join(format!("{}.nii.gz", stem(scan)));
            if let Err(error) = self.one(&model, scan, &out, &bars) {
                n_failed += 1;
                bars.line(&format!("not predicted: {}", crate::causes(error.as_ref())));
            }
        }
        if n_failed == scans.len() {
            return Err(anyhow!("none of the {n_failed} scans could be predicted"));
        }
        Ok(if n_failed == 0 {
            Done::Clean
        } else {
            Done::Findings
        })
    }

    fn one(&self, model: &Model, input: &Path, out: &Path, bars: &Bars) -> anyhow::Result<()> {
        let scan = read_scan(input)?;
        let source = ScanSlices::new(&scan.volume, model.record.preprocessing())?;
        let mut options = model.record.predict;
        options.largest_component |= self.largest_component;
        options.flip_averaging |= self.flip_averaging;
        bars.begin(
            &format!("predict {}", stem(input)),
            scan.volume.shape().z as u64,
            0,
        );
        let labels = predict(model, &source, &options, &|done| bars.advance(done as u64))?;
        write_label_map(out, &labels, &scan.placement)?;
        bars.end();
        Ok(())
    }
}

/// The NIfTI files of a folder, by name; none when `path` is a file or holds none.
pub(super) fn nifti_files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        let path = entry?.path();
        if path.is_file() && is_nifti(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_nifti(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    [".nii", ".nii.gz"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// A file's name without its endings.
pub(super) fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("scan");
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.strip_suffix(".nii").unwrap_or(name).to_owned()
}
