//! From bytes to elements.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::text::SpecificCharacterSet;

use super::encoding::{Encoding, dictionary_vr, has_long_length};
use super::input::Input;
use super::{DataSet, DataSetError, Element, Value};

/// The length of a value whose end is marked by a delimiter.
const UNDEFINED: u32 = u32::MAX;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// Sequences lie some five deep in files in use; a stack has room for many more.
const MAX_DEPTH: usize = 64;

/// Where the elements of a data set end.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// With the file, or before the first tag that is not below this one.
    Before(Tag),
    /// At this byte.
    At(u64),
    /// At the delimiter of an item.
    Delimiter,
}

/// The head of an element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) tag: Tag,
    vr: VR,
    length: u32,
}

/// Reads elements up to `end`; of those that `keep` refuses, only where they end.
pub(super) fn elements(
    input: &mut Input<'_>,
    encoding: Encoding,
    charset: &SpecificCharacterSet,
    end: End,
    keep: fn(Tag) -> bool,
) -> Result<DataSet, DataSetError> {
    Parser { keep, depth: 0 }.data_set(input, encoding, charset, end)
}

/// Reads the head of an element.
pub(super) fn head(input: &mut Input<'_>, encoding: Encoding) -> Result<Head, DataSetError> {
    let [a, b, c, d, v, w, x, y] = input.head()?;
    let tag = encoding.tag([a, b, c, d]);
    // Delimiters have no VR. Where capital letters are missing in the VR's place, a writer has put
    // an implicit head among explicit ones.
    let is_explicit =
        encoding.explicit && tag.0 != ITEM.0 && v.is_ascii_uppercase() && w.is_ascii_uppercase();
    if !is_explicit {
        return Ok(Head {
            tag,
            vr: dictionary_vr(tag),
            length: encoding.u32([v, w, x, y]),
        });
    }
    // A VR that is not known yet has a long length, too.
    let vr = VR::from_binary([v, w]).unwrap_or(VR::UN);
    let length = if has_long_length(vr) {
        encoding.u32(input.head()?)
    } else {
        u32::from(encoding.u16([x, y]))
    };
    Ok(Head { tag, vr, length })
}

struct Parser {
    keep: fn(Tag) -> bool,
    depth: usize,
}

impl Parser {
    fn data_set(
        &mut self,
        input: &mut Input<'_>,
        encoding: Encoding,
        charset: &SpecificCharacterSet,
        end: End,
    ) -> Result<DataSet, DataSetError> {
        let mut set = DataSet {
            elements: BTreeMap::new(),
            charset: charset.clone(),
        };
        loop {
            match end {
                End::Before(stop) => {
                    let next = input.peek(8)?;
                    let is_over = next
                        .first_chunk()
                        .is_none_or(|tag| encoding.tag(*tag) >= stop);
                    if is_over && !next.is_empty() && next.len() < 8 {
                        let at = input.at();
                        return if input.is_padding()? {
                            Ok(set)
                        } else {
                            Err(DataSetError::HeadTruncated { at })
                        };
                    }
                    if is_over {
                        return Ok(set);
                    }
                    // Archives fill the last block with zeros.
                    if next.iter().all(|byte| *byte == 0) {
                        let at = input.at();
                        return if input.is_padding()? {
                            Ok(set)
                        } else {
                            Err(DataSetError::HeadTruncated { at })
                        };
                    }
                }
                End::At(end) if input.at() >= end => return Ok(set),
                End::At(_) | End::Delimiter => {}
            }
            let head = head(input, encoding)?;
            if head.tag == ITEM_END && !matches!(end, End::Before(_)) {
                return Ok(set);
            }
            let limit = match end {
                End::At(end) => Some(end),
                End::Before(_) | End::Delimiter => None,
            };
            let tag = head.tag;
            let element = self.element(input, encoding, &set.charset, head, limit)?;
            if tag == tags::SPECIFIC_CHARACTER_SET
                && let Some(charset) = charset_of(&element)
            {
                set.charset = charset;
            }
            if (self.keep)(tag) || self.depth > 0 {
                set.elements.insert(tag, element);
            }
            // What is behind the pixels describes no image, and may be anything.
            if tag == tags::PIXEL_DATA && self.depth == 0 {
                return Ok(set);
            }
        }
    }

