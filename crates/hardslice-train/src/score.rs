//! How well a net predicts slices: streaming, batch by batch.

use burn::tensor::Tensor;
use hardslice_data::SliceRef;
use hardslice_data::balance::SliceScore;
use hardslice_data::triage::{CoarseMask, Sighting};
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
    each_plane(net, lens, slices, batch_size, observer, &|plane| {
        plane.score()
    })
}

/// As [`score_slices`], with what the triage and the ledger need beside the counts: some 600 bytes
/// a slice and organ.
pub fn see_slices(
    net: &Net,
    lens: &Lens<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
) -> Vec<Sighting> {
    each_plane(net, lens, slices, batch_size, observer, &|plane| {
        plane.sighting()
    })
}

fn each_plane<T: Send>(
    net: &Net,
    lens: &Lens<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
    measure: &(dyn Fn(&Plane<'_>) -> T + Sync),
) -> Vec<T> {
    let mut scores = Vec::new();
    for chunk in slices.chunks(batch_size.max(1)) {
        let logits = logits(net, lens, chunk);
        scores.extend(measure_chunk(&logits, lens, chunk, measure));
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

/// What a net says of one organ in one slice, and what is true.
struct Plane<'a> {
    slice: SliceRef,
    organ_idx: usize,
    /// Rows and columns.
    size: usize,
    labels: &'a [u8],
    /// The organ's value in the labels.
    value: u8,
    logits: &'a [f32],
}

impl Plane<'_> {
    fn score(&self) -> SliceScore {
        let pixels = self.labels.iter().zip(self.logits);
        let pixels = pixels.map(|(label, logit)| (*label == self.value, *logit >= 0.0));
        SliceScore::counted(self.slice, self.organ_idx, pixels)
    }

    fn sighting(&self) -> Sighting {
        Sighting {
            score: self.score(),
            loss: Some(self.cross_entropy()),
            predicted: CoarseMask::sampled(self.size, |at| self.logits[at] >= 0.0),
        }
    }

    /// Mean over the pixels, natural logarithm.
    fn cross_entropy(&self) -> f64 {
        let pixels = self.labels.iter().zip(self.logits);
        // -log sigmoid(x) = log(1 + exp(-x)), stable for large |x| either way.
        let sum: f64 = pixels
            .map(|(label, logit)| {
                let against = if *label == self.value {
                    -*logit
                } else {
                    *logit
                };
                f64::from(against.max(0.0) + (-against.abs()).exp().ln_1p())
            })
            .sum();
        sum / self.logits.len().max(1) as f64
    }
}

fn measure_chunk<T: Send>(
    logits: &[f32],
    lens: &Lens<'_>,
    slices: &[SliceRef],
    measure: &(dyn Fn(&Plane<'_>) -> T + Sync),
) -> Vec<T> {
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
        Some(measure(&Plane {
            slice,
            organ_idx: organ,
            size: lens.store().size(),
            labels: lens.store().labels(case_idx, z),
            value,
            logits: &logits[plane * n_pixels..(plane + 1) * n_pixels],
        }))
    });
    scores.collect()
}
