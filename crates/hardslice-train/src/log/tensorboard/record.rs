//! The frame of a message (`TFRecord`).
//!
//! ```text
//! length   u64, little-endian
//! crc      u32, masked CRC-32C of the length's eight bytes
//! message  `length` bytes
//! crc      u32, masked CRC-32C of the message
//! ```
//!
//! # Sources
//!
//! TensorFlow, `core/lib/io/record_writer.h` (framing) and `core/lib/hash/crc32c.h` (mask).

use std::io::{self, Read};

/// No event of ours comes near this size; a longer length is a torn record.
const MOST_MESSAGE_BYTES: u64 = 1 << 24;

/// A message in its frame.
pub(super) fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(message.len() + 16);
    record.extend(length);
    record.extend(masked_crc32c(&length).to_le_bytes());
    record.extend(message);
    record.extend(masked_crc32c(message).to_le_bytes());
    record
}

/// A CRC of data that holds CRCs must not come out as zero;
/// `TFRecord` rotates it and adds a constant.
fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// The next message; `None` at the end of the file and at a record that is torn or damaged.
pub(super) fn next_message(file: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(head) = read_whole(file, 12)? else {
        return Ok(None);
    };
    let (length, crc) = head.split_at(8);
    if masked_crc32c(length).to_le_bytes() != *crc {
        return Ok(None);
    }
    let length = length
        .iter()
        .rev()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if length > MOST_MESSAGE_BYTES {
        return Ok(None);
    }
    let Some(mut message) = read_whole(file, length + 4)? else {
        return Ok(None);
    };
    let crc = message.split_off(message.len() - 4);
    Ok((masked_crc32c(&message).to_le_bytes() == *crc).then_some(message))
}

/// Exactly `n` bytes, or `None` where the file ends before.
fn read_whole(file: &mut impl Read, n: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(n).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 == n).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use crc32c::crc32c;

    #[test]
    fn crc32c_matches_its_published_check_values() {
        assert_eq!(
            crc32c(b"123456789"),
            0xe306_9283,
            "the catalogue's check value"
        );
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa, "RFC 3720, B.4");
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43, "RFC 3720, B.4");
    }
}
