//! In which letters an object says what it says.

use std::path::Path;

use dicom_dictionary_std::tags;
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

use super::DerivedError;
use crate::dicom::data_set::{DataSet, Value};

/// Most characters of a name or a meaning (VR LO).
const MOST: usize = 64;

/// What begins a switch to another set of letters within a text.
const ESCAPE: u8 = 0x1B;

/// The character set of an object: the series', as what is copied is written in it; UTF-8 where
/// nothing that is copied needs the series' and something else needs more than ASCII.
#[derive(Debug)]
pub(super) struct Charset {
    /// `SpecificCharacterSet`; `None` for ASCII.
    name: Option<String>,
    codec: SpecificCharacterSet,
}

impl Charset {
    /// Finds the one for an object that holds what was `copied` from the header `top`, and `texts` of
    /// its own.
    ///
    /// # Errors
    ///
    /// [`DerivedError::Text`] where one of the texts cannot be said in it, or stand in DICOM at all.
    pub(super) fn of<'t>(
        top: &DataSet,
        copied: &DataSet,
        texts: impl Iterator<Item = &'t str> + Clone,
        path: &Path,
    ) -> Result<Self, DerivedError> {
        let refused = |text: &str, problem: String| DerivedError::Text {
            text: text.to_owned(),
            problem,
            path: path.to_path_buf(),
        };
        for text in texts.clone() {
            let n = text.chars().count();
            if n > MOST || text.contains(|c: char| c == '\\' || c.is_control()) {
                let problem = format!("it has {n} characters, or a backslash or control character");
                return Err(refused(text, problem));
            }
        }
        let name = top.text(tags::SPECIFIC_CHARACTER_SET);
        let is_plain = copied.is_ascii();
        if texts.clone().all(str::is_ascii) {
            return Ok(Self {
                name: name.filter(|_| !is_plain),
                codec: SpecificCharacterSet::default(),
            });
        }
        if is_plain {
            return Ok(Self {
                name: Some("ISO_IR 192".to_owned()),
                codec: SpecificCharacterSet::ISO_IR_192,
            });
        }
        // Of several sets a text would have to switch between, none is chosen.
        let codec = name.as_deref().and_then(SpecificCharacterSet::from_code);
        for text in texts.filter(|text| !text.is_ascii()) {
            let can_say = |codec: &SpecificCharacterSet| codec.encode(text).is_ok();
            if !codec.as_ref().is_some_and(can_say) {
                let name = name.as_deref().unwrap_or("ASCII");
                let problem = format!("the series is written in the character set {name}");
                return Err(refused(text, problem));
            }
        }
        Ok(Self {
            name,
            codec: codec.unwrap_or_default(),
        })
    }

    /// The value of `SpecificCharacterSet`; `None` where none is needed.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// A text that the set was found for.
    ///
    /// # Panics
    ///
    /// When the set cannot say it.
    pub(super) fn encoded(&self, text: &str) -> Vec<u8> {
        if text.is_ascii() {
            return text.as_bytes().to_vec();
        }
        self.codec
            .encode(text)
            .expect("the set was chosen for this text")
    }
}

impl DataSet {
    /// Whether all values that are bytes are plain ASCII.
    fn is_ascii(&self) -> bool {
        self.elements().all(|element| match &element.value {
            Value::Bytes(bytes) => bytes.is_ascii() && !bytes.contains(&ESCAPE),
            Value::Items(_) | Value::Fragments(_) => true,
        })
    }
}
