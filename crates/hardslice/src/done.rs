//! What a command ends with.

/// What a command ends with when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// All is well.
    Clean,
    /// The command did its work and found something wrong with the data, or with a net.
    Findings,
}

impl Done {
    /// What two parts of a command's work come to.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clean, Self::Clean) => Self::Clean,
            (Self::Findings, _) | (_, Self::Findings) => Self::Findings,
        }
    }
}
