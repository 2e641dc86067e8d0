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
//! - **Broken.** The slice is blank, or differs from both its neighbours by far more than these
//!   differ from one another.
//! - **Redundant.** Scan, label and prediction are nearly those of a hard slice just below that is
//!   kept.
//!
//! All is judged at 64 × 64 pixels, so that a whole cohort's predictions fit into memory.

mod coarse;
mod images;
mod labels;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::SliceRef;
use crate::balance::{SliceScore, Verdict};
use crate::store::Store;

pub use coarse::CoarseMask;
use coarse::Thumbnail;

/// A slice as a model or another program saw it, for one organ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Pixel counts.
    pub score: SliceScore,
    /// Mean binary cross-entropy of the slice's pixels, natural logarithm; absent where there are
    /// no probabilities.
    pub loss: Option<f64>,
    /// Where the organ was predicted.
    pub predicted: CoarseMask,
}

/// Why a hard slice may be no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[error("`{got}` cannot be excluded: wanted suspects, broken or redundant")]
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
}

/// Which findings keep a slice out of the plans, as a list of names: `["suspects", "broken"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Exclude {
    suspects: bool,
    broken: bool,
    redundant: bool,
}

impl Exclude {
    /// Excludes these.
    pub fn of(triages: &[Triage]) -> Self {
        Self {
            suspects: triages.contains(&Triage::Suspect),
            broken: triages.contains(&Triage::Broken),
            redundant: triages.contains(&Triage::Redundant),
        }
    }

    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether such a slice is kept out.
    pub fn holds(self, triage: Triage) -> bool {
        match triage {
            Triage::Suspect => self.suspects,
            Triage::Broken => self.broken,
            Triage::Redundant => self.redundant,
        }
    }
}

impl TryFrom<Vec<String>> for Exclude {
    type Error = UnknownTriage;

    fn try_from(names: Vec<String>) -> Result<Self, UnknownTriage> {
        let triages: Result<Vec<Triage>, _> = names.iter().map(|name| name.parse()).collect();
        Ok(Self::of(&triages?))
    }
}

impl From<Exclude> for Vec<String> {
    fn from(exclude: Exclude) -> Self {
        let held = Triage::ALL
            .into_iter()
            .filter(|triage| exclude.holds(*triage));
        held.map(|triage| match triage {
            Triage::Suspect => "suspects".to_owned(),
            other => other.name().to_owned(),
        })
        .collect()
    }
}

/// What was found, by slice and by the organ's place among those that were scored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    by_slice: BTreeMap<(SliceRef, u16), Finding>,
}

impl Findings {
    /// Goes through the hard slices of some scans, scan by scan.
    ///
    /// `organs` are the scored organs' places in the store; `verdicts` and `sightings` are of the
    /// same slices in the same order.
    pub fn of(
        store: &Store,
        organs: &[usize],
        verdicts: &[Verdict],
        sightings: &[Sighting],
    ) -> Self {
        let mut of_cases: BTreeMap<u32, Vec<(&Verdict, &Sighting)>> = BTreeMap::new();
        for pair in verdicts.iter().zip(sightings) {
            of_cases
                .entry(pair.0.score.slice.case_idx)
                .or_default()
                .push(pair);
        }
        let of_cases: Vec<_> = of_cases.into_iter().collect();
        let found = of_cases.par_iter().flat_map_iter(|(case_idx, pairs)| {
            if !pairs.iter().any(|(verdict, _)| verdict.is_hard) {
                return Vec::new();
            }
            of_case(store, organs, *case_idx as usize, pairs)
        });
        Self {
            by_slice: found.collect(),
        }
    }

    /// What was found of a slice for an organ.
    pub fn get(&self, slice: SliceRef, organ_idx: u16) -> Option<&Finding> {
        self.by_slice.get(&(slice, organ_idx))
    }

    /// The slices to keep out of the plans.
    pub fn excluded(&self, exclude: Exclude) -> BTreeSet<SliceRef> {
        let held = self.by_slice.iter();
        held.filter(|(_, finding)| exclude.holds(finding.triage))
            .map(|((slice, _), _)| *slice)
            .collect()
    }
}

