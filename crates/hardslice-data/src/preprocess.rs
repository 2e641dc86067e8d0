//! Preprocessing: from Hounsfield units to what a net is given, once for `prepare`, training and
//! inference.
//!
//! ```text
//! a scan's slice ─ Preprocessing::to_square (clip to the window, resample, round) ─ a SliceSource
//!     SliceStack::fill (the slice and its neighbours) ─ Preprocessing::to_unit ─ [channels, y, x]
//! ```
//!
//! A case of a store and a scan that has just been read are both a [`SliceSource`]; what a net gets
//! of either is made by the same lines, so that it cannot differ between training and inference.
//!
//! ```
//! use hardslice_data::preprocess::{Preprocessing, ScanSlices, SliceStack};
//! use hardslice_volume::{Grid, PerAxis, Volume};
//!
//! let grid = Grid {
//!     shape: PerAxis::new(2, 3, 3),
//!     world_from_voxel: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
//! };
//! let scan = Volume::new(grid, vec![50.0; 18])?;
//! let preprocessing = Preprocessing { window_hu: [-150, 250], size: 3 };
//! let slices = ScanSlices::new(&scan, preprocessing)?;
//! let mut input = vec![0.0; 3 * 9];
//! SliceStack { context: 1 }.fill(&slices, 0, &preprocessing, &mut input);
//! assert!(input.iter().all(|value| *value == 0.5), "50 HU is the middle of the window");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Cow;

use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::{Grid, Volume};

/// What becomes of a slice before a net sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preprocessing {
    /// Lowest and highest value kept, Hounsfield units; what lies beyond is clipped.
    pub window_hu: [i16; 2],
    /// Rows and columns of the square that a slice is brought to, pixels.
    pub size: usize,
}

/// Room for one slice on its way to a square, used again for the next.
#[derive(Debug, Clone, Default)]
pub struct SliceBuffers {
    clipped: Vec<f32>,
    resampled: Vec<f32>,
    square: Vec<f32>,
}

impl Preprocessing {
    /// How the slices of a scan lie on the squares.
    ///
    /// # Errors
    ///
    /// [`PlaneFitError`] when the grid's slices have no size.
    pub fn plane_fit(&self, grid: &Grid) -> Result<PlaneFit, PlaneFitError> {
        let (shape, spacing_mm) = (grid.shape, grid.spacing_mm());
        PlaneFit::new([shape.y, shape.x], [spacing_mm.y, spacing_mm.x], self.size)
    }

    /// Fills `square` with one slice: clipped to the window, resampled, rounded to whole Hounsfield
    /// units.
    ///
    /// It is clipped before it is resampled, so that metal and air beyond the window do not bleed
    /// into their neighbours. What lies outside the field of view is as dark as the window goes.
    ///
    /// # Shapes
    ///
    /// `hu` `[y, x]` on the scan's own pixels, `square` `[size, size]`; `fit` is
    /// [`plane_fit`](Self::plane_fit) of the scan's grid.
    ///
    /// # Panics
    ///
    /// When a slice has another shape.
    pub fn to_square(
        &self,
        hu: &[f32],
        fit: &PlaneFit,
        buffers: &mut SliceBuffers,
        square: &mut [i16],
    ) {
        let [low, high] = self.window_hu.map(f32::from);
        buffers.clipped.clear();
        buffers
            .clipped
            .extend(hu.iter().map(|hu| hu.clamp(low, high)));
        buffers.square.resize(square.len(), 0.0);
        fit.image_into(
            &buffers.clipped,
            low,
            &mut buffers.resampled,
            &mut buffers.square,
        );
        for (to, hu) in square.iter_mut().zip(&buffers.square) {
            #[expect(clippy::cast_possible_truncation, reason = "within the window")]
            let whole = hu.round() as i16;
            *to = whole;
        }
    }

    /// Hounsfield units to a net's scale: the window becomes 0 to 1.
    pub fn to_unit(&self, hu: f32) -> f32 {
        let [low, high] = self.window_hu.map(f32::from);
        (hu - low) / (high - low)
    }
}

/// The slices of one scan as [`Preprocessing::to_square`] leaves them.
pub trait SliceSource: Sync {
    /// Where the scan's own voxels lie, on canonical axes.
    fn grid(&self) -> &Grid;

