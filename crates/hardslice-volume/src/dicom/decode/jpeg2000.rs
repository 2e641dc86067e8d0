//! JPEG 2000 (ISO 15444-1), lossless and lossy, through the Rust port of OpenJPEG.

use jpeg2k::{DecodeParameters, Image};

use super::{DecodeError, check_size};
use crate::dicom::pixel_format::PixelFormat;

const CODEC: &str = "JPEG 2000";

/// Decodes a frame to samples in the machine's byte order.
pub(super) fn decode(encoded: &[u8], format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
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
