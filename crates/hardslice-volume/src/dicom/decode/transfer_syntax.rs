//! Which decoder a transfer syntax needs.

use super::DecodeError;
use crate::deflate::MAX_DEFLATE_RATIO;

/// How the pixels of a frame are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dicom) enum Codec {
    /// As they are, all frames in one value.
    Native,
    /// As they are, one fragment a frame.
    EncapsulatedNative,
    /// Deflated, one stream a frame.
    DeflatedFrame,
    /// Run lengths.
    Rle,
    /// JPEG, lossless or of 8 bits lossy.
    Jpeg,
    /// JPEG-LS.
    JpegLs,
    /// JPEG 2000.
    Jpeg2000,
}

impl Codec {
    /// The decoder for a transfer syntax (PS3.6 table A-1).
    pub(in crate::dicom) fn of(uid: &str) -> Result<Self, DecodeError> {
        let refused = |name, way_out| {
            Err(DecodeError::TransferSyntax {
                uid: uid.to_owned(),
                name,
                way_out,
            })
        };
        match uid.strip_prefix("1.2.840.10008.1.2").unwrap_or(uid) {
            // Implicit little endian, explicit little and big endian, deflated.
            "" | ".1" | ".2" | ".1.99" => Ok(Self::Native),
            ".1.98" => Ok(Self::EncapsulatedNative),
            ".8.1" => Ok(Self::DeflatedFrame),
            ".5" => Ok(Self::Rle),
            // Baseline, extended, lossless, lossless with predictor 1.
            ".4.50" | ".4.51" | ".4.57" | ".4.70" => Ok(Self::Jpeg),
            ".4.80" | ".4.81" if cfg!(feature = "jpeg-ls") => Ok(Self::JpegLs),
            ".4.80" | ".4.81" => refused(
                " (JPEG-LS)",
                " by this build: build it with `--features jpeg-ls` (needs CMake and a C++ \
                 compiler), or decompress the files first, for example with `gdcmconv --raw`",
            ),
            ".4.90" | ".4.91" => Ok(Self::Jpeg2000),
            ".4.201" | ".4.202" | ".4.203" => refused(" (High-Throughput JPEG 2000)", DECOMPRESS),
            ".4.110" | ".4.111" | ".4.112" => refused(" (JPEG XL)", DECOMPRESS),
            _ => refused("", DECOMPRESS),
        }
    }
}

impl Codec {
    /// By how much compressed pixels can be smaller than the decoded ones: nothing is decoded, and no
    /// memory taken, where more is announced.
    ///
    /// - Deflate: 1032.
    /// - RLE: a run of 128 bytes takes two.
    /// - JPEG: a block of 64 pixels takes a bit, and its pixels may be kept in 16.
    /// - JPEG-LS and JPEG 2000 have bounds so far away (an image of one grey value takes some hundred
    ///   bytes in JPEG 2000) that only a damaged header goes beyond this one.
    pub(in crate::dicom) fn most_compressed(self) -> usize {
        match self {
            Self::Native | Self::EncapsulatedNative => 1,
            Self::DeflatedFrame => MAX_DEFLATE_RATIO,
            Self::Rle => 64,
            Self::Jpeg => 1024,
            Self::JpegLs | Self::Jpeg2000 => 1 << 16,
        }
    }

    /// By how much a file can be smaller than its pixels: a deflated data set holds plain ones.
    pub(in crate::dicom) fn most_compressed_file(self, transfer_syntax: &str) -> usize {
        let of_file = if transfer_syntax.ends_with(".1.99") {
            MAX_DEFLATE_RATIO
        } else {
            1
        };
        of_file * self.most_compressed()
    }
}

const DECOMPRESS: &str = "; decompress the files first, for example with `gdcmconv --raw`";
