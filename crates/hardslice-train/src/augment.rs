//! Data augmentation: flips, mirrors and, where asked for, rotations, scales and intensity changes.

use hardslice_data::balance::{Flip, Sample};
use hardslice_data::random::Stream;
use serde::{Deserialize, Serialize};

/// How slices are varied beyond flip and mirror. All off by default, as in the paper.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Largest rotation either way, degrees.
    pub rotation_deg: f64,
    /// Largest change of size: 0.1 draws factors from 1/1.1 to 1.1.
    pub scale: f64,
    /// Largest change of intensity, as a share of the window: 0.1 shifts by up to a tenth of it
    /// and stretches by up to a tenth.
    pub intensity: f64,
}

/// What happens to one drawn slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Variation {
    /// Whether y is reversed ("flip").
    pub flip: bool,
    /// Whether x is reversed ("mirror"): left and right labels change places.
    pub mirror: bool,
    /// Rotation and scale about the centre, as the matrix that leads from a pixel of the result to
    /// a place in the stored slice, `[[yy, yx], [xy, xx]]`; `None` for none.
    pub source_from_result: Option<[[f64; 2]; 2]>,
    /// Intensity becomes `gain · v + shift`, with v in [0, 1].
    pub gain: f32,
    /// See `gain`.
    pub shift: f32,
}

impl Variation {
    /// Nothing happens.
    pub const NONE: Self = Self {
        flip: false,
        mirror: false,
        source_from_result: None,
        gain: 1.0,
        shift: 0.0,
    };
}

impl Augmentation {
    /// Draws what happens to one slice.
    ///
    /// `stream` must be the sample's own: how much of it is used depends on the settings.
    pub fn draw(&self, sample: &Sample, stream: &mut Stream) -> Variation {
        let (flip, mirror) = match sample.flip {
            Flip::Random => (stream.chance(0.5), stream.chance(0.5)),
            Flip::AsIs => (false, false),
            Flip::Flipped => (true, false),
            Flip::Mirrored => (false, true),
            Flip::FlippedMirrored => (true, true),
        };
        let mut symmetric = |largest: f64| (2.0 * stream.uniform() - 1.0) * largest;
        let angle = symmetric(self.rotation_deg).to_radians();
        let size = (1.0 + self.scale).powf(symmetric(1.0));
        let [gain, shift] = [symmetric(self.intensity), symmetric(self.intensity)];
        let is_warped = self.rotation_deg > 0.0 || self.scale > 0.0;
        let (sin, cos) = (angle.sin() / size, angle.cos() / size);
        #[expect(clippy::cast_possible_truncation, reason = "intensities are f32")]
        Variation {
            flip,
            mirror,
            source_from_result: is_warped.then_some([[cos, -sin], [sin, cos]]),
            gain: 1.0 + gain as f32,
            shift: shift as f32,
        }
    }
}

/// Where each pixel of a varied slice comes from, in the stored slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    size: usize,
    variation: Variation,
}

impl Source {
    pub(crate) fn new(size: usize, variation: Variation) -> Self {
        Self { size, variation }
    }

    /// Fills `out` with an image: linear between pixels, `outside` beyond the border.
    pub(crate) fn image(&self, stored: &[i16], out: &mut [f32], scale: impl Fn(f32) -> f32) {
        let Variation { gain, shift, .. } = self.variation;
        let value = |hu: f32| (scale(hu) * gain + shift).clamp(0.0, 1.0);
        match self.variation.source_from_result {
            None => self.copy(stored, out, |hu| value(f32::from(hu))),
            Some(matrix) => self.each_place(matrix, |pixel, y, x| {
                out[pixel] = value(self.linear(stored, y, x));
            }),
        }
    }

    /// Fills `out` from labels: the nearest pixel, background beyond the border.
    pub(crate) fn labels(&self, stored: &[u8], mirror_table: &[u8; 256], out: &mut [u8]) {
        let value = |label: u8| {
            if self.variation.mirror {
                mirror_table[usize::from(label)]
            } else {
                label
            }
        };
        match self.variation.source_from_result {
            None => self.copy(stored, out, value),
            Some(matrix) => self.each_place(matrix, |pixel, y, x| {
                out[pixel] = self
                    .at(y.round(), x.round())
                    .map_or(0, |i| value(stored[i]));
            }),
        }
    }

    fn copy<T: Copy, U>(&self, stored: &[T], out: &mut [U], value: impl Fn(T) -> U) {
        let size = self.size;
        for (y, row) in out.chunks_exact_mut(size).enumerate() {
            let from = if self.variation.flip { size - 1 - y } else { y };
            let stored = &stored[from * size..(from + 1) * size];
            if self.variation.mirror {
                row.iter_mut()
                    .zip(stored.iter().rev())
                    .for_each(|(o, s)| *o = value(*s));
            } else {
                row.iter_mut().zip(stored).for_each(|(o, s)| *o = value(*s));
            }
        }
    }

