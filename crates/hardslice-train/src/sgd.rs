//! The optimiser: stochastic gradient descent with momentum.

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use hardslice_kernels::ops::sgd_step::{SgdRates, sgd_step};
use hardslice_kernels::ops::sum_of_squares::sum_of_squares;
use thiserror::Error;

use crate::net::Net;
use crate::weights::{NamedTensor, Weights};

/// Added to a norm before it divides, as PyTorch does.
const SMALLEST_NORM: f64 = 1e-6;

/// Settings of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdConfig {
    /// Share of the last step's velocity that is kept.
    pub momentum: f64,
    /// Largest Euclidean norm of all gradients together; 0 for no bound.
    pub clip_grad_norm: f64,
}

/// SGD with momentum, as PyTorch's `torch.optim.SGD` has it: `v = momentum · v + g`,
/// `w = w − lr · v`, with `v` = 0 before the first step.
///
/// Where the norm of all gradients is above a bound, they are scaled down to it first, as by PyTorch's
/// `torch.nn.utils.clip_grad_norm_` (gradient clipping): a rare batch has a gradient fifty times
/// as long as others, and undoes in one step what all before it have learnt.
///
/// Its settings come with every step: they are the training's, which has them in one place.
#[derive(Debug, Clone, Default)]
pub struct Sgd {
    // One for each trained parameter, flat, by its name.
    velocities: BTreeMap<String, Tensor<1>>,
}

/// The norm of all gradients together, which is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("the norm of the gradients is {0}")]
pub struct NoGradientNorm(pub f64);

impl Sgd {
    /// Takes one step.
    ///
    /// # Errors
    ///
    /// [`NoGradientNorm`] where gradients are to be clipped and their norm is not finite.
    pub fn step(
        &mut self,
        net: Net,
        gradients: Gradients,
        config: SgdConfig,
        lr: f64,
    ) -> Result<Net, NoGradientNorm> {
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let rates = SgdRates {
            momentum: config.momentum as f32,
            lr: lr as f32,
            scale: scale(&net, &gradients, config.clip_grad_norm)?,
        };
        Ok(net.map(&mut Step {
            sgd: self,
            gradients,
            rates,
            path: Vec::new(),
        }))
    }

    /// The velocities, to save them.
    pub fn state(&self) -> Weights {
        let tensors = self.velocities.iter().map(|(name, velocity)| NamedTensor {
            name: name.clone(),
            shape: velocity.dims().to_vec(),
            values: velocity.clone().into_data().iter().collect(),
        });
        Weights {
            tensors: tensors.collect(),
        }
    }

    /// Restores an optimiser from its saved velocities.
    pub fn from_state(state: Weights, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let velocities = state.tensors.into_iter().map(|tensor| {
            let shape = [tensor.values.len()];
            let velocity = Tensor::from_data(TensorData::new(tensor.values, shape), &device);
            (tensor.name, velocity)
        });
        Self {
            velocities: velocities.collect(),
        }
    }
}

/// What gradients are multiplied by: less than 1 where their norm is above the bound, if there is one.
fn scale(net: &Net, gradients: &Gradients, max_norm: f64) -> Result<f32, NoGradientNorm> {
    if max_norm <= 0.0 {
        return Ok(1.0);
    }
    let norm = gradient_norm(net, gradients);
    if !norm.is_finite() {
        return Err(NoGradientNorm(norm));
    }
    #[expect(clippy::cast_possible_truncation, reason = "gradients are f32")]
    let scale = (max_norm / (norm + SMALLEST_NORM)).min(1.0) as f32;
    Ok(scale)
}

/// Euclidean norm of the gradients of all parameters that have one, summed in double precision and in
/// the order of the net.
fn gradient_norm(net: &Net, gradients: &Gradients) -> f64 {
    let mut squares = Squares {
        gradients,
        of_parameters: Vec::new(),
    };
    net.visit(&mut squares);
    let sums = squares.of_parameters.into_iter();
    let sum: f64 = sums
        .flat_map(|sum| sum.into_data().iter::<f32>().collect::<Vec<_>>())
        .map(f64::from)
        .sum();
    sum.sqrt()
}

struct Squares<'a> {
    gradients: &'a Gradients,
    /// Sum of the squares of each parameter's gradient.
    of_parameters: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.of_parameters.push(sum_of_squares(gradient));
        }
    }
}

struct Step<'a> {
    sgd: &'a mut Sgd,
    gradients: Gradients,
    rates: SgdRates,
    path: Vec<String>,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_trained = param.is_require_grad();
        // Nobody else holds the weights then, and they are updated where they lie.
        let (id, value, _) = param.consume();
        let restored =
            |value: Tensor<D>| Param::initialized(id, value).set_require_grad(is_trained);
        let Some(gradient) = value.grad_remove(&mut self.gradients) else {
            return restored(value);
        };
        let shape = value.dims();
        let flat = [shape.iter().product::<usize>()];
        let name = self.path.join(".");
        let velocity = self.sgd.velocities.remove(&name);
        let (weight, gradient) = (value.inner().reshape(flat), gradient.reshape(flat));
        let (weight, velocity) = sgd_step(weight, velocity, gradient, self.rates);
        self.sgd.velocities.insert(name, velocity);
        restored(weight.reshape(shape).autodiff())
    }
}
