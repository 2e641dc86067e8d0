//! Surface distances (HD95, ASSD, NSD) from where two surfaces run.

use std::ops::Range;

use hardslice_volume::PerAxis;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cropped::Cropped;
use super::distance_field::DistanceField;
use super::elements::Elements;
use super::surfel_area::area_by_code_mm2;
use crate::mask::{Label, Mask};
use crate::survey::{ScoreError, check_spacing, survey};

/// What a surface is made of and how its distances are counted.
///
/// | | `SurfaceDistance` (default) | `Monai` |
/// |---|---|---|
/// | element | surfel at a corner between voxels | voxel less the mask's erosion by a cross |
/// | weight | its area in mm² (marching cubes) | 1 |
/// | percentile | first distance at which the area reaches the share | linear between ranks |
/// | distances | 64 bits | rounded to 32 bits |
///
/// Both measure from element to element, symmetrically, and close surfaces at the grid's end.
///
/// # Sources
///
/// - S. Nikolov et al. (2021), "Clinically applicable segmentation of head and neck anatomy for
///   radiotherapy", J Med Internet Res 23(7), e26151; code: `google-deepmind/surface-distance`.
/// - M. J. Cardoso et al. (2022), "MONAI: an open-source framework for deep learning in
///   healthcare", arXiv 2211.02701; `monai.metrics` with `symmetric=True`, `use_subvoxels=False`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// Area-weighted surface elements, as in DeepMind's surface-distance.
    #[default]
    SurfaceDistance,
    /// Border voxels that all count the same, as in MONAI.
    Monai,
}

/// The distances between two surfaces, both ways.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDistances {
    /// From each element of the true surface to the predicted one.
    pub truth_to_predicted: DirectedDistances,
    /// From each element of the predicted surface to the true one.
    pub predicted_to_truth: DirectedDistances,
    convention: Convention,
}

/// The distances from each element of one surface to the other surface, ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedDistances {
    // Distance in mm and weight, sorted by both. Never empty, total weight above 0.
    elements: Vec<(f64, f64)>,
    total_weight: f64,
}

impl SurfaceDistances {
    /// Measures the distances between the surfaces of two masks.
    ///
    /// `None` when a mask is empty: it has no surface.
    ///
    /// ```
    /// use hardslice_eval::{Convention, Mask, SurfaceDistances};
    /// use hardslice_volume::PerAxis;
    ///
    /// let (shape, spacing_mm) = (PerAxis::new(1, 1, 8), PerAxis::new(5.0, 1.0, 2.0));
    /// let truth = [1, 1, 0, 0, 0, 0, 0, 0];
    /// let predicted = [0, 0, 0, 1, 1, 0, 0, 0]; // three voxels of 2 mm further along x
    /// let distances = SurfaceDistances::between(
    ///     &Mask::new(&truth, 1, shape)?,
    ///     &Mask::new(&predicted, 1, shape)?,
    ///     spacing_mm,
    ///     Convention::Monai,
    /// )?
    /// .expect("neither mask is empty");
    /// assert_eq!(distances.hausdorff_mm(100.0), 6.0);
    /// assert_eq!(distances.assd_mm(), 5.0); // 6, 4 and back again 4, 6
    /// assert_eq!(distances.nsd(4.0), 0.5);
    /// # Ok::<(), hardslice_eval::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when the masks differ in shape or the spacing is not above 0.
    pub fn between<T: Label, U: Label>(
        truth: &Mask<'_, T>,
        predicted: &Mask<'_, U>,
        spacing_mm: PerAxis<f64>,
        convention: Convention,
    ) -> Result<Option<Self>, ScoreError> {
        check_spacing(spacing_mm)?;
        let found = survey(truth, predicted)?;
        let both = found.overlap.n_truth > 0 && found.overlap.n_predicted > 0;
        Ok(found
            .bounds
            .filter(|_| both)
            .map(|bounds| Self::between_within(truth, predicted, &bounds, spacing_mm, convention)))
    }

    /// Measures two masks, neither of them empty, that lie in a box.
    pub(crate) fn between_within<T: Label, U: Label>(
        truth: &Mask<'_, T>,
        predicted: &Mask<'_, U>,
        bounds: &PerAxis<Range<usize>>,
        spacing_mm: PerAxis<f64>,
        convention: Convention,
    ) -> Self {
        let surface = |cropped: &Cropped| match convention {
            Convention::SurfaceDistance => Elements::surfels(cropped),
            Convention::Monai => Elements::border_voxels(cropped),
        };
        let truth = surface(&Cropped::cut(truth, bounds));
        let predicted = surface(&Cropped::cut(predicted, bounds));
        let weight_by_code = match convention {
            Convention::SurfaceDistance => area_by_code_mm2(spacing_mm),
            Convention::Monai => [1.0; 256],
        };
        let measure = |from: &Elements, to: &Elements| {
            // One field at a time: it is the largest thing in memory.
            let field = DistanceField::to_elements(to, spacing_mm);
            DirectedDistances::measure(from, &field, &weight_by_code, convention)
        };
        Self {
            truth_to_predicted: measure(&truth, &predicted),
            predicted_to_truth: measure(&predicted, &truth),
            convention,
        }
    }

