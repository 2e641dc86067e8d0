//! Transposed convolution (deconvolution) of a few planes by an even stride: kernel twice the stride, padding
//! half of it. FCN's upsampling of its scores.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::features::has_kernels;
use crate::layout::Extent;
use crate::node::{Tracked, node, register};
use crate::tensor::{elements, extent, in_order, len_of};

/// Transposed convolution that scales a few planes up by an even `stride`, starting from (or
/// fixed at) bilinear weights: kernel `2 · stride`, padding `stride / 2`, no bias.
///
/// # Shapes
///
/// `x`: `[n, c, y, x]`, `weight`: `[c, out, 2 · stride, 2 · stride]`; gives
/// `[n, out, stride · y, stride · x]`.
///
/// # Panics
///
/// When the shapes do not fit each other.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::conv_transpose_bilinear::conv_transpose_bilinear;
///
/// let device = Device::default();
/// let x = Tensor::<4>::ones([1, 2, 3, 5], &device);
/// let weight = Tensor::<4>::ones([2, 1, 8, 8], &device);
/// assert_eq!(conv_transpose_bilinear(x, weight, 4).dims(), [1, 1, 12, 20]);
/// ```
///
/// # Sources
///
/// - J. Long, E. Shelhamer and T. Darrell (2015), "Fully Convolutional Networks for Semantic
///   Segmentation", section 3.3.
pub fn conv_transpose_bilinear(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
    let [n_in, _, height, width] = weight.dims();
    assert_eq!(
        [n_in, height, width],
        [x.dims()[1], 2 * stride, 2 * stride],
        "weight of an upsampling by {stride}"
    );
    assert_eq!(stride % 2, 0, "the padding is half the stride");
    if has_kernels(&x) {
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        Tensor::from_dispatch(<Dispatch as Upsampling>::upsample(x, weight, stride))
    } else {
        fallback::conv_transpose_bilinear(x, weight, stride)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;
    use burn::tensor::module::conv_transpose2d;
    use burn::tensor::ops::ConvTransposeOptions;

    /// See [`conv_transpose_bilinear`](super::conv_transpose_bilinear()).
    pub fn conv_transpose_bilinear(x: Tensor<4>, weight: Tensor<4>, stride: usize) -> Tensor<4> {
        let padding = stride / 2;
        let options = ConvTransposeOptions::new([stride; 2], [padding; 2], [0, 0], [1, 1], 1);
        conv_transpose2d(x, weight, None, options)
    }
}

#[backend_extension(Flex, Autodiff)]
trait Upsampling: Backend {
    /// Transposed convolution of planes by an even stride.
    fn upsample(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
    ) -> FloatTensor<Self>;
}

impl Upsampling for Flex {
    fn upsample(x: FlexTensor, weight: FlexTensor, stride: usize) -> FlexTensor {
        let (x, weight) = (in_order(x), in_order(weight));
        let sizes = Upsample::of(&x, &weight, stride);
        sizes
            .forward(elements(&x), elements(&weight))
            .into_tensor(sizes.extent.times(stride).planar_shape(sizes.outputs))
    }
}

impl<C: CheckpointStrategy> Upsampling for Autodiff<Flex, C> {
    fn upsample(x: Tracked, weight: Tracked, stride: usize) -> Tracked {
        let parents = [&x, &weight].map(Tracked::node);
        let [x, weight] = [x, weight].map(|tensor| in_order(tensor.into_primitive()));
        let out = Flex::upsample(x.clone(), weight.clone(), stride);
        node::<C, _, 2>(Node, parents, || State { x, weight, stride }, out)
    }
}

#[derive(Debug)]
struct Node;

#[derive(Debug, Clone)]
struct State {
    x: FlexTensor,
    weight: FlexTensor,
    stride: usize,
}

impl Backward<Flex, 2> for Node {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let [x_node, weight_node] = ops.parents;
        let gradient = in_order(gradients.consume::<Flex>(&ops.node));
        let State { x, weight, stride } = ops.state;
        let sizes = Upsample::of(&x, &weight, stride);
        let dx = x_node.is_some().then(|| {
            let dx = sizes.x_gradient(elements(&gradient), elements(&weight));
            dx.into_tensor(x.layout().shape().clone())
        });
        let d_weight = weight_node.is_some().then(|| {
            let d_weight = sizes.weight_gradient(elements(&x), elements(&gradient));
            d_weight.into_tensor(weight.layout().shape().clone())
        });
        register!(gradients, x_node => dx, weight_node => d_weight);
    }
}

/// The sizes of an upsampling.
#[derive(Debug, Clone, Copy)]
struct Upsample {
    /// Of what comes in.
    extent: Extent,
    inputs: usize,
    outputs: usize,
    stride: usize,
}

impl Upsample {
    fn of(x: &FlexTensor, weight: &FlexTensor, stride: usize) -> Self {
        Self {
            extent: extent(x),
            inputs: len_of(x, 1),
            outputs: len_of(weight, 1),
            stride,
        }
    }

    fn kernel(self) -> usize {
        2 * self.stride
    }

    fn pad(self) -> usize {
        self.stride / 2
    }

    fn out_height(self) -> usize {
        self.extent.height * self.stride
    }

    fn out_width(self) -> usize {
        self.extent.width * self.stride
    }

