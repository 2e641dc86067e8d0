//! Which of the hard slices are no use to learn from.
//!
//! A slice may be hard because it is: then it is what the training needs. Or its label is wrong, or
//! the scan is broken there, or it is nearly the slice beside it. Nothing here knows which; each
//! finding says in words and figures what it rests on, and a person decides.
//!
//! - **Suspect.** *Who breaks with the neighbours, the label or the prediction?* The model did not
//!   see the patient, so its prediction owes the label nothing. Where labels some slices below and
//!   above look like the prediction and not like the label between them, the label is suspect. And
//!   where a label ends while its area is still large, and the prediction goes on, what follows is.
//!   So is a slice whose label is nothing but specks apart from the organ, of which the prediction has
//!   none.
//! - **Broken.** The slice is blank, or differs from both its neighbours by far more than these
//!   differ from one another.
//! - **Redundant.** Scan, label and prediction are nearly those of a hard slice just below that is
//!   kept.
//!
//! All but specks is judged at 64 × 64 pixels, so that a whole cohort's predictions fit into memory.
//!
//! # Sources
//!
//! - Y. Wang et al. (2018), "Training Multi-organ Segmentation Networks with Sample Selection by
//!   Relaxed Upper Confident Bound", MICCAI: of abdominal CT the very hardest samples often have
//!   annotation errors; they are passed over by their loss alone.
//! - C. G. Northcutt, L. Jiang, I. L. Chuang (2021), "Confident Learning: Estimating Uncertainty in
//!   Dataset Labels", Journal of Artificial Intelligence Research 70: errors are looked for with
//!   predictions from outside the training. So here, but the neighbouring slices decide, not a
//!   probability: a net's confidence alone repeats what it was taught.

mod exclude;
mod images;
mod labels;
mod organ_stack;
mod specks;
mod thumbnail;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use thiserror::Error;

use crate::mining::review::{LabelVerdict, Reviewed};
use crate::mining::{ScoredSlice, Verdict};
use crate::store::Store;
use crate::{OutputIdx, SliceRef, StoreOrgan};

pub use exclude::Exclude;
use organ_stack::findings_of_case;

/// Why a hard slice may be no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Triage {
    /// Its label looks wrong.
    Suspect,
    /// The scan looks broken.
    Broken,
    /// It is nearly a hard slice below it.
    Redundant,
}

impl Triage {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::Suspect, Self::Broken, Self::Redundant];

    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Suspect => "suspect",
            Self::Broken => "broken",
            Self::Redundant => "redundant",
        }
    }
}

impl fmt::Display for Triage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No finding has this name.
#[derive(Debug, Error)]
#[error("`{got}` cannot be excluded: wanted suspects, broken, redundant or reviewed-wrong")]
pub struct UnknownTriage {
    /// What was written.
    pub got: String,
}

impl FromStr for Triage {
    type Err = UnknownTriage;

    /// Takes the plural, too: one excludes "suspects".
    fn from_str(text: &str) -> Result<Self, UnknownTriage> {
        let names = |triage: &Self| text == triage.name() || text == format!("{triage}s");
        let triage = Self::ALL.into_iter().find(names);
        triage.ok_or_else(|| UnknownTriage {
            got: text.to_owned(),
        })
    }
}

/// What was found of a hard slice, for one organ.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub triage: Triage,
    /// What that rests on, in words.
    pub reason: String,
    /// Whether people found it, at the review desk.
    pub is_reviewed: bool,
}

impl Finding {
    /// Whether it keeps the slice out of the plans.
    pub fn is_excluded_by(&self, exclude: Exclude) -> bool {
        exclude.holds(self.triage) || self.is_reviewed && exclude.holds_reviewed()
    }
}

/// What was found, by slice and organ.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    by_slice: BTreeMap<(SliceRef, OutputIdx), Finding>,
}

impl Findings {
    /// Goes through the hard slices of some scans, scan by scan.
    ///
    /// [`mine`](crate::mining::mine()) does so with what it found hard.
    ///
    /// ```
    /// use hardslice_data::mining::triage::{Exclude, Findings, Triage};
    /// use hardslice_data::mining::{ResolvedTau, Verdict};
    /// use hardslice_data::{OutputIdx, SliceRef};
    /// # mod example {
    /// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
    /// # }
    /// # let dir = tempfile::tempdir()?;
    ///
    /// let store = example::store(dir.path());
    /// let organs: Vec<_> = store.all_organs().collect();
    /// // In slice 4 of patient c most of the liver is not labelled. A prediction that finds it all there
    /// // is unlike the label, and like the labels of the slices below and above.
    /// let scored = example::scored(&store, 2);
    /// let tau = ResolvedTau { value: 0.8, leaky: false, n_hard: 1, n_scored: 10 };
    /// let verdicts: Vec<_> = scored.iter().map(|slice| Verdict::of(slice.score, &tau, 1)).collect();
    /// let findings = Findings::of(&store, &organs, &verdicts, &scored);
    /// let finding = findings.get(SliceRef::at(2, 4), OutputIdx::new(0)).unwrap();
    /// assert_eq!(finding.triage, Triage::Suspect);
    /// let suspects = findings.excluded(Exclude::of(&[Triage::Suspect]), &verdicts);
    /// assert_eq!(suspects, [SliceRef::at(2, 4)].into());
    /// assert!(findings.excluded(Exclude::default(), &verdicts).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// `organs` are what was scored, in the order of the outputs; `verdicts` and `scored` are of the
    /// same slices in the same order.
    pub fn of(
        store: &Store,
        organs: &[StoreOrgan],
        verdicts: &[Verdict],
        scored: &[ScoredSlice],
    ) -> Self {
        let mut cases: BTreeMap<usize, Vec<(&Verdict, &ScoredSlice)>> = BTreeMap::new();
        for pair in verdicts.iter().zip(scored) {
            cases
                .entry(pair.0.score.slice.case())
                .or_default()
                .push(pair);
        }
        let cases: Vec<_> = cases.into_iter().collect();
        let found = cases.par_iter().flat_map_iter(|(case_idx, pairs)| {
            if !pairs.iter().any(|(verdict, _)| verdict.is_hard()) {
                return Vec::new();
            }
            findings_of_case(store, organs, *case_idx, pairs)
        });
        Self {
            by_slice: found.collect(),
        }
    }

