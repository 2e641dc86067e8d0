//! Nets, losses and SGD against PyTorch.
//!
//! The values and the scripts that made them are in `tests/golden/pytorch`. They come from float64;
//! each tolerance is about five times the error of PyTorch's own float32, which the scripts measure.

#![cfg(test)]

mod hashed;
mod golden;
mod case;
mod nets;
mod losses;
mod sgd;
mod upsampling;
mod weights;