    /// Robust Hausdorff distance in millimetres: the larger of the two directed percentiles.
    ///
    /// `percent` from 0 to 100: 95 for HD95, 100 for the Hausdorff distance.
    pub fn hausdorff_mm(&self, percent: f64) -> f64 {
        let one_way = |distances: &DirectedDistances| match self.convention {
            Convention::SurfaceDistance => distances.weighted_percentile_mm(percent),
            Convention::Monai => distances.linear_percentile_mm(percent),
        };
        one_way(&self.truth_to_predicted).max(one_way(&self.predicted_to_truth))
    }

    /// Average symmetric surface distance in millimetres, pooled over both surfaces:
    ///
    /// ```text
    /// (Σ_T a·d(T→P) + Σ_P a·d(P→T)) / (Σ_T a + Σ_P a)
    /// ```
    ///
    /// with the weights `a` of the convention. This is the ASSD of the literature and MONAI's
    /// symmetric average; surface-distance itself only gives the two directed means, which
    /// [`DirectedDistances::mean_mm`] gives too. Their plain mean is another number where the two
    /// surfaces differ in size.
    ///
    /// # Sources
    ///
    /// - T. Heimann et al. (2009), "Comparison and evaluation of methods for liver segmentation
    ///   from CT datasets", IEEE Trans Med Imaging 28(8), 1251–1265.
    pub fn assd_mm(&self) -> f64 {
        let [there, back] = self.directions();
        (there.weighted_sum() + back.weighted_sum()) / (there.total_weight + back.total_weight)
    }

    /// Normalised surface Dice: the share of both surfaces that lies within a tolerance of the
    /// other, from 0 to 1. A distance equal to the tolerance counts as within.
    pub fn nsd(&self, tolerance_mm: f64) -> f64 {
        let tolerance_mm = self.convention.rounded(tolerance_mm);
        let [there, back] = self.directions();
        let within = there.weight_within(tolerance_mm) + back.weight_within(tolerance_mm);
        within / (there.total_weight + back.total_weight)
    }

    fn directions(&self) -> [&DirectedDistances; 2] {
        [&self.truth_to_predicted, &self.predicted_to_truth]
    }
}

impl Convention {
    /// MONAI keeps distances, and compares them with a tolerance, in 32 bits.
    fn rounded(self, mm: f64) -> f64 {
        match self {
            Self::SurfaceDistance => mm,
            #[expect(clippy::cast_possible_truncation, reason = "MONAI rounds to 32 bits")]
            Self::Monai => f64::from(mm as f32),
        }
    }
}

impl DirectedDistances {
    /// Reads the field of one surface at each element of the other. Neither may be empty.
    fn measure(
        from: &Elements,
        to: &DistanceField,
        weight_by_code: &[f64; 256],
        convention: Convention,
    ) -> Self {
        let slices: Vec<Vec<(f64, f64)>> = (0..from.shape.z)
            .into_par_iter()
            .map(|z| {
                let rows = (0..from.shape.y).flat_map(|y| from.row(z, y).map(move |p| (y, p)));
                rows.filter_map(|(y, (x, code))| {
                    let distance_mm = to.distance_mm(PerAxis::new(z, y, x))?;
                    Some((
                        convention.rounded(distance_mm),
                        weight_by_code[usize::from(code)],
                    ))
                })
                .collect()
            })
            .collect();
        let mut elements = slices.concat();
        elements.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let total_weight = sum(&elements, |_, weight| weight);
        Self {
            elements,
            total_weight,
        }
    }

    /// Distances in millimetres, ascending.
    pub fn distances_mm(&self) -> impl Iterator<Item = f64> {
        self.elements.iter().map(|(distance, _)| *distance)
    }

    /// Mean distance in millimetres, `Σ a·d / Σ a`.
    pub fn mean_mm(&self) -> f64 {
        self.weighted_sum() / self.total_weight
    }

    fn weighted_sum(&self) -> f64 {
        sum(&self.elements, |distance, weight| distance * weight)
    }

    fn weight_within(&self, tolerance_mm: f64) -> f64 {
        let n_within = self
            .elements
            .partition_point(|(distance, _)| *distance <= tolerance_mm);
        sum(&self.elements[..n_within], |_, weight| weight)
    }

    /// First distance at which the summed weight reaches a share of the total.
    fn weighted_percentile_mm(&self, percent: f64) -> f64 {
        let mut reached = 0.0;
        for (distance, weight) in &self.elements {
            reached += weight;
            if reached / self.total_weight >= percent / 100.0 {
                return *distance;
            }
        }
        self.elements[self.elements.len() - 1].0
    }

    /// Distance at a rank between the first and the last, linear between whole ranks.
    fn linear_percentile_mm(&self, percent: f64) -> f64 {
        let last = self.elements.len() - 1;
        let rank = percent / 100.0 * last as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank outside the list saturates, then is clamped"
        )]
        let below = (rank.floor() as usize).min(last);
        let (low, high) = (
            self.elements[below].0,
            self.elements[(below + 1).min(last)].0,
        );
        low + (high - low) * (rank - below as f64).clamp(0.0, 1.0)
    }
}

/// Sums over elements in their order, block by block, so that rounding errors do not pile up. The
/// sum of none is 0, not the -0 that `Iterator::sum` gives.
fn sum(elements: &[(f64, f64)], term: impl Fn(f64, f64) -> f64) -> f64 {
    let block = |block: &[(f64, f64)]| block.iter().map(|(d, w)| term(*d, *w)).sum::<f64>();
    elements
        .chunks(512)
        .map(block)
        .fold(0.0, |sum, of_block| sum + of_block)
}
