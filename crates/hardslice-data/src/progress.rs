//! How far the work on a cohort has come.

use crate::CaseId;

/// What has just happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Work on it has begun.
    Begun,
    /// It is done.
    Done,
    /// It had been done before.
    Kept,
    /// It could not be done; the others go on.
    Failed,
}

/// How far the work on a cohort has come. Reported from several threads, in no fixed order.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The case.
    pub case: &'a CaseId,
    /// What has happened to it.
    pub step: Step,
    /// Cases that are over, done or not.
    pub n_over: usize,
    /// Cases of the cohort.
    pub n_cases: usize,
}

/// Counts cases and tells somebody.
pub(crate) struct ProgressCounter<'a> {
    tell: &'a (dyn Fn(Progress<'_>) + Sync),
    n_over: std::sync::atomic::AtomicUsize,
    n_cases: usize,
}

impl<'a> ProgressCounter<'a> {
    pub(crate) fn new(n_cases: usize, tell: &'a (dyn Fn(Progress<'_>) + Sync)) -> Self {
        Self {
            tell,
            n_over: 0.into(),
            n_cases,
        }
    }

    pub(crate) fn tell(&self, case: &CaseId, step: Step) {
        let over = usize::from(step != Step::Begun);
        let n_over = self
            .n_over
            .fetch_add(over, std::sync::atomic::Ordering::Relaxed)
            + over;
        (self.tell)(Progress {
            case,
            step,
            n_over,
            n_cases: self.n_cases,
        });
    }
}
