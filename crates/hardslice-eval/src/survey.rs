//! One pass over two masks: how many voxels they share, and the box that holds both.

use std::ops::Range;

use hardslice_volume::PerAxis;
use rayon::prelude::*;
use thiserror::Error;

use crate::mask::{Label, Mask, MaskError};
use crate::overlap::Overlap;

/// Two masks cannot be scored against each other.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScoreError {
    /// A mask does not fit its own grid.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// The masks do not lie on one grid.
    #[error(
        "the truth is {truth} voxels (x × y × z) but the prediction is {predicted}; bring the \
         prediction back to the scan's own grid first"
    )]
    GridMismatch {
        /// Grid of the truth.
        truth: PerAxis<usize>,
        /// Grid of the prediction.
        predicted: PerAxis<usize>,
    },
    /// A distance in millimetres needs a spacing.
    #[error(
        "spacing must be finite and above 0 mm along every axis, got {spacing_mm} mm (x × y × z)"
    )]
    Spacing {
        /// Spacing given.
        spacing_mm: PerAxis<f64>,
    },
}

/// Refuses a spacing that makes no distance.
pub(crate) fn check_spacing(spacing_mm: PerAxis<f64>) -> Result<(), ScoreError> {
    if spacing_mm
        .zyx()
        .into_iter()
        .all(|mm| mm.is_finite() && mm > 0.0)
    {
        Ok(())
    } else {
        Err(ScoreError::Spacing { spacing_mm })
    }
}

/// What one pass over two masks finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Survey {
    /// Voxel counts.
    pub(crate) overlap: Overlap,
    /// Smallest box that holds both masks; `None` when both are empty.
    pub(crate) bounds: Option<PerAxis<Range<usize>>>,
}

fn check_shapes<T: Label, U: Label>(
    truth: &Mask<'_, T>,
    predicted: &Mask<'_, U>,
) -> Result<(), ScoreError> {
    if truth.shape() == predicted.shape() {
        return Ok(());
    }
    Err(ScoreError::GridMismatch {
        truth: truth.shape(),
        predicted: predicted.shape(),
    })
}

/// Counts two masks and bounds their union.
pub(crate) fn survey<T: Label, U: Label>(
    truth: &Mask<'_, T>,
    predicted: &Mask<'_, U>,
) -> Result<Survey, ScoreError> {
    check_shapes(truth, predicted)?;
    // Integers only, so the order in which slices are joined cannot matter.
    Ok((0..truth.shape().z)
        .into_par_iter()
        .map(|z| survey_slice(truth, predicted, z))
        .reduce(Survey::nothing, Survey::join))
}

impl Overlap {
    /// Counts the voxels of two masks and those they share.
    ///
    /// ```
    /// use hardslice_eval::{Mask, Overlap};
    /// use hardslice_volume::PerAxis;
    ///
    /// let shape = PerAxis::new(1, 2, 3);
    /// let truth = Mask::new(&[0_u8, 1, 1, 0, 1, 2], 1, shape)?; // organ 1 of a label map
    /// let predicted = Mask::new(&[false, true, false, false, true, true], true, shape)?;
    /// let overlap = Overlap::count(&truth, &predicted)?;
    /// assert_eq!((overlap.n_truth, overlap.n_predicted, overlap.n_shared), (3, 3, 2));
    /// # Ok::<(), hardslice_eval::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::GridMismatch`] when the masks differ in shape.
    pub fn count<T: Label, U: Label>(
        truth: &Mask<'_, T>,
        predicted: &Mask<'_, U>,
    ) -> Result<Self, ScoreError> {
        Ok(survey(truth, predicted)?.overlap)
    }

    /// Counts the pixels of two masks and those they share, slice by slice.
    ///
    /// ```
    /// use hardslice_eval::{Mask, Overlap};
    /// use hardslice_volume::PerAxis;
    ///
    /// let shape = PerAxis::new(2, 1, 3);
    /// let truth = Mask::new(&[0_u8, 1, 1, 0, 0, 0], 1, shape)?;
    /// let predicted = Mask::new(&[0_u8, 1, 0, 0, 0, 0], 1, shape)?;
    /// let dice = Overlap::count_slices(&truth, &predicted)?.into_iter().map(Overlap::dice);
    /// assert_eq!(dice.collect::<Vec<_>>(), [Some(2.0 / 3.0), None]);
    /// # Ok::<(), hardslice_eval::ScoreError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ScoreError::GridMismatch`] when the masks differ in shape.
    pub fn count_slices<T: Label, U: Label>(
        truth: &Mask<'_, T>,
        predicted: &Mask<'_, U>,
    ) -> Result<Vec<Self>, ScoreError> {
        check_shapes(truth, predicted)?;
        let slices = (0..truth.shape().z).into_par_iter();
        let counted = slices.map(|z| survey_slice(truth, predicted, z).overlap);
        Ok(counted.collect())
    }
}