/// One scan and one organ, slice by slice from the feet up.
struct Column<'a> {
    images: &'a [Thumbnail],
    truth: Vec<CoarseMask>,
    predicted: Vec<CoarseMask>,
    is_hard: Vec<bool>,
    spacing_mm: f64,
}

fn of_case(
    store: &Store,
    organs: &[usize],
    case_idx: usize,
    pairs: &[(&Verdict, &Sighting)],
) -> Vec<((SliceRef, u16), Finding)> {
    let case = &store.cases()[case_idx];
    let size = store.size();
    let images: Vec<Thumbnail> = (0..case.n_slices)
        .map(|z| Thumbnail::of(store.image(case_idx, z), size))
        .collect();
    let mut found = Vec::new();
    for (organ_idx, place) in organs.iter().enumerate() {
        let organ_idx = u16::try_from(organ_idx).unwrap_or(u16::MAX);
        let value = store.organs().store_value(*place);
        let truth = (0..case.n_slices).map(|z| {
            let labels = store.labels(case_idx, z);
            CoarseMask::sampled(size, |at| labels[at] == value)
        });
        let mut column = Column {
            images: &images,
            truth: truth.collect(),
            predicted: vec![CoarseMask::default(); case.n_slices],
            is_hard: vec![false; case.n_slices],
            spacing_mm: case.spacing_mm.z,
        };
        let of_organ = pairs
            .iter()
            .filter(|(verdict, _)| verdict.score.organ_idx == organ_idx);
        for (verdict, sighting) in of_organ {
            let z = verdict.score.slice.z as usize;
            column.predicted[z] = sighting.predicted;
            column.is_hard[z] = verdict.is_hard;
        }
        let findings = column.findings().into_iter();
        found.extend(findings.map(|(z, finding)| {
            let slice = SliceRef::at(case_idx, z);
            ((slice, organ_idx), finding)
        }));
    }
    found
}

