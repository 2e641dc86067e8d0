//! A net with its data, as the scripts ran it.

use burn::module::{ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use hardslice_train::Targets;
use hardslice_train::net::{Net, NetConfig};
use hardslice_train::weights::Weights;
use serde::Deserialize;

use crate::golden::Golden;
use crate::hashed;

/// What a golden file of a net was made from.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) config: NetConfig,
    pub(crate) n: usize,
    pub(crate) n_organs: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) seed: usize,
}

/// One batch.
pub(crate) struct Batch {
    pub(crate) x: Tensor<4>,
    pub(crate) targets: Targets,
}

impl Case {
    /// The net with hashed weights.
    pub(crate) fn net(&self, device: &Device) -> Net {
        let net = Net::new(&self.config, self.n_organs, 0, device);
        let mut weights = Weights::of(&net);
        for tensor in &mut weights.tensors {
            tensor.values = hashed::weight(&tensor.name, &tensor.shape);
        }
        weights.load_into(net).unwrap()
    }

    /// The batch; the first slice lacks the annotation of the last organ.
    pub(crate) fn batch(&self, device: &Device) -> Batch {
        let x_shape = [self.n, self.config.n_channels(), self.height, self.width];
        let out_shape = [self.n, self.n_organs, self.height, self.width];
        let n_values = |shape: [usize; 4]| shape.iter().product();
        let x = hashed::between(
            &format!("input/{}", self.seed),
            n_values(x_shape),
            [0.0, 1.0],
        );
        let name = format!("targets/{}", self.seed);
        let targets = hashed::between(&name, n_values(out_shape), [0.0, 1.0]);
        let targets = targets.into_iter().map(|u| f32::from(u < 0.25)).collect();
        let mut annotated = vec![1.0; self.n * self.n_organs];
        annotated[self.n_organs - 1] = 0.0;
        Batch {
            x: planes(x, x_shape, device),
            targets: Targets {
                organs: planes(targets, out_shape, device),
                annotated: planes(annotated, [self.n, self.n_organs], device),
                valid: None,
            },
        }
    }
}

/// A tensor of these values.
pub(crate) fn planes<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Compares a tensor.
pub(crate) fn compare<const D: usize>(
    golden: &mut Golden,
    key: &str,
    got: Tensor<D>,
    tolerance: f64,
) {
    let shape = got.dims();
    let values: Vec<f32> = got.into_data().iter().collect();
    golden.compare(key, &shape, &values, tolerance);
}

/// Compares arrays, each under a prefix and its name; the shapes are those of `shapes_of`.
pub(crate) fn compare_weights(golden: &mut Golden, prefix: &str, got: &Weights, tolerance: f64) {
    for tensor in &got.tensors {
        let key = format!("{prefix}.{}", tensor.name);
        golden.compare(&key, &tensor.shape, &tensor.values, tolerance);
    }
}

/// Compares the gradient of each parameter that is trained.
pub(crate) struct CompareGradients<'a> {
    pub(crate) golden: &'a mut Golden,
    pub(crate) gradients: &'a Gradients,
    pub(crate) tolerance: f64,
    pub(crate) path: Vec<String>,
}

impl ModuleVisitor for CompareGradients<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = format!("gradient.{}", self.path.join("."));
        match param.val().grad(self.gradients) {
            Some(gradient) => compare(self.golden, &key, gradient, self.tolerance),
            None => assert!(!param.is_require_grad(), "{key}: none came out"),
        }
    }
}