    fn element(
        &mut self,
        input: &mut Input<'_>,
        encoding: Encoding,
        charset: &SpecificCharacterSet,
        head: Head,
        limit: Option<u64>,
    ) -> Result<Element, DataSetError> {
        let Head { tag, vr, length } = head;
        let known_vr = if vr == VR::UN { dictionary_vr(tag) } else { vr };
        let element = |vr, value, encoding: Encoding| Element {
            vr,
            order: encoding.order,
            value,
        };
        if length == UNDEFINED {
            let is_fragments = tag == tags::PIXEL_DATA || matches!(vr, VR::OB | VR::OW);
            if is_fragments {
                let fragments = fragments(input, encoding, tag)?;
                return Ok(element(vr, Value::Fragments(fragments), encoding));
            }
            // UN of undefined length is a sequence, in implicit little endian.
            let inner = if vr == VR::UN {
                Encoding::IMPLICIT
            } else {
                encoding
            };
            let items = self.items(input, inner, charset, tag, None)?;
            return Ok(element(VR::SQ, Value::Items(items), encoding));
        }
        let length = u64::from(length);
        if limit.is_some_and(|limit| input.at().saturating_add(length) > limit) {
            return Err(DataSetError::TooLong { tag, length });
        }
        if known_vr == VR::SQ {
            let end = input.at() + length;
            if vr == VR::UN {
                let bytes = input.value(tag, length)?;
                let items = self.items_of_unknown(&bytes, charset, tag)?;
                return Ok(element(VR::SQ, Value::Items(items), encoding));
            }
            let items = self.items(input, encoding, charset, tag, Some(end))?;
            return Ok(element(VR::SQ, Value::Items(items), encoding));
        }
        if !(self.keep)(tag) && self.depth == 0 {
            input.skip(tag, length)?;
            return Ok(element(known_vr, Value::Bytes(Vec::new()), encoding));
        }
        let encoding = if vr == VR::UN {
            Encoding::IMPLICIT
        } else {
            encoding
        };
        let bytes = input.value(tag, length)?;
        Ok(element(known_vr, Value::Bytes(bytes), encoding))
    }

    /// The items of a sequence whose VR was written as UN: in implicit little endian, as the
    /// standard wants it, or else in explicit, as some writers leave it.
    fn items_of_unknown(
        &mut self,
        bytes: &[u8],
        charset: &SpecificCharacterSet,
        tag: Tag,
    ) -> Result<Vec<DataSet>, DataSetError> {
        let end = Some(bytes.len() as u64);
        let mut read = |encoding| {
            let mut input = Input::new(Box::new(bytes));
            self.items(&mut input, encoding, charset, tag, end)
        };
        read(Encoding::IMPLICIT)
            .or_else(|as_implicit| read(Encoding::EXPLICIT).map_err(|_as_explicit| as_implicit))
    }

    fn items(
        &mut self,
        input: &mut Input<'_>,
        encoding: Encoding,
        charset: &SpecificCharacterSet,
        tag: Tag,
        end: Option<u64>,
    ) -> Result<Vec<DataSet>, DataSetError> {
        if self.depth == MAX_DEPTH {
            return Err(DataSetError::TooDeep {
                tag,
                depth: self.depth,
            });
        }
        self.depth += 1;
        let items = self.items_here(input, encoding, charset, tag, end);
        self.depth -= 1;
        items
    }

    fn items_here(
        &mut self,
        input: &mut Input<'_>,
        encoding: Encoding,
        charset: &SpecificCharacterSet,
        tag: Tag,
        end: Option<u64>,
    ) -> Result<Vec<DataSet>, DataSetError> {
        let mut items = Vec::new();
        while end.is_none_or(|end| input.at() < end) {
            let item = head(input, encoding)?;
            match item.tag {
                ITEM => {}
                SEQUENCE_END => break,
                found => return Err(DataSetError::NoItem { tag, found }),
            }
            let item_end = if item.length == UNDEFINED {
                End::Delimiter
            } else {
                let length = u64::from(item.length);
                let item_end = input.at() + length;
                if end.is_some_and(|end| item_end > end) {
                    return Err(DataSetError::TooLong { tag, length });
                }
                End::At(item_end)
            };
            items.push(self.data_set(input, encoding, charset, item_end)?);
        }
        Ok(items)
    }
}

/// The items of encapsulated pixel data, the offset table among them.
fn fragments(
    input: &mut Input<'_>,
    encoding: Encoding,
    tag: Tag,
) -> Result<Vec<Vec<u8>>, DataSetError> {
    let mut fragments = Vec::new();
    loop {
        let item = head(input, encoding)?;
        match item.tag {
            ITEM => fragments.push(input.value(tag, u64::from(item.length))?),
            SEQUENCE_END => return Ok(fragments),
            found => return Err(DataSetError::NoItem { tag, found }),
        }
    }
}

/// The character set that text is decoded by; `None` where none is named that is known.
///
/// Of several the first is taken, as text that never switches is written.
fn charset_of(element: &Element) -> Option<SpecificCharacterSet> {
    let Value::Bytes(bytes) = &element.value else {
        return None;
    };
    let text = String::from_utf8_lossy(bytes);
    let mut codes = text
        .split('\\')
        .map(str::trim)
        .filter(|code| !code.is_empty());
    SpecificCharacterSet::from_code(codes.next()?)
}
