//! Predictions of other programs, scored on the store's grid as our own are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use blake3::Hasher;
use hardslice_volume::folder::visible_paths;
use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::{
    Ending, FileError, Note, Placement, ReadError, Reference, default_tolerance_mm,
    describe_labels, read_labels_on,
};
use thiserror::Error;

use super::probabilities::{FittedProbabilities, ProbabilitiesReader};
use super::{CoarseMask, ProbabilitiesError, ScoredSlice, SliceScore, prediction_folders};
use crate::fingerprint::add_content;
use crate::store::{IGNORED, Store, fitted_labels};
use crate::{Organ, OrganMap, OutputIdx, SliceRef, StoreOrgan, bounded_parallel_map};

/// A case's prediction cannot be scored.
#[derive(Debug, Error)]
pub enum ExternalError {
    /// There is none.
    #[error(
        "there is no prediction of `{case}` (as {case}.nii.gz or in any other \
         format, or a folder {case} with a mask for \
         each structure) in {}", dir.display()
    )]
    Missing {
        /// The case.
        case: String,
        /// Where it was looked for.
        dir: PathBuf,
    },
    /// There are several.
    #[error(
        "`{case}` has two predictions, keep one: {} and {}", first.display(), second.display()
    )]
    Twice {
        /// The case.
        case: String,
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// It cannot be read, or does not lie on its scan's grid.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds labels, but none of an organ.
    #[error(
        "none of its label values ({found}) is that of an organ ({known}): say with --label which \
         values are which organ: {}", path.display()
    )]
    NoOrgan {
        /// The first values that it holds.
        found: String,
        /// The organs.
        known: String,
        /// The file.
        path: PathBuf,
    },
    /// An organ that goes by names, and a label map that has none.
    #[error(
        "`{organ}` is given by the names of structures alone, and this label map holds values: say which \
         value it has there (--label {organ}=3): {}", path.display()
    )]
    NoNames {
        /// The organ.
        organ: Organ,
        /// The file.
        path: PathBuf,
    },
    /// Its losses cannot be computed.
    #[error(transparent)]
    Probabilities(#[from] ProbabilitiesError),
    /// Its slices cannot be brought to a square.
    #[error(transparent)]
    Fit(#[from] PlaneFitError),
    /// It cannot be hashed, or not even be looked for.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Predictions of some cases of a store.
#[derive(Debug, Clone, Copy)]
pub struct ExternalPredictions<'a> {
    /// The cohort.
    pub store: &'a Store,
    /// The organs to score; their order is that of the outputs.
    pub organs: &'a [StoreOrgan],
    /// A label map, or a folder of masks, for each case, named by the case; or a trainer's folder of
    /// nnU-Net's, with the validation predictions of its folds ([`prediction_folders`]).
    pub dir: &'a Path,
    /// Which values are which organ there; those of the store when absent. Organs that the store
    /// does not have are passed over.
    pub labels: Option<&'a OrganMap>,
    /// Whether the losses are computed, from the probabilities that lie beside each label map: an array
    /// `[classes, z, y, x]` in `CASE.npz`, as nnU-Net writes it with `--npz`. A class is a label value.
    pub probabilities: bool,
}

/// The scores of one case, and the hash of what they were computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalCase {
    /// A score for each slice and annotated organ, slice by slice.
    pub scored: Vec<ScoredSlice>,
    /// BLAKE3 of the prediction's files.
    pub blake3: String,
    /// What the reader of the prediction took for granted.
    pub notes: Vec<Note>,
}