impl Column<'_> {
    /// What was found of the hard slices: what is broken tells nothing of its label, and what is
    /// wrong is not kept for being new.
    fn findings(&self) -> BTreeMap<usize, Finding> {
        let mut found = BTreeMap::new();
        let past_the_end = self.past_the_end();
        for z in (0..self.is_hard.len()).filter(|z| self.is_hard[*z]) {
            let broken = self.broken(z).map(|reason| (Triage::Broken, reason));
            let suspect = || {
                let reason = self
                    .out_of_line(z)
                    .or_else(|| past_the_end.get(&z).cloned());
                reason.map(|reason| (Triage::Suspect, reason))
            };
            if let Some((triage, reason)) = broken.or_else(suspect) {
                found.insert(z, Finding { triage, reason });
            }
        }
        self.mark_redundant(&mut found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc about the middle of 64 × 64 pixels, moved to the right.
    fn disc(radius: f64, right: f64) -> CoarseMask {
        CoarseMask::sampled(64, |at| {
            let (y, x) = ((at / 64) as f64 - 32.0, (at % 64) as f64 - 32.0 - right);
            y * y + x * x < radius * radius
        })
    }

    /// Slices that brighten from the feet up, 3 HU each.
    fn images(n: i16) -> Vec<Thumbnail> {
        let slice = |z: i16| -> Vec<i16> { (0..64 * 64).map(|at| at % 64 + 3 * z).collect() };
        (0..n).map(|z| Thumbnail::of(&slice(z), 64)).collect()
    }

    /// An organ of 12 slices, the same everywhere, predicted as it is; all slices hard, 5 mm apart.
    fn column(images: &[Thumbnail]) -> Column<'_> {
        Column {
            images,
            truth: vec![disc(14.0, 0.0); images.len()],
            predicted: vec![disc(14.0, 0.0); images.len()],
            is_hard: vec![true; images.len()],
            spacing_mm: 5.0,
        }
    }

    fn triages(column: &Column<'_>) -> Vec<(usize, Triage)> {
        let findings = column.findings().into_iter();
        findings.map(|(z, finding)| (z, finding.triage)).collect()
    }

    #[test]
    fn a_label_that_breaks_with_its_neighbours_is_suspect_and_a_prediction_that_does_is_not() {
        let images = images(12);
        assert_eq!(triages(&column(&images)), [], "nothing is wrong");
        let mut wrong_label = column(&images);
        wrong_label.truth[5] = CoarseMask::default();
        wrong_label.truth[7] = disc(14.0, 12.0);
        let suspects = triages(&wrong_label);
        assert_eq!(suspects, [(5, Triage::Suspect), (7, Triage::Suspect)]);
        let mut wrong_prediction = column(&images);
        wrong_prediction.predicted[5] = CoarseMask::default();
        wrong_prediction.predicted[7] = disc(14.0, 12.0);
        assert_eq!(triages(&wrong_prediction), [], "these are hard");
        wrong_label.is_hard[5] = false;
        assert_eq!(
            triages(&wrong_label),
            [(7, Triage::Suspect)],
            "only hard ones"
        );
    }

    #[test]
    fn a_label_that_ends_large_while_the_prediction_goes_on_is_suspect_beyond_its_end() {
        let images = images(12);
        let mut cut = column(&images);
        for z in 9..12 {
            cut.truth[z] = CoarseMask::default();
        }
        cut.predicted[11] = CoarseMask::default();
        assert_eq!(
            triages(&cut),
            [(9, Triage::Suspect), (10, Triage::Suspect)],
            "as far as the prediction goes"
        );
        let mut tapering = column(&images);
        for z in 6..12 {
            tapering.truth[z] = disc(14.0 - 3.0 * (z - 5) as f64, 0.0);
        }
        tapering.truth[10] = CoarseMask::default();
        tapering.truth[11] = CoarseMask::default();
        for z in 6..12 {
            tapering.predicted[z] = tapering.truth[z.min(9)];
        }
        assert_eq!(triages(&tapering), [], "an organ that ends small has ended");
    }

    #[test]
    fn a_slice_out_of_line_is_broken_whatever_its_label_is_like() {
        let mut images = images(12);
        images[4] = Thumbnail::of(&[200; 64 * 64], 64);
        images[8] = Thumbnail::of(&(0..64 * 64).map(|at| 90 - at % 64).collect::<Vec<_>>(), 64);
        let mut column = column(&images);
        column.truth[4] = CoarseMask::default();
        assert_eq!(
            triages(&column),
            [(4, Triage::Broken), (8, Triage::Broken)],
            "blank, and unlike both neighbours"
        );
    }

    #[test]
    fn of_slices_that_are_nearly_the_same_the_lowest_hard_one_is_kept() {
        let slice: Vec<i16> = (0..64 * 64).map(|at| at % 64).collect();
        let images: Vec<Thumbnail> = (0..12).map(|_| Thumbnail::of(&slice, 64)).collect();
        let mut column = column(&images);
        column.spacing_mm = 2.0;
        column.is_hard = (0..12).map(|z| z < 4).collect();
        assert_eq!(
            triages(&column),
            [(1, Triage::Redundant), (2, Triage::Redundant)],
            "slice 3 lies 6 mm above slice 0"
        );
    }

    #[test]
    fn what_is_excluded_is_read_and_written_as_a_list_of_names() {
        let exclude: Exclude = serde_json::from_str(r#"["suspects", "broken"]"#).unwrap();
        assert!(
            exclude.holds(Triage::Suspect) && exclude.holds(Triage::Broken),
            "these"
        );
        assert!(!exclude.holds(Triage::Redundant), "and not that");
        assert_eq!(
            serde_json::to_string(&exclude).unwrap(),
            r#"["suspects","broken"]"#
        );
        let error = serde_json::from_str::<Exclude>(r#"["hard"]"#).unwrap_err();
        assert!(error.to_string().contains("wanted suspects"), "{error}");
    }
}
