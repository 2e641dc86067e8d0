//! Which label values make which organ, and which organs are each other's mirror image.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::Organ;

/// Most organs in one map: a label of the store is one byte and 0 is the background.
pub const MOST_ORGANS: usize = 254;

/// One organ and the label values that make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganLabels {
    /// The organ.
    pub organ: Organ,
    /// Values of the label map that belong to it, ascending; never 0.
    pub labels: Vec<u16>,
}

/// Which label values make which organ, in a fixed order: `liver = [1]`, `kidney = [2, 3]`.
///
/// The order is the order of a net's output channels. In the store an organ's pixels hold its
/// index plus one and 0 is the background, whatever the values in the label map.
///
/// It is read from a table (`{ liver = [1], kidney = 2 }`) or from a list of [`OrganLabels`], and
/// written as the list, whose order no format can lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OrganMap {
    // Invariant: what `new` checks.
    organs: Vec<OrganLabels>,
}

/// A map of organs that contradicts itself.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum OrganMapError {
    /// No organ at all.
    #[error("the organ map is empty: name at least one organ and its labels, as `liver = [1]`")]
    Empty,
    /// More organs than the store can tell apart.
    #[error("the organ map holds {got} organs, at most {MOST_ORGANS} fit")]
    TooMany {
        /// Organs given.
        got: usize,
    },
    /// An organ twice.
    #[error("the organ `{organ}` is in the map twice: list all its labels at once")]
    Twice {
        /// The organ.
        organ: Organ,
    },
    /// An organ that no label makes.
    #[error("the organ `{organ}` has no label value: give it at least one, as `{organ} = [1]`")]
    NoLabels {
        /// The organ.
        organ: Organ,
    },
    /// 0 is the background.
    #[error("the organ `{organ}` claims label 0, which is the background")]
    Background {
        /// The organ.
        organ: Organ,
    },
    /// Two organs share a label: each pixel belongs to one organ at most.
    #[error(
        "label {label} belongs to both `{first}` and `{second}`: organs must not overlap (nested \
         regions are trained one organ at a time, each with a map of its own)"
    )]
    Shared {
        /// The label value.
        label: u16,
        /// The organ that had it first.
        first: Organ,
        /// The organ that claims it too.
        second: Organ,
    },
}

impl OrganMap {
    /// Makes a map of organs, in this order, each with its label values.
    ///
    /// # Errors
    ///
    /// [`OrganMapError`] when it is empty or too long, an organ comes twice or has no label, or a
    /// label is 0 or belongs to two organs.
    pub fn new(organs: impl IntoIterator<Item = (Organ, Vec<u16>)>) -> Result<Self, OrganMapError> {
        let mut checked: Vec<OrganLabels> = Vec::new();
        let mut owners: BTreeMap<u16, Organ> = BTreeMap::new();
        for (organ, mut labels) in organs {
            labels.sort_unstable();
            labels.dedup();
            if labels.is_empty() {
                return Err(OrganMapError::NoLabels { organ });
            }
            if checked.iter().any(|other| other.organ == organ) {
                return Err(OrganMapError::Twice { organ });
            }
            for &label in &labels {
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
            checked.push(OrganLabels { organ, labels });
        }
        match checked.len() {
            0 => Err(OrganMapError::Empty),
            got if got > MOST_ORGANS => Err(OrganMapError::TooMany { got }),
            _ => Ok(Self { organs: checked }),
        }
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
        // Lossless: at most 254 organs.
        u8::try_from(index + 1).unwrap_or(u8::MAX)
    }

    /// The store's value for every value of a label map; 0 for values outside the map.
    ///
    /// 65,536 long, so that a voxel is looked up without a branch.
    pub fn store_values(&self) -> Vec<u8> {
        let mut table = vec![0; usize::from(u16::MAX) + 1];
        for (index, entry) in self.organs.iter().enumerate() {
            for &label in &entry.labels {
                table[usize::from(label)] = self.store_value(index);
            }
        }
        table
    }

    /// What each value of the store becomes when x is reversed.
    ///
    /// Organs whose names differ only by the side (`kidney_left` and `kidney_right`, `left_kidney`,
    /// `kidney_l`, `Left Kidney`) change places, all else stays. Reversing y swaps nothing: in the
    /// protocol it is a plain augmentation, not another anatomy.
    pub fn mirror_table(&self) -> [u8; 256] {
        let mut table: [u8; 256] = std::array::from_fn(|value| u8::try_from(value).unwrap_or(0));
        let names: Vec<String> = self
            .organs()
            .map(|organ| organ.as_str().to_lowercase())
            .collect();
        for (index, name) in names.iter().enumerate() {
            let twin = other_side(name);
            let twin_index = names.iter().position(|other| *other == twin);
            if let Some(twin_index) = twin_index {
                table[usize::from(self.store_value(index))] = self.store_value(twin_index);
            }
        }
        table
    }
}

/// The lower-case name with left and right exchanged, the same name where it has no side.
fn other_side(name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric();
    let mut swapped = String::with_capacity(name.len() + 1);
    let mut rest = name;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        swapped.push_str(&other_side_of_word(word));
        rest = &rest[word.len()..];
        let gap = &rest[..rest.find(is_word).unwrap_or(rest.len())];
        swapped.push_str(gap);
        rest = &rest[gap.len()..];
    }
    swapped
}

