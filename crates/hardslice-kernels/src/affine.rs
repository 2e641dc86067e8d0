//! A scale and a shift for each channel: what a batch norm with known statistics is.

use crate::simd::{LANES, Pixel};

/// `scale · x + shift`, by block; channels that fill the last block up have 0 and 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: Vec<Pixel>,
    pub(crate) shift: Vec<Pixel>,
}

impl Affine {
    /// From one pair of elements for each channel.
    pub(crate) fn new(scale: &[f32], shift: &[f32]) -> Self {
        Self {
            scale: by_block(scale),
            shift: by_block(shift),
        }
    }

    /// `max(0, scale · x + shift)` of one pixel.
    pub(crate) fn norm_relu(&self, block: usize, pixel: &Pixel) -> Pixel {
        let (scale, shift) = (&self.scale[block], &self.shift[block]);
        std::array::from_fn(|lane| {
            let y = scale[lane] * pixel[lane] + shift[lane];
            if y < 0.0 { 0.0 } else { y }
        })
    }
}

/// Sixteen to a block, the rest zero.
pub(crate) fn by_block(values: &[f32]) -> Vec<Pixel> {
    values
        .chunks(LANES)
        .map(|values| std::array::from_fn(|lane| values.get(lane).copied().unwrap_or(0.0)))
        .collect()
}
