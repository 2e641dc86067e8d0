//! Which training of an arm.

/// Which training of an arm a score is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Training {
    /// The division into A and B, 0 where there is one.
    pub(crate) split: u64,
    pub(crate) seed: u64,
}
