//! RLE Lossless (PS3.5 annex G): bytes of equal significance together, run by run.

use super::DecodeError;
use crate::dicom::pixel_format::PixelFormat;

/// 16 numbers of 4 bytes: how many segments there are, and where each begins.
const HEADER_BYTES: usize = 64;

/// Decodes a frame to samples in the machine's byte order.
pub(super) fn decode(encoded: &[u8], format: &PixelFormat) -> Result<Vec<u8>, DecodeError> {
    let refused = |problem: String| DecodeError::Codec {
        codec: "RLE",
        problem,
    };
    let word = |at: usize| {
        let bytes = encoded.get(4 * at..4 * at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let n_segments = word(0).unwrap_or(0);
    let bytes_per_sample = format.bits_allocated as usize / 8;
    if n_segments != bytes_per_sample || encoded.len() < HEADER_BYTES {
        return Err(refused(format!(
            "{n_segments} segments in {} bytes, {bytes_per_sample} segments were wanted",
            encoded.len()
        )));
    }
    let n_pixels = format.n_pixels();
    let mut frame = vec![0; n_pixels * bytes_per_sample];
    for segment in 0..n_segments {
        let start = word(1 + segment).expect("the header has 64 bytes");
        let end = if segment + 1 < n_segments {
            word(2 + segment)
        } else {
            None
        };
        let bytes = encoded
            .get(start..end.unwrap_or(encoded.len()))
            .ok_or_else(|| refused(format!("segment {} lies outside the frame", segment + 1)))?;
        let plane = unpack(bytes, n_pixels);
        if plane.len() < n_pixels {
            return Err(DecodeError::Short {
                wanted: n_pixels,
                found: plane.len(),
            });
        }
        // The first segment holds the most significant bytes.
        let place = if cfg!(target_endian = "little") {
            n_segments - 1 - segment
        } else {
            segment
        };
        let samples = frame.chunks_exact_mut(bytes_per_sample);
        for (sample, byte) in samples.zip(plane) {
            sample[place] = byte;
        }
    }
    Ok(frame)
}

/// Undoes `PackBits`, up to `wanted` bytes; fewer where the input ends.
fn unpack(mut packed: &[u8], wanted: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(wanted);
    while let [control, rest @ ..] = packed {
        if bytes.len() >= wanted {
            break;
        }
        packed = rest;
        match *control {
            n @ 0..=127 => {
                let literal = packed.len().min(usize::from(n) + 1);
                bytes.extend_from_slice(&packed[..literal]);
                packed = &packed[literal..];
            }
            128 => {}
            n @ 129..=255 => {
                let [byte, rest @ ..] = packed else { break };
                bytes.extend(std::iter::repeat_n(*byte, 257 - usize::from(n)));
                packed = rest;
            }
        }
    }
    bytes.truncate(wanted);
    bytes
}

#[cfg(test)]
mod tests {
    use super::unpack;

    #[test]
    fn literals_runs_and_fillers_are_unpacked() {
        // The example of Apple's Technical Note TN1023.
        let packed = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x80, 0x03, 0x80, 0x00, 0x2A, 0x22,
            0xF7, 0xAA,
        ];
        let unpacked = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        assert_eq!(
            unpack(&packed, 24),
            unpacked,
            "as in the note, with a filler put in"
        );
    }

    #[test]
    fn input_that_ends_early_gives_fewer_bytes() {
        assert_eq!(unpack(&[0x05, 1, 2], 6), [1, 2], "a literal of 6 cut short");
        assert!(unpack(&[0xFE], 3).is_empty(), "a run without its byte");
    }
}
