//! A workload made ready: net, slices, settings.

use std::path::Path;

use burn::tensor::Device;
use hardslice_data::random::Stream;
use hardslice_kernels::Buffer;
use hardslice_volume::Action;
use hardslice_volume::whole_file::{write_json, write_whole_bytes};
use serde::Serialize;

use super::{BenchError, Workload};
use crate::config::TrainConfig;
use crate::dataset::Batch;
use crate::net::{Net, NetConfig};
use crate::weights::{NamedTensor, Weights};

/// The organ is a disc of this share of the slice's side as radius.
const RADIUS: f64 = 0.15;

/// A workload made ready: net, slices, settings.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What it is.
    pub workload: Workload,
    /// How the net is made.
    pub net_config: NetConfig,
    /// How it is trained.
    pub train_config: TrainConfig,
    /// The net, with gradients.
    pub net: Net,
    /// Noise with a disc in each slice, and the discs as targets.
    pub batch: Batch,
    /// Seed of weights and slices.
    pub seed: u64,
}

/// What another program needs to know of a workload beside its arrays.
#[derive(Debug, Serialize)]
struct Exported<'a> {
    net: &'a NetConfig,
    train: &'a TrainConfig,
    seed: u64,
}

impl Prepared {
    /// Makes a workload ready for a training of `steps` steps.
    ///
    /// # Errors
    ///
    /// [`BenchError`] when the net has no such size.
    pub fn new(
        workload: Workload,
        steps: u64,
        seed: u64,
        device: &Device,
    ) -> Result<Self, BenchError> {
        let (net_config, train_config) = (workload.net_config()?, workload.train_config(steps)?);
        let net = Net::new(&net_config, 1, seed, &device.clone().autodiff());
        let batch = discs(train_config.batch, workload.dimensions()?.pixels, seed);
        Ok(Self {
            workload,
            net_config,
            train_config,
            net,
            batch,
            seed,
        })
    }

    /// Writes `weights.safetensors` (a PyTorch state dict), `batch.safetensors` (`images`,
    /// `targets`, both `[n, 1, y, x]`) and `workload.json` into `dir`.
    ///
    /// # Errors
    ///
    /// [`BenchError::File`] when the file system refuses.
    pub fn export(&self, dir: &Path) -> Result<(), BenchError> {
        let Batch { n, size, .. } = self.batch;
        let planes = |name: &str, values: &[f32]| NamedTensor {
            name: name.to_owned(),
            shape: vec![n, 1, size, size],
            values: values.to_vec(),
        };
        let batch = Weights {
            tensors: vec![
                planes("images", &self.batch.images),
                planes("targets", &self.batch.targets),
            ],
        };
        let record = Exported {
            net: &self.net_config,
            train: &self.train_config,
            seed: self.seed,
        };
        for (name, weights) in [
            ("weights.safetensors", Weights::of(&self.net)),
            ("batch.safetensors", batch),
        ] {
            let path = dir.join(name);
            write_whole_bytes(&path, &weights.to_safetensors()).map_err(Action::Write.on(&path))?;
        }
        Ok(write_json(&dir.join("workload.json"), &record)?)
    }
}

/// Noise with a brighter disc somewhere in each slice.
fn discs(n: usize, size: usize, seed: u64) -> Batch {
    let mut stream = Stream::new(seed, "bench/slices");
    let (mut images, mut targets) = (Vec::new(), Vec::new());
    let side = size as f64;
    for _ in 0..n {
        let [centre_y, centre_x] = [(); 2].map(|()| stream.uniform_in(0.3, 0.7) * side);
        for pixel in 0..size * size {
            let (y, x) = ((pixel / size) as f64, (pixel % size) as f64);
            let is_organ = (y - centre_y).hypot(x - centre_x) < RADIUS * side;
            let target = f32::from(u8::from(is_organ));
            #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
            let noise = stream.uniform() as f32;
            images.push(f32::midpoint(noise, target));
            targets.push(target);
        }
    }
    Batch {
        n,
        n_channels: 1,
        n_organs: 1,
        size,
        images: Buffer::copy_of(&images),
        targets: Buffer::copy_of(&targets),
        annotated: vec![1.0; n],
        valid: None,
    }
}
