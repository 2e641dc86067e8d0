//! Typed access to the attributes of a DICOM data set, with errors that name attribute and file.

use std::path::Path;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, header::HasLength};
use dicom_object::{InMemDicomObject, StandardDataDictionary};

use super::DicomError;

/// A data set, or an item of a sequence, with the file that it came from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes<'a> {
    pub(super) object: &'a InMemDicomObject,
    pub(super) path: &'a Path,
}

impl<'a> Attributes<'a> {
    /// The same file, another data set.
    pub(super) fn within(self, object: &'a InMemDicomObject) -> Self {
        Self { object, ..self }
    }

    /// The items of a sequence; empty where it is absent.
    pub(super) fn items(self, tag: Tag) -> &'a [InMemDicomObject] {
        self.object
            .get(tag)
            .and_then(|element| element.items())
            .unwrap_or_default()
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
        let text = self.object.get(tag)?.to_str().ok()?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Numbers, from text or binary; `None` where the attribute is absent or empty.
    pub(super) fn numbers(self, tag: Tag) -> Result<Option<Vec<f64>>, DicomError> {
        if !self.has(tag) {
            return Ok(None);
        }
        let wrong = |problem: String| self.problem(tag, problem);
        let element = self
            .object
            .element(tag)
            .map_err(|err| wrong(err.to_string()))?;
        let numbers = element.to_multi_float64().map_err(|err| {
            let found = element.to_str().unwrap_or_default();
            wrong(format!("is `{found}`, no list of numbers ({err})"))
        })?;
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
        if !self.has(tag) {
            return Ok(None);
        }
        let element = self.object.get(tag).ok_or_else(|| self.missing(tag))?;
        let whole = element
            .to_int::<u32>()
            .map_err(|err| self.problem(tag, err.to_string()))?;
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
