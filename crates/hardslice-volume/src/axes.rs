//! Values that belong to the three axes of a volume.

use serde::{Deserialize, Serialize};

/// One value for each axis of a volume, in storage order: `z` slowest, `x` fastest.
///
/// In canonical axes `x` grows to the patient's right, `y` to the front and `z` to the head (RAS+).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PerAxis<T> {
    /// The slice axis.
    pub z: T,
    /// The row axis.
    pub y: T,
    /// The column axis; neighbours along it are neighbours in memory.
    pub x: T,
}

impl<T> PerAxis<T> {
    /// Makes a value from its parts in storage order.
    pub const fn new(z: T, y: T, x: T) -> Self {
        Self { z, y, x }
    }

    /// The parts in storage order, `[z, y, x]`.
    pub fn zyx(self) -> [T; 3] {
        [self.z, self.y, self.x]
    }

    /// The parts in the order of NIfTI and of affines, `[x, y, z]`.
    pub fn xyz(self) -> [T; 3] {
        [self.x, self.y, self.z]
    }

    /// Makes a value from parts in the order of NIfTI and of affines, `[x, y, z]`.
    pub fn from_xyz([x, y, z]: [T; 3]) -> Self {
        Self { z, y, x }
    }

    /// Applies a function to each part.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerAxis<U> {
        PerAxis {
            z: f(self.z),
            y: f(self.y),
            x: f(self.x),
        }
    }
}

impl PerAxis<usize> {
    /// Voxels on a grid of this shape.
    pub fn n_voxels(self) -> usize {
        self.z * self.y * self.x
    }

    /// Pixels in one slice of a grid of this shape.
    pub fn n_pixels(self) -> usize {
        self.y * self.x
    }
}

impl<T: std::fmt::Display> std::fmt::Display for PerAxis<T> {
    /// Writes `x × y × z`, the order that people and viewers use.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(digits) = f.precision() {
            write!(
                f,
                "{:.digits$} × {:.digits$} × {:.digits$}",
                self.x, self.y, self.z
            )
        } else {
            write!(f, "{} × {} × {}", self.x, self.y, self.z)
        }
    }
}
