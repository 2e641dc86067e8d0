//! Arms in sentences.

use std::collections::BTreeMap;

/// An arm in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmWords {
    /// As what does something: "hard slices".
    pub subject: String,
    /// Whether the subject takes a plural verb: "hard slices *help*".
    pub is_plural: bool,
    /// As what others are compared with: "the random control".
    pub object: String,
}

/// The words of some arms, by their names. It is no part of the plan: another wording is the same
/// comparison.
pub type Wording = BTreeMap<String, ArmWords>;

impl ArmWords {
    /// The words of an arm; one that has none is called by its name.
    pub(super) fn of(wording: &Wording, arm: &str) -> Self {
        wording.get(arm).cloned().unwrap_or_else(|| Self {
            subject: format!("the arm `{arm}`"),
            is_plural: false,
            object: format!("the arm `{arm}`"),
        })
    }
}