    /// Columns of a result before the padding is cut off on both sides.
    fn wide(self) -> usize {
        self.out_width() + self.stride
    }

    /// One row of the kernel from an input to an output.
    fn weights(self, weight: &[f32], input: usize, output: usize, ky: usize) -> &[f32] {
        let kernel = self.kernel();
        &weight[((input * self.outputs + output) * kernel + ky) * kernel..][..kernel]
    }

    /// `x`: `[n, inputs, y, x]`, `weight`: `[inputs, outputs, 2s, 2s]`; gives
    /// `[n, outputs, s·y, s·x]`.
    fn forward(self, x: &[f32], weight: &[f32]) -> Buffer {
        let Extent { n, height, width } = self.extent;
        let mut out = Buffer::stale(n * self.outputs * self.out_height() * self.out_width());
        if out.is_empty() {
            return out;
        }
        let rows = out.par_chunks_exact_mut(self.out_width()).enumerate();
        rows.for_each_init(
            || vec![0.0; self.wide()],
            |wide, (place, row)| {
                let (plane, oy) = (place / self.out_height(), place % self.out_height());
                let (image, output) = (plane / self.outputs, plane % self.outputs);
                wide.fill(0.0);
                for input in 0..self.inputs {
                    let first_tap = (oy + self.pad()) % self.stride;
                    for ky in [first_tap, first_tap + self.stride] {
                        let iy = ((oy + self.pad()) / self.stride).wrapping_sub(ky / self.stride);
                        if iy >= height {
                            continue;
                        }
                        let weights = self.weights(weight, input, output, ky);
                        let x =
                            &x[((image * self.inputs + input) * height + iy) * width..][..width];
                        for (ix, x) in x.iter().enumerate() {
                            let sums = &mut wide[ix * self.stride..][..weights.len()];
                            for (sum, weight) in sums.iter_mut().zip(weights) {
                                *sum += x * weight;
                            }
                        }
                    }
                }
                row.copy_from_slice(&wide[self.pad()..][..row.len()]);
            },
        );
        out
    }

    /// The row of the gradient that tap `ky` of the kernel takes to row `iy`, with zeros where the padding was cut off; `None` outside.
    fn wide_row<'a>(
        self,
        gradient: &[f32],
        plane: usize,
        iy: usize,
        ky: usize,
        wide: &'a mut [f32],
    ) -> Option<&'a [f32]> {
        let oy = (iy * self.stride + ky).wrapping_sub(self.pad());
        if oy >= self.out_height() {
            return None;
        }
        let row = &gradient[(plane * self.out_height() + oy) * self.out_width()..];
        wide.fill(0.0);
        wide[self.pad()..][..self.out_width()].copy_from_slice(&row[..self.out_width()]);
        Some(wide)
    }

    /// The gradient of `x`, from that of the result.
    fn x_gradient(self, gradient: &[f32], weight: &[f32]) -> Buffer {
        let Extent { n, height, width } = self.extent;
        let mut dx = Buffer::zeroed(n * self.inputs * height * width);
        if dx.is_empty() {
            return dx;
        }
        dx.par_chunks_exact_mut(width).enumerate().for_each_init(
            || vec![0.0; self.wide()],
            |wide, (place, dx)| {
                let (plane, iy) = (place / height, place % height);
                let (image, input) = (plane / self.inputs, plane % self.inputs);
                for output in 0..self.outputs {
                    let plane = image * self.outputs + output;
                    for ky in 0..self.kernel() {
                        let weights = self.weights(weight, input, output, ky);
                        if let Some(row) = self.wide_row(gradient, plane, iy, ky, wide) {
                            for (ix, dx) in dx.iter_mut().enumerate() {
                                let row = &row[ix * self.stride..][..weights.len()];
                                *dx += row.iter().zip(weights).map(|(g, w)| g * w).sum::<f32>();
                            }
                        }
                    }
                }
            },
        );
        dx
    }

    /// The gradient of `weight`, from that of the result.
    fn weight_gradient(self, x: &[f32], gradient: &[f32]) -> Buffer {
        let Extent { n, height, width } = self.extent;
        let kernel = self.kernel();
        let mut d_weight = Buffer::zeroed(self.inputs * self.outputs * kernel * kernel);
        d_weight
            .par_chunks_exact_mut(kernel)
            .enumerate()
            .for_each(|(place, d_weight)| {
                let (pair, ky) = (place / kernel, place % kernel);
                let (input, output) = (pair / self.outputs, pair % self.outputs);
                let mut wide = vec![0.0; self.wide()];
                let mut sums = vec![0.0_f64; kernel];
                for image in 0..n {
                    let plane = image * self.outputs + output;
                    for iy in 0..height {
                        let Some(row) = self.wide_row(gradient, plane, iy, ky, &mut wide) else {
                            continue;
                        };
                        let x =
                            &x[((image * self.inputs + input) * height + iy) * width..][..width];
                        for (ix, x) in x.iter().enumerate() {
                            for (sum, g) in sums.iter_mut().zip(&row[ix * self.stride..]) {
                                *sum += f64::from(*x) * f64::from(*g);
                            }
                        }
                    }
                }
                for (d_weight, sum) in d_weight.iter_mut().zip(sums) {
                    *d_weight = rounded(sum);
                }
            });
        d_weight
    }
}
