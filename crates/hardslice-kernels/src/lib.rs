//! The few operations that decide the speed on a CPU, as a Burn backend extension.
//!
//! The nets are written once, on these operations. Each takes and gives [`Features`], the
//! activations of a layer in the layout that the device computes fastest in, so that nothing is
//! copied between layers. On every device without own kernels the same call runs on Burn's own
//! operations ([`fallback`]), which are also the oracle of the tests.
//!
//! Weights have PyTorch's shapes: `[out, in, y, x]` for a convolution, `[in, out, y, x]` for a
//! transposed one.

#![expect(
    clippy::inline_always,
    reason = "code of a kernel that is not inlined is not compiled for the instruction set"
)]

mod features;
mod norm;
mod operations;
mod plane_sums;
mod sgd_step;
mod head;

pub mod fallback;

mod extension;
mod layer;
mod kept_weight;
mod up_conv;
mod upsample;
mod max_pool;
mod batch_norm;
mod moments;
mod channel_sums;
mod conv;
mod source;
mod stored;
mod affine;
mod layout;
mod shared;
mod buffers;
mod peak;
mod simd;

pub use buffers::Buffer;
pub use features::Features;
pub use kept_weight::KeptWeight;
pub use norm::{BatchStatistics, Norm, fold_norm};
pub use operations::{
    conv_bias, conv_transpose_bilinear, conv_transpose2x2, conv1x1, conv3x3_bias,
    conv3x3_norm_relu, max_pool2x2,
};
pub use peak::{peak_flops, peak_flops_bf16};
pub use plane_sums::plane_sums;
pub use sgd_step::{SgdRates, sgd_step};
pub use simd::{
    ForceInstructionSetError, force_instruction_set, instruction_set, instruction_set_for,
};
pub use stored::Precision;
