//! From slices to a label map on the scan's own grid.

use burn::tensor::Tensor;
use hardslice_data::store::{Store, StoredCase};
use hardslice_kernels::Buffer;
use hardslice_volume::components::keep_largest;
use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::{Grid, Volume};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::net::Pass;

/// How predictions are finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PredictOptions {
    /// Slices predicted at once.
    pub batch: usize,
    /// Keep only each organ's largest connected component (26 neighbours).
    pub largest_component: bool,
    /// Average the predictions of the slice as it is, flipped, and mirrored.
    pub flip_averaging: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            batch: 16,
            largest_component: false,
            flip_averaging: false,
        }
    }
}

/// The slices of one scan, as a model wants them.
pub trait SliceSource: Sync {
    /// Where the scan's own voxels lie, on canonical axes.
    fn grid(&self) -> &Grid;

    /// Fills `out` with a slice, `[size, size]`, in Hounsfield units clipped to the model's window.
    fn slice(&self, z: usize, out: &mut [f32]);
}

/// A case of a store.
#[derive(Debug, Clone, Copy)]
pub struct StoredSlices<'a> {
    /// The store; its window and size must be the model's.
    pub store: &'a Store,
    /// Which case.
    pub case_idx: usize,
}

impl StoredSlices<'_> {
    fn case(&self) -> &StoredCase {
        &self.store.cases()[self.case_idx]
    }
}

impl SliceSource for StoredSlices<'_> {
    fn grid(&self) -> &Grid {
        &self.case().placement.canonical
    }

    fn slice(&self, z: usize, out: &mut [f32]) {
        let stored = self.store.image(self.case_idx, z);
        out.iter_mut()
            .zip(stored)
            .for_each(|(out, hu)| *out = f32::from(*hu));
    }
}

/// A scan that has just been read.
#[derive(Debug)]
pub struct ScanSlices<'a> {
    scan: &'a Volume<f32>,
    fit: PlaneFit,
    window_hu: [f32; 2],
}

impl<'a> ScanSlices<'a> {
    /// Prepares a canonical scan in Hounsfield units as `prepare` would for the model.
    ///
    /// # Errors
    ///
    /// [`PlaneFitError`] when the scan's slices have no size.
    pub fn new(scan: &'a Volume<f32>, model: &Model) -> Result<Self, PlaneFitError> {
        Ok(Self {
            scan,
            fit: plane_fit(scan.grid(), model.record.size)?,
            window_hu: model.record.window_hu.map(f32::from),
        })
    }
}

impl SliceSource for ScanSlices<'_> {
    fn grid(&self) -> &Grid {
        self.scan.grid()
    }

    fn slice(&self, z: usize, out: &mut [f32]) {
        let [low, high] = self.window_hu;
        let clipped: Vec<f32> = self
            .scan
            .slice(z)
            .iter()
            .map(|hu| hu.clamp(low, high))
            .collect();
        self.fit.image_into(&clipped, low, &mut Vec::new(), out);
        // The store keeps whole Hounsfield units.
        for hu in out {
            *hu = hu.round();
        }
    }
}

fn plane_fit(grid: &Grid, size: usize) -> Result<PlaneFit, PlaneFitError> {
    let spacing = grid.spacing_mm();
    PlaneFit::new([grid.shape.y, grid.shape.x], [spacing.y, spacing.x], size)
}

