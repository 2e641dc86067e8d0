//! The sum of squares of a tensor (its squared Euclidean norm), in a fixed order.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use crate::batch_norm::rounded;
use crate::buffers::Buffer;
use crate::features::has_kernels;
use crate::tensor::{elements, in_order};

/// The sum of the squares of all elements, `[1]`: what the norm of gradients is made of.
///
/// Not differentiable. On the CPU the sum is taken in double precision and in an order that depends on
/// the number of elements alone.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::sum_of_squares::sum_of_squares;
///
/// let x = Tensor::<1>::from_data([3.0, 4.0], &Device::default());
/// assert_eq!(sum_of_squares(x).into_data().to_vec::<f32>().unwrap(), [25.0]);
/// ```
pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if has_kernels(&x) {
        Tensor::from_dispatch(<Dispatch as Squares>::sum_of_squares(x.into_dispatch()))
    } else {
        fallback::sum_of_squares(x)
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    /// See [`sum_of_squares`](super::sum_of_squares()).
    pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
        (x.clone() * x).sum()
    }
}

#[backend_extension(Flex)]
trait Squares: Backend {
    /// `[1]`.
    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Squares for Flex {
    fn sum_of_squares(x: FlexTensor) -> FlexTensor {
        let x = in_order(x);
        let strips: Vec<f64> = elements(&x).par_chunks(STRIP).map(sum_of_strip).collect();
        let mut sum = Buffer::zeroed(1);
        sum[0] = rounded(strips.iter().sum());
        sum.into_tensor([1])
    }
}

/// Elements of a task.
const STRIP: usize = 1 << 14;

/// Sums that run side by side, as many as fill two vectors of double precision.
const RUNNING: usize = 16;

fn sum_of_strip(strip: &[f32]) -> f64 {
    let mut running = [0.0_f64; RUNNING];
    let (whole, rest) = strip.as_chunks::<RUNNING>();
    for values in whole {
        for (sum, value) in running.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    for (sum, value) in running.iter_mut().zip(rest) {
        *sum += f64::from(*value) * f64::from(*value);
    }
    running.iter().sum()
}
