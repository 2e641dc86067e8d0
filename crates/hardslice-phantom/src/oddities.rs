//! Odd anatomy that one patient may have.

use crate::solid::{Ellipsoid, ramp};

/// What is odd about one patient; nothing by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Oddities {
    /// Riedel's lobe: the right lobe reaches down to the pelvis.
    pub(crate) riedel: bool,
    /// The left lobe reaches around the stomach to the spleen.
    pub(crate) left_to_spleen: bool,
    /// Fluid around the liver.
    pub(crate) ascites: Option<Ascites>,
    /// One small kidney: -1 the left, 1 the right.
    pub(crate) atrophic_kidney: Option<f64>,
    /// The lower poles of the kidneys joined in front of the spine.
    pub(crate) horseshoe: bool,
}

impl Oddities {
    /// Tongues of liver.
    pub(crate) fn liver_tongues(self) -> Vec<Ellipsoid> {
        let mut tongues = Vec::new();
        if self.riedel {
            tongues.push(riedel_lobe());
        }
        if self.left_to_spleen {
            tongues.push(tail_of_left_lobe());
        }
        tongues
    }
}

/// The tongue of Riedel's lobe.
pub(crate) fn riedel_lobe() -> Ellipsoid {
    Ellipsoid::new([106.0, 40.0, -34.0], [13.0, 32.0, 62.0]).turned(0, 2, 0.1)
}

/// The tongue of a left lobe that reaches the spleen.
pub(crate) fn tail_of_left_lobe() -> Ellipsoid {
    Ellipsoid::new([-92.0, 34.0, 86.0], [62.0, 21.0, 27.0]).turned(0, 1, 0.95)
}

/// A stretch of the body, from one height to another, that fades in and out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stretch {
    /// Middle, in the body's frame.
    pub(crate) middle_z: f64,
    pub(crate) half_mm: f64,
}

impl Stretch {
    /// How strong at a height: 1 in the middle, 0 from the ends on.
    pub(crate) fn weight(self, z: f64) -> f64 {
        ramp(1.0, 0.72, (z - self.middle_z).abs() / self.half_mm)
    }

    /// Lowest and highest point.
    pub(crate) fn ends(self) -> [f64; 2] {
        [self.middle_z - self.half_mm, self.middle_z + self.half_mm]
    }
}

/// Fluid between the liver and the wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ascites {
    pub(crate) stretch: Stretch,
    pub(crate) most_mm: f64,
}

impl Ascites {
    pub(crate) fn thickness_mm(self, z: f64) -> f64 {
        self.most_mm * self.stretch.weight(z)
    }
}
