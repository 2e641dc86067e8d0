//! Which label values make which organ, and which organs are each other's mirror image.

mod error;
mod index;
mod mirror;
mod reading;
mod sides;

use std::collections::BTreeMap;
use std::fmt;

use hardslice_volume::LabelNames;
use serde::{Deserialize, Serialize};

use crate::Organ;

pub use error::OrganMapError;
pub use index::{OutputIdx, StoreOrgan};
pub use mirror::Mirror;

/// Most organs in one map: a label of the store is one byte and 0 is the background.
pub const MOST_ORGANS: usize = 254;

/// One organ and what makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganLabels {
    /// The organ.
    pub organ: Organ,
    /// Values of a label map that belong to it, ascending; never 0.
    #[serde(default)]
    pub labels: Vec<u16>,
    /// Structures that belong to it where labels carry names (a folder of masks, DICOM SEG or RTSTRUCT,
    /// `.seg.nrrd`), beside the organ's own name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub structures: Vec<String>,
}

/// Which label values make which organ, in a fixed order: `liver = [1]`, `kidney = [2, 3]`.
///
/// The order is the order of a net's output channels. In the store an organ's pixels hold its
/// index plus one and 0 is the background, whatever the values in the label map.
///
/// It is read from a table (`{ liver = 1, kidney = [2, 3] }`, also with the names of structures,
/// `{ kidney = ["kidney_left", "kidney_right"] }`) or from a list of [`OrganLabels`], and written
/// as the list, whose order no format can lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrganMap {
    // Invariant: what `from_entries` checks.
    organs: Vec<OrganLabels>,
    #[serde(skip)]
    names: LabelNames,
}

impl OrganMap {
    /// Makes a map of organs, in this order, each with its label values.
    ///
    /// # Errors
    ///
    /// [`OrganMapError`] when it is empty or too long, an organ comes twice or has no label, or a
    /// label is 0 or belongs to two organs.
    pub fn new(organs: impl IntoIterator<Item = (Organ, Vec<u16>)>) -> Result<Self, OrganMapError> {
        Self::from_entries(organs.into_iter().map(|(organ, labels)| OrganLabels {
            organ,
            labels,
            structures: Vec::new(),
        }))
    }

    /// Makes a map of organs, in this order, of label values and structures.
    ///
    /// # Errors
    ///
    /// As [`OrganMap::new`], and when a structure belongs to two organs.
    pub fn from_entries(
        organs: impl IntoIterator<Item = OrganLabels>,
    ) -> Result<Self, OrganMapError> {
        let mut checked: Vec<OrganLabels> = Vec::new();
        let mut owners: BTreeMap<u16, Organ> = BTreeMap::new();
        for mut entry in organs {
            let organ = entry.organ.clone();
            entry.labels.sort_unstable();
            entry.labels.dedup();
            if entry.labels.is_empty() && entry.structures.is_empty() {
                return Err(OrganMapError::NoLabels { organ });
            }
            let is_same =
                |other: &OrganLabels| LabelNames::same_name(other.organ.as_str(), organ.as_str());
            if checked.iter().any(is_same) {
                return Err(OrganMapError::Twice { organ });
            }
            for &label in &entry.labels {
                if label == 0 {
                    return Err(OrganMapError::Background { organ });
                }
                if let Some(first) = owners.insert(label, organ.clone()) {
                    let second = organ;
                    return Err(OrganMapError::Shared {
                        label,
                        first,
                        second,
                    });
                }
            }
            checked.push(entry);
        }
        match checked.len() {
            0 => Err(OrganMapError::Empty),
            got if got > MOST_ORGANS => Err(OrganMapError::TooMany { got }),
            _ => Self::with_names(checked),
        }
    }

