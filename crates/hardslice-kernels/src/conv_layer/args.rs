//! The tensors that a convolution reads, whatever backend they lie on.

use burn::backend::DispatchTensor;
use burn::tensor::Tensor;

use crate::features::{Blocked, Features, Form, has_kernels};
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::simd::LANES;

/// What an operation hands to the backend; a skip connection without channels where there is none.
pub(crate) struct ConvArgs {
    pub(crate) skip: DispatchTensor,
    pub(crate) x: DispatchTensor,
    /// Of `skip` and `x`.
    pub(crate) pending: [PendingNorm; 2],
    pub(crate) precision: Precision,
}

impl ConvArgs {
    /// `None` where there are no own kernels.
    pub(crate) fn new(x: &Features, skip: Option<&Features>) -> Option<Self> {
        let [n, channels, height, width] = x.shape();
        let precision = x.precision();
        let (x, pending) = match &x.form {
            // An image is read as it is.
            Form::Planar(planes) if channels <= LANES && skip.is_none() => {
                if !has_kernels(planes) {
                    return None;
                }
                let planes = planes.clone().into_dispatch();
                (planes, PendingNorm::none(channels))
            }
            _ => {
                let Blocked { blocks, pending } = x.blocks()?;
                (blocks.into_dispatch(), pending)
            }
        };
        let skip = if let Some(skip) = skip {
            skip.blocks()?
        } else {
            let device = Tensor::<5>::from_dispatch(x.clone()).device();
            Blocked {
                blocks: Tensor::zeros([n, 0, height, width, LANES], &device),
                pending: PendingNorm::none(0),
            }
        };
        Some(Self {
            skip: skip.blocks.into_dispatch(),
            x,
            pending: [skip.pending, pending],
            precision,
        })
    }
}

/// Checks the shapes of a 3x3 convolution.
///
/// # Panics
///
/// Where they do not fit each other.
pub(crate) fn check_conv3x3(x: &Features, skip: Option<&Features>, weight: &Tensor<4>) {
    let [n, n_x, height, width] = x.shape();
    let n_skip = skip.map_or(0, |skip| {
        let [n_of_skip, n_skip, y, x] = skip.shape();
        assert_eq!(
            [n_of_skip, y, x],
            [n, height, width],
            "skip and x have one size"
        );
        n_skip
    });
    let [_, n_in, ky, kx] = weight.dims();
    assert_eq!([n_in, ky, kx], [n_skip + n_x, 3, 3], "weight of a 3x3 conv");
}
