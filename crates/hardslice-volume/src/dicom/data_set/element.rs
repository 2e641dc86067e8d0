//! Elements and their values.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};

use crate::scalar::{ByteOrder, Scalar};

/// Elements by tag, and how their text is encoded.
#[derive(Debug, Clone)]
pub(in crate::dicom) struct DataSet {
    pub(super) elements: BTreeMap<Tag, Element>,
    pub(super) charset: SpecificCharacterSet,
}

/// One element.
#[derive(Debug, Clone)]
pub(in crate::dicom) struct Element {
    /// As the file or, where that says UN or nothing, the dictionary has it.
    pub(in crate::dicom) vr: VR,
    pub(in crate::dicom) order: ByteOrder,
    pub(in crate::dicom) value: Value,
}

/// What an element holds.
#[derive(Debug, Clone)]
pub(in crate::dicom) enum Value {
    /// A value as it is stored.
    Bytes(Vec<u8>),
    /// A sequence.
    Items(Vec<DataSet>),
    /// Encapsulated pixel data: the offset table, then the fragments.
    Fragments(Vec<Vec<u8>>),
}

impl DataSet {
    pub(in crate::dicom) fn get(&self, tag: Tag) -> Option<&Element> {
        self.elements.get(&tag)
    }

    pub(in crate::dicom) fn take(&mut self, tag: Tag) -> Option<Element> {
        self.elements.remove(&tag)
    }

    /// All elements, in the order of their tags.
    pub(in crate::dicom) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.elements.values()
    }

    /// Text without the padding; `None` where the element is absent, empty or no text.
    pub(in crate::dicom) fn text(&self, tag: Tag) -> Option<String> {
        let element = self.get(tag)?;
        let Value::Bytes(bytes) = &element.value else {
            return None;
        };
        if is_binary(element.vr) {
            return None;
        }
        // What the character set cannot say is shown as it can be, for it is a name or a remark.
        let text = self
            .charset
            .decode(bytes)
            .unwrap_or_else(|_undecodable| String::from_utf8_lossy(bytes).into_owned());
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl Element {
    pub(in crate::dicom) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Items(items) => items.is_empty(),
            Value::Fragments(fragments) => fragments.is_empty(),
        }
    }

    /// The numbers of a value, text or binary; an error says what it is instead.
    pub(in crate::dicom) fn numbers(&self) -> Result<Vec<f64>, String> {
        let Value::Bytes(bytes) = &self.value else {
            return Err("is a sequence, no list of numbers".into());
        };
        match self.vr {
            VR::US => self.binary::<u16>(bytes),
            VR::SS => self.binary::<i16>(bytes),
            VR::UL => self.binary::<u32>(bytes),
            VR::SL => self.binary::<i32>(bytes),
            VR::UV => self.binary::<u64>(bytes),
            VR::SV => self.binary::<i64>(bytes),
            VR::FL => self.binary::<f32>(bytes),
            VR::FD => self.binary::<f64>(bytes),
            vr if is_binary(vr) => Err(format!("has VR {vr}, which is no number")),
            _ => numbers_of_text(bytes),
        }
    }

    fn binary<T: Scalar>(&self, bytes: &[u8]) -> Result<Vec<f64>, String> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(format!("has {} bytes, no whole numbers", bytes.len()));
        }
        let mut numbers = Vec::with_capacity(bytes.len() / size_of::<T>());
        T::decode(bytes, self.order, |number| numbers.push(number));
        Ok(numbers)
    }
}

/// Numbers parted by backslashes.
fn numbers_of_text(bytes: &[u8]) -> Result<Vec<f64>, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let numbers: Result<Vec<f64>, _> = text.split('\\').map(|part| part.trim().parse()).collect();
    numbers.map_err(|err| format!("is `{text}`, no list of numbers ({err})"))
}

/// Whether a value of this VR is no text.
fn is_binary(vr: VR) -> bool {
    matches!(
        vr,
        VR::AT
            | VR::FD
            | VR::FL
            | VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SL
            | VR::SQ
            | VR::SS
            | VR::SV
            | VR::UL
            | VR::UN
            | VR::US
            | VR::UV
    )
}