    /// A slice in Hounsfield units clipped to the window, `[size, size]`.
    ///
    /// # Panics
    ///
    /// When there is no such slice.
    fn slice(&self, z: usize) -> Cow<'_, [i16]>;

    /// How many slices.
    fn n_slices(&self) -> usize {
        self.grid().shape.z
    }
}

/// A scan that has just been read: each slice is made as it is asked for.
#[derive(Debug)]
pub struct ScanSlices<'a> {
    scan: &'a Volume<f32>,
    fit: PlaneFit,
    preprocessing: Preprocessing,
}

impl<'a> ScanSlices<'a> {
    /// The slices of a canonical scan in Hounsfield units.
    ///
    /// # Errors
    ///
    /// [`PlaneFitError`] when the scan's slices have no size.
    pub fn new(scan: &'a Volume<f32>, preprocessing: Preprocessing) -> Result<Self, PlaneFitError> {
        Ok(Self {
            scan,
            fit: preprocessing.plane_fit(scan.grid())?,
            preprocessing,
        })
    }
}

impl SliceSource for ScanSlices<'_> {
    fn grid(&self) -> &Grid {
        self.scan.grid()
    }

    fn slice(&self, z: usize) -> Cow<'_, [i16]> {
        let mut square = vec![0; self.preprocessing.size.pow(2)];
        let mut buffers = SliceBuffers::default();
        let hu = self.scan.slice(z);
        self.preprocessing
            .to_square(hu, &self.fit, &mut buffers, &mut square);
        Cow::Owned(square)
    }
}

/// The input channels of a net: a slice with some of its neighbours ("2.5D").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SliceStack {
    /// Neighbouring slices on either side.
    pub context: usize,
}

impl SliceStack {
    /// Input channels: the slice and its neighbours.
    pub fn n_channels(self) -> usize {
        1 + 2 * self.context
    }

    /// The slice that a channel shows of slice `z`: the nearest one stands in beyond the scan's ends.
    pub fn slice_of_channel(self, z: usize, channel: usize, n_slices: usize) -> usize {
        (z + channel).saturating_sub(self.context).min(n_slices - 1)
    }

    /// Fills `input` with slice `z` and its neighbours, scaled to [0, 1].
    ///
    /// # Shapes
    ///
    /// `input` `[channels, size, size]`.
    ///
    /// # Panics
    ///
    /// When there is no such slice, or `input` has another length.
    pub fn fill(
        self,
        source: &(impl SliceSource + ?Sized),
        z: usize,
        preprocessing: &Preprocessing,
        input: &mut [f32],
    ) {
        self.fill_with(source, z, input, |hu, plane| {
            for (to, hu) in plane.iter_mut().zip(hu) {
                *to = preprocessing.to_unit(f32::from(*hu));
            }
        });
    }

    /// As [`fill`](Self::fill), each plane written by `plane` from a slice in Hounsfield units: what
    /// augments its slices scales them, too.
    pub fn fill_with(
        self,
        source: &(impl SliceSource + ?Sized),
        z: usize,
        input: &mut [f32],
        mut plane: impl FnMut(&[i16], &mut [f32]),
    ) {
        let n_pixels = input.len() / self.n_channels();
        for (channel, out) in input.chunks_exact_mut(n_pixels).enumerate() {
            let z = self.slice_of_channel(z, channel, source.n_slices());
            plane(&source.slice(z), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_ends_of_a_scan_the_nearest_slice_stands_in() {
        let stack = SliceStack { context: 2 };
        let shown = |z| -> Vec<usize> {
            let channels = 0..stack.n_channels();
            channels
                .map(|channel| stack.slice_of_channel(z, channel, 4))
                .collect()
        };
        assert_eq!(shown(0), [0, 0, 0, 1, 2]);
        assert_eq!(shown(2), [0, 1, 2, 3, 3]);
        assert_eq!(SliceStack::default().slice_of_channel(3, 0, 4), 3, "itself");
    }

    #[test]
    fn the_window_becomes_zero_to_one() {
        let preprocessing = Preprocessing {
            window_hu: [-150, 250],
            size: 1,
        };
        for (hu, unit) in [(-150.0, 0.0), (50.0, 0.5), (250.0, 1.0)] {
            assert!((preprocessing.to_unit(hu) - unit).abs() < 1e-7, "{hu} HU");
        }
    }
}
