//! Inference: from slices to a label map on the scan's own grid.

use burn::tensor::Tensor;
use hardslice_data::OutputIdx;
use hardslice_data::preprocess::SliceSource;
use hardslice_eval::confidence::Certainty;
use hardslice_kernels::Buffer;
use hardslice_volume::components::keep_largest;
use hardslice_volume::plane::{PlaneFit, PlaneFitError};
use hardslice_volume::{Grid, Volume};
use rayon::prelude::*;

use crate::model::{Model, ModelRecord};
use crate::net::ForwardContext;
use crate::predict_options::PredictOptions;

/// What a net says of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// The label map, on the scan's own canonical grid.
    pub labels: Volume<u8>,
    /// How sure the net is, `[slices, outputs]`, counted before components are left out.
    pub certainties: Vec<Certainty>,
}

/// Predicts a label map on the scan's own canonical grid, and how sure the net is of each slice.
///
/// Probabilities are brought back to the scan's pixels by linear interpolation; a voxel belongs to
/// the organ with the highest probability, if that is 0.5 or more (of equal ones, the first). Its
/// value is [`crate::ModelRecord::label_value`]. Memory is bounded by the batch beside the label
/// map itself. `progress` is told the slices done so far.
///
/// # Errors
///
/// [`PlaneFitError`] when the scan's slices have no size.
///
/// # Panics
///
/// When a slice of the source is not of the model's size.
pub fn predict(
    model: &Model,
    source: &dyn SliceSource,
    options: &PredictOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Predicted, PlaneFitError> {
    let grid = *source.grid();
    let slices: Vec<usize> = (0..grid.shape.z).collect();
    let (mut labels, certainties) = label_slices(model, source, &slices, options, progress)?;
    if options.largest_component {
        keep_largest_of_each(&mut labels, model, grid);
    }
    Ok(Predicted {
        labels: Volume::new(grid, labels).expect("a label for each voxel of the grid"),
        certainties,
    })
}

/// Predicts the labels of some slices alone, each with its neighbours where the net sees them, one
/// after the other as asked for. [`PredictOptions::largest_component`] needs the whole scan and is left
/// out.
///
/// # Shapes
///
/// `[slices, y, x]` on the scan's own pixels.
///
/// # Errors
///
/// [`PlaneFitError`] when the scan's slices have no size.
///
/// # Panics
///
/// When there is no such slice.
pub fn predict_slices(
    model: &Model,
    source: &dyn SliceSource,
    slices: &[usize],
    options: &PredictOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<u8>, PlaneFitError> {
    label_slices(model, source, slices, options, progress).map(|(labels, _)| labels)
}

/// Labels, `[slices, y, x]`, and certainties, `[slices, outputs]`.
fn label_slices(
    model: &Model,
    source: &dyn SliceSource,
    slices: &[usize],
    options: &PredictOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<(Vec<u8>, Vec<Certainty>), PlaneFitError> {
    let fit = model.record.preprocessing().plane_fit(source.grid())?;
    let n_native = source.grid().shape.n_pixels();
    let n_organs = model.record.organs.len();
    let mut labels = vec![0_u8; slices.len() * n_native];
    let mut certainties = vec![Certainty::default(); slices.len() * n_organs];
    let batch = options.batch.max(1);
    let outs = labels
        .chunks_mut((batch * n_native).max(1))
        .zip(certainties.chunks_mut(batch * n_organs));
    let mut n_done = 0;
    for (slices, (labels, certainties)) in slices.chunks(batch).zip(outs) {
        let probabilities = Probabilities::of(model, source, slices, options.flip_averaging);
        labels
            .par_chunks_mut(n_native.max(1))
            .zip(certainties.par_chunks_mut(n_organs))
            .enumerate()
            .for_each(|(i, (labels, certainties))| {
                probabilities.label_slice(i, &fit, &model.record, labels, certainties);
            });
        n_done += slices.len();
        progress(n_done);
    }
    Ok((labels, certainties))
}

fn keep_largest_of_each(labels: &mut [u8], model: &Model, grid: Grid) {
    for output in model.record.outputs() {
        let value = model.record.label_value(output);
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
        let images = inputs(model, source, zs);
        let mut values = sigmoids(model, &images, zs.len());
        if flip_averaging {
            average_over_flips(model, &images, &mut values);
        }
        Self {
            values,
            n_organs,
            size,
        }
    }

    /// Labels one slice on the scan's own pixels, and tells how sure the net is of each organ.
    fn label_slice(
        &self,
        i: usize,
        fit: &PlaneFit,
        record: &ModelRecord,
        labels: &mut [u8],
        certainties: &mut [Certainty],
    ) {
        let n_pixels = self.size * self.size;
        let mut best = vec![0.5_f32.next_down(); labels.len()];
        let (mut native, mut scratch) = (vec![0.0; labels.len()], Vec::new());
        for (organ, certainty) in certainties.iter_mut().enumerate() {
            let plane = &self.values[(i * self.n_organs + organ) * n_pixels..][..n_pixels];
            fit.restore_into(plane, &mut scratch, &mut native);
            let value = record.label_value(OutputIdx::new(organ));
            for ((label, best), p) in labels.iter_mut().zip(&mut best).zip(&native) {
                certainty.sum += f64::from(*p);
                certainty.highest = certainty.highest.max(*p);
                if *p > *best {
                    *best = *p;
                    *label = value;
                }
            }
        }
        for (organ, certainty) in certainties.iter_mut().enumerate() {
            let value = record.label_value(OutputIdx::new(organ));
            for (_, p) in labels
                .iter()
                .zip(&best)
                .filter(|(label, _)| **label == value)
            {
                certainty.n_predicted += 1;
                certainty.sum_predicted += f64::from(*p);
            }
        }
    }
}

/// Test-time augmentation: makes probabilities of slices as they are, `[n, organs, size, size]`,
/// the mean with those of the flipped and of the mirrored slices, as far as the net was trained on
/// such slices and finds the organ that the mirrored one shows.
fn average_over_flips(model: &Model, images: &[f32], values: &mut [f32]) {
    let record = &model.record;
    let (size, n_organs) = (record.size, record.organs.len());
    let n_pixels = size * size;
    let n = values.len() / (n_organs * n_pixels);
    let seen = |reversed: fn(&[f32], usize) -> Vec<f32>| {
        reversed(&sigmoids(model, &reversed(images, size), n), size)
    };
    let flipped = record.copies.shows_flipped().then(|| seen(reversed_rows));
    let twins = record.mirrored_outputs();
    let is_mirrored = twins.iter().any(Option::is_some);
    let mirrored = is_mirrored.then(|| seen(reversed_columns));
    for (plane, values) in values.chunks_exact_mut(n_pixels).enumerate() {
        let (slice, output) = (plane / n_organs, plane % n_organs);
        let flipped = flipped
            .as_ref()
            .map(|all| &all[plane * n_pixels..][..n_pixels]);
        let mirrored = mirrored.as_ref().zip(twins[output]).map(|(all, twin)| {
            let twin = slice * n_organs + twin.idx();
            &all[twin * n_pixels..][..n_pixels]
        });
        match (flipped, mirrored) {
            (Some(flipped), Some(mirrored)) => {
                for (value, (f, m)) in values.iter_mut().zip(flipped.iter().zip(mirrored)) {
                    *value = (*value + f + m) / 3.0;
                }
            }
            (Some(other), None) | (None, Some(other)) => {
                for (value, other) in values.iter_mut().zip(other) {
                    *value = f32::midpoint(*value, *other);
                }
            }
            (None, None) => {}
        }
    }
}

/// Slices with their neighbours, `[n, channels, size, size]`, scaled to [0, 1].
fn inputs(model: &Model, source: &dyn SliceSource, slices: &[usize]) -> Vec<f32> {
    let (stack, preprocessing) = (model.record.stack(), model.record.preprocessing());
    let stride = stack.n_channels() * preprocessing.size.pow(2);
    let mut inputs = vec![0.0; slices.len() * stride];
    inputs
        .par_chunks_mut(stride)
        .zip(slices)
        .for_each(|(input, z)| stack.fill(source, *z, &preprocessing, input));
    inputs
}

fn sigmoids(model: &Model, images: &[f32], n: usize) -> Vec<f32> {
    let logits = logits(model, images, n).into_iter();
    logits.map(|z| 1.0 / (1.0 + (-z).exp())).collect()
}

/// What the net says of some slices, before the sigmoid.
///
/// # Shapes
///
/// `images`: `[n, channels, size, size]` on the net's scale, 0 to 1 over the window. Gives
/// `[n, organs, size, size]`.
///
/// # Panics
///
/// When the images do not fill their shape.
pub fn logits(model: &Model, images: &[f32], n: usize) -> Vec<f32> {
    let (size, n_channels) = (model.record.size, model.record.stack().n_channels());
    let data = Buffer::copy_of(images).into_data([n, n_channels, size, size]);
    let device = model.net.device();
    let logits: Tensor<4> = model.net.forward(
        Tensor::from_data(data, &device),
        &mut ForwardContext::predict(),
    );
    logits.into_data().iter::<f32>().collect()
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
