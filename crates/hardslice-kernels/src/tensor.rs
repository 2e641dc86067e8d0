//! What the kernels read of a tensor of the CPU backend, and how results become one.

use burn::backend::flex::FlexTensor;
use burn_std::bf16;

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
