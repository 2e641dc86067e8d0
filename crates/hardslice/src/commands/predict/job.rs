//! Which scans are predicted, and into which files: all that can be refused before a scan is opened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_volume::folder::visible_entries;
use hardslice_volume::whole_file::read_json_if_there;
use hardslice_volume::{Ending, files_written};

use super::Predict;
use crate::layout::{confidence_beside, provenance_beside};
use crate::named_files::{NamedFile, volumes_in};
use crate::outputs::{
    LabelFormat, LabelsOut, refuse_among, refuse_among_records, refuse_over_inputs, refuse_within,
};
use crate::provenance;
use crate::provenance::{Outputs, ProvenanceError, hash_of_file};

/// A scan and where its label map goes.
pub(super) struct Job {
    pub(super) scan: NamedFile,
    pub(super) out: PathBuf,
    pub(super) format: LabelFormat,
}

impl Job {
    /// Each file of the label map that is there, with its name.
    pub(super) fn label_files(&self) -> impl Iterator<Item = (String, PathBuf)> {
        let there = files_written(&self.out)
            .into_iter()
            .filter(|path| path.exists());
        there.filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some((name, path))
        })
    }

    /// The hash of the scan, and of each file that was written of it.
    pub(super) fn hashes(&self) -> Result<Vec<(String, String)>, ProvenanceError> {
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

impl Predict {
    /// What is to be done, after all that can be refused before a scan is opened.
    pub(super) fn jobs(&self, out: &LabelsOut) -> anyhow::Result<Vec<Job>> {
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

    /// Refuses to write over label maps that are not known to be predictions, or are no longer what was
    /// predicted: they may be somebody's work of weeks. Those of an earlier `predict` are in its record, with
    /// their hashes, or, where it was stopped, have a table of confidence or the record of a part beside them.
    fn refuse_over_others(&self, jobs: &[Job]) -> anyhow::Result<()> {
        if self.overwrite || self.share.is_some() {
            return Ok(());
        }
        let recorded = self.recorded()?;
        for job in jobs {
            let is_known = confidence_beside(&job.out).exists();
            for (name, file) in job.label_files() {
                let problem = match recorded.as_ref().map(|outputs| outputs.get(&name)) {
                    Some(Some(hash)) if *hash != hash_of_file(&file)? => {
                        "is not what `predict` left there: it was edited, or a later prediction was stopped"
                    }
                    // Records of earlier versions name no outputs.
                    None | Some(None)
                        if !is_known && recorded.as_ref().is_none_or(|of| !of.is_empty()) =>
                    {
                        "is there, and nothing says that `predict` wrote it"
                    }
                    _ => continue,
                };
                return Err(anyhow!(
                    "{} {problem}: name another --out, or, if it may be lost, give --overwrite",
                    file.display()
                ));
            }
        }
        Ok(())
    }

    /// What an earlier `predict` left here; `None` without its record.
    fn recorded(&self) -> anyhow::Result<Option<Outputs>> {
        let record = read_json_if_there::<serde_json::Value>(&provenance_beside(&self.out)?);
        let record = record.ok().flatten();
        let record = record.filter(|record| record["command"] == "predict");
        Ok(record
            .map(|record| serde_json::from_value(record["outputs"].clone()).unwrap_or_default()))
    }

    /// What there is of these and earlier label maps, with their hashes.
    pub(super) fn outputs(&self, jobs: &[Job]) -> anyhow::Result<Outputs> {
        let mut outputs = self.recorded()?.unwrap_or_default();
        for (name, file) in jobs.iter().flat_map(Job::label_files) {
            outputs.insert(name, hash_of_file(&file)?);
        }
        Ok(outputs)
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
}
