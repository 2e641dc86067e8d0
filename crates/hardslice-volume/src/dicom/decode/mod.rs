//! From the pixel data of a file to the decoded bytes of one frame.

mod fragments;
mod jpeg;
mod jpeg2000;
mod jpeg_ls;
mod rle;
mod transfer_syntax;

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::DicomError;
use super::data_set::{DataSet, Element, Keep, Value, open};
use super::pixel_format::PixelFormat;
use crate::scalar::ByteOrder;

pub(super) use super::decode_error::DecodeError;
pub(super) use transfer_syntax::Codec;

/// The pixel data of one file.
#[derive(Debug)]
pub(super) struct PixelData {
    codec: Codec,
    element: Element,
    /// The Extended Offset Table; empty where there is none.
    extended_offsets: Vec<u64>,
    n_frames: usize,
}

impl PixelData {
    /// Reads the pixel data of a file, still compressed.
    pub(super) fn open(path: &Path, n_frames: u32) -> Result<Self, DicomError> {
        let mut file = open(path, Keep::Pixels)?;
        let in_file = |source| DicomError::Decode {
            frame: 1,
            path: path.to_path_buf(),
            source,
        };
        let codec = Codec::of(&file.transfer_syntax).map_err(in_file)?;
        let extended_offsets = extended_offsets(&file.set);
        let element = file.set.take(tags::PIXEL_DATA).ok_or_else(|| {
            in_file(DecodeError::PixelData {
                found: "missing",
                wanted: "an image with whole-number values",
            })
        })?;
        Ok(Self {
            codec,
            element,
            extended_offsets,
            n_frames: n_frames as usize,
        })
    }

    /// The decoded bytes of a frame in the machine's byte order: `rows · columns` samples of
    /// `bits_allocated` bits. Frames of single bits are not cut out; see [`Self::native_bytes`].
    pub(super) fn frame(
        &self,
        index: u32,
        format: &PixelFormat,
    ) -> Result<Cow<'_, [u8]>, DecodeError> {
        let index = index as usize;
        let wanted = format.frame_bytes();
        if self.codec == Codec::Native {
            let frame = self.plain_frame(index, wanted)?;
            return self.in_machine_order(frame, format.bits_allocated);
        }
        let encoded = self.encoded(index)?;
        let at_most = encoded.len().saturating_mul(self.codec.most_compressed());
        if wanted > at_most {
            return Err(DecodeError::Short {
                wanted,
                found: at_most,
            });
        }
        let frame = match self.codec {
            Codec::Native | Codec::EncapsulatedNative => encoded,
            Codec::DeflatedFrame => {
                let mut bytes = Vec::with_capacity(wanted);
                flate2::read::DeflateDecoder::new(&*encoded)
                    .take(wanted as u64)
                    .read_to_end(&mut bytes)
                    .map_err(DecodeError::codec("deflated frame"))?;
                Cow::Owned(bytes)
            }
            Codec::Rle => Cow::Owned(rle::decode(&encoded, format)?),
            Codec::Jpeg => Cow::Owned(jpeg::decode(&encoded, format)?),
            Codec::JpegLs => Cow::Owned(jpeg_ls::decode(&encoded, format)?),
            Codec::Jpeg2000 => Cow::Owned(jpeg2000::decode(&encoded, format)?),
        };
        if frame.len() < wanted {
            return Err(DecodeError::Short {
                wanted,
                found: frame.len(),
            });
        }
        Ok(frame)
    }

    /// The bytes of a frame that is not compressed, as the file has them.
    fn plain_frame(&self, index: usize, wanted: usize) -> Result<&[u8], DecodeError> {
        let all = self.plain_bytes()?;
        let announced = self.n_frames.saturating_mul(wanted);
        if all.len() >= announced.saturating_add(wanted) {
            return Err(DecodeError::TooLong {
                announced: self.n_frames,
                found: all.len() / wanted.max(1),
            });
        }
        let start = index.saturating_mul(wanted);
        let left = all.get(start..).unwrap_or_default();
        left.get(..wanted).ok_or(DecodeError::Short {
            wanted,
            found: left.len(),
        })
    }

    /// All bytes of single bits that are not compressed.
    pub(super) fn native_bytes(&self) -> Result<Cow<'_, [u8]>, DecodeError> {
        self.in_machine_order(self.plain_bytes()?, 1)
    }

    /// All bytes of pixel data that is not compressed, as the file has them.
    fn plain_bytes(&self) -> Result<&[u8], DecodeError> {
        match (self.codec, &self.element.value) {
            (Codec::Native, Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(DecodeError::PixelData {
                found: "compressed",
                wanted: "plain values, as the transfer syntax says,",
            }),
        }
    }

    /// Samples in the byte order of the machine.
    ///
    /// In big endian, samples of one byte, or eight single bits, stand in words of two where the VR
    /// is OW (PS3.5 8.1.1). How samples of four bytes stand in such words, tools disagree about.
    fn in_machine_order<'a>(
        &self,
        stored: &'a [u8],
        bits_allocated: u32,
    ) -> Result<Cow<'a, [u8]>, DecodeError> {
        let is_big = self.element.order == ByteOrder::Big;
        let swapped = match bits_allocated {
            32 if is_big => return Err(DecodeError::BigEndian32),
            1 | 8 if is_big && self.element.vr == VR::OW => 2,
            16 if is_big != cfg!(target_endian = "big") => 2,
            32 if cfg!(target_endian = "big") => 4,
            _ => return Ok(Cow::Borrowed(stored)),
        };
        let mut bytes = stored.to_vec();
        bytes.chunks_exact_mut(swapped).for_each(<[u8]>::reverse);
        Ok(Cow::Owned(bytes))
    }

    /// The compressed bytes of a frame.
    fn encoded(&self, index: usize) -> Result<Cow<'_, [u8]>, DecodeError> {
        let Value::Fragments(fragments) = &self.element.value else {
            return Err(DecodeError::PixelData {
                found: "not in fragments",
                wanted: "compressed data, as the transfer syntax says,",
            });
        };
        let Some((table, fragments)) = fragments.split_first() else {
            return Err(DecodeError::PixelData {
                found: "empty",
                wanted: "an offset table and fragments",
            });
        };
        let (table, _) = table.as_chunks();
        let basic = table
            .iter()
            .map(|offset| u64::from(u32::from_le_bytes(*offset)));
        let offsets = if self.extended_offsets.is_empty() {
            basic.collect()
        } else {
            self.extended_offsets.clone()
        };
        fragments::of_frame(fragments, &offsets, index, self.n_frames)
    }
}

/// The Extended Offset Table (7FE0,0001); empty where there is none.
fn extended_offsets(set: &DataSet) -> Vec<u64> {
    const EXTENDED_OFFSET_TABLE: Tag = Tag(0x7FE0, 0x0001);
    match set.get(EXTENDED_OFFSET_TABLE).map(|element| &element.value) {
        Some(Value::Bytes(bytes)) => {
            // Compressed data is little endian.
            let (words, _) = bytes.as_chunks();
            words.iter().map(|word| u64::from_le_bytes(*word)).collect()
        }
        _ => Vec::new(),
    }
}

/// Checks the size of a compressed image against the header.
fn check_size(
    columns: usize,
    rows: usize,
    samples: usize,
    format: &PixelFormat,
) -> Result<(), DecodeError> {
    if (columns, rows, samples) == (format.columns, format.rows, 1) {
        return Ok(());
    }
    Err(DecodeError::Size {
        columns,
        rows,
        samples,
        wanted_columns: format.columns,
        wanted_rows: format.rows,
    })
}
