//! Losses of another program's probabilities.

use std::path::{Path, PathBuf};

use hardslice_volume::plane::PlaneFit;
use hardslice_volume::{Orientation, Placement};
use rayon::prelude::*;
use thiserror::Error;

use crate::npz::{Class, NpzError, each_class};
use crate::store::IGNORED;
use crate::{Organ, OrganMap};

/// Probabilities from which no losses can be computed.
#[derive(Debug, Error)]
pub enum ProbabilitiesError {
    /// They cannot be read.
    #[error(transparent)]
    Npz(#[from] NpzError),
    /// There are none.
    #[error(
        "there are no probabilities {case}.npz beside its label map {}: nnU-Net writes them with --npz \
         (nnUNetv2_train ... --val --npz for a training that is over)", label_map.display()
    )]
    Missing {
        /// The case.
        case: String,
        /// Its label map.
        label_map: PathBuf,
    },
    /// The prediction is no label map.
    #[error(
        "probabilities are of the voxels of a label map, and this is none: {}", path.display()
    )]
    NoLabelMap {
        /// The prediction.
        path: PathBuf,
    },
    /// An organ has no class.
    #[error(
        "`{organ}` is known by names of structures alone, and probabilities have classes: say with \
         --label {organ}=VALUES which values are its"
    )]
    NoClass {
        /// The organ.
        organ: Organ,
    },
    /// An organ's class is not there.
    #[error(
        "`{organ}` is label {label}, and there are {n_classes} classes, of which the first is the \
         background: say with --label which values are which organ: {}", path.display()
    )]
    ClassBeyond {
        /// The organ.
        organ: Organ,
        /// Its value.
        label: u16,
        /// How many classes there are.
        n_classes: usize,
        /// The file.
        path: PathBuf,
    },
    /// They are of another prediction.
    #[error(
        "label map and probabilities contradict one another in {n_wrong} of {n_labelled} labelled \
         voxels: they are of different trainings or cases, or the label map was postprocessed: {}",
        path.display()
    )]
    Contradiction {
        /// Voxels where they do.
        n_wrong: usize,
        /// Voxels that either of them labels.
        n_labelled: usize,
        /// The file of the probabilities.
        path: PathBuf,
    },
}

/// What a label map's probabilities are read with.
pub(super) struct ProbabilitiesReader<'a> {
    /// How the label map lies in its file.
    pub(super) placement: &'a Placement,
    /// The label map, on canonical axes.
    pub(super) label_map: &'a [u16],
    /// The organs' values there.
    pub(super) labels: &'a OrganMap,
    /// The organs whose losses are wanted.
    pub(super) organs: &'a [Organ],
    pub(super) fit: &'a PlaneFit,
}

impl ProbabilitiesReader<'_> {
    /// Reads the probabilities of a case onto the store's grid.
    ///
    /// nnU-Net hands the voxels of a file over with the last axis first; its readers that reorient
    /// bring them to canonical axes before. Which was done stands in no file but a pickle: the label
    /// map tells, for where a class has the highest probability it must have its label.
    pub(super) fn read(&self, path: &Path) -> Result<FittedProbabilities, ProbabilitiesError> {
        let classes = self.classes()?;
        let Placement {
            native,
            canonical,
            orientation,
        } = self.placement;
        // Where the file's axes are canonical both ways are one, and nothing needs to be turned.
        let is_canonical = *orientation == Orientation::CANONICAL;
        let mut ways = vec![Way::new(is_canonical, self)];
        if !is_canonical {
            ways.push(Way::new(true, self));
        }
        let shapes = [native.shape, canonical.shape];
        let n_classes = each_class(path, &shapes, |class, probabilities| {
            let probabilities = &probabilities;
            for way in &mut ways {
                if class.shape != shapes[usize::from(way.is_canonical)] {
                    continue;
                }
                way.fits = true;
                if way.is_canonical {
                    way.take(self, &class, &classes, probabilities);
                } else {
                    let canonical = self.placement.to_canonical(probabilities.clone());
                    let canonical = canonical.expect("it has the shape of the file");
                    way.take(self, &class, &classes, canonical.voxels());
                }
            }
        })?;
        let beyond = classes
            .iter()
            .flatten()
            .find(|label| usize::from(**label) >= n_classes);
        if let Some(label) = beyond {
            let organ = self.labels.organ_of_label(*label).expect("its value");
            return Err(ProbabilitiesError::ClassBeyond {
                organ: organ.clone(),
                label: *label,
                n_classes,
                path: path.to_owned(),
            });
        }
        let fitting = ways.into_iter().filter(|way| way.fits);
        // Of equals the first: what nnU-Net does by default.
        let way = fitting.min_by_key(|way| way.n_wrong);
        let way = way.expect("a shape that fits neither way is refused");
        if 2 * way.n_wrong > way.n_labelled {
            return Err(ProbabilitiesError::Contradiction {
                n_wrong: way.n_wrong,
                n_labelled: way.n_labelled,
                path: path.to_owned(),
            });
        }
        Ok(way.fitted)
    }

    /// The values of each organ.
    fn classes(&self) -> Result<Vec<Vec<u16>>, ProbabilitiesError> {
        let values = |organ: &Organ| {
            let entries = self.labels.entries().iter();
            let values: Vec<u16> = entries
                .filter(|entry| entry.organ == *organ)
                .flat_map(|entry| entry.labels.iter().copied())
                .collect();
            if values.is_empty() {
                return Err(ProbabilitiesError::NoClass {
                    organ: organ.clone(),
                });
            }
            Ok(values)
        };
        self.organs.iter().map(values).collect()
    }
}

