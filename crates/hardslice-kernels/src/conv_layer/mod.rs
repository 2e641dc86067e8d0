//! A square convolution with same padding and stride 1 on tensors, forward and backward: what the
//! operations with a norm and those with a bias share.

mod args;
mod backward;
mod fallback;
mod forward;
mod sources;

pub(crate) use args::{ConvArgs, check_conv3x3};
pub(crate) use backward::{ConvGradients, Wanted, conv_backward};
pub(crate) use fallback::conv2d_same;
pub(crate) use forward::{conv_with_bias, conv_with_moments};
pub(crate) use sources::{ConvSources, ConvWeight};