/// Predicts a label map on the scan's own canonical grid.
///
/// Probabilities are brought back to the scan's pixels by linear interpolation; a voxel belongs to
/// the organ with the highest probability, if that is 0.5 or more (of equal ones, the first). Its
/// value is [`crate::ModelRecord::label_value`]. Memory is bounded by the batch beside the label
/// map itself. `progress` is told the slices done so far.
///
/// # Errors
///
/// [`PlaneFitError`] when the scan's slices have no size.
pub fn predict(
    model: &Model,
    source: &dyn SliceSource,
    options: &PredictOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Volume<u8>, PlaneFitError> {
    let grid = *source.grid();
    let fit = plane_fit(&grid, model.record.size)?;
    let n_native = grid.shape.n_pixels();
    let mut labels = vec![0_u8; grid.shape.n_voxels()];
    let slices: Vec<usize> = (0..grid.shape.z).collect();
    for zs in slices.chunks(options.batch.max(1)) {
        let probabilities = Probabilities::of(model, source, zs, options.flip_averaging);
        let out = &mut labels[zs[0] * n_native..(zs[0] + zs.len()) * n_native];
        out.par_chunks_mut(n_native.max(1))
            .enumerate()
            .for_each(|(i, out)| {
                probabilities.label_slice(i, &fit, &model.record, out);
            });
        progress(zs[0] + zs.len());
    }
    if options.largest_component {
        keep_largest_of_each(&mut labels, model, grid);
    }
    // As long as the grid by construction.
    Ok(Volume::new(grid, labels).unwrap_or_else(|error| unreachable!("{error}")))
}

fn keep_largest_of_each(labels: &mut [u8], model: &Model, grid: Grid) {
    for organ in 0..model.record.organs.len() {
        let value = model.record.label_value(organ);
        let mask: Vec<bool> = labels.iter().map(|label| *label == value).collect();
        let mut kept = mask.clone();
        keep_largest(&mut kept, grid.shape);
        for (label, (was, is)) in labels.iter_mut().zip(mask.into_iter().zip(kept)) {
            if was && !is {
                *label = 0;
            }
        }
    }
}

/// Probabilities of some slices, `[n, organs, size, size]`.
struct Probabilities {
    values: Vec<f32>,
    n_organs: usize,
    size: usize,
}

impl Probabilities {
    fn of(model: &Model, source: &dyn SliceSource, zs: &[usize], flip_averaging: bool) -> Self {
        let (size, n_organs) = (model.record.size, model.record.organs.len());
        let images = images(model, source, zs);
        let mut values = sigmoids(model, &images, zs.len());
        if flip_averaging {
            let same: Vec<usize> = (0..n_organs).collect();
            let flipped = sigmoids(model, &reversed_rows(&images, size), zs.len());
            let mirrored = sigmoids(model, &reversed_columns(&images, size), zs.len());
            let flipped = planes(&reversed_rows(&flipped, size), &same, size);
            let swapped = model.record.mirrored_organs();
            let mirrored = planes(&reversed_columns(&mirrored, size), &swapped, size);
            for (value, (f, m)) in values.iter_mut().zip(flipped.into_iter().zip(mirrored)) {
                *value = (*value + f + m) / 3.0;
            }
        }
        Self {
            values,
            n_organs,
            size,
        }
    }

    /// Labels one slice on the scan's own pixels.
    fn label_slice(
        &self,
        i: usize,
        fit: &PlaneFit,
        record: &crate::model::ModelRecord,
        out: &mut [u8],
    ) {
        let n_pixels = self.size * self.size;
        let mut best = vec![0.5_f32.next_down(); out.len()];
        let (mut native, mut scratch) = (vec![0.0; out.len()], Vec::new());
        for organ in 0..self.n_organs {
            let plane = &self.values[(i * self.n_organs + organ) * n_pixels..][..n_pixels];
            fit.restore_into(plane, &mut scratch, &mut native);
            let value = record.label_value(organ);
            for ((label, best), p) in out.iter_mut().zip(&mut best).zip(&native) {
                if *p > *best {
                    *best = *p;
                    *label = value;
                }
            }
        }
    }
}

/// Slices with their neighbours, `[n, channels, size, size]`, scaled to [0, 1].
fn images(model: &Model, source: &dyn SliceSource, zs: &[usize]) -> Vec<f32> {
    let record = &model.record;
    let [low, high] = record.window_hu.map(f32::from);
    let (n_pixels, n_channels) = (record.size * record.size, record.net.n_channels());
    let last = source.grid().shape.z - 1;
    let mut images = vec![0.0; zs.len() * n_channels * n_pixels];
    images
        .par_chunks_mut(n_pixels)
        .enumerate()
        .for_each(|(plane, out)| {
            let (i, channel) = (plane / n_channels, plane % n_channels);
            let z = (zs[i] + channel)
                .saturating_sub(record.net.context)
                .min(last);
            source.slice(z, out);
            for hu in out {
                *hu = (*hu - low) / (high - low);
            }
        });
    images
}

fn sigmoids(model: &Model, images: &[f32], n: usize) -> Vec<f32> {
    let (size, n_channels) = (model.record.size, model.record.net.n_channels());
    let data = Buffer::copy_of(images).into_data([n, n_channels, size, size]);
    let device = model.net.device();
    let logits: Tensor<4> = model
        .net
        .forward(Tensor::from_data(data, &device), &mut Pass::predict());
    logits
        .into_data()
        .iter::<f32>()
        .map(|z| 1.0 / (1.0 + (-z).exp()))
        .collect()
}

fn reversed_rows(planes: &[f32], size: usize) -> Vec<f32> {
    let planes = planes.chunks_exact(size * size);
    planes
        .flat_map(|plane| plane.chunks_exact(size).rev().flatten().copied())
        .collect()
}

fn reversed_columns(planes: &[f32], size: usize) -> Vec<f32> {
    planes
        .chunks_exact(size)
        .flat_map(|row| row.iter().rev().copied())
        .collect()
}

/// Puts each slice's planes into another order.
fn planes(values: &[f32], order: &[usize], size: usize) -> Vec<f32> {
    let n_pixels = size * size;
    let slices = values.chunks_exact(order.len() * n_pixels);
    slices
        .flat_map(|slice| {
            order
                .iter()
                .flat_map(|k| &slice[k * n_pixels..][..n_pixels])
        })
        .copied()
        .collect()
}
