//! Inference on the slices of a store, and their scores: streaming, batch by batch.

use burn::tensor::Tensor;
use hardslice_data::mining::{CoarseMask, ScoredSlice, SliceScore};
use hardslice_data::store::IGNORED;
use hardslice_data::{OutputIdx, SliceRef};
use rayon::prelude::*;

use crate::dataset::SliceDataset;
use crate::net::{ForwardContext, Net};
use crate::progress::{Event, Observer};

/// Scores slices for every organ that is annotated in their case, at threshold 0.5. Pixels that are
/// to be ignored are counted nowhere.
///
/// `net` must be without gradients. Memory is bounded by `batch_size`; the scores come in the
/// slices' order, organ by organ.
pub fn score_slices(
    net: &Net,
    dataset: &SliceDataset<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
) -> Vec<SliceScore> {
    let logits = |chunk: &[SliceRef]| logits(net, dataset, chunk);
    each_plane(&logits, dataset, slices, batch_size, observer, &|plane| {
        plane.score()
    })
}

/// As [`score_slices`], for an answer that takes no net.
pub(crate) fn score_trivial(
    answer: TrivialAnswer,
    dataset: &SliceDataset<'_>,
    slices: &[SliceRef],
    batch_size: usize,
) -> Vec<SliceScore> {
    let logits = |chunk: &[SliceRef]| answer.logits(dataset, chunk);
    let observer = &crate::Silent;
    each_plane(&logits, dataset, slices, batch_size, observer, &|plane| {
        plane.score()
    })
}

/// What a net may answer that has learnt nothing of an organ.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TrivialAnswer {
    /// Every pixel.
    Everything,
    /// What is above the window's lower end: the body.
    NotAir,
    /// What is not: the air around it and the lungs.
    Air,
}

impl TrivialAnswer {
    pub(crate) const ALL: [Self; 3] = [Self::Everything, Self::NotAir, Self::Air];

    /// As those of a net, `[n, organs, y, x]`.
    fn logits(self, dataset: &SliceDataset<'_>, slices: &[SliceRef]) -> Vec<f32> {
        let images = dataset.images(slices);
        let plane = images.size * images.size;
        let mut logits = Vec::with_capacity(images.n * dataset.organs().len() * plane);
        for channels in images.images.chunks_exact(images.n_channels * plane) {
            // The slice itself is in the middle of its neighbours.
            let slice = &channels[images.n_channels / 2 * plane..][..plane];
            let answers = slice.iter().map(|value| {
                let is_taken = match self {
                    Self::Everything => true,
                    Self::NotAir => *value > 0.0,
                    Self::Air => *value <= 0.0,
                };
                if is_taken { 1.0 } else { -1.0 }
            });
            let answers: Vec<f32> = answers.collect();
            for _ in dataset.organs() {
                logits.extend_from_slice(&answers);
            }
        }
        logits
    }
}

/// As [`score_slices`], with what the triage and the ledger need beside the counts: some 60 bytes
/// a slice and organ, and 600 where the organ is predicted.
pub fn score_for_mining(
    net: &Net,
    dataset: &SliceDataset<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
) -> Vec<ScoredSlice> {
    let logits = |chunk: &[SliceRef]| logits(net, dataset, chunk);
    each_plane(&logits, dataset, slices, batch_size, observer, &|plane| {
        plane.scored_slice()
    })
}

fn each_plane<T: Send>(
    logits: &dyn Fn(&[SliceRef]) -> Vec<f32>,
    dataset: &SliceDataset<'_>,
    slices: &[SliceRef],
    batch_size: usize,
    observer: &dyn Observer,
    measure: &(dyn Fn(&Plane<'_>) -> T + Sync),
) -> Vec<T> {
    let mut scores = Vec::new();
    for chunk in slices.chunks(batch_size.max(1)) {
        scores.extend(measure_chunk(&logits(chunk), dataset, chunk, measure));
        let done = scores.len() as u64 / dataset.organs().len().max(1) as u64;
        observer.notify(&Event::Advanced { done });
    }
    scores
}

/// Logits of some slices, `[n, organs, y, x]`.
pub(crate) fn logits(net: &Net, dataset: &SliceDataset<'_>, slices: &[SliceRef]) -> Vec<f32> {
    let images = dataset.images(slices);
    let device = net.device();
    let logits: Tensor<4> = net.forward(images.images(&device), &mut ForwardContext::predict());
    logits.into_data().iter().collect()
}

/// What a net says of one organ in one slice, and what is true.
struct Plane<'a> {
    slice: SliceRef,
    output: OutputIdx,
    /// Rows and columns.
    size: usize,
    labels: &'a [u8],
    /// The organ's value in the labels.
    value: u8,
    logits: &'a [f32],
}

impl Plane<'_> {
    /// Whether each pixel that counts lies on the organ, and its logit.
    fn pixels(&self) -> impl Iterator<Item = (bool, f32)> {
        let pixels = self.labels.iter().zip(self.logits);
        let counted = pixels.filter(|(label, _)| **label != IGNORED);
        counted.map(|(label, logit)| (*label == self.value, *logit))
    }

    fn score(&self) -> SliceScore {
        let pixels = self.pixels().map(|(truth, logit)| (truth, logit >= 0.0));
        SliceScore::counted(self.slice, self.output, pixels)
    }

    fn scored_slice(&self) -> ScoredSlice {
        ScoredSlice {
            score: self.score(),
            loss: self.cross_entropy(),
            predicted: CoarseMask::sampled(self.size, |at| {
                self.logits[at] >= 0.0 && self.labels[at] != IGNORED
            }),
        }
    }

    /// Mean over the pixels that count, natural logarithm; `None` where none does.
    fn cross_entropy(&self) -> Option<f64> {
        let (mut sum, mut n) = (0.0, 0_u32);
        for (truth, logit) in self.pixels() {
            // -log sigmoid(x) = log(1 + exp(-x)), stable for large |x| either way.
            let against = if truth { -logit } else { logit };
            sum += f64::from(against.max(0.0) + (-against.abs()).exp().ln_1p());
            n += 1;
        }
        (n > 0).then(|| sum / f64::from(n))
    }
}

fn measure_chunk<T: Send>(
    logits: &[f32],
    dataset: &SliceDataset<'_>,
    slices: &[SliceRef],
    measure: &(dyn Fn(&Plane<'_>) -> T + Sync),
) -> Vec<T> {
    let n_pixels = dataset.store().size().pow(2);
    let n_organs = dataset.organs().len();
    let planes = (0..slices.len() * n_organs).into_par_iter();
    let scores = planes.filter_map(|plane| {
        let (slice, output) = (slices[plane / n_organs], OutputIdx::new(plane % n_organs));
        if !dataset.is_organ_annotated(slice.case(), output) {
            return None;
        }
        let store = dataset.store();
        Some(measure(&Plane {
            slice,
            output,
            size: store.size(),
            labels: store.labels(slice.case(), slice.place()),
            value: store.label_of(dataset.store_organ(output)),
            logits: &logits[plane * n_pixels..(plane + 1) * n_pixels],
        }))
    });
    scores.collect()
}
