//! Averaged weights: an exponential moving average (EMA) of a net's weights over its steps.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use hardslice_kernels::ops::sgd_step::{SgdRates, sgd_step};

use crate::net::Net;
use crate::weights::{NamedTensor, Weights};

/// The exponential moving average of a net's weights, running statistics of batch norm included:
/// `e = d · e + (1 − d) · w` after each step, with `d` = `min(decay, (1 + t) / (10 + t))` at step `t`, so
/// that the first weights, which know nothing, are soon forgotten.
///
/// While the learning rate is high the weights wander; their average lies nearer to what they wander
/// about. It is what predicts, mines, validates and is kept in the end; the training itself goes on
/// from the weights.
///
/// # Sources
///
/// B. Polyak, A. Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM
/// Journal on Control and Optimization 30(4); the warm-up of the decay is that of TensorFlow's
/// `ExponentialMovingAverage`.
#[derive(Debug, Clone)]
pub struct WeightAverage {
    decay: f64,
    // Of each parameter, flat, by its name, with its shape.
    averages: BTreeMap<String, (Vec<usize>, Tensor<1>)>,
}

impl WeightAverage {
    /// Begins with a net's weights as they are.
    pub fn of(decay: f64, net: &Net) -> Self {
        Self::from_state(decay, Weights::of(net), &net.device())
    }

    /// Goes on from a saved average.
    pub fn from_state(decay: f64, state: Weights, device: &Device) -> Self {
        let averages = state.tensors.into_iter().map(|tensor| {
            let flat = [tensor.values.len()];
            let values = Tensor::from_data(TensorData::new(tensor.values, flat), device);
            (tensor.name, (tensor.shape, values))
        });
        Self {
            decay,
            averages: averages.collect(),
        }
    }

    /// Takes in the weights after step number `step`, counted from 1.
    ///
    /// # Panics
    ///
    /// When the net has other parameters than the one that it began with.
    pub fn take_in(&mut self, net: &Net, step: u64) {
        let warm_up = (1 + step) as f64 / (10 + step) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let share = (1.0 - self.decay.min(warm_up)) as f32;
        net.visit(&mut TakeIn {
            average: self,
            share,
            path: Vec::new(),
        });
    }

    /// The average, to save it or to predict with it; in the order of the names.
    pub fn state(&self) -> Weights {
        let tensors = self
            .averages
            .iter()
            .map(|(name, (shape, values))| NamedTensor {
                name: name.clone(),
                shape: shape.clone(),
                values: values.clone().into_data().iter().collect(),
            });
        Weights {
            tensors: tensors.collect(),
        }
    }

    /// The net with the averaged weights.
    ///
    /// # Panics
    ///
    /// As [`take_in`](Self::take_in).
    pub fn net(&self, net: &Net) -> Net {
        let averaged = self.state().load_into(net.clone());
        averaged.expect("the average has the parameters of its net")
    }
}

struct TakeIn<'a> {
    average: &'a mut WeightAverage,
    share: f32,
    path: Vec<String>,
}

impl ModuleVisitor for TakeIn<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let (shape, average) = self
            .average
            .averages
            .remove(&name)
            .expect("the average has the parameters of its net");
        let weights = param.val().inner();
        let weights: Tensor<1> = weights.reshape([average.dims()[0]]);
        // `e − (1 − d)(e − w)` is a step of SGD, which is done in place.
        let away = average.clone() - weights;
        let rates = SgdRates {
            momentum: 0.0,
            lr: self.share,
            scale: 1.0,
        };
        let (average, _) = sgd_step(average, None, away, rates);
        self.average.averages.insert(name, (shape, average));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::NetConfig;

    fn filled(net: &Net, value: f32) -> Net {
        let mut weights = Weights::of(net);
        for tensor in &mut weights.tensors {
            tensor.values.fill(value);
        }
        weights.load_into(net.clone()).unwrap()
    }

    fn all_are(net: &Net, value: f32) -> bool {
        let weights = Weights::of(net);
        let mut values = weights.tensors.iter().flat_map(|tensor| &tensor.values);
        values.all(|found| (found - value).abs() < 1e-6)
    }

    #[test]
    fn the_average_worked_by_hand_with_its_warm_up() {
        let config = NetConfig {
            width: 1,
            ..NetConfig::default()
        };
        let net = Net::new(&config, 1, 0, &Device::default());
        let mut average = WeightAverage::of(0.5, &filled(&net, 1.0));
        // Decay 2/11 at step 1, 3/12 at step 2, 0.5 from step 8 on.
        average.take_in(&filled(&net, 12.0), 1);
        assert!(all_are(&average.net(&net), 10.0), "2/11 · 1 + 9/11 · 12");
        average.take_in(&filled(&net, 2.0), 2);
        assert!(all_are(&average.net(&net), 4.0), "10 / 4 + 3/4 · 2");
        average.take_in(&filled(&net, 8.0), 100);
        assert!(all_are(&average.net(&net), 6.0), "half of each");
        let saved = WeightAverage::from_state(0.5, average.state(), &net.device());
        assert_eq!(saved.state(), average.state(), "as it was saved");
    }
}
