//! The activations of a layer, in NCHW or nChw16c.

use std::sync::Arc;

use burn::backend::{Dispatch, DispatchTensorKind};
use burn::tensor::{DType, Tensor};

use crate::batch_norm::Normed;
use crate::pending_norm::PendingNorm;
use crate::precision::Precision;
use crate::reorder::Reorder;
use crate::simd::{LANES, has_own_kernels};

/// Activations of a layer, in the layout that the device computes fastest in.
///
/// What the layout is stays inside this crate; [`Features::from_planar`] and
/// [`Features::into_planar`] stand at the ends of a net. Both are differentiable.
#[derive(Debug, Clone)]
pub struct Features {
    pub(crate) form: Form,
    precision: Precision,
}

/// In which form activations are kept.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// `[n, channels, y, x]`: everywhere but on the CPU, and an image there.
    Planar(Tensor<4>),
    /// On the CPU.
    Blocked(Blocked),
}

/// Blocks of sixteen channels, and what is still to be done to them.
#[derive(Debug, Clone)]
pub(crate) struct Blocked {
    /// `[n, ceil(channels / 16), y, x, 16]`; channels that fill the last block up are zero.
    pub(crate) blocks: Tensor<5>,
    pub(crate) pending: PendingNorm,
}

impl Features {
    /// Takes planar activations over.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, channels, y, x]`.
    pub fn from_planar(x: Tensor<4>) -> Self {
        Self::from_planar_in(x, Precision::F32)
    }

    /// Takes planar activations over, to be stored, with all that is computed from them, in a
    /// precision of one's choice.
    ///
    /// Devices without own kernels store what the planes have, whatever is chosen.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, channels, y, x]`.
    pub fn from_planar_in(x: Tensor<4>, precision: Precision) -> Self {
        let channels = x.dims()[1];
        // A convolution reads up to sixteen planes as they are.
        let form = if channels > LANES && has_kernels(&x) {
            Form::Blocked(blocked(x, precision))
        } else {
            Form::Planar(x)
        };
        Self { form, precision }
    }

    /// In which precision the activations are stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Gives the activations back as planes.
    ///
    /// # Shapes
    ///
    /// `[n, channels, y, x]`.
    pub fn into_planar(self) -> Tensor<4> {
        match self.form {
            Form::Planar(x) => x,
            Form::Blocked(Blocked { blocks, pending }) => Tensor::from_dispatch(
                <Dispatch as Reorder>::planes_from_blocks(blocks.into_dispatch(), pending),
            ),
        }
    }

    /// How many channels the layer has.
    pub fn channels(&self) -> usize {
        self.shape()[1]
    }

    /// `[n, channels, y, x]`, whatever the layout.
    pub fn shape(&self) -> [usize; 4] {
        match &self.form {
            Form::Planar(x) => x.dims(),
            Form::Blocked(Blocked { blocks, pending }) => {
                let [n, _, height, width, _] = blocks.dims();
                [n, pending.channels, height, width]
            }
        }
    }

    /// A convolution's output and the norm that belongs to it.
    pub(crate) fn from_blocks(
        blocks: Tensor<5>,
        channels: usize,
        norm: Option<Arc<Normed>>,
    ) -> Self {
        Self {
            precision: Precision::of(blocks.dtype()),
            form: Form::Blocked(Blocked {
                blocks,
                pending: PendingNorm { channels, norm },
            }),
        }
    }

    /// The blocks, where own kernels compute on them.
    pub(crate) fn blocks(&self) -> Option<Blocked> {
        match &self.form {
            Form::Planar(x) => has_kernels(x).then(|| blocked(x.clone(), self.precision)),
            Form::Blocked(blocks) => Some(blocks.clone()),
        }
    }
}

fn blocked(x: Tensor<4>, precision: Precision) -> Blocked {
    let pending = PendingNorm::none(x.dims()[1]);
    let blocks = <Dispatch as Reorder>::blocks_from_planes(x.into_dispatch(), precision);
    Blocked {
        blocks: Tensor::from_dispatch(blocks),
        pending,
    }
}

/// Whether a tensor lies where own kernels compute: on the CPU, in single precision.
pub(crate) fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    has_own_kernels()
        && x.dtype() == DType::F32
        && match x.clone().into_dispatch().kind {
            DispatchTensorKind::Flex(_) => true,
            DispatchTensorKind::Autodiff(inner) => matches!(*inner, DispatchTensorKind::Flex(_)),
            #[allow(
                unreachable_patterns,
                reason = "there are more with more of Burn's features"
            )]
            _ => false,
        }
}