    /// Gives each organ's name and structures a label value: the organ's first one, or, where it
    /// has none, one from the upper end, which no label map in use has.
    fn with_names(mut organs: Vec<OrganLabels>) -> Result<Self, OrganMapError> {
        let mut pairs: Vec<(String, u16)> = Vec::new();
        let mut owners: Vec<(String, Organ)> = Vec::new();
        let taken: Vec<u16> = organs
            .iter()
            .flat_map(|entry| entry.labels.clone())
            .collect();
        let mut free = (1..=u16::MAX).rev().filter(|value| !taken.contains(value));
        for entry in &mut organs {
            let Some(value) = entry.labels.first().copied().or_else(|| free.next()) else {
                return Err(OrganMapError::NoLabels {
                    organ: entry.organ.clone(),
                });
            };
            // The organ's own name is always among its structures, and one in two spellings is one.
            let mut names = vec![entry.organ.to_string()];
            entry.structures.retain(|name| {
                let is_new = !names.iter().any(|other| LabelNames::same_name(other, name));
                if is_new {
                    names.push(name.clone());
                }
                is_new
            });
            // What makes the organ must be seen in the map, also when it is written and read again.
            if entry.labels.is_empty() && entry.structures.is_empty() {
                entry.structures.push(entry.organ.to_string());
            }
            for name in names {
                let first = owners
                    .iter()
                    .find(|(other, _)| LabelNames::same_name(other, &name));
                if let Some((_, first)) = first {
                    return Err(OrganMapError::SharedStructure {
                        structure: name,
                        first: first.clone(),
                        second: entry.organ.clone(),
                    });
                }
                owners.push((name.clone(), entry.organ.clone()));
                pairs.push((name, value));
            }
        }
        let names = LabelNames::new(pairs)?;
        Ok(Self { organs, names })
    }

    /// The map of some of these organs, by their places here, each with all that makes it: the
    /// outputs of a net that finds a part of a cohort's organs.
    ///
    /// # Panics
    ///
    /// When a place is beyond the map, comes twice, or there is none.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        let entries = places.iter().map(|place| self.organs[*place].clone());
        Self::from_entries(entries).expect("some organs of a valid map, each once, are a valid map")
    }

    /// The same organs in the same order, of which some go by other values and names: those that another
    /// program writes.
    ///
    /// # Errors
    ///
    /// [`OrganMapError`] when an organ is none of the map's, comes twice, or has no label, or two share one.
    pub fn with_labels(
        &self,
        others: impl IntoIterator<Item = OrganLabels>,
    ) -> Result<Self, OrganMapError> {
        let mut entries = self.organs.clone();
        let mut replaced: Vec<Organ> = Vec::new();
        for other in others {
            let organ = other.organ.clone();
            if replaced.contains(&organ) {
                return Err(OrganMapError::Twice { organ });
            }
            let Some(place) = self.index_of(&organ) else {
                return Err(OrganMapError::Unknown {
                    organ,
                    known: self.to_string(),
                });
            };
            entries[place] = other;
            replaced.push(organ);
        }
        Self::from_entries(entries)
    }

    /// How many organs.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a map of organs is never empty"
    )]
    pub fn len(&self) -> usize {
        self.organs.len()
    }

    /// The organs in order, with their label values.
    pub fn entries(&self) -> &[OrganLabels] {
        &self.organs
    }

    /// The organs in order.
    pub fn organs(&self) -> impl ExactSizeIterator<Item = &Organ> {
        self.organs.iter().map(|entry| &entry.organ)
    }

    /// The organ of this index.
    pub fn organ(&self, index: usize) -> Option<&Organ> {
        self.organs.get(index).map(|entry| &entry.organ)
    }

    /// Place of an organ in the order, from 0.
    pub fn index_of(&self, organ: &Organ) -> Option<usize> {
        self.organs().position(|other| other == organ)
    }

    /// The names under which each organ may stand in labels that carry names, with their values.
    pub fn label_names(&self) -> &LabelNames {
        &self.names
    }

    /// The organs that are given by the names of structures alone: a plain label map holds values and no
    /// names, so that they would be nowhere in it.
    pub fn by_names_alone(&self) -> impl Iterator<Item = &Organ> {
        let entries = self.organs.iter();
        let unnumbered = entries.filter(|entry| entry.labels.is_empty());
        unnumbered.map(|entry| &entry.organ)
    }

    /// Whether a name is one of the map's: an organ or a structure of one.
    pub fn knows(&self, name: &str) -> bool {
        self.names.value_of(name).is_some()
    }

    /// The organ of this name, in any spelling: the case of letters does not matter, and spaces,
    /// underscores and hyphens are equal.
    pub fn organ_named(&self, name: &str) -> Option<&Organ> {
        self.organs()
            .find(|organ| LabelNames::same_name(organ.as_str(), name))
    }

    /// The organ that a value of a label map belongs to.
    pub fn organ_of_label(&self, label: u16) -> Option<&Organ> {
        let mut organs = self.organs.iter();
        let entry = organs.find(|entry| entry.labels.contains(&label))?;
        Some(&entry.organ)
    }

    /// What the store holds in the pixels of the organ of this index: the index plus one.
    ///
    /// # Panics
    ///
    /// When the map has no such organ.
    pub fn store_value(&self, index: usize) -> u8 {
        assert!(
            index < self.organs.len(),
            "organ {index} of {}",
            self.organs.len()
        );
        u8::try_from(index + 1).expect("a map holds 254 organs at most")
    }

    /// The store's value for every value of a label map; 0 for values outside the map.
    ///
    /// 65,536 long, so that a voxel is looked up without a branch.
    pub fn store_values(&self) -> Vec<u8> {
        let mut table = vec![0; usize::from(u16::MAX) + 1];
        for (index, entry) in self.organs.iter().enumerate() {
            let named = self.names.value_of(entry.organ.as_str());
            for label in entry.labels.iter().copied().chain(named) {
                table[usize::from(label)] = self.store_value(index);
            }
        }
        table
    }
}

