//! The dataset: slices of a store as batches of input and targets.

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_data::balance::Sample;
use hardslice_data::preprocess::SliceStack;
use hardslice_data::random::Stream;
use hardslice_data::store::{IGNORED, Store, StoredSlices};
use hardslice_data::{OutputIdx, SliceRef, StoreOrgan};
use hardslice_kernels::Buffer;

use crate::augment::{Augmentation, Source};
use crate::loss::Targets;

/// The slices of a store as a net is given them: for which organs, and with how many neighbours.
#[derive(Debug, Clone)]
pub struct SliceDataset<'a> {
    store: &'a Store,
    /// The organ of each output.
    organs: Vec<StoreOrgan>,
    stack: SliceStack,
    mirror_table: [u8; 256],
    /// The organ of each output after x is reversed; `None` where some organ has no mirror image in
    /// the store: slices are not mirrored then.
    mirrored: Option<Vec<StoreOrgan>>,
}

/// Slices ready for a net.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Slices.
    pub n: usize,
    /// Input channels: the slice and its neighbours.
    pub n_channels: usize,
    /// Organs.
    pub n_organs: usize,
    /// Rows and columns.
    pub size: usize,
    /// `[n, channels, y, x]`, in [0, 1].
    pub images: Buffer,
    /// `[n, organs, y, x]`, 0 or 1.
    pub targets: Buffer,
    /// `[n, organs]`, 1 where the organ is annotated in the slice's patient; 0 everywhere in a slice
    /// that is ignored as a whole.
    pub annotated: Vec<f32>,
    /// `[n, 1, y, x]`, 0 where a pixel is to be ignored, else 1; `None` where none is.
    pub valid: Option<Buffer>,
}

impl<'a> SliceDataset<'a> {
    /// The slices of a store for a net of these organs, in the order of its outputs, with `context`
    /// neighbouring slices on either side.
    pub fn new(store: &'a Store, organs: Vec<StoreOrgan>, context: usize) -> Self {
        Self {
            mirrored: organs.iter().map(|organ| store.mirrored(*organ)).collect(),
            store,
            organs,
            stack: SliceStack { context },
            mirror_table: store.organs().mirror_table(),
        }
    }

    /// The store.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// The organ of each output.
    pub fn organs(&self) -> &[StoreOrgan] {
        &self.organs
    }

    /// The outputs.
    pub fn outputs(&self) -> impl Iterator<Item = OutputIdx> + use<> {
        OutputIdx::first(self.organs.len())
    }

    /// The organ of an output.
    ///
    /// # Panics
    ///
    /// When the net has no such output.
    pub fn store_organ(&self, output: OutputIdx) -> StoreOrgan {
        self.organs[output.idx()]
    }

    /// Whether any organ of the net is annotated in a case.
    pub fn is_annotated(&self, case_idx: usize) -> bool {
        self.outputs()
            .any(|output| self.is_organ_annotated(case_idx, output))
    }

    /// Whether the organ of an output is annotated in a case.
    pub fn is_organ_annotated(&self, case_idx: usize, output: OutputIdx) -> bool {
        self.store.is_annotated(case_idx, self.store_organ(output))
    }

    /// Whether slices may be mirrored: every organ has no side, or its other side is in the store.
    pub fn can_mirror(&self) -> bool {
        self.mirrored.is_some()
    }

    /// Whether slices of a case may be mirrored: what is annotated in it is as much after x was reversed.
    /// Of a net of one kidney, a patient in whom the other was not looked for teaches nothing mirrored.
    fn can_mirror_case(&self, case_idx: usize) -> bool {
        let n_shown = |is_mirrored: bool| {
            let outputs = self.outputs();
            outputs
                .filter(|output| self.is_shown_annotated(case_idx, *output, is_mirrored))
                .count()
        };
        self.can_mirror() && n_shown(true) >= n_shown(false)
    }

    /// Whether the organ of an output is annotated in a case, or after x was reversed the organ that
    /// took its place.
    fn is_shown_annotated(&self, case_idx: usize, output: OutputIdx, is_mirrored: bool) -> bool {
        let shown = match &self.mirrored {
            Some(mirrored) if is_mirrored => mirrored[output.idx()],
            _ => self.store_organ(output),
        };
        self.store.is_annotated(case_idx, shown)
    }

    /// Slices as they are, without targets: what inference and mining read.
    pub fn images(&self, slices: &[SliceRef]) -> Batch {
        let mut batch = self.empty(slices.len(), 0);
        let preprocessing = self.store.options().preprocessing();
        let stride = batch.n_channels * batch.size * batch.size;
        for (slice, input) in slices.iter().zip(batch.images.chunks_exact_mut(stride)) {
            let source = self.case(*slice);
            self.stack
                .fill(&source, slice.place(), &preprocessing, input);
        }
        batch
    }

