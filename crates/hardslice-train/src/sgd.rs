//! Stochastic gradient descent with momentum.

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use crate::net::Net;
use crate::weights::{NamedTensor, Weights, replace};

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
        net.map(&mut Step {
            sgd: self,
            gradients,
            lr,
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
    lr: f64,
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
        let value = param.val();
        let Some(gradient) = value.grad_remove(&mut self.gradients) else {
            return param;
        };
        let shape = value.dims();
        let gradient: Tensor<1> = gradient.reshape([shape.iter().product::<usize>()]);
        let name = self.path.join(".");
        let velocity = match self.sgd.velocities.remove(&name) {
            Some(velocity) => velocity.mul_scalar(self.sgd.momentum) + gradient,
            None => gradient,
        };
        self.sgd.velocities.insert(name, velocity.clone());
        let step = velocity.mul_scalar(self.lr).reshape(shape);
        replace(&param, (value.inner() - step).autodiff())
    }
}
