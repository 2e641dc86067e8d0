//! From one scan and its labels to one case of the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blake3::Hasher;
use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::whole_file::{read_sealed, remove_if_there, write_sealed, write_whole_bytes};
use hardslice_volume::{
    Action, FileError, Note, PerAxis, ReadError, Reference, Slices, default_tolerance_mm,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::npy::{Element, SliceWriter};
use super::record::{FORMAT, Files, IGNORED, Source};
use super::{StoreOptions, StoredCase, case_dir};
use crate::audit::{CaseAudit, LabelCounts, Observed, Stats};
use crate::fingerprint::{add_content, add_text, of_slices, slice_blake3};
use crate::manifest::Case;
use crate::preprocess::SliceBuffers;
use crate::{OrganMap, identity};

/// The files of a case beside `case.json`.
const IMAGE: &str = "image.npy";
const LABELS: &str = "labels.npy";
const NATIVE_LABELS: &str = "labels_native.npy";
/// What the audit found while the case was read.
const AUDIT: &str = "audit.json";

/// Version of what the audit looks for: a case that was prepared under another one is read again.
const AUDIT_RULES: u32 = 2;

/// `audit.json`.
#[derive(Debug, Serialize, Deserialize)]
struct AuditRecord {
    rules: u32,
    case: CaseAudit,
    /// Hash of the case's record ([`record_blake3`]).
    record_blake3: String,
}

/// A scan could not be prepared. The others go on.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The scan could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The labels could not be read, or do not lie on the scan's grid.
    #[error(transparent)]
    Labels(ReadError),
    /// Its slices cannot be brought to a square.
    #[error(transparent)]
    Fit(#[from] PlaneFitError),
    /// The file system does not give the scan or its labels.
    #[error(transparent)]
    File(FileError),
    /// A file of the store cannot be read, written or removed, which is no fault of the scan:
    /// [`prepare`](super::prepare) stops there.
    #[error(transparent)]
    Store(#[from] FileError),
}

/// What is counted in the labels of a case.
#[derive(Debug)]
struct LabelsSeen {
    /// For each organ of the map, its area in each slice, pixels of the store.
    area_px: Vec<Vec<u32>>,
    /// Voxels of each value of the label map.
    counts: LabelCounts,
    /// What their reader took for granted.
    notes: Vec<Note>,
}

/// What is known of a scan once its slices are written.
#[derive(Debug)]
struct ImageWritten {
    /// Hash of the file.
    blake3: String,
    /// Hash of the scan's own voxels.
    voxels_blake3: String,
    /// What its reader took for granted.
    notes: Vec<Note>,
}

/// What all cases share.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) options: &'a StoreOptions,
    pub(super) organs: &'a OrganMap,
    /// Label values that nobody has judged.
    pub(super) ignored_labels: &'a [u16],
    pub(super) dir: &'a Path,
    /// The store's value for each label value.
    pub(super) store_values: Vec<u8>,
}

impl CaseError {
    /// What an audit says of it.
    pub(super) fn audited(&self, case: &Case) -> CaseAudit {
        match self {
            Self::Labels(error) => CaseAudit::of_unreadable_labels(case, error),
            error => CaseAudit::of_unreadable_scan(case, error),
        }
    }
}

impl Plan<'_> {
    /// BLAKE3 of everything that decides a case's files and record, but for where it lies.
    pub(super) fn inputs_blake3(&self, case: &Case) -> Result<String, CaseError> {
        let mut hasher = Hasher::new();
        let decided_by = (
            FORMAT,
            self.options,
            self.organs,
            (
                &case.id,
                &case.patient,
                &case.series_uid,
                &case.organs_annotated,
            ),
        );
        let text = serde_json::to_vec(&decided_by).expect("names and numbers have a JSON form");
        add_text(&mut hasher, &text);
        if !self.ignored_labels.is_empty() {
            let text = format!("ignored {:?}", self.ignored_labels);
            add_text(&mut hasher, text.as_bytes());
        }
        for path in case.inputs() {
            add_content(&mut hasher, path).map_err(CaseError::File)?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The record of a case that has been prepared before, if its inputs are the same, its files are
    /// there, and record and files are to the last bit what was written.
    pub(super) fn kept(
        &self,
        case: &Case,
        inputs_blake3: &str,
    ) -> Result<Option<(StoredCase, CaseAudit)>, FileError> {
        let path = case_dir(self.dir, &case.id).join("case.json");
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Action::Read.on(&path)(error)),
        };
        // What another version left, or somebody has damaged, is prepared again.
        let Ok(mut stored) = serde_json::from_slice::<StoredCase>(&json) else {
            return Ok(None);
        };
        let is_same = stored.source.inputs_blake3 == inputs_blake3 && stored.id == case.id;
        if !is_same || !super::opened::is_intact(self.dir, &stored, self.options.size) {
            return Ok(None);
        }
        let Ok(audit) = read_sealed::<AuditRecord>(&path.with_file_name(AUDIT)) else {
            return Ok(None);
        };
        if audit.rules != AUDIT_RULES || audit.record_blake3 != record_blake3(&stored) {
            return Ok(None);
        }
        // The cohort may have been moved.
        stored.source = Source {
            image: case.image.clone(),
            labels: case.labels.clone(),
            ..stored.source
        };
        Ok(Some((stored, audit.case)))
    }

    /// Reads a scan and its labels and writes the case; `case.json` comes last, so that a case
    /// without it is known to be unfinished. Where something is wrong nothing is left.
    pub(super) fn prepared(
        &self,
        case: &Case,
        inputs_blake3: String,
    ) -> Result<(StoredCase, CaseAudit), CaseError> {
        let dir = case_dir(self.dir, &case.id);
        remove_if_there(&dir.join("case.json"))?;
        let converted = self.converted(case, inputs_blake3, &dir);
        match &converted {
            Ok((stored, audit)) => {
                let record = AuditRecord {
                    rules: AUDIT_RULES,
                    case: audit.clone(),
                    record_blake3: record_blake3(stored),
                };
                write_sealed(&dir.join(AUDIT), &record)?;
            }
            Err(_) => {
                for name in [IMAGE, LABELS, NATIVE_LABELS, AUDIT] {
                    remove_if_there(&dir.join(name))?;
                }
            }
        }
        converted
    }

    fn converted(
        &self,
        case: &Case,
        inputs_blake3: String,
        dir: &Path,
    ) -> Result<(StoredCase, CaseAudit), CaseError> {
        let slices = Slices::of_scan(&case.image, case.series_uid.as_deref())?;
        let placement = *slices.placement();
        let frame_of_reference = slices.frame_of_reference().map(str::to_owned);
        let n_slices = placement.canonical.shape.z;
        let spacing_mm = placement.canonical.spacing_mm();
        let fit = self
            .options
            .preprocessing()
            .plane_fit(&placement.canonical)?;
        let mut seen = LabelsSeen {
            area_px: vec![vec![0; n_slices]; self.organs.len()],
            counts: LabelCounts::new(placement.canonical.shape.x),
            notes: Vec::new(),
        };
        let labels_blake3 = match &case.labels {
            None => {
                remove_if_there(&dir.join(LABELS))?;
                remove_if_there(&dir.join(NATIVE_LABELS))?;
                None
            }
            Some(path) => {
                let reference = Reference {
                    placement: &placement,
                    frame_of_reference: frame_of_reference.as_deref(),
                };
                Some(self.write_labels(path, reference, &fit, dir, &mut seen)?)
            }
        };
        let mut stats = Stats::new(self.options.window_hu.map(f32::from));
        let image = self.write_image(slices, &fit, dir, &mut stats)?;
        let voxels_blake3 = image.voxels_blake3;
        let observed = Observed {
            grid: &placement.canonical,
            stats,
            voxels_blake3: voxels_blake3.clone(),
        };
        let labels = labels_blake3.as_ref();
        let labels = labels.map(|[_, native]: &[String; 2]| (&seen.counts, native.as_str()));
        let mut audit = CaseAudit::of(case, &observed, labels, self.organs, self.ignored_labels);
        audit.add_notes(&image.notes);
        audit.add_notes(&seen.notes);
        let stored = StoredCase {
            id: case.id.clone(),
            patient: case.patient.clone(),
            n_slices,
            spacing_mm: PerAxis::new(spacing_mm.z, fit.pixel_mm(), fit.pixel_mm()),
            organs_annotated: case.organs_annotated.clone(),
            placement,
            source: Source {
                image: case.image.clone(),
                series_uid: case.series_uid.clone(),
                frame_of_reference,
                labels: case.labels.clone(),
                inputs_blake3,
                voxels_blake3,
            },
            files: Files {
                image_blake3: image.blake3,
                labels_blake3,
            },
            area_px: seen.area_px,
        };
        Ok((stored, audit))
    }

    /// Writes the labels in the store's values, as squares and on the scan's canonical grid, adds up
    /// the areas, counts the values and gives the hashes of the two files.
    fn write_labels(
        &self,
        path: &Path,
        reference: Reference<'_>,
        fit: &PlaneFit,
        dir: &Path,
        seen: &mut LabelsSeen,
    ) -> Result<[String; 2], CaseError> {
        let grid = &reference.placement.canonical;
        let tolerance_mm = self
            .options
            .grid_tolerance_mm
            .unwrap_or(default_tolerance_mm(grid));
        let names = self.organs.label_names();
        let slices =
            Slices::of_labels(path, reference, names, tolerance_mm).map_err(CaseError::Labels)?;
        let shape = PerAxis::new(grid.shape.z, fit.size(), fit.size());
        let paths = [LABELS, NATIVE_LABELS].map(|name| dir.join(name));
        let mut fitted_file = create(&paths[0], shape)?;
        let mut native_file = create(&paths[1], grid.shape)?;
        let mut native = vec![0; grid.shape.n_pixels()];
        let mut square = vec![0; shape.n_pixels()];
        let mut written = Ok(());
        let n_values = match self.ignored_labels {
            [] => self.organs.len() + 1,
            _ => usize::from(IGNORED) + 1,
        };
        let read = slices.for_each(|z, labels| {
            seen.counts.add(labels);
            for (to, label) in native.iter_mut().zip(labels) {
                *to = self.store_values[usize::from(*label)];
            }
            // Most slices of a scan show no organ, and the files begin as zero.
            if written.is_err() || native.iter().all(|value| *value == 0) {
                return;
            }
            fit.labels_into(&native, n_values, &mut square);
            for value in square
                .iter()
                .filter(|value| !matches!(**value, 0 | IGNORED))
            {
                seen.area_px[usize::from(*value) - 1][z] += 1;
            }
            let put = fitted_file.put(z, &square);
            written = put.map_err(Action::Write.on(&paths[0])).and_then(|()| {
                let put_native = native_file.put(z, &native);
                put_native.map_err(Action::Write.on(&paths[1]))
            });
        });
        seen.notes = read.map_err(CaseError::Labels)?;
        written?;
        Ok([
            fitted_file.finish().map_err(Action::Write.on(&paths[0]))?,
            native_file.finish().map_err(Action::Write.on(&paths[1]))?,
        ])
    }

    /// Writes the preprocessed slices and counts the scan's values.
    fn write_image(
        &self,
        slices: Slices<f32>,
        fit: &PlaneFit,
        dir: &Path,
        stats: &mut Stats,
    ) -> Result<ImageWritten, CaseError> {
        let native_shape = slices.placement().canonical.shape;
        let shape = PerAxis::new(native_shape.z, fit.size(), fit.size());
        let preprocessing = self.options.preprocessing();
        let path = dir.join(IMAGE);
        let mut file = create(&path, shape)?;
        let mut hashes = vec![blake3::Hash::from_bytes([0; 32]); shape.z];
        let (mut buffers, mut square) = (SliceBuffers::default(), vec![0; shape.n_pixels()]);
        let mut written = Ok(());
        let notes = slices.for_each(|z, hu| {
            if written.is_err() {
                return;
            }
            hashes[z] = slice_blake3(hu);
            stats.add(hu);
            preprocessing.to_square(hu, fit, &mut buffers, &mut square);
            written = file.put(z, &square).map_err(Action::Write.on(&path));
        })?;
        written?;
        Ok(ImageWritten {
            blake3: file.finish().map_err(Action::Write.on(&path))?,
            voxels_blake3: of_slices(native_shape, &hashes),
            notes,
        })
    }

    /// Writes `case.json`, unless it already says the same.
    pub(super) fn finish(&self, stored: &StoredCase) -> Result<(), FileError> {
        let path = case_dir(self.dir, &stored.id).join("case.json");
        let json = serde_json::to_vec(stored).map_err(io::Error::from);
        let mut json = json.map_err(Action::Write.on(&path))?;
        json.push(b'\n');
        // One that cannot be read is written anew, and that says what is wrong.
        if fs::read(&path).is_ok_and(|old| old == json) {
            return Ok(());
        }
        write_whole_bytes(&path, &json).map_err(Action::Write.on(&path))
    }
}

/// BLAKE3 of a case's record but for where its scan and labels lie, which may be moved.
fn record_blake3(stored: &StoredCase) -> String {
    let mut record = stored.clone();
    record.source.image = PathBuf::new();
    record.source.labels = None;
    identity(&record)
}

/// Labels of a whole scan as squares, in the store's values.
pub(crate) fn fitted_labels(native: &[u8], fit: &PlaneFit, n_organs: usize) -> Vec<u8> {
    let [y, x] = fit.native_yx();
    let n_pixels = fit.size() * fit.size();
    let mut fitted = vec![0; native.len() / (y * x) * n_pixels];
    let slices = fitted
        .par_chunks_mut(n_pixels)
        .zip(native.par_chunks(y * x));
    slices.for_each(|(to, from)| fit.labels_into(from, n_organs + 1, to));
    fitted
}

fn create<T: Element>(path: &Path, shape: PerAxis<usize>) -> Result<SliceWriter<T>, FileError> {
    SliceWriter::create(path, shape).map_err(Action::Write.on(path))
}
