//! Which label value a named structure gets.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::spelling::folded;

/// Structure names and their label values, in the order given.
///
/// Formats that carry names rather than numbers (a folder of masks, DICOM SEG, `.seg.nrrd`) find
/// their values here. Names are compared without regard to case and to the Unicode form of accents
/// ([`folded`]), and spaces, underscores and
/// hyphens are equal: `Kidney-Left` is `kidney_left`. Several names may share a value
/// (`kidney_left` and `kidney_right` as one organ). Where structures overlap, the one that stands
/// later in the list has the voxels. When the list is empty, values that the format itself gives
/// are used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, u16)>", into = "Vec<(String, u16)>")]
pub struct LabelNames {
    // Invariant: values are not 0; no two entries have the same normalised name.
    entries: Vec<(String, u16)>,
}

/// A list of label names contradicts itself.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LabelNamesError {
    /// 0 means "no structure".
    #[error("structure `{name}` has label value 0, which is kept for the background")]
    Background {
        /// The structure.
        name: String,
    },
    /// One structure has two values.
    #[error("structure `{name}` is given twice, with label values {first} and {second}")]
    Twice {
        /// The structure.
        name: String,
        /// Its value where it first stands.
        first: u16,
        /// Its value where it stands again.
        second: u16,
    },
}

impl LabelNames {
    /// Makes a list from pairs of structure name and label value.
    ///
    /// ```
    /// # use hardslice_volume::LabelNames;
    /// let names = LabelNames::new([("liver", 1), ("kidney_left", 2), ("kidney_right", 2)])?;
    /// assert_eq!(names.value_of("Kidney Left"), Some(2));
    /// assert_eq!(names.value_of("spleen"), None);
    /// # Ok::<(), hardslice_volume::LabelNamesError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LabelNamesError`] when a value is 0 or a name stands twice, in whatever spelling, with
    /// different values.
    pub fn new<S: Into<String>>(
        pairs: impl IntoIterator<Item = (S, u16)>,
    ) -> Result<Self, LabelNamesError> {
        let mut names = Self::default();
        for (name, value) in pairs {
            let name = name.into();
            if value == 0 {
                return Err(LabelNamesError::Background { name });
            }
            match names.value_of(&name) {
                None => names.entries.push((name, value)),
                // The same said twice, perhaps in another spelling.
                Some(first) if first == value => {}
                Some(first) => {
                    return Err(LabelNamesError::Twice {
                        name,
                        first,
                        second: value,
                    });
                }
            }
        }
        Ok(names)
    }

    /// The label value of a structure; `None` when it is not listed.
    pub fn value_of(&self, name: &str) -> Option<u16> {
        self.entry(name).map(|(_, value)| value)
    }

    /// Whether two names are one: equal but for the case of letters, and for spaces, underscores and
    /// hyphens between words.
    pub fn same_name(name: &str, other: &str) -> bool {
        normalised(name) == normalised(other)
    }

    /// The place of a structure in the list, from 0, and its value; `None` when it is not listed.
    pub(crate) fn entry(&self, name: &str) -> Option<(usize, u16)> {
        let wanted = normalised(name);
        let at = self
            .entries
            .iter()
            .position(|(listed, _)| normalised(listed) == wanted)?;
        Some((at, self.entries[at].1))
    }

    /// Names and values in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u16)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether no structure is listed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names, joined for a message: `liver, kidney_left`.
    pub fn joined(&self) -> String {
        self.entries
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl TryFrom<Vec<(String, u16)>> for LabelNames {
    type Error = LabelNamesError;

    fn try_from(pairs: Vec<(String, u16)>) -> Result<Self, LabelNamesError> {
        Self::new(pairs)
    }
}

impl From<LabelNames> for Vec<(String, u16)> {
    fn from(names: LabelNames) -> Self {
        names.entries
    }
}

/// A name as it is compared: [`folded`], words parted by one space.
fn normalised(name: &str) -> String {
    let name = folded(name);
    let words = name.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case_and_separators() {
        let names = LabelNames::new([("kidney_left", 3), ("Liver", 1)]).unwrap();
        for spelling in [
            "kidney_left",
            "Kidney Left",
            "KIDNEY-LEFT",
            " kidney  left ",
        ] {
            assert_eq!(names.value_of(spelling), Some(3), "`{spelling}`");
        }
        assert_eq!(
            names.value_of("liver"),
            Some(1),
            "case of the list does not matter"
        );
        assert_eq!(
            names.value_of("kidneyleft"),
            None,
            "words are not run together"
        );
        assert_eq!(names.value_of("kidney_right"), None, "not listed");
    }

    #[test]
    fn a_contradictory_list_is_refused_by_name() {
        let twice = LabelNames::new([("kidney left", 2), ("Kidney_Left", 3)]).unwrap_err();
        assert_eq!(
            twice.to_string(),
            "structure `Kidney_Left` is given twice, with label values 2 and 3",
            "both values are named"
        );
        let background = LabelNames::new([("air", 0)]).unwrap_err();
        assert_eq!(
            background,
            LabelNamesError::Background { name: "air".into() },
            "0 is the background"
        );
    }

    #[test]
    fn a_name_in_two_spellings_with_one_value_stands_once() {
        let names = LabelNames::new([("liver", 1), ("Liver", 1), ("LIVER ", 1)]).unwrap();
        assert_eq!(names.joined(), "liver", "the first spelling");
    }

    #[test]
    fn two_structures_may_share_a_value() {
        let names = LabelNames::new([("kidney_left", 2), ("kidney_right", 2)]).unwrap();
        assert_eq!(
            names.iter().map(|(_, v)| v).collect::<Vec<_>>(),
            [2, 2],
            "in order"
        );
        assert_eq!(names.joined(), "kidney_left, kidney_right", "in order");
    }
}