    /// Calls `f(pixel, y, x)` with the place in the stored slice of each pixel of the result.
    fn each_place(&self, [[yy, yx], [xy, xx]]: [[f64; 2]; 2], mut f: impl FnMut(usize, f64, f64)) {
        let centre = (self.size as f64 - 1.0) / 2.0;
        let sign = |reversed: bool| if reversed { -1.0 } else { 1.0 };
        for pixel in 0..self.size * self.size {
            let y = ((pixel / self.size) as f64 - centre) * sign(self.variation.flip);
            let x = ((pixel % self.size) as f64 - centre) * sign(self.variation.mirror);
            f(pixel, yy * y + yx * x + centre, xy * y + xx * x + centre);
        }
    }

    /// Index of a pixel, if it lies in the slice.
    fn at(&self, y: f64, x: f64) -> Option<usize> {
        let last = self.size as f64 - 1.0;
        if !(0.0..=last).contains(&y) || !(0.0..=last).contains(&x) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to lie in the slice"
        )]
        let index = y as usize * self.size + x as usize;
        Some(index)
    }

    fn linear(&self, stored: &[i16], y: f64, x: f64) -> f32 {
        let (y0, x0) = (y.floor(), x.floor());
        let (fy, fx) = (y - y0, x - x0);
        let corners = [
            (y0, x0, (1.0 - fy) * (1.0 - fx)),
            (y0, x0 + 1.0, (1.0 - fy) * fx),
            (y0 + 1.0, x0, fy * (1.0 - fx)),
            (y0 + 1.0, x0 + 1.0, fy * fx),
        ];
        let outside = f64::from(stored[0]);
        let value = |y, x| self.at(y, x).map_or(outside, |i| f64::from(stored[i]));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a value between Hounsfield units"
        )]
        let blended = corners
            .into_iter()
            .map(|(y, x, w)| w * value(y, x))
            .sum::<f64>() as f32;
        blended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varied(variation: Variation) -> (Vec<f32>, Vec<u8>) {
        let stored: Vec<i16> = (0..9).collect();
        let labels = [1, 0, 0, 0, 0, 0, 0, 0, 2];
        let mut table: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        table.swap(1, 2);
        let source = Source::new(3, variation);
        let (mut image, mut out) = (vec![0.0; 9], vec![0; 9]);
        source.image(&stored, &mut image, |hu| hu / 10.0);
        source.labels(&labels, &table, &mut out);
        let tenths = image.iter().map(|v| (v * 10.0).round()).collect();
        (tenths, out)
    }

    #[test]
    fn a_flip_reverses_y_and_leaves_the_sides_alone() {
        let (image, labels) = varied(Variation {
            flip: true,
            ..Variation::NONE
        });
        assert_eq!(
            image,
            [6.0, 7.0, 8.0, 3.0, 4.0, 5.0, 0.0, 1.0, 2.0],
            "rows reversed"
        );
        assert_eq!(
            labels,
            [0, 0, 2, 0, 0, 0, 1, 0, 0],
            "labels move but keep their side"
        );
    }

    #[test]
    fn a_mirror_reverses_x_and_swaps_left_and_right() {
        let (image, labels) = varied(Variation {
            mirror: true,
            ..Variation::NONE
        });
        assert_eq!(
            image,
            [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, 8.0, 7.0, 6.0],
            "columns reversed"
        );
        assert_eq!(labels, [0, 0, 2, 0, 0, 0, 1, 0, 0], "1 and 2 change places");
    }

    #[test]
    fn a_quarter_turn_takes_every_pixel_to_its_place() {
        let (image, _) = varied(Variation {
            source_from_result: Some([[0.0, -1.0], [1.0, 0.0]]),
            ..Variation::NONE
        });
        // Result (y, x) comes from stored (−x, y) about the centre: the first row is the last column.
        assert_eq!(
            image,
            [6.0, 3.0, 0.0, 7.0, 4.0, 1.0, 8.0, 5.0, 2.0],
            "turned by 90 degrees"
        );
    }

    #[test]
    fn the_paper_s_settings_change_nothing_but_flips() {
        let sample = Sample {
            slice: hardslice_data::SliceRef { case_idx: 0, z: 0 },
            flip: Flip::AsIs,
        };
        let mut stream = Stream::new(1, "augment");
        assert_eq!(
            Augmentation::default().draw(&sample, &mut stream),
            Variation::NONE,
            "as stored"
        );
    }
}
