//! A batch of slices, from the store into arrays.

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_data::SliceRef;
use hardslice_data::balance::Draw;
use hardslice_data::random::Stream;
use hardslice_data::store::Store;
use hardslice_kernels::Buffer;

use crate::augment::{Augmentation, Source, Variation};

/// What a net sees of the store: which organs, how many neighbouring slices, which window.
#[derive(Debug, Clone)]
pub struct Lens<'a> {
    store: &'a Store,
    /// For each organ of the net, its place in the store's map.
    organs: Vec<usize>,
    context: usize,
    mirror_table: [u8; 256],
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
    /// `[n, organs]`, 1 where the organ is annotated in the slice's patient.
    pub annotated: Vec<f32>,
}

impl<'a> Lens<'a> {
    /// Looks at a store. `organs` are places in the store's map, in the order of the net's outputs.
    pub fn new(store: &'a Store, organs: Vec<usize>, context: usize) -> Self {
        Self {
            store,
            organs,
            context,
            mirror_table: store.organs().mirror_table(),
        }
    }

    /// The store.
    pub fn store(&self) -> &'a Store {
        self.store
    }

    /// For each organ of the net, its place in the store's map.
    pub fn organs(&self) -> &[usize] {
        &self.organs
    }

    /// Whether any organ of the net is annotated in a case.
    pub fn is_annotated(&self, case_idx: usize) -> bool {
        (0..self.organs.len()).any(|organ| self.is_organ_annotated(case_idx, organ))
    }

    /// Whether one organ of the net is annotated in a case.
    pub fn is_organ_annotated(&self, case_idx: usize, organ: usize) -> bool {
        let case = &self.store.cases()[case_idx];
        let name = self.store.organs().organ(self.organs[organ]);
        name.is_some_and(|name| case.is_annotated(name))
    }

    /// Slices as stored, without targets: what prediction and mining read.
    pub fn images(&self, slices: &[SliceRef]) -> Batch {
        let mut batch = self.empty(slices.len(), 0);
        let stride = batch.n_channels * batch.size * batch.size;
        for (slice, out) in slices.iter().zip(batch.images.chunks_exact_mut(stride)) {
            self.image(*slice, Variation::NONE, out);
        }
        batch
    }

    /// Draws with their variations and targets: what training reads.
    ///
    /// The variation of a draw depends on `seed`, `name` and its place in the training alone;
    /// `start` is the place of the first.
    pub fn training(&self, draws: &[Draw], augment: &Augmentation, place: &Place<'_>) -> Batch {
        let mut batch = self.empty(draws.len(), self.organs.len());
        let n_pixels = batch.size * batch.size;
        let mut labels = vec![0; n_pixels];
        for (i, draw) in draws.iter().enumerate() {
            let number = place.start + i as u64;
            let mut stream = Stream::new(place.seed, &format!("{}/augment/{number}", place.name));
            let variation = augment.draw(draw, &mut stream);
            let stride = batch.n_channels * n_pixels;
            self.image(
                draw.slice,
                variation,
                &mut batch.images[i * stride..][..stride],
            );
            let (case_idx, z) = (draw.slice.case_idx as usize, draw.slice.z as usize);
            Source::new(batch.size, variation).labels(
                self.store.labels(case_idx, z),
                &self.mirror_table,
                &mut labels,
            );
            for organ in 0..batch.n_organs {
                let plane = i * batch.n_organs + organ;
                let value = self.store.organs().store_value(self.organs[organ]);
                let targets = &mut batch.targets[plane * n_pixels..][..n_pixels];
                for (target, label) in targets.iter_mut().zip(&labels) {
                    *target = f32::from(u8::from(*label == value));
                }
                batch.annotated[plane] =
                    f32::from(u8::from(self.is_organ_annotated(case_idx, organ)));
            }
        }
        batch
    }

    fn empty(&self, n: usize, n_organs: usize) -> Batch {
        let (size, n_channels) = (self.store.size(), 1 + 2 * self.context);
        Batch {
            n,
            n_channels,
            n_organs,
            size,
            images: Buffer::zeroed(n * n_channels * size * size),
            targets: Buffer::zeroed(n * n_organs * size * size),
            annotated: vec![0.0; n * n_organs],
        }
    }

    /// A slice and its neighbours, the nearest slice standing in beyond the scan's ends.
    fn image(&self, slice: SliceRef, variation: Variation, out: &mut [f32]) {
        let [low, high] = self.store.options().window_hu.map(f32::from);
        let size = self.store.size();
        let source = Source::new(size, variation);
        let case_idx = slice.case_idx as usize;
        let last = self.store.cases()[case_idx].n_slices - 1;
        for (channel, plane) in out.chunks_exact_mut(size * size).enumerate() {
            let z = (slice.z as usize + channel)
                .saturating_sub(self.context)
                .min(last);
            let stored = self.store.image(case_idx, z);
            source.image(stored, plane, |hu| (hu - low) / (high - low));
        }
    }
}

/// Where in the training a batch stands: its random numbers follow from that.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Seed of the experiment.
    pub seed: u64,
    /// Name of the half.
    pub name: &'a str,
    /// Place of the first draw in the half.
    pub start: u64,
}

impl Batch {
    /// The images on a device, `[n, channels, y, x]`.
    pub fn images(&self, device: &Device) -> Tensor<4> {
        let shape = [self.n, self.n_channels, self.size, self.size];
        Tensor::from_data(self.images.clone().into_data(shape), device)
    }

    /// The targets on a device, `[n, organs, y, x]`.
    pub fn targets(&self, device: &Device) -> Tensor<4> {
        let shape = [self.n, self.n_organs, self.size, self.size];
        Tensor::from_data(self.targets.clone().into_data(shape), device)
    }

    /// Which organ is annotated in which slice, on a device, `[n, organs]`.
    pub fn annotated(&self, device: &Device) -> Tensor<2> {
        let shape = [self.n, self.n_organs];
        Tensor::from_data(TensorData::new(self.annotated.clone(), shape), device)
    }
}
