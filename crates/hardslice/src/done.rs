//! What a command ends with.

/// What a command ends with when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// All is well.
    Clean,
    /// The command did its work and found something wrong with the data.
    Findings,
}
