//! What people found when they looked at slices, and what comes of it in a mining.
//!
//! A verdict is about a slice and the organ's label in it as they were shown ([`shown_hash`]); it counts
//! as long as both are the same. Where reviewers whose verdicts count contradict one another nothing
//! follows.

mod verdicts;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hardslice_volume::Action;
use serde::{Deserialize, Serialize};

use crate::store::Store;
use crate::{CaseId, Organ};

pub use verdicts::{Judged, LabelVerdict, More, ReviewError, Row, Standing, Verdicts};

/// What a reviewer found in a slice.
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
    /// Who they are.
    pub by: String,
    /// Hash of what they were shown.
    pub shown: String,
}

/// What all reviewers found whose verdicts on a slice still count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed<'a> {
    pub(super) case_idx: usize,
    pub(super) z: usize,
    pub(super) organ: &'a Organ,
    pub(super) verdict: LabelVerdict,
    /// In words.
    pub(super) reason: String,
}

impl Reviewed {
    /// Reads what `hardslice review` wrote: the verdicts that were not taken back, in order.
    ///
    /// # Errors
    ///
    /// [`ReviewError`] when the file is not there or holds no verdicts.
    pub fn read(path: &Path) -> Result<Vec<Self>, ReviewError> {
        fs::metadata(path).map_err(Action::Read.on(path))?;
        let mut found = Vec::new();
        for (judged, of_slice) in Verdicts::read(path)?.standing() {
            let names = (CaseId::new(judged.case), Organ::new(judged.organ));
            let (Ok(case), Ok(organ)) = names else {
                continue;
            };
            found.extend(of_slice.into_iter().map(|(by, standing)| Self {
                case: case.clone(),
                z: judged.z,
                organ: organ.clone(),
                verdict: standing.verdict,
                by,
                shown: standing.shown,
            }));
        }
        Ok(found)
    }

    /// What the reviewers of each slice agree on, of the verdicts on what the store still holds: one on
    /// a label that was corrected since contradicts nobody.
    pub(super) fn agreed<'a>(reviewed: &'a [Self], store: &Store) -> Vec<Agreed<'a>> {
        let mut by_slice: BTreeMap<(usize, u32, &Organ), Vec<&Self>> = BTreeMap::new();
        for review in reviewed {
            let Some(case_idx) = store.place_of(review.case.as_str()) else {
                continue;
            };
            if review.holds(store, case_idx) {
                let key = (case_idx, review.z, &review.organ);
                by_slice.entry(key).or_default().push(review);
            }
        }
        let agreed = by_slice
            .into_iter()
            .filter_map(|((case_idx, z, organ), of_slice)| {
                Some(Agreed {
                    case_idx,
                    z: z as usize,
                    organ,
                    verdict: common(of_slice.iter().map(|review| review.verdict))?,
                    reason: reason(&of_slice),
                })
            });
        agreed.collect()
    }

    /// Whether slice and label are still what was shown.
    fn holds(&self, store: &Store, case_idx: usize) -> bool {
        let z = self.z as usize;
        z < store.cases()[case_idx].n_slices
            && shown_hash(store, case_idx, z, &self.organ) == self.shown
    }
}

/// What it means for a mining, in words: who found what.
fn reason(of_slice: &[&Reviewed]) -> String {
    let found = LabelVerdict::ALL.into_iter().filter_map(|verdict| {
        let by = of_slice.iter().filter(|review| review.verdict == verdict);
        let by: Vec<&str> = by.map(|review| review.by.as_str()).collect();
        (!by.is_empty()).then(|| format!("{} found {}", by.join(", "), verdict.in_words()))
    });
    found.collect::<Vec<_>>().join(", ")
}

/// The verdict of all who judged a slice, by their names; `None` where they contradict one another.
pub fn agreed(of_slice: &BTreeMap<String, Standing>) -> Option<LabelVerdict> {
    common(of_slice.values().map(|standing| standing.verdict))
}

/// What verdicts come to. A wrong label and a broken scan contradict one another no more than the slice
/// can be used.
fn common(mut verdicts: impl Iterator<Item = LabelVerdict>) -> Option<LabelVerdict> {
    let first = verdicts.next()?;
    let is_useless =
        |verdict: LabelVerdict| matches!(verdict, LabelVerdict::Wrong | LabelVerdict::Broken);
    verdicts.try_fold(first, |found, other| {
        if found == other {
            Some(found)
        } else {
            (is_useless(found) && is_useless(other)).then_some(LabelVerdict::Wrong)
        }
    })
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
