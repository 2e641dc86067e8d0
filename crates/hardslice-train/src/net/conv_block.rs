//! A 3x3 convolution with its norm and ReLU.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use hardslice_kernels::ops::conv_bias::conv3x3_bias;
use hardslice_kernels::ops::conv_norm_relu::conv3x3_norm_relu;
use hardslice_kernels::ops::fold_norm::fold_norm;
use hardslice_kernels::{BatchStatistics, Features, Norm};

use super::{ForwardContext, Initial, NormKind};

/// Added to the variance, as in PyTorch.
const NORM_EPS: f64 = 1e-5;

/// Share of each batch in the running statistics, as in PyTorch.
const RUNNING_SHARE: f64 = 0.1;

/// 3x3 convolution, same padding, then batch norm or a bias, then ReLU.
#[derive(Module, Debug)]
pub struct ConvBlock {
    /// The convolution.
    pub conv: Conv,
    /// The norm, where the net has one.
    pub norm: Option<BatchNorm>,
}

/// Weights of a convolution.
#[derive(Module, Debug)]
pub struct Conv {
    /// `[out, in, y, x]`.
    pub weight: Param<Tensor<4>>,
    /// `[out]`; absent before a norm, which would take it out again.
    pub bias: Option<Param<Tensor<1>>>,
}

/// Parameters and running statistics of a batch norm, all `[channels]`.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale.
    pub weight: Param<Tensor<1>>,
    /// Shift.
    pub bias: Param<Tensor<1>>,
    /// Mean at prediction. Not trained.
    pub running_mean: Param<Tensor<1>>,
    /// Variance at prediction, unbiased. Not trained.
    pub running_var: Param<Tensor<1>>,
}

impl Conv {
    /// A convolution of odd size `k` with a bias.
    pub fn new(name: &str, [n_in, n_out, k]: [usize; 3], initial: &Initial<'_>) -> Self {
        Self {
            weight: initial.he(name, [n_out, n_in, k, k], n_in * k * k),
            bias: Some(initial.constant(0.0, n_out)),
        }
    }

    /// The same with another bias before the first step.
    pub fn biased(mut self, bias: f32, initial: &Initial<'_>) -> Self {
        let n_out = self.weight.val().dims()[0];
        self.bias = Some(initial.constant(bias, n_out));
        self
    }

    /// The bias, zeros where there is none.
    pub fn bias(&self) -> Tensor<1> {
        if let Some(bias) = &self.bias {
            return bias.val();
        }
        let weight = self.weight.val();
        Tensor::zeros([weight.dims()[0]], &weight.device())
    }
}

impl ConvBlock {
    /// A block from `n_in` to `n_out` channels.
    pub fn new(
        name: &str,
        n_in: usize,
        n_out: usize,
        norm: NormKind,
        initial: &Initial<'_>,
    ) -> Self {
        let mut conv = Conv::new(&format!("{name}.conv.weight"), [n_in, n_out, 3], initial);
        let norm = match norm {
            NormKind::None => None,
            NormKind::Batch => {
                conv.bias = None;
                Some(BatchNorm::new(n_out, initial))
            }
        };
        Self { conv, norm }
    }

    /// Runs the block on `x`, reading `skip` before it as if the two were concatenated.
    pub fn forward(
        &self,
        x: &Features,
        skip: Option<&Features>,
        ctx: &mut ForwardContext,
    ) -> Features {
        let weight = self.conv.weight.val();
        let Some(norm) = &self.norm else {
            return conv3x3_bias(x, skip, weight, self.conv.bias(), true);
        };
        if ctx.is_train() {
            let (y, seen) = conv3x3_norm_relu(x, skip, weight, &norm.parameters());
            ctx.record(seen);
            return y;
        }
        let (weight, bias) = norm.fold_into(weight);
        conv3x3_bias(x, skip, weight, bias, true)
    }
}

impl ConvBlock {
    /// Folds the norm, with its running statistics, into the convolution: the same prediction
    /// without a norm.
    pub(super) fn fold_norm(&mut self) {
        if let Some(norm) = self.norm.take() {
            let (weight, bias) = norm.fold_into(self.conv.weight.val());
            let id = self.conv.weight.id;
            self.conv.weight = Param::initialized(id, weight);
            self.conv.bias = Some(Param::initialized(norm.bias.id, bias));
        }
    }
}

impl BatchNorm {
    fn new(n: usize, initial: &Initial<'_>) -> Self {
        let frozen = |value| initial.constant(value, n).set_require_grad(false);
        Self {
            weight: initial.constant(1.0, n),
            bias: initial.constant(0.0, n),
            running_mean: frozen(0.0),
            running_var: frozen(1.0),
        }
    }

    fn parameters(&self) -> Norm {
        Norm {
            gamma: self.weight.val(),
            beta: self.bias.val(),
            eps: NORM_EPS,
        }
    }

    fn fold_into(&self, weight: Tensor<4>) -> (Tensor<4>, Tensor<1>) {
        fold_norm(
            weight,
            self.weight.val(),
            self.bias.val(),
            self.running_mean.val(),
            self.running_var.val(),
            NORM_EPS,
        )
    }

    /// Takes a batch's statistics into the running ones.
    pub(super) fn absorb(&mut self, seen: &BatchStatistics) {
        let n = seen.n as f64;
        let unbiased = seen.var_biased.clone().mul_scalar(n / (n - 1.0).max(1.0));
        blend(&mut self.running_mean, seen.mean.clone());
        blend(&mut self.running_var, unbiased);
    }
}

fn blend(running: &mut Param<Tensor<1>>, seen: Tensor<1>) {
    let device = running.val().device();
    let kept = running.val().inner().mul_scalar(1.0 - RUNNING_SHARE);
    let blended = kept + seen.inner().mul_scalar(RUNNING_SHARE);
    let value = if device.is_autodiff() {
        blended.autodiff()
    } else {
        blended
    };
    *running = Param::initialized(running.id, value).set_require_grad(false);
}
