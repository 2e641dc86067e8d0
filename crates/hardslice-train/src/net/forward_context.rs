//! Training mode and inference mode of a forward pass.

use hardslice_data::random::Stream;
use hardslice_kernels::BatchStatistics;

/// One run through a net: in training it collects the batch statistics of each norm, in the order
/// in which the norms are met, and drops activations at random.
#[derive(Debug)]
pub struct ForwardContext(Mode);

#[derive(Debug)]
enum Mode {
    Train {
        statistics: Vec<BatchStatistics>,
        dropout: Box<Stream>,
    },
    Predict,
}

impl ForwardContext {
    /// A training ctx. `dropout` is the stream that dropout draws from.
    pub fn train(dropout: Stream) -> Self {
        Self(Mode::Train {
            statistics: Vec::new(),
            dropout: Box::new(dropout),
        })
    }

    /// A prediction: running statistics, nothing dropped.
    pub fn predict() -> Self {
        Self(Mode::Predict)
    }

    /// Whether norms use the batch's own statistics.
    pub(super) fn is_train(&self) -> bool {
        matches!(self.0, Mode::Train { .. })
    }

    /// Takes note of what a norm saw.
    pub(super) fn record(&mut self, seen: BatchStatistics) {
        if let Mode::Train { statistics, .. } = &mut self.0 {
            statistics.push(seen);
        }
    }

    /// The stream that dropout draws from; `None` at prediction.
    pub(super) fn dropout(&mut self) -> Option<&mut Stream> {
        match &mut self.0 {
            Mode::Train { dropout, .. } => Some(dropout),
            Mode::Predict => None,
        }
    }

    /// What the norms saw, in the order in which they were met.
    pub(super) fn into_statistics(self) -> Vec<BatchStatistics> {
        match self.0 {
            Mode::Train { statistics, .. } => statistics,
            Mode::Predict => Vec::new(),
        }
    }
}
