//! One bar for trainings that run side by side.

use std::sync::atomic::{AtomicU64, Ordering};

use hardslice_train::{Event, Observer};

use crate::bars::Bars;
use crate::stop;

/// Steps taken by all trainings of a campaign.
pub(super) struct Overall<'a> {
    pub(super) bars: &'a Bars,
    taken: AtomicU64,
}

impl<'a> Overall<'a> {
    pub(super) fn new(bars: &'a Bars) -> Self {
        Self {
            bars,
            taken: AtomicU64::new(0),
        }
    }

    fn add(&self, n: u64) {
        let before = self.taken.fetch_add(n, Ordering::Relaxed);
        self.bars.advance(before + n);
    }

    fn find(&self, n: u64) {
        let before = self.taken.fetch_add(n, Ordering::Relaxed);
        self.bars.found(n, before + n);
    }
}

/// Listens to one job: counts its steps, passes warnings on, and is silent otherwise.
pub(super) struct OfJob<'a> {
    overall: &'a Overall<'a>,
    name: String,
    taken: AtomicU64,
}

impl<'a> OfJob<'a> {
    pub(super) fn new(overall: &'a Overall<'a>, name: String) -> Self {
        Self {
            overall,
            name,
            taken: AtomicU64::new(0),
        }
    }

    /// The job of `n_steps` is over: what it found done counts, too.
    pub(super) fn end(&self, n_steps: u64) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.overall.find(n_steps.saturating_sub(taken));
    }
}

impl Observer for OfJob<'_> {
    fn wants_stop(&self) -> bool {
        self.overall.bars.wants_stop()
    }

    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Step { .. } => {
                self.taken.fetch_add(1, Ordering::Relaxed);
                self.overall.add(1);
            }
            Event::Started { done, .. } => {
                stop::is_another_stage();
                // Of a training that was stopped.
                if *done > 0 {
                    self.taken.fetch_add(*done, Ordering::Relaxed);
                    self.overall.find(*done);
                }
            }
            Event::Warning(warning) => self.overall.bars.warning(&self.name, warning),
            _ => {}
        }
    }
}

/// Passes warnings on, and is silent otherwise.
pub(super) struct Quiet<'a> {
    pub(super) bars: &'a Bars,
}

impl Observer for Quiet<'_> {
    fn wants_stop(&self) -> bool {
        self.bars.wants_stop()
    }

    fn notify(&self, event: &Event<'_>) {
        if let Event::Warning(_) = event {
            self.bars.notify(event);
        }
    }
}