/// `left`, `l`, `leftkidney` and `kidneyleft` to the right, and back.
fn other_side_of_word(word: &str) -> String {
    match word {
        "l" => return "r".to_owned(),
        "r" => return "l".to_owned(),
        _ => {}
    }
    for (side, other) in [("left", "right"), ("right", "left")] {
        if let Some(rest) = word.strip_prefix(side) {
            return format!("{other}{rest}");
        }
        if let Some(rest) = word.strip_suffix(side) {
            return format!("{rest}{other}");
        }
    }
    word.to_owned()
}

impl fmt::Display for OrganMap {
    /// Writes `liver = [1], kidney = [2, 3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.organs.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{} = {:?}", entry.organ, entry.labels)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for OrganMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapOrList)
    }
}

struct MapOrList;

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u16),
    Many(Vec<u16>),
}

impl<'de> Visitor<'de> for MapOrList {
    type Value = OrganMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of organs and their label values, as { liver = [1], kidney = [2, 3] }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrganMap, A::Error> {
        let mut organs = Vec::new();
        while let Some((organ, labels)) = map.next_entry::<Organ, OneOrMany>()? {
            let labels = match labels {
                OneOrMany::One(label) => vec![label],
                OneOrMany::Many(labels) => labels,
            };
            organs.push((organ, labels));
        }
        OrganMap::new(organs).map_err(de::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OrganMap, A::Error> {
        let mut organs = Vec::new();
        while let Some(OrganLabels { organ, labels }) = list.next_element()? {
            organs.push((organ, labels));
        }
        OrganMap::new(organs).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(organs: &[(&str, &[u16])]) -> Result<OrganMap, OrganMapError> {
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
    fn reversing_x_swaps_left_and_right_in_every_spelling() {
        for (left, right) in [
            ("kidney_left", "kidney_right"),
            ("left_kidney", "right_kidney"),
            ("kidney_l", "kidney_r"),
            ("L-Kidney", "r-kidney"),
            ("Left Kidney", "Right Kidney"),
            ("lung_upper_lobe_left", "lung_upper_lobe_right"),
            ("leftkidney", "rightkidney"),
        ] {
            let organs = map(&[("liver", &[1]), (left, &[2]), (right, &[3])]).unwrap();
            let table = organs.mirror_table();
            assert_eq!(table[..5], [0, 1, 3, 2, 4], "{left} and {right}");
        }
    }

    #[test]
    fn organs_without_a_twin_stay_where_they_are() {
        let organs = map(&[("kidney", &[2, 3]), ("lung_left", &[4]), ("liver", &[1])]).unwrap();
        let table = organs.mirror_table();
        for (value, mirrored) in table.into_iter().enumerate() {
            assert_eq!(value, usize::from(mirrored), "nothing to swap");
        }
    }

    #[test]
    fn a_mirrored_table_mirrored_is_the_identity() {
        let organs = map(&[
            ("a_l", &[1]),
            ("a_r", &[2]),
            ("left", &[3]),
            ("right", &[4]),
        ])
        .unwrap();
        let table = organs.mirror_table();
        for value in 0..=255_u8 {
            let twice = table[usize::from(table[usize::from(value)])];
            assert_eq!(twice, value, "value {value}");
        }
    }

    #[test]
    fn a_map_is_read_from_a_table_or_a_list_and_keeps_its_order() {
        let organs = map(&[("spleen", &[4]), ("kidney", &[2, 3])]).unwrap();
        let table = r#"{"spleen": 4, "kidney": [2, 3]}"#;
        assert_eq!(
            serde_json::from_str::<OrganMap>(table).unwrap(),
            organs,
            "from a table"
        );
        let list = serde_json::to_string(&organs).unwrap();
        assert_eq!(
            list, r#"[{"organ":"spleen","labels":[4]},{"organ":"kidney","labels":[2,3]}]"#,
            "written as a list"
        );
        assert_eq!(
            serde_json::from_str::<OrganMap>(&list).unwrap(),
            organs,
            "from a list"
        );
        let err = serde_json::from_str::<OrganMap>(r#"{"a": [1], "b": [1]}"#).unwrap_err();
        assert!(err.to_string().contains("label 1 belongs to both"), "{err}");
    }
}
