//! Which pixels of a frame are marked, and for which segment.

use dicom_dictionary_std::tags;

use crate::dicom::DicomError;
use crate::dicom::attributes::Attributes;
use crate::dicom::decode::{DecodeError, PixelData};
use crate::dicom::pixel_format::PixelFormat;

/// `SegmentationType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A pixel is in the frame's segment or not.
    Binary,
    /// A pixel holds how probable, or how full of the segment, it is.
    Fractional {
        /// The value that means 1.
        maximum: u32,
    },
    /// A pixel holds its segment's number.
    LabelMap,
}

impl Kind {
    pub(super) fn read(top: Attributes<'_>) -> Result<Self, DicomError> {
        match top.text(tags::SEGMENTATION_TYPE).as_deref() {
            Some("BINARY") => Ok(Self::Binary),
            Some("FRACTIONAL") => {
                let maximum = top.whole(tags::MAXIMUM_FRACTIONAL_VALUE)?;
                Ok(Self::Fractional { maximum })
            }
            Some("LABELMAP") => Ok(Self::LabelMap),
            Some(other) => {
                let problem = format!("is `{other}`; BINARY, FRACTIONAL and LABELMAP are read");
                Err(top.problem(tags::SEGMENTATION_TYPE, problem))
            }
            None => Err(top.missing(tags::SEGMENTATION_TYPE)),
        }
    }
}

/// The frames of a segmentation, to look for marked pixels in.
pub(super) struct Foreground<'a> {
    pub(super) pixels: &'a PixelData,
    pub(super) format: PixelFormat,
    pub(super) kind: Kind,
}

impl Foreground<'_> {
    /// The marked pixels of a frame (`row · columns + column`), each with its segment.
    ///
    /// `segment` is the one that the whole frame shows; a label map has none.
    pub(super) fn of_frame(
        &self,
        index: u32,
        segment: Option<u16>,
    ) -> Result<Vec<(usize, u16)>, DecodeError> {
        if self.format.is_single_bit() {
            return self.of_bits(index, segment.unwrap_or(1));
        }
        let bytes = self.pixels.frame(index, &self.format)?;
        let values = self.format.stored_values(&bytes).enumerate();
        let marked = values.filter_map(|(pixel, value)| {
            let segment = match self.kind {
                Kind::Binary => segment.filter(|_| value != 0),
                // At least one half.
                Kind::Fractional { maximum } => segment.filter(|_| 2 * value >= i64::from(maximum)),
                Kind::LabelMap => u16::try_from(value).ok().filter(|number| *number > 0),
            };
            segment.map(|segment| (pixel, segment))
        });
        Ok(marked.collect())
    }

    /// Single bits follow each other through all frames without a break, the lowest bit of a byte
    /// first, so a frame can begin in the middle of a byte (PS3.5 8.1.1).
    fn of_bits(&self, index: u32, segment: u16) -> Result<Vec<(usize, u16)>, DecodeError> {
        let bytes = self.pixels.native_bytes()?;
        let n_pixels = self.format.n_pixels();
        let start = index as usize * n_pixels;
        if bytes.len() * 8 < start + n_pixels {
            let found = bytes.len().saturating_sub(start / 8);
            return Err(DecodeError::Short {
                wanted: n_pixels.div_ceil(8),
                found,
            });
        }
        let is_set = |pixel: &usize| {
            let bit = start + pixel;
            bytes[bit / 8] >> (bit % 8) & 1 == 1
        };
        Ok((0..n_pixels)
            .filter(is_set)
            .map(|pixel| (pixel, segment))
            .collect())
    }
}
