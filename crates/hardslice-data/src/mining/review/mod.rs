//! What people found when they looked at slices, and what comes of it in a mining.
//!
//! A verdict is about a slice and the organ's label in it as they were shown ([`shown_hash`]); it counts
//! as long as both are the same. Where reviewers contradict one another nothing follows.

mod verdicts;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::store::Store;
use crate::{CaseId, Organ};

pub use verdicts::{Judged, LabelVerdict, More, ReviewError, Row, Standing, Verdicts};

/// What all reviewers of a slice found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// Case.
    pub case: CaseId,
    /// Slice, from the feet up.
    pub z: u32,
    /// Organ.
    pub organ: Organ,
    /// What they found.
    pub verdict: LabelVerdict,
    /// Who they are, with commas between them.
    pub by: String,
    /// Hash of what they were shown.
    pub shown: String,
}

impl Reviewed {
    /// Reads what `hardslice review` wrote: the slices whose reviewers agree, in order.
    ///
    /// # Errors
    ///
    /// [`ReviewError`] when the file is not there or holds no verdicts.
    pub fn read(path: &Path) -> Result<Vec<Self>, ReviewError> {
        use hardslice_volume::Action;
        std::fs::metadata(path).map_err(Action::Read.on(path))?;
        let standing = Verdicts::read(path)?.standing();
        let agreed = standing.into_iter().filter_map(|(judged, of_slice)| {
            let by: Vec<&str> = of_slice.keys().map(String::as_str).collect();
            let first = of_slice.values().next()?;
            let is_same =
                |other: &Standing| other.verdict == first.verdict && other.shown == first.shown;
            of_slice.values().all(is_same).then_some(())?;
            Some(Self {
                case: CaseId::new(judged.case).ok()?,
                z: judged.z,
                organ: Organ::new(judged.organ).ok()?,
                verdict: first.verdict,
                by: by.join(", "),
                shown: first.shown.clone(),
            })
        });
        Ok(agreed.collect())
    }

    /// Whether slice and label are still what was shown.
    pub(super) fn holds(&self, store: &Store) -> bool {
        store.place_of(self.case.as_str()).is_some_and(|case_idx| {
            let z = self.z as usize;
            z < store.cases()[case_idx].n_slices
                && shown_hash(store, case_idx, z, &self.organ) == self.shown
        })
    }

    /// What it means for a mining, in words.
    pub(super) fn reason(&self) -> String {
        let found = match self.verdict {
            LabelVerdict::Right => "the label right",
            LabelVerdict::Wrong => "the label wrong",
            LabelVerdict::Ambiguous => "the label ambiguous",
            LabelVerdict::Broken => "the scan broken",
        };
        format!("{} found {found}", self.by)
    }
}

/// Hash of a stored slice and of an organ's label in it: what a verdict is about.
///
/// # Panics
///
/// When the case or the slice is beyond the store.
pub fn shown_hash(store: &Store, case_idx: usize, z: usize, organ: &Organ) -> String {
    let mut hasher = blake3::Hasher::new();
    for hu in store.image(case_idx, z) {
        hasher.update(&hu.to_le_bytes());
    }
    if let Some(organ) = store.organ_of(organ) {
        let value = store.label_of(organ);
        let labels = store.labels(case_idx, z).iter();
        let mask: Vec<u8> = labels.map(|label| u8::from(*label == value)).collect();
        hasher.update(&mask);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
