//! Batches made ahead of the training, on a thread of their own.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use hardslice_data::balance::Epochs;

use crate::augment::Augmentation;
use crate::batch::{Batch, Lens, Place};

/// Batches that wait while the training works on one.
const N_AHEAD: usize = 3;

/// What a [`Loader`] makes batches of.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// What a net sees of the store.
    pub lens: Lens<'a>,
    /// Which slice comes when.
    pub epochs: Epochs,
    /// How slices are varied.
    pub augment: Augmentation,
    /// Slices in a batch.
    pub batch_size: usize,
    /// Seed of the experiment.
    pub seed: u64,
    /// Name of the half, for the random streams.
    pub name: String,
}

impl Recipe<'_> {
    /// Batch number `number` of the half, counted from 0; always the same, however it is reached.
    pub fn batch(&mut self, number: u64) -> Batch {
        let start = number * self.batch_size as u64;
        let draws = self.epochs.draws(start, self.batch_size);
        let place = Place {
            seed: self.seed,
            name: &self.name,
            start,
        };
        self.lens.training(&draws, &self.augment, &place)
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
        mut recipe: Recipe<'env>,
        numbers: std::ops::Range<u64>,
    ) -> Self {
        let (send, batches) = sync_channel(N_AHEAD);
        let worker = scope.spawn(move || {
            for number in numbers {
                if send.send(recipe.batch(number)).is_err() {
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
