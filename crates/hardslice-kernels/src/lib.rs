//! The few operations that decide the speed on a CPU, as a Burn backend extension.
//!
//! The nets are written once, on these operations. Each takes and gives [`Features`], the
//! activations of a layer in the layout that the device computes fastest in, so that nothing is
//! copied between layers. On every device without own kernels the same call runs on Burn's own
//! operations (the `fallback` of each of [`ops`]), which are also the oracle of the tests.
//!
//! Weights have PyTorch's shapes: `[out, in, y, x]` for a convolution, `[in, out, y, x]` for a
//! transposed one.

#![expect(
    clippy::inline_always,
    reason = "code of a kernel that is not inlined is not compiled for the instruction set"
)]

pub mod ops;

mod features;
mod norm;
mod packed_weight;
mod peak;

mod conv_layer;
mod reorder;
mod node;
mod pending_norm;
mod tensor;
mod conv;
mod batch_norm;
mod channel_sums;
mod moments;
mod pixel_sums;
mod source;
mod layout;
mod affine;
mod buffers;
mod stored;
mod shared;
mod simd;
mod precision;

pub use buffers::Buffer;
pub use features::Features;
pub use norm::{BatchStatistics, Norm};
pub use packed_weight::PackedWeight;
pub use peak::{peak_flops, peak_flops_bf16};
pub use precision::Precision;
pub use simd::{
    ForceInstructionSetError, force_instruction_set, instruction_set, instruction_set_for,
};
