//! From one scan and its labels to one case of the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blake3::Hasher;
use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::whole_file::{write_whole, write_whole_bytes};
use hardslice_volume::{
    PerAxis, ReadError, Scan, default_tolerance_mm, read_labels_within, read_scan_series,
};
use rayon::prelude::*;
use thiserror::Error;

use super::fingerprint::{add_content, add_text, voxels_blake3};
use super::npy::{self, Element};
use super::record::{FORMAT, Files, Source};
use super::{StoreOptions, StoredCase, case_dir};
use crate::OrganMap;
use crate::manifest::Case;

/// A scan could not be prepared. The others go on.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The scan or its labels could not be read, or do not lie on one grid.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its slices cannot be brought to a square.
    #[error(transparent)]
    Fit(#[from] PlaneFitError),
    /// A file could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

/// What all cases share.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) options: &'a StoreOptions,
    pub(super) organs: &'a OrganMap,
    pub(super) dir: &'a Path,
    /// The store's value for each label value.
    pub(super) store_values: Vec<u8>,
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
        let text = serde_json::to_string(&decided_by).map_err(|error| CaseError::Io {
            action: "describe",
            path: case.image.clone(),
            source: error.into(),
        })?;
        add_text(&mut hasher, &text);
        for path in std::iter::once(&case.image).chain(&case.labels) {
            add_content(&mut hasher, path).map_err(|(path, source)| CaseError::Io {
                action: "read",
                path,
                source,
            })?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The record of a case that has been prepared before, if its inputs are the same and its files
    /// are there.
    pub(super) fn kept(&self, case: &Case, inputs_blake3: &str) -> Option<StoredCase> {
        let path = case_dir(self.dir, &case.id).join("case.json");
        let mut stored: StoredCase = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let is_same = stored.source.inputs_blake3 == inputs_blake3 && stored.id == case.id;
        if !is_same || super::opened::check_files(self.dir, &stored, self.options.size).is_err() {
            return None;
        }
        // The cohort may have been moved.
        stored.source = Source {
            image: case.image.clone(),
            labels: case.labels.clone(),
            ..stored.source
        };
        Some(stored)
    }

    /// Reads a scan and its labels and writes the case; `case.json` comes last, so that a case
    /// without it is known to be unfinished.
    pub(super) fn prepared(
        &self,
        case: &Case,
        inputs_blake3: String,
    ) -> Result<StoredCase, CaseError> {
        let dir = case_dir(self.dir, &case.id);
        forget(&dir.join("case.json"))?;
        let scan = read_scan_series(&case.image, case.series_uid.as_deref())?;
        let labels = self.labels(case, &scan)?;
        let voxels_blake3 = voxels_blake3(&scan.volume);
        let placement = scan.placement;
        let PerAxis { z: n_slices, y, x } = scan.volume.shape();
        let spacing_mm = scan.volume.grid().spacing_mm();
        let fit = PlaneFit::new([y, x], [spacing_mm.y, spacing_mm.x], self.options.size)?;
        let shape = PerAxis::new(n_slices, fit.size(), fit.size());
        let image = self.image(scan, &fit);
        let image_blake3 = write(&dir.join("image.npy"), shape, &image)?;
        drop(image);
        let mut area_px = vec![vec![0; n_slices]; self.organs.len()];
        let labels_blake3 = match labels {
            None => {
                forget(&dir.join("labels.npy"))?;
                forget(&dir.join("labels_native.npy"))?;
                None
            }
            Some(native) => {
                let fitted = fitted_labels(&native, &fit, self.organs.len());
                area_px = areas(&fitted, n_slices, self.organs.len());
                Some([
                    write(&dir.join("labels.npy"), shape, &fitted)?,
                    write(
                        &dir.join("labels_native.npy"),
                        placement.canonical.shape,
                        &native,
                    )?,
                ])
            }
        };
        Ok(StoredCase {
            id: case.id.clone(),
            patient: case.patient.clone(),
            n_slices,
            spacing_mm: PerAxis::new(spacing_mm.z, fit.pixel_mm(), fit.pixel_mm()),
            organs_annotated: case.organs_annotated.clone(),
            placement,
            source: Source {
                image: case.image.clone(),
                series_uid: case.series_uid.clone(),
                labels: case.labels.clone(),
                inputs_blake3,
                voxels_blake3,
            },
            files: Files {
                image_blake3,
                labels_blake3,
            },
            area_px,
        })
    }

    /// Writes `case.json`, unless it already says the same.
    pub(super) fn finish(&self, stored: &StoredCase) -> Result<(), CaseError> {
        let path = case_dir(self.dir, &stored.id).join("case.json");
        let io = |source| CaseError::Io {
            action: "write",
            path: path.clone(),
            source,
        };
        let mut json = serde_json::to_vec(stored).map_err(|error| io(error.into()))?;
        json.push(b'\n');
        if fs::read(&path).is_ok_and(|old| old == json) {
            return Ok(());
        }
        write_whole_bytes(&path, &json).map_err(io)
    }

    /// The labels on the scan's canonical grid, in the store's values.
    fn labels(&self, case: &Case, scan: &Scan<f32>) -> Result<Option<Vec<u8>>, CaseError> {
        let Some(path) = &case.labels else {
            return Ok(None);
        };
        let tolerance_mm = self
            .options
            .grid_tolerance_mm
            .unwrap_or(default_tolerance_mm(scan.volume.grid()));
        let labels = read_labels_within(path, scan, self.organs.label_names(), tolerance_mm)?;
        let stored = |label: &u16| self.store_values[usize::from(*label)];
        Ok(Some(
            labels.volume.voxels().par_iter().map(stored).collect(),
        ))
    }

    /// The slices as squares, clipped to the window before they are resampled: metal and air
    /// beyond it do not bleed into their neighbours. What lies outside the field of view is as dark
    /// as the window goes.
    fn image(&self, mut scan: Scan<f32>, fit: &PlaneFit) -> Vec<i16> {
        let [low, high] = self.options.window_hu.map(f32::from);
        scan.volume
            .voxels_mut()
            .par_iter_mut()
            .for_each(|hu| *hu = hu.clamp(low, high));
        let n_pixels = fit.size() * fit.size();
        let mut image = vec![0; scan.volume.shape().z * n_pixels];
        image.par_chunks_mut(n_pixels).enumerate().for_each_init(
            || (Vec::new(), vec![0.0; n_pixels]),
            |(scratch, square), (z, to)| {
                fit.image_into(scan.volume.slice(z), low, scratch, square);
                for (to, hu) in to.iter_mut().zip(square.iter()) {
                    #[expect(clippy::cast_possible_truncation, reason = "within the window")]
                    let rounded = hu.round() as i16;
                    *to = rounded;
                }
            },
        );
        image
    }
}

pub(super) fn fitted_labels(native: &[u8], fit: &PlaneFit, n_organs: usize) -> Vec<u8> {
    let [y, x] = fit.native_yx();
    let n_pixels = fit.size() * fit.size();
    let mut fitted = vec![0; native.len() / (y * x) * n_pixels];
    let slices = fitted
        .par_chunks_mut(n_pixels)
        .zip(native.par_chunks(y * x));
    slices.for_each(|(to, from)| fit.labels_into(from, n_organs + 1, to));
    fitted
}

/// For each organ, its pixels in each slice.
fn areas(labels: &[u8], n_slices: usize, n_organs: usize) -> Vec<Vec<u32>> {
    let mut area_px = vec![vec![0; n_slices]; n_organs];
    for (z, slice) in labels.chunks(labels.len() / n_slices.max(1)).enumerate() {
        for &value in slice {
            if value > 0 {
                area_px[usize::from(value) - 1][z] += 1;
            }
        }
    }
    area_px
}

/// Writes an array and gives back the hash of its file.
fn write<T: Element>(
    path: &Path,
    shape: PerAxis<usize>,
    elements: &[T],
) -> Result<String, CaseError> {
    write_whole(path, |out| npy::write_sparse(out, shape, elements)).map_err(|source| {
        CaseError::Io {
            action: "write",
            path: path.to_path_buf(),
            source,
        }
    })?;
    let mut hasher = Hasher::new();
    hasher
        .update(&npy::header::<T>(shape))
        .update_rayon(bytemuck::cast_slice(elements));
    Ok(hasher.finalize().to_hex().to_string())
}

/// Removes a file that may not be there.
pub(super) fn forget(path: &Path) -> Result<(), CaseError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CaseError::Io {
            action: "remove",
            path: path.to_path_buf(),
            source,
        }),
        _ => Ok(()),
    }
}
