//! How well a net predicts slices: streaming, batch by batch.

use burn::tensor::Tensor;
use hardslice_data::SliceRef;
use hardslice_data::balance::SliceScore;
use rayon::prelude::*;

use crate::batch::Lens;
use crate::net::{Net, Pass};
use crate::progress::{Event, Observer};

/// Scores slices for every organ that is annotated in their case, at threshold 0.5.
///
/// `net` must be without gradients. Memory is bounded by `batch_size`; the scores come in the
/// slices' order, organ by organ.
pub fn score_slices(
    net: &Net,
    lens: &Lens<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
) -> Vec<SliceScore> {
    let mut scores = Vec::new();
    for chunk in slices.chunks(batch_size.max(1)) {
        let logits = logits(net, lens, chunk);
        scores.extend(score_chunk(&logits, lens, chunk));
        let done = scores.len() as u64 / lens.organs().len().max(1) as u64;
        observer.notify(&Event::Advanced { done });
    }
    scores
}

/// Logits of some slices, `[n, organs, y, x]`.
pub(crate) fn logits(net: &Net, lens: &Lens<'_>, slices: &[SliceRef]) -> Vec<f32> {
    let images = lens.images(slices);
    let device = net.device();
    let logits: Tensor<4> = net.forward(images.images(&device), &mut Pass::predict());
    logits.into_data().iter().collect()
}

fn score_chunk(logits: &[f32], lens: &Lens<'_>, slices: &[SliceRef]) -> Vec<SliceScore> {
    let n_pixels = lens.store().size().pow(2);
    let n_organs = lens.organs().len();
    let planes = (0..slices.len() * n_organs).into_par_iter();
    let scores = planes.filter_map(|plane| {
        let (slice, organ) = (slices[plane / n_organs], plane % n_organs);
        let (case_idx, z) = (slice.case_idx as usize, slice.z as usize);
        if !lens.is_organ_annotated(case_idx, organ) {
            return None;
        }
        let value = lens.store().organs().store_value(lens.organs()[organ]);
        let labels = lens.store().labels(case_idx, z);
        let logits = &logits[plane * n_pixels..(plane + 1) * n_pixels];
        let pixels = labels.iter().zip(logits);
        let pixels = pixels.map(|(label, logit)| (*label == value, *logit >= 0.0));
        Some(SliceScore::counted(slice, organ, pixels))
    });
    scores.collect()
}
