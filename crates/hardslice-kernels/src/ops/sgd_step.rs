//! The update of stochastic gradient descent (SGD) with momentum, in place.

use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use crate::features::has_kernels;
use crate::tensor::{in_order, update};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdRates {
    /// Share of the last step's velocity that is kept.
    pub momentum: f32,
    /// Learning rate.
    pub lr: f32,
    /// What the gradient is multiplied by: 1, or less where gradients are clipped.
    pub scale: f32,
}

/// One step of stochastic gradient descent on a parameter: `v = momentum · v + scale · g`,
/// `w = w − lr · v`, with `v` = `scale · g` where there is no velocity yet. Gives `w` and `v`.
///
/// On the CPU it writes to the elements of `weight` and `velocity` themselves where nobody else
/// holds them, so that a step takes no memory.
///
/// # Shapes
///
/// All of one shape.
///
/// # Panics
///
/// When the shapes differ, or a tensor is tracked by autodiff.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use hardslice_kernels::ops::sgd_step::{SgdRates, sgd_step};
///
/// let device = Device::default();
/// let [weight, gradient] = [1.0, 2.0].map(|value| Tensor::<1>::full([3], value, &device));
/// let rates = SgdRates { momentum: 0.9, lr: 0.25, scale: 1.0 };
/// let (weight, velocity) = sgd_step(weight, None, gradient, rates);
/// assert_eq!(weight.into_data().to_vec::<f32>().unwrap(), [0.5; 3]);
/// assert_eq!(velocity.into_data().to_vec::<f32>().unwrap(), [2.0; 3]);
/// ```
pub fn sgd_step<const D: usize>(
    weight: Tensor<D>,
    velocity: Option<Tensor<D>>,
    gradient: Tensor<D>,
    rates: SgdRates,
) -> (Tensor<D>, Tensor<D>) {
    assert_eq!(weight.dims(), gradient.dims(), "a gradient for each weight");
    if !has_kernels(&weight) {
        return fallback::sgd_step(weight, velocity, gradient, rates);
    }
    let velocity = match velocity {
        Some(velocity) => Tensor::from_dispatch(<Dispatch as Updates>::sgd_velocity(
            velocity.into_dispatch(),
            gradient.into_dispatch(),
            rates,
        )),
        None => first_velocity(gradient, rates),
    };
    let weight = <Dispatch as Updates>::sgd_weight(
        weight.into_dispatch(),
        velocity.clone().into_dispatch(),
        rates,
    );
    (Tensor::from_dispatch(weight), velocity)
}

/// The velocity after the first step.
fn first_velocity<const D: usize>(gradient: Tensor<D>, rates: SgdRates) -> Tensor<D> {
    // Nothing is multiplied by 1: the gradient itself is kept, not a copy.
    if rates.scale < 1.0 {
        gradient.mul_scalar(rates.scale)
    } else {
        gradient
    }
}

/// The same in Burn's own operations.
pub mod fallback {
    use burn::tensor::Tensor;

    use super::{SgdRates, first_velocity};

    /// See [`sgd_step`](super::sgd_step()).
    pub fn sgd_step<const D: usize>(
        weight: Tensor<D>,
        velocity: Option<Tensor<D>>,
        gradient: Tensor<D>,
        rates: SgdRates,
    ) -> (Tensor<D>, Tensor<D>) {
        let velocity = match velocity {
            Some(velocity) => {
                velocity.mul_scalar(rates.momentum) + gradient.mul_scalar(rates.scale)
            }
            None => first_velocity(gradient, rates),
        };
        (weight - velocity.clone().mul_scalar(rates.lr), velocity)
    }
}

/// Updates of parameters; nothing here is differentiable.
#[backend_extension(Flex)]
trait Updates: Backend {
    /// `momentum · velocity + scale · gradient`.
    fn sgd_velocity(
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        rates: SgdRates,
    ) -> FloatTensor<Self>;
    /// `weight − lr · velocity`.
    fn sgd_weight(
        weight: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        rates: SgdRates,
    ) -> FloatTensor<Self>;
}

impl Updates for Flex {
    fn sgd_velocity(velocity: FlexTensor, gradient: FlexTensor, rates: SgdRates) -> FlexTensor {
        update(velocity, &in_order(gradient), |v, g| {
            v * rates.momentum + rates.scale * g
        })
    }

    fn sgd_weight(weight: FlexTensor, velocity: FlexTensor, rates: SgdRates) -> FlexTensor {
        update(weight, &in_order(velocity), |w, v| w - rates.lr * v)
    }
}
