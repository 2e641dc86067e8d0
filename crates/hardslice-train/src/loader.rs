//! The data loader: batches made ahead of the training, on a thread of their own.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use hardslice_data::balance::WeightedSampler;

use crate::augment::Augmentation;
use crate::dataset::{Batch, SamplePosition, SliceDataset};

/// Batches that wait while the training works on one.
const N_AHEAD: usize = 3;

/// What a [`Loader`] makes batches of.
#[derive(Debug)]
pub struct LoaderConfig<'a> {
    /// The slices.
    pub dataset: SliceDataset<'a>,
    /// Which slice comes when.
    pub sampler: WeightedSampler,
    /// How slices are augmented.
    pub augment: Augmentation,
    /// Slices in a batch.
    pub batch_size: usize,
    /// Seed of the experiment.
    pub seed: u64,
    /// Name of the phase, for the random streams.
    pub name: String,
}

impl LoaderConfig<'_> {
    /// Batch number `number` of the phase, counted from 0; always the same, however it is reached.
    pub fn batch(&mut self, number: u64) -> Batch {
        let start = number * self.batch_size as u64;
        let samples = self.sampler.samples(start, self.batch_size);
        let position = SamplePosition {
            seed: self.seed,
            name: &self.name,
            start,
        };
        self.dataset.training(&samples, &self.augment, &position)
    }
}

/// Makes batches ahead of the training.
#[derive(Debug)]
pub struct Loader<'scope> {
    batches: Receiver<Batch>,
    worker: ScopedJoinHandle<'scope, ()>,
}

impl<'scope> Loader<'scope> {
    /// Starts making the batches of `numbers`, in order.
    pub fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        mut config: LoaderConfig<'env>,
        numbers: std::ops::Range<u64>,
    ) -> Self {
        let (send, batches) = sync_channel(N_AHEAD);
        let worker = scope.spawn(move || {
            for number in numbers {
                if send.send(config.batch(number)).is_err() {
                    return; // The training stopped early.
                }
            }
        });
        Self { batches, worker }
    }

    /// The next batch; `None` after the last.
    ///
    /// # Panics
    ///
    /// When the worker panicked, with its own message.
    pub fn next(&self) -> Option<Batch> {
        self.batches.recv().ok()
    }

    /// Waits for the worker. Call it after the last batch, or after an early stop.
    ///
    /// # Panics
    ///
    /// When the worker panicked: its panic goes on here, so that no worker dies without a cause.
    pub fn finish(self) {
        drop(self.batches);
        if let Err(cause) = self.worker.join() {
            std::panic::resume_unwind(cause);
        }
    }
}
