//! Data sets that are made here, and files of them.
//!
//! # Sources
//!
//! PS3.5 7.1 (elements), 7.5 (sequences, here with lengths), 6.2 (padding of values); PS3.10 7.1
//! (meta information).

use std::io;

use dicom_core::header::DataElementHeader;
use dicom_core::{Length, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::encode::Encode;
use dicom_encoding::encode::explicit_le::ExplicitVRLittleEndianEncoder;
use dicom_encoding::encode::implicit_le::ImplicitVRLittleEndianEncoder;
use dicom_encoding::text::SpecificCharacterSet;

use super::encoding::{dictionary_vr, has_long_length};
use super::{DataSet, Element, Value};
use crate::scalar::ByteOrder;

/// Names this program among those that write DICOM; made by no registry, as PS3.5 B.2 allows.
const IMPLEMENTATION: &str = "2.25.323783865071416937984131496231753523096";

/// How a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum Syntax {
    /// Lengths of most values have 32 bits: for values of text longer than 65534 bytes.
    ImplicitLittle,
    /// Each element says its VR.
    ExplicitLittle,
}

impl Syntax {
    fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
        }
    }
}

impl DataSet {
    /// A data set without elements, for an item or a file.
    pub(in crate::dicom) fn empty() -> Self {
        Self {
            elements: std::collections::BTreeMap::new(),
            charset: SpecificCharacterSet::default(),
        }
    }

    /// Puts a value in its place; its VR is the dictionary's.
    pub(in crate::dicom) fn put(&mut self, tag: Tag, value: impl Into<Value>) -> &mut Self {
        let element = Element {
            vr: dictionary_vr(tag),
            order: ByteOrder::Little,
            value: value.into(),
        };
        self.elements.insert(tag, element);
        self
    }

    /// Puts an item in a sequence of its own.
    pub(in crate::dicom) fn put_item(&mut self, tag: Tag, item: Self) -> &mut Self {
        self.put(tag, vec![item])
    }

    /// Puts an element that was read, as it is.
    pub(in crate::dicom) fn put_element(&mut self, tag: Tag, element: Element) {
        self.elements.insert(tag, element);
    }

    /// A file of this data set, which says what class of object it is and which one.
    ///
    /// # Panics
    ///
    /// When a value is longer than the syntax can say: 65534 bytes of most text in the explicit one,
    /// 2³² - 2 bytes of anything.
    pub(in crate::dicom) fn to_file(&self, syntax: Syntax) -> Vec<u8> {
        let uid = |tag| self.text(tag).expect("the object was given its UIDs");
        let mut meta = Self::empty();
        meta.put(tags::FILE_META_INFORMATION_VERSION, vec![0, 1])
            .put(tags::MEDIA_STORAGE_SOP_CLASS_UID, uid(tags::SOP_CLASS_UID))
            .put(
                tags::MEDIA_STORAGE_SOP_INSTANCE_UID,
                uid(tags::SOP_INSTANCE_UID),
            )
            .put(tags::TRANSFER_SYNTAX_UID, syntax.uid())
            .put(tags::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION)
            .put(tags::IMPLEMENTATION_VERSION_NAME, "HARDSLICE");
        let written = (|| -> io::Result<Vec<u8>> {
            let meta = bytes(&meta, Syntax::ExplicitLittle)?;
            let mut length = Self::empty();
            let n_bytes = u32::try_from(meta.len()).expect("six short values");
            length.put(
                tags::FILE_META_INFORMATION_GROUP_LENGTH,
                n_bytes.to_le_bytes().to_vec(),
            );
            let mut file = vec![0; 128];
            file.extend(b"DICM");
            file.extend(bytes(&length, Syntax::ExplicitLittle)?);
            file.extend(meta);
            file.extend(bytes(self, syntax)?);
            Ok(file)
        })();
        written.expect("memory takes all that is written, and values have lengths that can be said")
    }
}

impl From<&str> for Value {
    /// Text whose letters are ASCII.
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Bytes(number.to_le_bytes().to_vec())
    }
}

impl<const N: usize> From<[u16; N]> for Value {
    fn from(numbers: [u16; N]) -> Self {
        Self::Bytes(numbers.into_iter().flat_map(u16::to_le_bytes).collect())
    }
}

impl<const N: usize> From<[u32; N]> for Value {
    fn from(numbers: [u32; N]) -> Self {
        Self::Bytes(numbers.into_iter().flat_map(u32::to_le_bytes).collect())
    }
}

impl<const N: usize> From<[Tag; N]> for Value {
    fn from(tags: [Tag; N]) -> Self {
        let halves = tags.into_iter().flat_map(|tag| [tag.0, tag.1]);
        Self::Bytes(halves.flat_map(u16::to_le_bytes).collect())
    }
}

impl From<Vec<DataSet>> for Value {
    fn from(items: Vec<DataSet>) -> Self {
        Self::Items(items)
    }
}

/// The elements of a data set, one after the other.
fn bytes(set: &DataSet, syntax: Syntax) -> io::Result<Vec<u8>> {
    let mut to = Vec::new();
    for (tag, element) in &set.elements {
        let value = match &element.value {
            Value::Bytes(bytes) => padded(bytes, element.vr),
            Value::Items(items) => items_of(items, syntax)?,
            Value::Fragments(_) => return Err(io::Error::other("fragments are not written")),
        };
        let header = DataElementHeader::new(*tag, element.vr, Length(length(value.len())?));
        let is_short = syntax == Syntax::ExplicitLittle && !has_long_length(element.vr);
        if is_short && value.len() > 0xFFFE {
            return Err(io::Error::other(format!("{tag} has {} bytes", value.len())));
        }
        let written = match syntax {
            Syntax::ExplicitLittle => {
                ExplicitVRLittleEndianEncoder::default().encode_element_header(&mut to, header)
            }
            Syntax::ImplicitLittle => {
                ImplicitVRLittleEndianEncoder::default().encode_element_header(&mut to, header)
            }
        };
        written.map_err(io::Error::other)?;
        to.extend(value);
    }
    Ok(to)
}

fn items_of(items: &[DataSet], syntax: Syntax) -> io::Result<Vec<u8>> {
    let mut to = Vec::new();
    for item in items {
        let elements = bytes(item, syntax)?;
        // Heads of items are the same in both syntaxes.
        let encoder = ImplicitVRLittleEndianEncoder::default();
        encoder
            .encode_item_header(&mut to, length(elements.len())?)
            .map_err(io::Error::other)?;
        to.extend(elements);
    }
    Ok(to)
}

fn length(n_bytes: usize) -> io::Result<u32> {
    let length = u32::try_from(n_bytes).ok().filter(|n| *n < u32::MAX);
    length.ok_or_else(|| io::Error::other(format!("a value has {n_bytes} bytes")))
}

/// A value of an even number of bytes: text ends with a space, all else and UIDs with a zero.
fn padded(bytes: &[u8], vr: VR) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if !bytes.len().is_multiple_of(2) {
        let is_text = !matches!(vr, VR::UI | VR::OB | VR::OW | VR::UN);
        bytes.push(if is_text { b' ' } else { 0 });
    }
    bytes
}