    /// Samples with their augmentation and targets: what training reads.
    ///
    /// The augmentation of a sample depends on `seed`, `name` and its position in the training alone.
    pub fn training(
        &self,
        samples: &[Sample],
        augment: &Augmentation,
        position: &SamplePosition<'_>,
    ) -> Batch {
        let mut batch = self.empty(samples.len(), self.organs.len());
        let preprocessing = self.store.options().preprocessing();
        let n_pixels = batch.size * batch.size;
        let mut labels = vec![0; n_pixels];
        for (i, sample) in samples.iter().enumerate() {
            let number = position.start + i as u64;
            let stream_name = format!("{}/augment/{number}", position.name);
            let mut stream = Stream::new(position.seed, &stream_name);
            let mut variation = augment.draw(sample, &mut stream);
            variation.mirror &= self.can_mirror_case(sample.slice.case());
            let mut augmented = Source::new(batch.size, variation);
            let slice = sample.slice;
            let stride = batch.n_channels * n_pixels;
            let input = &mut batch.images[i * stride..][..stride];
            self.stack
                .fill_with(&self.case(slice), slice.place(), input, |hu, plane| {
                    augmented.image(hu, plane, |hu| preprocessing.to_unit(hu));
                });
            let stored = self.store.labels(slice.case(), slice.place());
            augmented.labels(stored, &self.mirror_table, &mut labels);
            let n_ignored = self.leave_ignored_out(i, &labels, &mut batch);
            for output in self.outputs() {
                let plane = i * batch.n_organs + output.idx();
                let value = self.store.label_of(self.store_organ(output));
                let targets = &mut batch.targets[plane * n_pixels..][..n_pixels];
                for (target, label) in targets.iter_mut().zip(&labels) {
                    *target = f32::from(u8::from(*label == value));
                }
                let is_annotated = n_ignored < n_pixels
                    && self.is_shown_annotated(slice.case(), output, variation.mirror);
                batch.annotated[plane] = f32::from(u8::from(is_annotated));
            }
        }
        batch
    }

    /// Takes the pixels of slice `i` that are to be ignored out of what is known of a batch, and gives
    /// their number.
    fn leave_ignored_out(&self, i: usize, labels: &[u8], batch: &mut Batch) -> usize {
        if self.store.ignored_labels().is_empty() {
            return 0;
        }
        let is_ignored = labels.iter().map(|label| usize::from(*label == IGNORED));
        let n_ignored: usize = is_ignored.sum();
        if n_ignored > 0 {
            let n_pixels = batch.n * labels.len();
            let valid = batch.valid.get_or_insert_with(|| {
                let mut valid = Buffer::zeroed(n_pixels);
                valid.fill(1.0);
                valid
            });
            let plane = &mut valid[i * labels.len()..][..labels.len()];
            for (valid, label) in plane.iter_mut().zip(labels) {
                *valid = f32::from(u8::from(*label != IGNORED));
            }
        }
        n_ignored
    }

    fn case(&self, slice: SliceRef) -> StoredSlices<'a> {
        StoredSlices {
            store: self.store,
            case_idx: slice.case(),
        }
    }

    fn empty(&self, n: usize, n_organs: usize) -> Batch {
        let (size, n_channels) = (self.store.size(), self.stack.n_channels());
        Batch {
            n,
            n_channels,
            n_organs,
            size,
            images: Buffer::zeroed(n * n_channels * size * size),
            targets: Buffer::zeroed(n * n_organs * size * size),
            annotated: vec![0.0; n * n_organs],
            valid: None,
        }
    }
}

/// Where in the training a batch stands: its random numbers follow from that.
#[derive(Debug, Clone, Copy)]
pub struct SamplePosition<'a> {
    /// Seed of the experiment.
    pub seed: u64,
    /// Name of the phase.
    pub name: &'a str,
    /// Position of the first sample in the phase.
    pub start: u64,
}

impl Batch {
    /// The images on a device, `[n, channels, y, x]`.
    pub fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [self.n, self.n_channels, self.size, self.size];
        Tensor::from_data(self.images.clone().into_data(shape), device)
    }

    /// What is true of the slices, on a device.
    pub fn targets(&self, device: &Device) -> Targets {
        let planes = [self.n, self.n_organs, self.size, self.size];
        let annotated = TensorData::new(self.annotated.clone(), [self.n, self.n_organs]);
        let valid = self.valid.as_ref().map(|valid| {
            let shape = [self.n, 1, self.size, self.size];
            Tensor::from_data(valid.clone().into_data(shape), device)
        });
        Targets {
            organs: Tensor::from_data(self.targets.clone().into_data(planes), device),
            annotated: Tensor::from_data(annotated, device),
            valid,
        }
    }
}
