//! JPEG 2000 (ISO 15444-1), lossless and lossy, through the Rust port of OpenJPEG.

use jpeg2k::{DecodeParameters, Image};

use super::{DecodeError, check_size};
use crate::dicom::pixel_format::PixelFormat;

const CODEC: &str = "JPEG 2000";

/// Decodes a frame to samples in the machine's byte order.
pub(super) fn decode(encoded: &[u8], format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
    // Before the decoder takes memory for what the header announces.
    Siz::find(encoded)?.check(encoded.len(), format)?;
    let whole_only = DecodeParameters::new().strict(true);
    let image = Image::from_bytes_with(encoded, whole_only).map_err(DecodeError::codec(CODEC))?;
    let components = image.components();
    let [component] = components else {
        return check_size(
            image.width() as usize,
            image.height() as usize,
            components.len(),
            format,
        )
        .map(|()| Vec::new());
    };
    check_size(
        component.width() as usize,
        component.height() as usize,
        1,
        format,
    )?;
    let values = component.data().iter().map(|&value| {
        // Some writers mark signed values as unsigned: the sign is then in the highest bit of the
        // image's own precision.
        if format.is_signed() && !component.is_signed() {
            let unused = 32 - component.precision().clamp(1, 32);
            (value << unused) >> unused
        } else {
            value
        }
    });
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bytes of a two's complement are the value at that width"
    )]
    Ok(match format.bits_allocated {
        8 => values.map(|v| v.to_le_bytes()[0]).collect(),
        16 => values.flat_map(|v| (v as i16).to_ne_bytes()).collect(),
        _ => values.flat_map(i32::to_ne_bytes).collect(),
    })
}

/// What the marker segment SIZ says of the image (ISO 15444-1 A.5.1).
struct Siz {
    /// Width and height on the reference grid, its offset taken off.
    size: [u64; 2],
    tile: [u64; 2],
    components: usize,
}

impl Siz {
    /// The bytes that a tile takes of a codestream at least: SOT and SOD.
    const TILE_BYTES: usize = 14;

    /// Finds it where the codestream begins, which boxes of a JP2 file may stand before.
    fn find(encoded: &[u8]) -> Result<Self, DecodeError> {
        const SOC_AND_SIZ: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
        let begin = encoded.windows(4).position(|bytes| bytes == SOC_AND_SIZ);
        let stream = &encoded[begin.unwrap_or(encoded.len())..];
        let word = |at: usize| {
            let bytes = stream.get(at..at + 4)?.first_chunk()?;
            Some(u64::from(u32::from_be_bytes(*bytes)))
        };
        let siz = || {
            let size = [
                word(8)?.checked_sub(word(16)?)?,
                word(12)?.checked_sub(word(20)?)?,
            ];
            let components = stream.get(40..42)?.first_chunk()?;
            Some(Self {
                size,
                tile: [word(24)?, word(28)?],
                components: usize::from(u16::from_be_bytes(*components)),
            })
        };
        siz().ok_or_else(|| DecodeError::Codec {
            codec: CODEC,
            problem: "no size of an image was found (marker SIZ)".into(),
        })
    }

    /// Refuses an image of another size, and more tiles than the codestream can hold.
    fn check(&self, n_bytes: usize, format: &PixelFormat) -> Result<(), DecodeError> {
        let [columns, rows] = self
            .size
            .map(|pixels| usize::try_from(pixels).unwrap_or(usize::MAX));
        check_size(columns, rows, self.components, format)?;
        let tiles = |axis: usize| self.size[axis].div_ceil(self.tile[axis].max(1));
        let n_tiles = tiles(0).saturating_mul(tiles(1));
        let n_tiles_at_most = (n_bytes / Self::TILE_BYTES) as u64;
        if n_tiles <= n_tiles_at_most {
            return Ok(());
        }
        Err(DecodeError::Codec {
            codec: CODEC,
            problem: format!("{n_tiles} tiles are announced in {n_bytes} bytes"),
        })
    }
}
