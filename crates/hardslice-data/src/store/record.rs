//! What a store says about itself: `store.json`, and `case.json` beside each case.

use std::borrow::Cow;
use std::path::PathBuf;

use hardslice_volume::{PerAxis, Placement};
use serde::{Deserialize, Serialize};

use crate::preprocess::Preprocessing;
use crate::{CaseId, Organ, OrganMap, PatientId, StoreOrgan};

/// Format of the store that this program writes and reads.
pub const FORMAT: u32 = 2;

/// What a pixel of the labels holds that nobody has judged: neither an organ nor the background. It
/// is in no organ's area.
pub const IGNORED: u8 = 255;

/// A label map without what it says of voxels whose truth is to be ignored: they belong to no organ,
/// neither in the truth nor in a prediction, as in nnU-Net's own evaluation.
///
/// `truth` holds the store's labels of the same voxels; where none is to be ignored, nothing is copied.
///
/// ```
/// use hardslice_data::store::{IGNORED, judged};
///
/// assert_eq!(*judged(&[0, 1, IGNORED], &[1, 1, 1]), [1, 1, 0]);
/// ```
pub fn judged<'a, T: Copy + Default>(truth: &[u8], labels: &'a [T]) -> Cow<'a, [T]> {
    if !truth.contains(&IGNORED) {
        return Cow::Borrowed(labels);
    }
    let voxels = truth.iter().zip(labels);
    let judged = voxels.map(|(truth, label)| {
        if *truth == IGNORED {
            T::default()
        } else {
            *label
        }
    });
    Cow::Owned(judged.collect())
}

/// Largest slice side taken: beyond it an option was mistyped.
const LARGEST_SIZE: usize = 8192;

/// What decides the bytes of a store, beside the scans.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreOptions {
    /// Rows and columns of a slice, pixels.
    pub size: usize,
    /// Lowest and highest value kept, Hounsfield units; what lies beyond is clipped.
    pub window_hu: [i16; 2],
    /// How far the corners of a scan and of its labels may lie apart, millimetres; absent:
    /// [`default_tolerance_mm`](hardslice_volume::default_tolerance_mm).
    pub grid_tolerance_mm: Option<f64>,
}

impl StoreOptions {
    /// Why no store can be made so; `None` where one can.
    pub(super) fn problem(&self) -> Option<String> {
        let [low, high] = self.window_hu;
        if !self.has_size() {
            let size = self.size;
            return Some(format!(
                "slices of {size} pixels, wanted 1 to {LARGEST_SIZE}"
            ));
        }
        if !self.has_window() {
            return Some(format!(
                "a window from {low} to {high} HU, wanted the lower value first"
            ));
        }
        (!self.has_tolerance()).then(|| "a grid tolerance that is negative or no number".to_owned())
    }

    pub(super) fn has_size(&self) -> bool {
        (1..=LARGEST_SIZE).contains(&self.size)
    }

    pub(super) fn has_window(&self) -> bool {
        self.window_hu[0] < self.window_hu[1]
    }

    pub(super) fn has_tolerance(&self) -> bool {
        let is_one = |mm: f64| mm.is_finite() && mm >= 0.0;
        self.grid_tolerance_mm.is_none_or(is_one)
    }

    /// What is otherwise in others, in words.
    pub(super) fn changes(&self, others: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if self.size != others.size {
            changes.push(format!("size was {}, now {}", self.size, others.size));
        }
        if self.window_hu != others.window_hu {
            changes.push(format!(
                "window_hu was {:?}, now {:?}",
                self.window_hu, others.window_hu
            ));
        }
        if self.grid_tolerance_mm != others.grid_tolerance_mm {
            let said = |mm: Option<f64>| mm.map_or("the usual".to_owned(), |mm| mm.to_string());
            changes.push(format!(
                "grid_tolerance_mm was {}, now {}",
                said(self.grid_tolerance_mm),
                said(others.grid_tolerance_mm)
            ));
        }
        changes
    }

