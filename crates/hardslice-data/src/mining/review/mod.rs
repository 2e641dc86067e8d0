//! What people found when they looked at slices, and what comes of it in a mining.
//!
//! A verdict is about a slice and the organ's label in it as they were shown ([`shown_hash`]); it counts
//! as long as both are the same. Where reviewers contradict one another nothing follows.

mod verdicts;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hardslice_volume::Action;
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
        fs::metadata(path).map_err(Action::Read.on(path))?;
        let standing = Verdicts::read(path)?.standing();
        let agreed = standing.into_iter().filter_map(|(judged, of_slice)| {
            let verdict = agreed(&of_slice)?;
            let by: Vec<&str> = of_slice.keys().map(String::as_str).collect();
            let first = of_slice.values().next()?;
            let is_same = |other: &Standing| other.shown == first.shown;
            of_slice.values().all(is_same).then_some(())?;
            Some(Self {
                case: CaseId::new(judged.case).ok()?,
                z: judged.z,
                organ: Organ::new(judged.organ).ok()?,
                verdict,
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
        format!("{} found {}", self.by, self.verdict.in_words())
    }
}

/// The verdict of all who judged a slice, by their names; `None` where they contradict one another.
pub fn agreed(of_slice: &BTreeMap<String, Standing>) -> Option<LabelVerdict> {
    let mut verdicts = of_slice.values().map(|standing| standing.verdict);
    let first = verdicts.next()?;
    verdicts.all(|other| other == first).then_some(first)
}

/// Hash of a stored slice and of an organ's label in it: what a verdict is about.
///
/// # Panics
///
/// When the case or the slice is beyond the store.
pub fn shown_hash(store: &Store, case_idx: usize, z: usize, organ: &Organ) -> String {
    let mut hasher = blake3::Hasher::new();
    let image = store.image(case_idx, z).iter();
    let image: Vec<u8> = image.flat_map(|hu| hu.to_le_bytes()).collect();
    hasher.update(&image);
    if let Some(organ) = store.organ_of(organ) {
        let value = store.label_of(organ);
        let labels = store.labels(case_idx, z).iter();
        let mask: Vec<u8> = labels.map(|label| u8::from(*label == value)).collect();
        hasher.update(&mask);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
