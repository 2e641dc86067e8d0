//! Typed access to the attributes of a DICOM data set, with errors that name attribute and file.

use std::path::Path;

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;

use super::DicomError;
use super::data_set::{DataSet, Value};

/// A data set, or an item of a sequence, with the file that it came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a> {
    pub(super) object: &'a DataSet,
    pub(super) path: &'a Path,
}

impl<'a> Attributes<'a> {
    /// The same file, another data set.
    pub(super) fn within(self, object: &'a DataSet) -> Self {
        Self { object, ..self }
    }

    /// Refuses what belongs to another frame of reference than is wanted, where both are known.
    pub(super) fn check_frame_of_reference(
        self,
        tag: Tag,
        wanted: Option<&str>,
    ) -> Result<(), DicomError> {
        match (self.text(tag), wanted) {
            (Some(found), Some(wanted)) if found != wanted => Err(DicomError::FrameOfReference {
                found,
                wanted: wanted.to_owned(),
                path: self.path.to_path_buf(),
            }),
            _ => Ok(()),
        }
    }

    /// The items of a sequence; empty where it is absent.
    pub(super) fn items(self, tag: Tag) -> &'a [DataSet] {
        match self.object.get(tag).map(|element| &element.value) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// The first item of a sequence.
    pub(super) fn item(self, tag: Tag) -> Option<Self> {
        self.items(tag).first().map(|item| self.within(item))
    }

    /// Whether the attribute stands here with a value.
    pub(super) fn has(self, tag: Tag) -> bool {
        self.object
            .get(tag)
            .is_some_and(|element| !element.is_empty())
    }

    /// Text without the padding; `None` where it is absent or empty.
    pub(super) fn text(self, tag: Tag) -> Option<String> {
        self.object.text(tag)
    }

    /// Numbers, from text or binary; `None` where the attribute is absent or empty.
    pub(super) fn numbers(self, tag: Tag) -> Result<Option<Vec<f64>>, DicomError> {
        let Some(element) = self.object.get(tag).filter(|element| !element.is_empty()) else {
            return Ok(None);
        };
        let wrong = |problem: String| self.problem(tag, problem);
        let numbers = element.numbers().map_err(wrong)?;
        if let Some(bad) = numbers.iter().find(|v| !v.is_finite()) {
            return Err(wrong(format!("{bad} is not a finite number")));
        }
        Ok(Some(numbers))
    }

    /// Exactly `N` numbers; `None` where the attribute is absent or empty.
    pub(super) fn numbers_opt<const N: usize>(
        self,
        tag: Tag,
    ) -> Result<Option<[f64; N]>, DicomError> {
        let Some(numbers) = self.numbers(tag)? else {
            return Ok(None);
        };
        let exact = <[f64; N]>::try_from(numbers).map_err(|numbers: Vec<f64>| {
            self.problem(
                tag,
                format!("holds {} values, {N} were wanted", numbers.len()),
            )
        })?;
        Ok(Some(exact))
    }

    /// Exactly `N` numbers.
    pub(super) fn numbers_of<const N: usize>(self, tag: Tag) -> Result<[f64; N], DicomError> {
        self.numbers_opt(tag)?.ok_or_else(|| self.missing(tag))
    }

    /// A whole number from 0 to 2³² - 1; `None` where the attribute is absent or empty.
    pub(super) fn whole_opt(self, tag: Tag) -> Result<Option<u32>, DicomError> {
        let Some([number]) = self.numbers_opt(tag)? else {
            return Ok(None);
        };
        #[expect(clippy::cast_possible_truncation, reason = "checked on the next line")]
        #[expect(clippy::cast_sign_loss, reason = "checked on the next line")]
        let whole = number as u32;
        // The cast saturates and drops fractions, so only a whole number survives the way back.
        #[expect(clippy::float_cmp, reason = "whole numbers are exact")]
        if f64::from(whole) != number {
            let problem = format!("is {number}, no whole number from 0 to 4294967295");
            return Err(self.problem(tag, problem));
        }
        Ok(Some(whole))
    }

    /// A whole number from 0 to 2³² - 1.
    pub(super) fn whole(self, tag: Tag) -> Result<u32, DicomError> {
        self.whole_opt(tag)?.ok_or_else(|| self.missing(tag))
    }

    /// The error for an attribute that ought to stand here.
    pub(super) fn missing(self, tag: Tag) -> DicomError {
        self.problem(tag, "is missing or empty".into())
    }

    /// The error for an attribute with a value that cannot be used.
    pub(super) fn problem(self, tag: Tag, problem: String) -> DicomError {
        let name = StandardDataDictionary
            .by_tag(tag)
            .map_or("attribute", |entry| entry.alias());
        DicomError::Attribute {
            attribute: format!("{name} {tag}"),
            problem,
            path: self.path.to_path_buf(),
        }
    }
}