    /// What becomes of every slice.
    pub fn preprocessing(&self) -> Preprocessing {
        Preprocessing {
            window_hu: self.window_hu,
            size: self.size,
        }
    }
}

/// `store.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreRecord {
    pub(super) format: u32,
    pub(super) options: StoreOptions,
    pub(super) organs: OrganMap,
    /// Values of the label maps that stand as [`IGNORED`] in the store.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ignored_labels: Vec<u16>,
    /// Cases of the cohort that could not be prepared, which was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<LeftOut>,
    pub(super) cases: Vec<StoredCase>,
}

/// A case of the cohort that is not in the store: it could not be prepared, and that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The case.
    pub id: CaseId,
    /// Whose scan it is.
    pub patient: PatientId,
}

/// One case of a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCase {
    /// The case.
    pub id: CaseId,
    /// Whose scan it is.
    pub patient: PatientId,
    /// Axial slices, from the feet up.
    pub n_slices: usize,
    /// Distance between pixels of the store (y, x) and between slices (z), millimetres.
    pub spacing_mm: PerAxis<f64>,
    /// Organs that somebody looked for: only there does a pixel of the background mean "not the
    /// organ". In the order of the organ map; empty for a case without labels.
    pub organs_annotated: Vec<Organ>,
    /// The grid of the scan itself, in its file and on canonical axes.
    pub placement: Placement,
    /// Where it was read from.
    pub source: Source,
    /// Hashes of the files written.
    pub files: Files,
    /// For each organ of the map, its area in each slice, pixels of the store; zero for a case
    /// without labels.
    pub(super) area_px: Vec<Vec<u32>>,
}

/// Where a case was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The scan.
    pub image: PathBuf,
    /// The DICOM series, where the folder holds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_uid: Option<String>,
    /// The DICOM frame of reference of the scan's positions, which segmentations made of it share;
    /// absent where its format knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_of_reference: Option<String>,
    /// The labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// BLAKE3 of the input files' content and of everything else that decides this case's bytes: a
    /// case is prepared again when it changes.
    pub inputs_blake3: String,
    /// BLAKE3 of the scan's shape and canonical voxels: equal for the same scan under two names
    /// and in two file formats.
    pub voxels_blake3: String,
}

impl Source {
    /// The files or folders that the case was read from: the scan, then its labels.
    pub fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.image).chain(&self.labels)
    }
}

/// BLAKE3 of each file of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// `image.npy`.
    pub image_blake3: String,
    /// `labels.npy` and `labels_native.npy`, where the case has labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_blake3: Option<[String; 2]>,
}

impl StoredCase {
    /// An organ's area in a slice, in pixels of the store.
    ///
    /// # Panics
    ///
    /// When the organ is of another store, or the case has no such slice.
    pub fn area_px(&self, organ: StoreOrgan, z: usize) -> u32 {
        self.areas_px(organ)[z]
    }

    /// An organ's area in every slice, in pixels of the store.
    ///
    /// # Panics
    ///
    /// When the organ is of another store.
    pub fn areas_px(&self, organ: StoreOrgan) -> &[u32] {
        &self.area_px[organ.idx()]
    }

    /// Whether somebody looked for the organ in this case.
    pub fn is_annotated(&self, organ: &Organ) -> bool {
        self.organs_annotated.contains(organ)
    }

    /// Whether the case has labels.
    pub fn has_labels(&self) -> bool {
        self.files.labels_blake3.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_prediction_says_of_unjudged_voxels_is_not_scored() {
        let truth = [0, 1, IGNORED, 2, IGNORED];
        assert_eq!(*judged(&truth, &[1, 1, 1, 0, 2]), [1, 1, 0, 0, 0]);
        assert!(
            matches!(judged(&[0, 1], &[1, 1]), Cow::Borrowed(_)),
            "no copy"
        );
    }
}
