//! JPEG-LS (ISO 14495-1), lossless and near-lossless, through `CharLS`.

use super::DecodeError;
use crate::dicom::pixel_format::PixelFormat;

/// Decodes a frame to samples in the machine's byte order.
#[cfg(feature = "jpeg-ls")]
pub(super) fn decode(encoded: &[u8], format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
    const CODEC: &str = "JPEG-LS";
    let mut charls = charls::CharLS::default();
    let info = charls
        .get_frame_info(encoded)
        .map_err(DecodeError::codec(CODEC))?;
    let samples = usize::try_from(info.component_count).unwrap_or(0);
    super::check_size(info.width as usize, info.height as usize, samples, format)?;
    // A decoder reads one image only.
    let decoded = charls::CharLS::default()
        .decode(encoded)
        .map_err(DecodeError::codec(CODEC))?;
    let words: Vec<u16> = match info.bits_per_sample {
        ..=8 => decoded.into_iter().map(u16::from).collect(),
        _ => decoded
            .chunks_exact(2)
            .map(|word| u16::from_ne_bytes([word[0], word[1]]))
            .collect(),
    };
    // JPEG-LS knows no sign: it is in the highest bit of the image's own precision.
    let unused = 16u32.saturating_sub(info.bits_per_sample.unsigned_abs());
    let words = words.into_iter().map(|word| {
        if format.is_signed() {
            ((word << unused).cast_signed() >> unused).cast_unsigned()
        } else {
            word
        }
    });
    match (info.bits_per_sample, format.bits_allocated) {
        (..=8, 8) => Ok(words.map(|word| word.to_le_bytes()[0]).collect()),
        (_, 16) => Ok(words.flat_map(u16::to_ne_bytes).collect()),
        (precision, bits) => Err(DecodeError::Codec {
            codec: CODEC,
            problem: format!("the image has {precision} bits, the header announces {bits}"),
        }),
    }
}

/// Never called: a build without `CharLS` refuses the transfer syntax.
#[cfg(not(feature = "jpeg-ls"))]
pub(super) fn decode(_encoded: &[u8], _format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
    super::Codec::of("1.2.840.10008.1.2.4.80").map(|_| Vec::new())
}
