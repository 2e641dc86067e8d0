//! What the kernels read of a tensor of the CPU backend, and how results become one.

use burn::backend::flex::FlexTensor;
use burn_std::bf16;
use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::channel_sums::ChannelSums;
use crate::layout::Extent;
use crate::stored::Pixels;

/// Makes sure that a tensor's elements lie in order.
pub(crate) fn in_order(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() || x.as_slice::<bf16>().is_some() {
        x
    } else {
        x.to_contiguous()
    }
}

/// The elements of a tensor whose elements lie in order.
pub(crate) fn elements(x: &FlexTensor) -> &[f32] {
    x.as_slice()
        .expect("single precision, brought in order before")
}

/// The pixels of a tensor in nChw16c.
pub(crate) fn pixels(x: &FlexTensor) -> Pixels<'_> {
    match x.as_slice::<bf16>() {
        Some(elements) => Pixels::Bf16(elements.as_chunks().0),
        None => Pixels::F32(elements(x).as_chunks().0),
    }
}

/// A tensor's length along an axis.
pub(crate) fn len_of(x: &FlexTensor, axis: usize) -> usize {
    x.layout().shape()[axis]
}

/// Images, rows and columns of `[n, …, y, x]` or `[n, …, y, x, 16]`.
pub(crate) fn extent(x: &FlexTensor) -> Extent {
    Extent {
        n: len_of(x, 0),
        height: len_of(x, 2),
        width: len_of(x, 3),
    }
}

/// Whether a tensor is planes `[n, c, y, x]`, not blocks `[n, c / 16, y, x, 16]`.
pub(crate) fn is_planar(x: &FlexTensor) -> bool {
    x.layout().num_dims() == 4
}

/// A tensor with one axis.
pub(crate) fn vector(values: &[f32]) -> FlexTensor {
    Buffer::copy_of(values).into_tensor([values.len()])
}

/// `[channels]`, from the sums of a gradient by block: the gradient of a bias.
pub(crate) fn bias_gradient(sums: &[ChannelSums], channels: usize) -> FlexTensor {
    let sums = sums.iter().flat_map(|sums| &sums.gradient).take(channels);
    vector(&sums.map(|sum| rounded(*sum)).collect::<Vec<_>>())
}

/// Elements of a task.
const CHUNK: usize = 1 << 14;

/// Replaces each element of `x` by what it makes with the one of `y` at its place; in place where
/// nobody else holds `x`. An element of a shorter `y` serves as many elements of `x` in a row.
pub(crate) fn update(
    x: FlexTensor,
    y: &FlexTensor,
    new: impl Fn(f32, f32) -> f32 + Sync,
) -> FlexTensor {
    let (mut x, y) = (in_order(x), elements(y));
    let x_elements = x.storage_mut::<f32>();
    if x_elements.len() == y.len() {
        let chunks = x_elements.par_chunks_mut(CHUNK);
        chunks.zip(y.par_chunks(CHUNK)).for_each(|(x, y)| {
            for (x, y) in x.iter_mut().zip(y) {
                *x = new(*x, *y);
            }
        });
    } else if !x_elements.is_empty() {
        let run = x_elements.len() / y.len();
        let runs = x_elements.par_chunks_exact_mut(run);
        runs.zip(y).for_each(|(x, y)| {
            for x in x {
                *x = new(*x, *y);
            }
        });
    }
    x
}
