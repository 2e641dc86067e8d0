//! In which precision activations are stored.

use burn_std::{DType, bf16};

/// In which precision a net's activations, and their gradients, are stored.
///
/// All sums are single precision, and so are weights, norms, statistics and the planes at both ends
/// of a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits: the first half of a single-precision number, rounded to the nearest, ties to even.
    /// Half the memory, and half of what is read and written.
    Bf16,
}

impl Precision {
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }

    /// Of a tensor of activations.
    pub(crate) fn of(dtype: DType) -> Self {
        if dtype == DType::BF16 {
            Self::Bf16
        } else {
            Self::F32
        }
    }

    /// Bytes of an element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::Bf16 => size_of::<bf16>(),
        }
    }
}