impl ExternalPredictions<'_> {
    /// Scores every slice of some cases, at most `n_at_once` cases at a time, in the order of the
    /// cases. One that cannot be scored does not stop the others.
    ///
    /// Predictions are brought onto the store's grid as its labels were, so that both are counted
    /// alike. Pixels that are to be ignored are counted nowhere.
    ///
    /// ```
    /// use hardslice_data::mining::ExternalPredictions;
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
    /// # }
    /// # let dir = tempfile::tempdir()?;
    ///
    /// // A label map of patient a, wrong in slice 4, and none of patient b.
    /// let store = example::store(dir.path());
    /// let predictions = dir.path().join("predictions");
    /// example::write_prediction(&predictions, "a");
    /// let organs: Vec<_> = store.all_organs().collect();
    /// let external = ExternalPredictions {
    ///     store: &store,
    ///     organs: &organs,
    ///     dir: &predictions,
    ///     labels: None,
    ///     probabilities: false,
    /// };
    /// let [a, b]: [_; 2] = external.scores(&[0, 1], 2, &|| ()).try_into().unwrap();
    /// let dice: Vec<_> = a?.scored.iter().map(|slice| slice.score.dice(1)).collect();
    /// assert_eq!(dice[1..6], [None, Some(1.0), Some(1.0), Some(0.5), Some(1.0)]);
    /// assert!(b.unwrap_err().to_string().starts_with("there is no prediction of `b`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scores(
        &self,
        cases: &[usize],
        n_at_once: usize,
        advanced: &(dyn Fn() + Sync),
    ) -> Vec<Result<ExternalCase, ExternalError>> {
        // A folder that cannot be listed is refused case by case, with the system's reason.
        let listed = self.entries().ok();
        bounded_parallel_map(cases, n_at_once, |case_idx| {
            let counts = self.of_case(*case_idx, listed.as_deref());
            advanced();
            counts
        })
    }

    fn of_case(
        &self,
        case_idx: usize,
        listed: Option<&[PathBuf]>,
    ) -> Result<ExternalCase, ExternalError> {
        let path = match listed {
            Some(entries) => self.path_of(case_idx, entries)?,
            None => self.path_of(case_idx, &self.entries()?)?,
        };
        let case = &self.store.cases()[case_idx];
        let mut hasher = Hasher::new();
        add_content(&mut hasher, &path)?;
        let (label_map, notes) = self.read(case_idx, &path)?;
        let native = self.in_store_values(&label_map, &path)?;
        let fit = self
            .store
            .options()
            .preprocessing()
            .plane_fit(&case.placement.canonical)?;
        let probabilities = if self.probabilities {
            let npz = probabilities_beside(&path, case.id.as_str())?;
            add_content(&mut hasher, &npz)?;
            let placement = describe_labels(&path)?.placement;
            let placement = placement.filter(|found| {
                found.canonical.shape == case.placement.canonical.shape && !path.is_dir()
            });
            let placement = placement.ok_or(ProbabilitiesError::NoLabelMap { path })?;
            Some(self.fitted_probabilities(&npz, &placement, &label_map, &fit)?)
        } else {
            None
        };
        drop(label_map);
        let predicted = fitted_labels(&native, &fit, self.store.organs().len());
        let n_pixels = fit.size() * fit.size();
        let slices = predicted.chunks_exact(n_pixels).enumerate();
        Ok(ExternalCase {
            scored: slices
                .flat_map(|(z, predicted)| {
                    self.of_slice(case_idx, z, predicted, probabilities.as_ref())
                })
                .collect(),
            blake3: hasher.finalize().to_hex().to_string(),
            notes,
        })
    }

    /// The prediction of a case on the scan's own voxels, `[z, y, x]` on canonical axes, in the
    /// store's values ([`Store::label_of`]).
    ///
    /// # Errors
    ///
    /// [`ExternalError`] when there is none, or it cannot be read on the scan's grid.
    pub fn label_map(&self, case_idx: usize) -> Result<Vec<u8>, ExternalError> {
        let path = self.path_of(case_idx, &self.entries()?)?;
        let (label_map, _notes) = self.read(case_idx, &path)?;
        self.in_store_values(&label_map, &path)
    }

    /// A plain label map has values and no names: an organ that is known by names alone would be nowhere
    /// in it, and every slice of it hard.
    fn check_names(&self, path: &Path) -> Result<(), ExternalError> {
        let is_mined = |organ: &Organ| {
            let mut mined = self.organs.iter();
            mined.any(|mined| self.store.organ(*mined) == organ)
        };
        let mut by_names = self.organ_map().by_names_alone();
        match by_names.find(|organ| is_mined(organ)) {
            Some(organ) if !describe_labels(path)?.has_names => Err(ExternalError::NoNames {
                organ: organ.clone(),
                path: path.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// A label map on the scan's own voxels, in its own values, and what its reader took for granted.
    fn read(&self, case_idx: usize, path: &Path) -> Result<(Vec<u16>, Vec<Note>), ExternalError> {
        let case = &self.store.cases()[case_idx];
        let tolerance_mm = self
            .store
            .options()
            .grid_tolerance_mm
            .unwrap_or(default_tolerance_mm(&case.placement.canonical));
        let reference = Reference {
            placement: &case.placement,
            frame_of_reference: case.source.frame_of_reference.as_deref(),
        };
        let names = self.organ_map().label_names();
        let read = read_labels_on(path, reference, names, tolerance_mm)?;
        self.check_names(path)?;
        Ok((read.volume.into_voxels(), read.notes))
    }

    /// Which values are which organ in the predictions.
    fn organ_map(&self) -> &OrganMap {
        self.labels.unwrap_or(self.store.organs())
    }

    /// The probabilities of the organs on the store's grid, for a label map and how it lies.
    fn fitted_probabilities(
        &self,
        npz: &Path,
        placement: &Placement,
        label_map: &[u16],
        fit: &PlaneFit,
    ) -> Result<FittedProbabilities, ProbabilitiesError> {
        let organs = self.organs.iter();
        let organs: Vec<Organ> = organs
            .map(|organ| self.store.organ(*organ).clone())
            .collect();
        let reader = ProbabilitiesReader {
            placement,
            label_map,
            labels: self.organ_map(),
            organs: &organs,
            fit,
        };
        reader.read(npz)
    }

    /// What lies in the folder, or in those of the folds.
    fn entries(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut entries = Vec::new();
        for folder in prediction_folders(self.dir)? {
            entries.extend(visible_paths(&folder)?);
        }
        Ok(entries)
    }

    /// The only file or folder among the folder's entries that is called as the case, whatever its
    /// ending.
    fn path_of(&self, case_idx: usize, entries: &[PathBuf]) -> Result<PathBuf, ExternalError> {
        let case = self.store.cases()[case_idx].id.as_str();
        let is_its = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name == case {
                return path.is_dir();
            }
            let (stem, ending) = Ending::split(&name);
            let is_read = ending.is_some_and(|end| end.is_volume() || end == Ending::Dicom);
            stem == case && is_read && !path.is_dir()
        };
        let mut its = entries.iter().filter(is_its).cloned();
        match (its.next(), its.next()) {
            (Some(first), Some(second)) => Err(ExternalError::Twice {
                case: case.to_owned(),
                first,
                second,
            }),
            (Some(only), None) => Ok(only),
            (None, _) => Err(ExternalError::Missing {
                case: case.to_owned(),
                dir: self.dir.to_owned(),
            }),
        }
    }

    /// Label values of the predictions to those of the store; what is no organ of it is background.
    fn in_store_values(&self, voxels: &[u16], path: &Path) -> Result<Vec<u8>, ExternalError> {
        let labels = self.organ_map();
        // The place of an organ there, plus one, to the store's value.
        let mut of_place = vec![0; labels.len() + 1];
        for (value, organ) in of_place[1..].iter_mut().zip(labels.organs()) {
            let known = self.store.organ_of(organ);
            *value = known.map_or(0, |organ| self.store.label_of(organ));
        }
        let table = labels.store_values();
        let value = |label: &u16| of_place[usize::from(table[usize::from(*label)])];
        let values: Vec<u8> = voxels.iter().map(value).collect();
        let holds_labels = voxels.iter().any(|label| *label > 0);
        if holds_labels && voxels.iter().all(|label| table[usize::from(*label)] == 0) {
            let found: BTreeSet<u16> = voxels.iter().copied().filter(|label| *label > 0).collect();
            let first: Vec<String> = found.iter().take(5).map(u16::to_string).collect();
            return Err(ExternalError::NoOrgan {
                found: first.join(", "),
                known: labels.to_string(),
                path: path.to_owned(),
            });
        }
        Ok(values)
    }

    fn of_slice(
        &self,
        case_idx: usize,
        z: usize,
        predicted: &[u8],
        probabilities: Option<&FittedProbabilities>,
    ) -> Vec<ScoredSlice> {
        let truth = self.store.labels(case_idx, z);
        let outputs = OutputIdx::first(self.organs.len()).zip(self.organs);
        let annotated = outputs.filter(|(_, organ)| self.store.is_annotated(case_idx, **organ));
        let scored = annotated.map(|(output, organ)| {
            let value = self.store.label_of(*organ);
            let slice = SliceRef::at(case_idx, z);
            let pixels = truth.iter().zip(predicted);
            let pixels = pixels.filter(|(truth, _)| **truth != IGNORED);
            let pixels = pixels.map(|(truth, predicted)| (*truth == value, *predicted == value));
            ScoredSlice {
                score: SliceScore::counted(slice, output, pixels),
                loss: probabilities.and_then(|fitted| fitted.loss(output.idx(), z, truth, value)),
                predicted: CoarseMask::sampled(self.store.size(), |at| {
                    predicted[at] == value && truth[at] != IGNORED
                }),
            }
        });
        scored.collect()
    }
}

/// The probabilities beside a label map.
fn probabilities_beside(label_map: &Path, case: &str) -> Result<PathBuf, ProbabilitiesError> {
    let npz = label_map.with_file_name(format!("{case}.npz"));
    if npz.is_file() {
        return Ok(npz);
    }
    Err(ProbabilitiesError::Missing {
        case: case.to_owned(),
        label_map: label_map.to_owned(),
    })
}
