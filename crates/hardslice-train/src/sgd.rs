//! The optimiser: stochastic gradient descent with momentum.

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use hardslice_kernels::ops::sgd_step::{SgdRates, sgd_step};

use crate::net::Net;
use crate::weights::{NamedTensor, Weights};

/// SGD with momentum, as PyTorch's `torch.optim.SGD` has it: `v = momentum · v + g`,
/// `w = w − lr · v`, with `v` = 0 before the first step.
#[derive(Debug, Clone)]
pub struct Sgd {
    momentum: f64,
    // One for each trained parameter, flat, by its name.
    velocities: BTreeMap<String, Tensor<1>>,
}

impl Sgd {
    /// An optimiser at rest.
    pub fn new(momentum: f64) -> Self {
        Self {
            momentum,
            velocities: BTreeMap::new(),
        }
    }

    /// Takes one step.
    #[must_use]
    pub fn step(&mut self, net: Net, gradients: Gradients, lr: f64) -> Net {
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let rates = SgdRates {
            momentum: self.momentum as f32,
            lr: lr as f32,
        };
        net.map(&mut Step {
            sgd: self,
            gradients,
            rates,
            path: Vec::new(),
        })
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
    pub fn from_state(momentum: f64, state: Weights, device: &Device) -> Self {
        let device = device.clone().without_autodiff();
        let velocities = state.tensors.into_iter().map(|tensor| {
            let shape = [tensor.values.len()];
            let velocity = Tensor::from_data(TensorData::new(tensor.values, shape), &device);
            (tensor.name, velocity)
        });
        Self {
            momentum,
            velocities: velocities.collect(),
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
