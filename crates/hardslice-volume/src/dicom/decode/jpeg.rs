//! JPEG (ISO 10918-1): lossless of up to 16 bits, and lossy of 8 bits.

use super::{DecodeError, check_size};
use crate::dicom::pixel_format::PixelFormat;

const CODEC: &str = "JPEG";

/// Decodes a frame to samples in the machine's byte order.
pub(super) fn decode(encoded: &[u8], format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
    let header = Header::read(encoded)?;
    check_size(header.columns, header.rows, header.samples, format)?;
    if header.is_lossless && header.restarts {
        // The decoder ignores where the prediction starts anew, without an error.
        return Err(DecodeError::Codec {
            codec: CODEC,
            problem: "lossless compression with restart markers is not read; decompress the \
                      files first, for example with `gdcmconv --raw`"
                .into(),
        });
    }
    if !header.is_lossless && header.bits != 8 {
        return Err(DecodeError::Codec {
            codec: CODEC,
            problem: format!(
                "lossy compression of {} bits is not read; decompress the files first, for \
                 example with `gdcmconv --raw` or `dcmdjpeg`",
                header.bits
            ),
        });
    }
    let decoded = jpeg_decoder::Decoder::new(encoded)
        .decode()
        .map_err(DecodeError::codec(CODEC))?;
    let n_pixels = format.n_pixels();
    match (decoded.len() / n_pixels, format.bits_allocated) {
        (1, 8) | (2, 16) => Ok(decoded),
        (1, 16) => Ok(decoded
            .into_iter()
            .flat_map(|v| u16::from(v).to_ne_bytes())
            .collect()),
        (bytes, bits) => Err(DecodeError::Codec {
            codec: CODEC,
            problem: format!(
                "the image has {bytes} bytes a pixel, the header announces {bits} bits"
            ),
        }),
    }
}

/// What the markers before the first scan say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    columns: usize,
    rows: usize,
    samples: usize,
    /// Bits of a sample.
    bits: u8,
    is_lossless: bool,
    restarts: bool,
}

impl Header {
    fn read(encoded: &[u8]) -> Result<Self, DecodeError> {
        const LOSSLESS: u8 = 0xC3;
        const RESTART_INTERVAL: u8 = 0xDD;
        const START_OF_SCAN: u8 = 0xDA;
        let mut header = Self::default();
        let mut at = 2;
        while let Some(&[0xFF, marker, high, low]) = encoded.get(at..at + 4) {
            let segment = &encoded[at + 4..];
            let be16 = |at: usize| match segment.get(at..at + 2) {
                Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
                _ => 0,
            };
            match marker {
                // A fill byte before a marker.
                0xFF => {
                    at += 1;
                    continue;
                }
                START_OF_SCAN => break,
                RESTART_INTERVAL => header.restarts = be16(0) > 0,
                // Start of frame; 0xC4, 0xC8 and 0xCC are tables.
                0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                    (header.rows, header.columns) = (be16(1), be16(3));
                    header.samples = usize::from(segment.get(5).copied().unwrap_or(0));
                    header.bits = segment.first().copied().unwrap_or(0);
                    header.is_lossless = marker == LOSSLESS;
                }
                _ => {}
            }
            at += 2 + usize::from(u16::from_be_bytes([high, low]));
        }
        if header.samples == 0 {
            let problem = "no start of frame was found".into();
            return Err(DecodeError::Codec {
                codec: CODEC,
                problem,
            });
        }
        Ok(header)
    }
}