    /// What was found of a slice for an organ.
    pub fn get(&self, slice: SliceRef, output: OutputIdx) -> Option<&Finding> {
        self.by_slice.get(&(slice, output))
    }

    /// Puts what reviewers found in the place of what was found here: a label that they found right is
    /// no suspect, one that they found wrong is, and a scan that they found broken is broken. Only
    /// verdicts on what the store still holds count.
    pub(super) fn overruled_by(
        &mut self,
        reviewed: &[Reviewed],
        store: &Store,
        organs: &[StoreOrgan],
    ) {
        for review in Reviewed::agreed(reviewed, store) {
            let is_it = |organ: &StoreOrgan| store.organ(*organ) == review.organ;
            let Some(output) = organs.iter().position(is_it) else {
                continue;
            };
            let slice = SliceRef::at(review.case_idx, review.z);
            let triage = match review.verdict {
                LabelVerdict::Right => {
                    let key = (slice, OutputIdx::new(output));
                    if self.get(slice, key.1).map(|found| found.triage) == Some(Triage::Suspect) {
                        self.by_slice.remove(&key);
                    }
                    continue;
                }
                LabelVerdict::Ambiguous => continue,
                LabelVerdict::Wrong => Triage::Suspect,
                LabelVerdict::Broken => Triage::Broken,
            };
            let finding = Finding {
                triage,
                reason: review.reason,
                is_reviewed: true,
            };
            self.by_slice
                .insert((slice, OutputIdx::new(output)), finding);
        }
    }

    /// The slices to keep out of the plans ([`Findings::of`] has an example): those with a label that is
    /// excluded, and those that are redundant for every organ for which they are hard.
    pub fn excluded(&self, exclude: Exclude, verdicts: &[Verdict]) -> BTreeSet<SliceRef> {
        let held = self.by_slice.iter();
        let held = held.filter(|(_, finding)| finding.is_excluded_by(exclude));
        let (copies, others): (Vec<_>, Vec<_>) =
            held.partition(|(_, finding)| finding.triage == Triage::Redundant);
        let mut excluded: BTreeSet<SliceRef> =
            others.into_iter().map(|((slice, _), _)| *slice).collect();
        let copies: BTreeSet<(SliceRef, OutputIdx)> =
            copies.into_iter().map(|(key, _)| *key).collect();
        let slices: BTreeSet<SliceRef> = copies.iter().map(|(slice, _)| *slice).collect();
        let is_unique = |verdict: &&Verdict| {
            let key = (verdict.score.slice, verdict.score.output);
            verdict.is_hard() && !copies.contains(&key)
        };
        let unique = verdicts.iter().filter(is_unique);
        let unique: BTreeSet<SliceRef> = unique.map(|verdict| verdict.score.slice).collect();
        excluded.extend(slices.difference(&unique));
        excluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mining::{ResolvedTau, SliceScore};

    #[test]
    fn a_copy_is_excluded_unless_it_is_hard_for_another_organ_of_which_it_is_none() {
        let key = |z, output| (SliceRef::at(0, z), OutputIdx::new(output));
        let finding = |triage| Finding {
            triage,
            reason: String::new(),
            is_reviewed: false,
        };
        let findings = Findings {
            by_slice: [
                (key(1, 0), finding(Triage::Redundant)),
                (key(2, 0), finding(Triage::Redundant)),
                (key(3, 0), finding(Triage::Redundant)),
                (key(3, 1), finding(Triage::Redundant)),
                (key(4, 0), finding(Triage::Suspect)),
            ]
            .into(),
        };
        // Slices 2, 3 and 4 are hard for both organs, 1 for the first alone.
        let tau = ResolvedTau {
            value: 0.5,
            leaky: false,
            n_hard: 0,
            n_scored: 0,
        };
        let verdict = |z, output, n_shared| {
            let (slice, output) = key(z, output);
            let score = SliceScore {
                slice,
                output,
                n_truth: 10,
                n_predicted: 10,
                n_shared,
            };
            Verdict::of(score, &tau, 1)
        };
        let mut verdicts: Vec<Verdict> = (1..5).map(|z| verdict(z, 0, 1)).collect();
        verdicts.extend((1..5).map(|z| verdict(z, 1, if z == 1 { 9 } else { 1 })));
        let excluded = |triages: &[Triage]| findings.excluded(Exclude::of(triages), &verdicts);
        let slices = |zs: &[usize]| zs.iter().map(|z| SliceRef::at(0, *z)).collect();
        assert_eq!(excluded(&[Triage::Redundant]), slices(&[1, 3]));
        assert_eq!(excluded(&[Triage::Suspect]), slices(&[4]));
    }
}
