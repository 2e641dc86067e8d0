//! The activations of a layer.

use burn::tensor::Tensor;

/// Activations of a layer, in the layout that the device computes fastest in.
///
/// What the layout is stays inside this crate; [`Features::from_planar`] and
/// [`Features::into_planar`] stand at the ends of a net. Both are differentiable.
#[derive(Debug, Clone)]
pub struct Features {
    planar: Tensor<4>,
}

impl Features {
    /// Takes planar activations over.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, channels, y, x]`.
    pub fn from_planar(x: Tensor<4>) -> Self {
        Self { planar: x }
    }

    /// Gives the activations back as planes.
    ///
    /// # Shapes
    ///
    /// `[n, channels, y, x]`.
    pub fn into_planar(self) -> Tensor<4> {
        self.planar
    }

    /// How many channels the layer has.
    pub fn channels(&self) -> usize {
        self.shape()[1]
    }

    /// `[n, channels, y, x]`, whatever the layout.
    pub fn shape(&self) -> [usize; 4] {
        self.planar.dims()
    }
}
