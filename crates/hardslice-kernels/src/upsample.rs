//! Transposed convolution of a few planes by an even stride: kernel twice the stride, padding
//! half of it. FCN's upsampling of its scores.

use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::layout::Extent;

/// The sizes of an upsampling.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upsample {
    /// Of what comes in.
    pub(crate) extent: Extent,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) stride: usize,
}

impl Upsample {
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
    pub(crate) fn forward(self, x: &[f32], weight: &[f32]) -> Buffer {
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

    /// A row of the gradient with zeros where the padding was cut off; `None` outside.
    fn wide_row<'a>(
        self,
        gradient: &[f32],
        plane: usize,
        place: (usize, usize),
        wide: &'a mut [f32],
    ) -> Option<&'a [f32]> {
        let (iy, ky) = place;
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
    pub(crate) fn x_gradient(self, gradient: &[f32], weight: &[f32]) -> Buffer {
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
                        if let Some(row) = self.wide_row(gradient, plane, (iy, ky), wide) {
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
    pub(crate) fn weight_gradient(self, x: &[f32], gradient: &[f32]) -> Buffer {
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
                        let Some(row) = self.wide_row(gradient, plane, (iy, ky), &mut wide) else {
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
