//! The wire format of protocol buffers, as far as it is written here.
//!
//! # Sources
//!
//! Protocol Buffers, "Encoding".

/// A whole number, seven bits a byte, the lowest first.
pub(crate) fn push_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push((value & 0x7f) as u8);
}

/// Bytes, text, or a message within another one.
pub(crate) fn push_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_varint(message, field << 3 | 2);
    push_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}