/// Probabilities taken to lie one way or the other.
struct Way {
    /// Whether they lie on canonical axes already.
    is_canonical: bool,
    /// Whether they have the shape for it.
    fits: bool,
    /// Voxels where the label map says otherwise.
    n_wrong: usize,
    /// Voxels that either of them labels.
    n_labelled: usize,
    fitted: FittedProbabilities,
}

impl Way {
    fn new(is_canonical: bool, reader: &ProbabilitiesReader<'_>) -> Self {
        let n_pixels = reader.fit.size().pow(2);
        let planes = vec![0.0; reader.placement.canonical.shape.z * n_pixels];
        let organs = vec![[planes.clone(), planes]; reader.organs.len()];
        Self {
            is_canonical,
            fits: false,
            n_wrong: 0,
            n_labelled: 0,
            fitted: FittedProbabilities { n_pixels, organs },
        }
    }

    /// Takes the probabilities of a class, on canonical axes.
    fn take(
        &mut self,
        reader: &ProbabilitiesReader<'_>,
        class: &Class,
        values: &[Vec<u16>],
        probabilities: &[f32],
    ) {
        /// Probabilities that were equal may have been rounded apart.
        const ROUNDING: f32 = 0.01;
        let label = u16::try_from(class.index).ok();
        if class.index > 0 {
            let least = 1.0 / class.n as f32 - ROUNDING;
            for (value, probability) in reader.label_map.iter().zip(probabilities) {
                let is_labelled = Some(*value) == label;
                let is_likely = *probability > 0.5 + ROUNDING;
                self.n_labelled += usize::from(is_labelled || is_likely);
                self.n_wrong += usize::from(if is_labelled {
                    *probability < least
                } else {
                    is_likely
                });
            }
        }
        let n_pixels = self.fitted.n_pixels;
        let [y, x] = reader.fit.native_yx();
        // Beyond the field of view all is background.
        let pad = if class.index == 0 { 1.0 } else { 0.0 };
        let mut fitted = vec![0.0; reader.placement.canonical.shape.z * n_pixels];
        let slices = fitted.par_chunks_mut(n_pixels);
        slices.zip(probabilities.par_chunks(y * x)).for_each_init(
            Vec::new,
            |scratch, (square, slice)| {
                reader.fit.image_into(slice, pad, scratch, square);
            },
        );
        for (values, [inside, outside]) in values.iter().zip(&mut self.fitted.organs) {
            let is_its = label.is_some_and(|label| values.contains(&label));
            let sums = if is_its { inside } else { outside };
            sums.par_iter_mut()
                .zip(&fitted)
                .for_each(|(sum, probability)| *sum += probability);
        }
    }
}

/// Probabilities of a case on the store's grid.
pub(super) struct FittedProbabilities {
    n_pixels: usize,
    /// For each organ the probability that a pixel lies on it, and that it does not: `[z, y, x]`. The
    /// difference to 1 of a probability near 1 would have lost its digits.
    organs: Vec<[Vec<f32>; 2]>,
}

impl FittedProbabilities {
    /// Mean binary cross-entropy of a slice's pixels, natural logarithm; `None` where every pixel is
    /// to be ignored. A probability of 0 counts as the smallest of f32 (a loss of 87.3).
    pub(super) fn loss(&self, organ: usize, z: usize, truth: &[u8], value: u8) -> Option<f64> {
        let pixels = z * self.n_pixels..(z + 1) * self.n_pixels;
        let [inside, outside] = &self.organs[organ];
        let (inside, outside) = (&inside[pixels.clone()], &outside[pixels]);
        let (mut sum, mut n) = (0.0, 0_u32);
        for (truth, (inside, outside)) in truth.iter().zip(inside.iter().zip(outside)) {
            if *truth == IGNORED {
                continue;
            }
            let right = if *truth == value { inside } else { outside };
            sum -= f64::from(right.clamp(f32::MIN_POSITIVE, 1.0)).ln();
            n += 1;
        }
        (n > 0).then(|| sum / f64::from(n))
    }
}
