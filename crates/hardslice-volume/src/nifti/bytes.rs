//! Fields of a fixed struct at fixed places.

use crate::scalar::ByteOrder;

/// The bytes of a header and their order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) order: ByteOrder,
}

/// Reads a number of the given type at a byte offset.
///
/// The callers give offsets inside the header, whose size they have checked.
macro_rules! field {
    ($name:ident, $number:ty) => {
        pub(super) fn $name(&self, at: usize) -> $number {
            let mut raw = [0; size_of::<$number>()];
            raw.copy_from_slice(&self.bytes[at..at + size_of::<$number>()]);
            match self.order {
                ByteOrder::Little => <$number>::from_le_bytes(raw),
                ByteOrder::Big => <$number>::from_be_bytes(raw),
            }
        }
    };
}

impl Fields<'_> {
    field!(i16, i16);
    field!(i32, i32);
    field!(i64, i64);
    field!(f32, f32);
    field!(f64, f64);
}
