//! Runs a workload and takes the time.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::flops::conv_flops;
use super::{BenchError, Dimensions, Mode, Prepared, Size};
use crate::device::arithmetic;
use crate::fit::TrainState;
use crate::net::{Dtype, ForwardContext};

/// Losses kept, to compare with another program's.
const N_LOSSES: usize = 20;

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Steps measured, 1 at least.
    pub steps: usize,
    /// Steps before the measured ones.
    pub warmup: usize,
}

/// What a workload took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// `unet` or `fcn`.
    pub net: &'static str,
    /// Its size.
    pub size: Size,
    /// Training or prediction.
    pub mode: Mode,
    /// How activations are stored.
    pub dtype: Dtype,
    /// The size in numbers.
    #[serde(flatten)]
    pub dimensions: Dimensions,
    /// Threads that computed.
    pub threads: usize,
    /// Instruction set of the kernels.
    pub instruction_set: String,
    /// Slices a second, by the median step.
    pub slices_per_s: f64,
    /// Median of the measured steps, seconds.
    pub median_s: f64,
    /// The fastest of them, seconds.
    pub min_s: f64,
    /// Steps measured.
    pub steps: usize,
    /// 10⁹ operations a second, by the median step, counted as direct convolutions: a kernel that
    /// needs fewer multiplications (Winograd's) can exceed the peak.
    pub gflops: f64,
    /// 10⁹ operations a second that the same threads reach at most; absent where the processor has
    /// no instruction for the numbers.
    pub peak_gflops: Option<f64>,
    /// `gflops` over `peak_gflops`.
    pub share_of_peak: Option<f64>,
    /// In training the loss of each of the first steps, the warm-up included; in prediction that of
    /// the predicted slices.
    pub losses: Vec<f64>,
}

impl Prepared {
    /// Runs the workload. `advanced` is told the steps done, the warm-up included.
    ///
    /// # Errors
    ///
    /// [`BenchError::Fit`] when the loss is not a number.
    pub fn measure(
        self,
        effort: Effort,
        device: &Device,
        advanced: &dyn Fn(u64),
    ) -> Result<Measured, BenchError> {
        let (workload, dimensions) = (self.workload, self.workload.dimensions()?);
        let flops = conv_flops(
            &self.net,
            dimensions.batch,
            dimensions.pixels,
            workload.mode,
        );
        // The peak is the processor's.
        let peak = workload.peak_flops().filter(|_| *device == Device::flex());
        let peak_gflops = peak.map(|peak| peak / 1e9);
        let (mut seconds, losses) = match workload.mode {
            Mode::Train => self.train(effort, device, advanced)?,
            Mode::Infer => self.infer(effort, device, advanced),
        };
        seconds.sort_by(f64::total_cmp);
        let median_s = seconds[seconds.len() / 2];
        let gflops = flops / median_s / 1e9;
        Ok(Measured {
            net: workload.net_name(),
            size: workload.size,
            mode: workload.mode,
            dtype: workload.dtype,
            dimensions,
            threads: rayon::current_num_threads(),
            instruction_set: arithmetic(device),
            slices_per_s: dimensions.batch as f64 / median_s,
            median_s,
            min_s: seconds[0],
            steps: seconds.len(),
            gflops,
            peak_gflops,
            share_of_peak: peak_gflops.map(|peak| gflops / peak),
            losses,
        })
    }

    /// Seconds of the measured steps, and the first losses.
    fn train(
        self,
        effort: Effort,
        device: &Device,
        advanced: &dyn Fn(u64),
    ) -> Result<(Vec<f64>, Vec<f64>), BenchError> {
        let Self {
            net,
            train_config,
            batch,
            seed,
            ..
        } = self;
        let mut state = TrainState::new(net, &train_config);
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        for step in 0..effort.n_steps() {
            let start = Instant::now();
            let (next, loss) = state.take_step(&batch, &train_config, seed, device)?;
            state = next;
            seconds.push(start.elapsed().as_secs_f64());
            losses.push(loss);
            advanced(step as u64 + 1);
        }
        losses.truncate(N_LOSSES);
        Ok((seconds.split_off(effort.warmup), losses))
    }

    /// Seconds of the measured predictions, and their loss.
    fn infer(
        self,
        effort: Effort,
        device: &Device,
        advanced: &dyn Fn(u64),
    ) -> (Vec<f64>, Vec<f64>) {
        let device = device.clone().without_autodiff();
        let net = self.net.for_prediction();
        let batch = self.batch;
        let (mut seconds, mut last) = (Vec::new(), None);
        for step in 0..effort.n_steps() {
            let start = Instant::now();
            let logits = net.forward(batch.images(&device), &mut ForwardContext::predict());
            seconds.push(start.elapsed().as_secs_f64());
            last = Some(logits);
            advanced(step as u64 + 1);
        }
        let loss = |logits: Tensor<4>| {
            let loss = self.train_config.loss.of(logits, batch.targets(&device));
            f64::from(loss.into_scalar::<f32>())
        };
        let losses = last.map(loss).into_iter().collect();
        (seconds.split_off(effort.warmup), losses)
    }
}

impl Effort {
    /// Steps in all, the warm-up included; one is always measured.
    pub fn n_steps(&self) -> usize {
        self.warmup + self.steps.max(1)
    }
}
