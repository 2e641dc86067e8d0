//! `hardslice predict`: label maps of new scans.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use hardslice_data::preprocess::ScanSlices;
use hardslice_train::{Model, predict};
use hardslice_volume::{Action, read_scan, write_label_map};

use super::device_arg::DeviceArg;
use crate::bars::Bars;
use crate::provenance::named_out;
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
    #[arg(long, value_name = "FILE_OR_FOLDER", value_parser = named_out())]
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
            let scan = NamedScan::new(&self.input)?;
            let out = if is_nifti(&self.out) {
                self.out.clone()
            } else {
                self.out.join(format!("{}.nii.gz", scan.name))
            };
            self.one(&model, &scan, &out, &bars)?;
            return Ok(Done::Clean);
        }
        let mut n_failed = 0;
        for scan in &scans {
            let out = self.out.join(format!("{}.nii.gz", scan.name));
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

    fn one(&self, model: &Model, input: &NamedScan, out: &Path, bars: &Bars) -> anyhow::Result<()> {
        let scan = read_scan(&input.path)?;
        let source = ScanSlices::new(&scan.volume, model.record.preprocessing())?;
        let mut options = model.record.predict;
        options.largest_component |= self.largest_component;
        options.flip_averaging |= self.flip_averaging;
        bars.begin(
            &format!("predict {}", input.name),
            scan.volume.shape().z as u64,
            0,
        );
        let labels = predict(model, &source, &options, &|done| bars.advance(done as u64))?;
        write_label_map(out, &labels, &scan.placement)?;
        bars.end();
        Ok(())
    }
}

/// A scan or label map, and what it is called.
pub(super) struct NamedScan {
    pub(super) path: PathBuf,
    /// The file's name without its endings.
    pub(super) name: String,
}

impl NamedScan {
    /// Fails where the name is not UTF-8: two such names could become one. A path that ends in no
    /// name (`.`, where the series lies in the folder that the program was started in) is `scan`.
    fn new(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or(OsStr::new("scan"));
        let name = name.to_str();
        let name = name.with_context(|| {
            format!("the name is not UTF-8, rename the scan: {}", path.display())
        })?;
        let name = name.strip_suffix(".gz").unwrap_or(name);
        Ok(Self {
            path: path.to_owned(),
            name: name.strip_suffix(".nii").unwrap_or(name).to_owned(),
        })
    }
}

/// The NIfTI files of a folder, by name; none when `path` is a file or holds none.
pub(super) fn nifti_files(path: &Path) -> anyhow::Result<Vec<NamedScan>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(Action::List.on(path))? {
        let path = entry.map_err(Action::List.on(path))?.path();
        if path.is_file() && is_nifti(&path) {
            files.push(NamedScan::new(&path)?);
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_nifti(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.as_encoded_bytes();
        name.ends_with(b".nii") || name.ends_with(b".nii.gz")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_called_by_its_file_without_endings() {
        for (path, name) in [
            ("a/b_ct.nii.gz", "b_ct"),
            ("a/b.nii", "b"),
            ("a/series", "series"),
            ("a/..", "scan"),
        ] {
            assert_eq!(NamedScan::new(Path::new(path)).unwrap().name, name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_scan_whose_name_is_not_utf_8_is_named_and_not_passed_over() {
        use std::os::unix::ffi::OsStrExt;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OsStr::from_bytes(b"m\xfcller.nii.gz"));
        fs::write(&path, "").unwrap();
        let refused = nifti_files(dir.path()).err().unwrap().to_string();
        assert!(refused.starts_with("the name is not UTF-8"), "{refused}");
    }
}
