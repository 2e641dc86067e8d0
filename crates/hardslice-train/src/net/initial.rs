//! Weight initialisation (He, bilinear), each parameter from a random stream of its own.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use hardslice_data::random::Stream;

/// Makes a net's first weights, each parameter from the random stream of its name.
///
/// # Sources
///
/// K. He et al. (2015), "Delving Deep into Rectifiers": normal, standard deviation
/// `sqrt(2 / fan_in)`.
#[derive(Debug, Clone, Copy)]
pub struct Initial<'a> {
    /// The seed of the experiment.
    pub seed: u64,
    /// Where the weights live.
    pub device: &'a Device,
}

impl Initial<'_> {
    /// Weights of a convolution (`[out, in, y, x]`), or of any operation in which `fan_in` values
    /// make each output.
    pub fn he(&self, name: &str, shape: [usize; 4], fan_in: usize) -> Param<Tensor<4>> {
        let mut stream = Stream::new(self.seed, &format!("initial/{name}"));
        let sd = (2.0 / fan_in as f64).sqrt();
        let n = shape.iter().product();
        #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
        let values: Vec<f32> = (0..n).map(|_| (stream.normal() * sd) as f32).collect();
        Param::from_data(TensorData::new(values, shape), self.device)
    }

    /// Weights `[planes, planes, 2s, 2s]` of a transposed convolution that upsamples each plane by
    /// `stride` s bilinearly.
    pub fn bilinear(&self, n_planes: usize, stride: usize) -> Param<Tensor<4>> {
        let size = 2 * stride;
        let centre = (size as f32 - 1.0) / 2.0;
        let tent = |i: usize| 1.0 - (i as f32 - centre).abs() / stride as f32;
        let mut values = vec![0.0_f32; n_planes * n_planes * size * size];
        for plane in 0..n_planes {
            let start = (plane * n_planes + plane) * size * size;
            for (i, value) in values[start..start + size * size].iter_mut().enumerate() {
                *value = tent(i / size) * tent(i % size);
            }
        }
        let shape = [n_planes, n_planes, size, size];
        Param::from_data(TensorData::new(values, shape), self.device)
    }

    /// A vector of one value: zeros for a bias, ones for the scale of a norm.
    pub fn constant(&self, value: f32, n: usize) -> Param<Tensor<1>> {
        Param::from_data(TensorData::new(vec![value; n], [n]), self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bilinear_weights_of_stride_2_are_the_textbook_tent() {
        let device = Device::flex();
        let initial = Initial {
            seed: 0,
            device: &device,
        };
        let weights: Vec<f32> = initial.bilinear(2, 2).val().into_data().iter().collect();
        let row = [0.25, 0.75, 0.75, 0.25];
        for (i, weight) in weights.iter().enumerate() {
            let (plane, y, x) = (i / 16, i / 4 % 4, i % 4);
            let want = if plane == 0 || plane == 3 {
                row[y] * row[x]
            } else {
                0.0
            };
            assert!(
                (weight - want).abs() < 1e-7,
                "plane {plane}, ({y}, {x}): {weight}"
            );
        }
    }
}