impl Survey {
    fn nothing() -> Self {
        Self {
            overlap: Overlap::default(),
            bounds: None,
        }
    }

    fn join(self, other: Self) -> Self {
        let bounds = match (self.bounds, other.bounds) {
            (Some(a), Some(b)) => Some(PerAxis {
                z: hull(&a.z, &b.z),
                y: hull(&a.y, &b.y),
                x: hull(&a.x, &b.x),
            }),
            (a, b) => a.or(b),
        };
        Self {
            overlap: self.overlap + other.overlap,
            bounds,
        }
    }
}

fn hull(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

fn survey_slice<T: Label, U: Label>(
    truth: &Mask<'_, T>,
    predicted: &Mask<'_, U>,
    z: usize,
) -> Survey {
    let mut found = Survey::nothing();
    for y in 0..truth.shape().y {
        let (truth_row, predicted_row) = (truth.row(z, y), predicted.row(z, y));
        let overlap = count_row(truth, truth_row, predicted, predicted_row);
        if overlap.n_truth + overlap.n_predicted == 0 {
            continue;
        }
        let mut pairs = truth_row.iter().zip(predicted_row);
        let inside = |(t, p): (&T, &U)| truth.holds(*t) || predicted.holds(*p);
        let first = pairs.position(inside);
        let first = first.expect("a row with a count has a voxel inside");
        let last = pairs
            .rposition(inside)
            .map_or(first, |after| first + 1 + after);
        let bounds = Some(PerAxis::new(z..z + 1, y..y + 1, first..last + 1));
        found = found.join(Survey { overlap, bounds });
    }
    found
}

/// Counts one row, in chunks that fit a byte so that the compiler counts many voxels at once.
fn count_row<T: Label, U: Label>(
    truth: &Mask<'_, T>,
    truth_row: &[T],
    predicted: &Mask<'_, U>,
    predicted_row: &[U],
) -> Overlap {
    const CHUNK: usize = 128;
    let mut counted = Overlap::default();
    for (t, p) in truth_row.chunks(CHUNK).zip(predicted_row.chunks(CHUNK)) {
        let (mut n_truth, mut n_predicted, mut n_shared) = (0_u8, 0_u8, 0_u8);
        for (t, p) in t.iter().zip(p) {
            let (t, p) = (u8::from(truth.holds(*t)), u8::from(predicted.holds(*p)));
            n_truth += t;
            n_predicted += p;
            n_shared += t & p;
        }
        counted = counted
            + Overlap {
                n_truth: n_truth.into(),
                n_predicted: n_predicted.into(),
                n_shared: n_shared.into(),
            };
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_holds_both_masks_and_nothing_more() {
        let shape = PerAxis::new(3, 4, 300);
        let (mut truth, mut predicted) = (vec![0_u16; 3600], vec![false; 3600]);
        truth[shape.n_pixels() + 2 * 300 + 7] = 5;
        truth[0] = 4;
        predicted[2 * shape.n_pixels() + 300 + 299] = true;
        let truth = Mask::new(&truth, 5, shape).unwrap();
        let predicted = Mask::new(&predicted, true, shape).unwrap();
        let found = survey(&truth, &predicted).unwrap();
        assert_eq!(
            found.bounds,
            Some(PerAxis::new(1..3, 1..3, 7..300)),
            "another label is out"
        );
        assert_eq!(
            found.overlap,
            Overlap {
                n_truth: 1,
                n_predicted: 1,
                n_shared: 0
            },
            "one voxel each"
        );
    }

    #[test]
    fn rows_longer_than_a_byte_can_count_are_counted_whole() {
        let shape = PerAxis::new(1, 1, 1000);
        let full = vec![true; 1000];
        let mask = Mask::new(&full, true, shape).unwrap();
        let found = survey(&mask, &mask).unwrap();
        assert_eq!(found.overlap.n_shared, 1000, "every voxel");
        assert_eq!(
            found.bounds,
            Some(PerAxis::new(0..1, 0..1, 0..1000)),
            "the whole row"
        );
    }

    #[test]
    fn masks_on_different_grids_are_refused_with_both_shapes() {
        let flat = Mask::new(&[true; 4], true, PerAxis::new(1, 2, 2)).unwrap();
        let tall = Mask::new(&[true; 4], true, PerAxis::new(2, 2, 1)).unwrap();
        let message = survey(&flat, &tall).unwrap_err().to_string();
        assert!(
            message.contains("2 × 2 × 1") && message.contains("1 × 2 × 2"),
            "{message}"
        );
    }
}