impl fmt::Display for OrganMap {
    /// Writes `liver = [1], kidney = [2, 3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.organs.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let labels = entry.labels.iter().map(ToString::to_string);
            // A value in quotes is a value and a structure's name, and shown once.
            let is_value = |name: &str| {
                let value = name.trim().parse::<u16>();
                value.is_ok_and(|value| entry.labels.contains(&value))
            };
            let names = entry.structures.iter().filter(|name| !is_value(name));
            let all: Vec<String> = labels.chain(names.cloned()).collect();
            write!(f, "{separator}{} = [{}]", entry.organ, all.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn map(organs: &[(&str, &[u16])]) -> Result<OrganMap, OrganMapError> {
        OrganMap::new(
            organs
                .iter()
                .map(|(name, labels)| (Organ::new(name).unwrap(), labels.to_vec())),
        )
    }

    #[test]
    fn labels_become_the_index_plus_one_and_unknown_ones_background() {
        let organs = map(&[("liver", &[1]), ("kidney", &[3, 2])]).unwrap();
        let table = organs.store_values();
        assert_eq!(table[..5], [0, 1, 2, 2, 0], "values 0 to 4");
        assert_eq!(table.len(), 65_536, "one entry for each 16-bit label");
        assert_eq!(
            organs.index_of(&Organ::new("kidney").unwrap()),
            Some(1),
            "place of kidney"
        );
        assert_eq!(
            organs.to_string(),
            "liver = [1], kidney = [2, 3]",
            "labels in order"
        );
    }

    #[test]
    fn some_organs_go_by_other_values() {
        let organs = map(&[("liver", &[1]), ("kidney", &[2, 3])]).unwrap();
        let of = |name: &str, labels: &[u16]| OrganLabels {
            organ: Organ::new(name).unwrap(),
            labels: labels.to_vec(),
            structures: Vec::new(),
        };
        let others =
            |others: Vec<OrganLabels>| organs.with_labels(others).map(|map| map.to_string());
        assert_eq!(
            others(vec![of("kidney", &[1]), of("liver", &[255])]).unwrap(),
            "liver = [255], kidney = [1]"
        );
        assert_eq!(
            others(vec![of("kidney", &[7])]).unwrap(),
            "liver = [1], kidney = [7]"
        );
        for (wrong, said) in [
            (vec![of("kidney", &[1])], "both `liver` and `kidney`"),
            (vec![of("spleen", &[4])], "no organ `spleen` in liver = [1]"),
            (vec![of("liver", &[4]), of("liver", &[5])], "twice"),
        ] {
            let message = others(wrong).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        let message = |organs: &[(&str, &[u16])]| map(organs).unwrap_err().to_string();
        assert!(message(&[]).contains("empty"), "no organ");
        assert!(message(&[("a", &[])]).contains("no label"), "no label");
        assert!(message(&[("a", &[0])]).contains("background"), "label 0");
        assert!(
            message(&[("a", &[1]), ("a", &[2])]).contains("twice"),
            "an organ twice"
        );
        assert!(
            message(&[("whole", &[1, 2]), ("core", &[2])])
                .starts_with("label 2 belongs to both `whole` and `core`"),
            "nested regions"
        );
        let many = (1..=255_u16).map(|i| (Organ::new(format!("o{i}")).unwrap(), vec![i]));
        assert_eq!(
            OrganMap::new(many),
            Err(OrganMapError::TooMany { got: 255 }),
            "255 organs"
        );
    }

    #[test]
    fn a_selection_keeps_all_that_makes_an_organ_and_the_order_asked_for() {
        let entry = |organ: &str, labels: &[u16], structures: &[&str]| OrganLabels {
            organ: Organ::new(organ).unwrap(),
            labels: labels.to_vec(),
            structures: structures.iter().map(|&name| name.to_owned()).collect(),
        };
        let all = [
            entry("liver", &[], &["hepar"]),
            entry("kidney", &[], &["kidney_left", "kidney_right"]),
            entry("spleen", &[3, 4], &["lien"]),
        ];
        let organs = OrganMap::from_entries(all.clone()).unwrap();
        let selected = organs.select(&[2, 1]);
        assert_eq!(selected.entries(), [all[2].clone(), all[1].clone()]);
        assert!(
            selected.knows("kidney_left") && !selected.knows("hepar"),
            "names too"
        );
    }

    #[test]
    fn an_organs_own_name_may_stand_among_its_structures_in_any_spelling() {
        let entry = |organ: &str, structures: &[&str]| OrganLabels {
            organ: Organ::new(organ).unwrap(),
            labels: Vec::new(),
            structures: structures.iter().map(|&name| name.to_owned()).collect(),
        };
        let organs = OrganMap::from_entries([
            entry("liver", &["Liver"]),
            entry(
                "kidney_left",
                &["KIDNEY LEFT", "left kidney", "Left-Kidney"],
            ),
        ])
        .unwrap();
        assert_eq!(
            organs.to_string(),
            "liver = [liver], kidney_left = [left kidney]"
        );
        let list = serde_json::to_string(&organs).unwrap();
        assert_eq!(
            serde_json::from_str::<OrganMap>(&list).unwrap(),
            organs,
            "read again"
        );
        assert_eq!(
            organs.select(&[0]).to_string(),
            "liver = [liver]",
            "one of them"
        );
        for name in ["LIVER", "kidney  left", "Left_kidney"] {
            assert!(organs.knows(name), "{name}");
        }
        assert_eq!(
            organs.organ_named("Kidney-Left").unwrap().as_str(),
            "kidney_left"
        );
        let twice = OrganMap::from_entries([entry("liver", &["a"]), entry("Liver", &["b"])]);
        assert!(
            matches!(twice, Err(OrganMapError::Twice { .. })),
            "{twice:?}"
        );
        let forms = [entry("m\u{e9}dula", &["a"]), entry("me\u{301}dula", &["b"])];
        let twice = OrganMap::from_entries(forms);
        assert!(
            matches!(twice, Err(OrganMapError::Twice { .. })),
            "{twice:?}"
        );
        let shared = OrganMap::from_entries([
            entry("kidneys", &["kidney_left", "kidney_right"]),
            entry("Kidney-Left", &["x"]),
        ]);
        let message = shared.unwrap_err().to_string();
        assert!(
            message.contains("both `kidneys` and `Kidney-Left`"),
            "{message}"
        );
    }

    #[test]
    fn names_of_structures_lead_to_their_organ() {
        let entry = |organ: &str, labels: &[u16], structures: &[&str]| OrganLabels {
            organ: Organ::new(organ).unwrap(),
            labels: labels.to_vec(),
            structures: structures.iter().map(|&name| name.to_owned()).collect(),
        };
        let organs = OrganMap::from_entries([
            entry("liver", &[6, 5], &[]),
            entry("kidney", &[], &["kidney_left", "kidney_right"]),
        ])
        .unwrap();
        let table = organs.store_values();
        let stored = |name| {
            organs
                .label_names()
                .value_of(name)
                .map(|v| table[usize::from(v)])
        };
        assert_eq!(stored("Liver"), Some(1), "an organ's own name");
        assert_eq!(stored("kidney_left"), Some(2), "one side");
        assert_eq!(stored("kidney_right"), Some(2), "the other side");
        assert_eq!(stored("spleen"), None, "not in the map");
        assert_eq!(table[..7], [0, 0, 0, 0, 0, 1, 1], "small values stay free");
        let twice = OrganMap::from_entries([entry("a", &[1], &["b"]), entry("b", &[2], &[])]);
        let message = twice.unwrap_err().to_string();
        assert!(
            message.starts_with("the structure `b` belongs to both `a` and `b`"),
            "{message}"
        );
    }
}
