//! The number types of voxels in files.

/// A real number type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ScalarType {
    /// Bytes of one number.
    pub(crate) fn n_bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// A number type that is decoded to `f64`, in which all of them but the largest 64-bit integers
/// are exact.
pub(crate) trait Scalar: Copy {
    /// Decodes each number of `bytes` and hands it on.
    fn decode(bytes: &[u8], order: ByteOrder, take: impl FnMut(f64));
}

macro_rules! scalar {
    ($($number:ty),*) => {$(
        impl Scalar for $number {
            fn decode(bytes: &[u8], order: ByteOrder, mut take: impl FnMut(f64)) {
                let (numbers, _) = bytes.as_chunks();
                match order {
                    ByteOrder::Little => {
                        for b in numbers {
                            take(<$number>::from_le_bytes(*b) as f64);
                        }
                    }
                    ByteOrder::Big => {
                        for b in numbers {
                            take(<$number>::from_be_bytes(*b) as f64);
                        }
                    }
                }
            }
        }
    )*};
}

#[expect(
    clippy::cast_lossless,
    reason = "one body for the types that have `From` and those not"
)]
mod scalars {
    use super::{ByteOrder, Scalar};

    scalar!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
}
