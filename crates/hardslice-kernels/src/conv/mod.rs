//! Convolutions on the nChw16c layout.
//!
//! One driver ([`direct`]) computes all of them: 3x3, 1x1 and 7x7 convolutions, their gradients
//! with respect to the input (a convolution with flipped weights), the 2x2 transposed
//! convolution (four 1x1 convolutions with interleaved outputs) and its gradient (a 2x2
//! convolution with step 2). The other ([`weight_gradient`]) computes the weights' gradients. Where
//! it pays, 3x3 convolutions and their gradients go by [`winograd`] instead of the direct method, and
//! those with more weights than pixels by [`im2col`] and [`gemm`]. Of what is stored in bf16 a matrix unit
//! computes the tiles of both drivers and of the GEMM, in each one's `matrix`.

mod window;
mod channel_block;
mod input;
mod output;
mod same;
mod direct;
mod scratch;
mod gather;
mod tile_weights;
mod tile_walk;
mod tile;
mod weight_gradient;
mod weight_tile;
mod winograd;
mod im2col;
mod gemm;

pub(crate) use channel_block::{ChannelBlock, channel_blocks};
pub(crate) use direct::DirectConv;
pub(crate) use gather::{Lanes, WeightView};
pub(crate) use im2col::Im2colConv;
pub(crate) use input::{Blocks, Input, Planes};
pub(crate) use output::Output;
pub(crate) use same::SameConv;
pub(crate) use tile_weights::TileWeights;
pub(crate) use weight_gradient::WeightGradient;
pub(crate) use window::Window;
