//! What an augmentation makes of a stored slice: resampling, intensities, noise.

use hardslice_data::random::Stream;

use super::{Noise, Variation};

/// Where each pixel of a varied slice comes from, in the stored slice.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    size: usize,
    variation: Variation,
    /// The random numbers of the noise: each image of a stack of slices has noise of its own.
    noise: Option<(f32, Stream)>,
}

impl Source {
    pub(crate) fn new(size: usize, variation: Variation) -> Self {
        let noise = variation.noise;
        Self {
            size,
            variation,
            noise: noise.map(|Noise { sd, seed }| (sd, Stream::new(seed, "noise"))),
        }
    }

    /// Fills `out` with an image: linear between pixels, the corner's value beyond the border.
    pub(crate) fn image(&mut self, stored: &[i16], out: &mut [f32], scale: impl Fn(f32) -> f32) {
        let Variation {
            coarser,
            gain,
            shift,
            gamma,
            ..
        } = self.variation;
        let value = |hu: f32| (scale(hu) * gain + shift).clamp(0.0, 1.0);
        match self.variation.source_from_result {
            None => self.copy(stored, out, |hu| value(f32::from(hu))),
            Some(matrix) => self.each_place(matrix, |pixel, y, x| {
                out[pixel] = value(self.linear(stored, y, x));
            }),
        }
        if let Some(coarser) = coarser {
            lower_resolution(out, self.size, coarser);
        }
        if let Some(gamma) = gamma {
            for v in out.iter_mut() {
                *v = v.powf(gamma);
            }
        }
        if let Some((sd, stream)) = &mut self.noise {
            for v in out {
                *v = (*v + *sd * roughly_normal(stream.bits())).clamp(0.0, 1.0);
            }
        }
    }

    /// Fills `out` from labels: of the four pixels around, whose masks are each interpolated linearly,
    /// the label that weighs most; background beyond the border. The nearest pixel's label would turn
    /// the steps of an organ's edge with it.
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
                out[pixel] = value(self.heaviest(stored, y, x));
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

    /// The four pixels around a place, each with its value, or that beyond the border, and its weight
    /// in linear interpolation.
    fn around<T: Copy>(&self, stored: &[T], beyond: T, y: f64, x: f64) -> [(T, f64); 4] {
        let (y0, x0) = (y.floor(), x.floor());
        let (fy, fx) = (y - y0, x - x0);
        [
            (y0, x0, (1.0 - fy) * (1.0 - fx)),
            (y0, x0 + 1.0, (1.0 - fy) * fx),
            (y0 + 1.0, x0, fy * (1.0 - fx)),
            (y0 + 1.0, x0 + 1.0, fy * fx),
        ]
        .map(|(y, x, weight)| (self.at(y, x).map_or(beyond, |i| stored[i]), weight))
    }

    fn linear(&self, stored: &[i16], y: f64, x: f64) -> f32 {
        let around = self.around(stored, stored[0], y, x);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a value between Hounsfield units"
        )]
        let blended = around
            .into_iter()
            .map(|(hu, weight)| weight * f64::from(hu))
            .sum::<f64>() as f32;
        blended
    }

    /// The label that weighs most around a place; of equals the first.
    fn heaviest(&self, stored: &[u8], y: f64, x: f64) -> u8 {
        let around = self.around(stored, 0, y, x);
        let (first, _) = around[0];
        if around.iter().all(|(label, _)| *label == first) {
            return first;
        }
        let weight_of = |label: u8| -> f64 {
            let of_label = around.iter().filter(|(other, _)| *other == label);
            of_label.map(|(_, weight)| weight).sum()
        };
        let weighed = around.map(|(label, _)| (label, weight_of(label)));
        let heavier = |a: (u8, f64), b: (u8, f64)| if b.1 > a.1 { b } else { a };
        weighed.into_iter().fold(weighed[0], heavier).0
    }
}

/// A number of mean 0 and standard deviation 1 from 64 random bits: the sum of four even ones, which
/// lies within 3.5 and is a hundred times as cheap as an exact draw.
fn roughly_normal(bits: u64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "sixteen bits of it")]
    let parts = [0, 16, 32, 48].map(|by| f32::from((bits >> by) as u16));
    let sum: f32 = parts.iter().sum();
    // Each part is even on 0 to 65,535: its variance is (65,536² − 1) / 12.
    (sum - 4.0 * 32_767.5) / 37_837.2
}

/// For each place of a resampled line, the two places of the line that it lies between, and the
/// weight of the second.
struct Taps(Vec<(usize, usize, f32)>);

impl Taps {
    fn new(from: usize, to: usize) -> Self {
        let step = from as f64 / to as f64;
        let last = (from - 1) as f64;
        let taps = (0..to).map(|i| {
            let at = ((i as f64 + 0.5) * step - 0.5).clamp(0.0, last);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within the line"
            )]
            let low = at.floor() as usize;
            #[expect(clippy::cast_possible_truncation, reason = "a weight")]
            (low, (low + 1).min(from - 1), (at - low as f64) as f32)
        });
        Self(taps.collect())
    }

    /// Resamples the square image `from` to the square image `to`.
    fn resample(&self, from: &[f32], to: &mut [f32]) {
        let n_from = from.len().isqrt();
        for (row, (low, high, t)) in to.chunks_exact_mut(self.0.len()).zip(&self.0) {
            let lines = [low, high].map(|y| &from[y * n_from..(y + 1) * n_from]);
            for (value, (left, right, s)) in row.iter_mut().zip(&self.0) {
                let [a, b] = lines.map(|line| line[*left] + s * (line[*right] - line[*left]));
                *value = a + t * (b - a);
            }
        }
    }
}

/// Takes a square image through pixels that are `coarser` times as large, linear both ways.
fn lower_resolution(image: &mut [f32], size: usize, coarser: f32) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the size"
    )]
    let n_coarse = ((size as f32 / coarser).round() as usize).clamp(1, size);
    let down = Taps::new(size, n_coarse);
    let up = Taps::new(n_coarse, size);
    let mut coarse = vec![0.0; n_coarse * n_coarse];
    down.resample(image, &mut coarse);
    up.resample(&coarse, image);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varied(variation: Variation) -> (Vec<f32>, Vec<u8>) {
        let stored: Vec<i16> = (0..9).collect();
        let labels = [1, 0, 0, 0, 0, 0, 0, 0, 2];
        let mut table: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        table.swap(1, 2);
        let mut source = Source::new(3, variation);
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

    /// Labels of a slice that is turned by an angle about its centre.
    fn turned(labels: &[u8], degrees: f64) -> Vec<u8> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let variation = Variation {
            source_from_result: Some([[cos, -sin], [sin, cos]]),
            ..Variation::NONE
        };
        let size = labels.len().isqrt();
        let mut out = vec![0; labels.len()];
        let same = std::array::from_fn(|i| u8::try_from(i).unwrap());
        Source::new(size, variation).labels(labels, &same, &mut out);
        out
    }

    #[test]
    fn two_of_three_labels_around_a_place_outvote_the_nearest() {
        // The place 0.4 down and 0.4 right of label 7: it weighs 0.36, both 5 together 0.48.
        let source = Source::new(2, Variation::NONE);
        assert_eq!(source.heaviest(&[7, 5, 5, 0], 0.4, 0.4), 5, "two fives");
        assert_eq!(source.heaviest(&[7, 5, 3, 0], 0.4, 0.4), 7, "all different");
        assert_eq!(source.heaviest(&[7, 7, 7, 7], 0.5, 1.8), 0, "beyond");
        assert_eq!(source.heaviest(&[7, 5, 0, 0], 0.0, 0.5), 7, "of equals");
    }

    #[test]
    fn a_turned_disc_is_as_round_as_scipys() {
        const SIZE: usize = 41;
        let disc: Vec<u8> = (0..SIZE * SIZE)
            .map(|i| {
                let from_centre = |at: usize| at.abs_diff(SIZE / 2).pow(2) as f64;
                u8::from(from_centre(i / SIZE) + from_centre(i % SIZE) <= 8.3 * 8.3)
            })
            .collect();
        let wrong = |degrees: &f64| {
            let found = turned(&disc, *degrees);
            found.iter().zip(&disc).filter(|(a, b)| a != b).count()
        };
        // SciPy 1.17.1, `map_coordinates(disc, ..., order=1) > 0.5`: 52 pixels of five turned discs;
        // with the nearest pixel's label they are 72.
        let all: usize = [10.0, 20.0, 33.0, 45.0, 60.0].iter().map(wrong).sum();
        assert_eq!(all, 52);
    }

    fn flat(size: usize, hu: i16, variation: Variation) -> Vec<f32> {
        let mut image = vec![0.0; size * size];
        let mut source = Source::new(size, variation);
        source.image(&vec![hu; size * size], &mut image, |hu| hu / 100.0);
        image
    }

    #[test]
    fn noise_has_its_standard_deviation_and_no_mean_and_is_the_same_again() {
        let variation = Variation {
            noise: Some(Noise { sd: 0.05, seed: 7 }),
            ..Variation::NONE
        };
        let image = flat(200, 50, variation);
        let n = image.len() as f64;
        let mean = image.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let squares = image.iter().map(|v| (f64::from(*v) - mean).powi(2));
        let sd = (squares.sum::<f64>() / n).sqrt();
        // Standard errors at 40,000 pixels: 0.00025 and 0.00018.
        assert!((mean - 0.5).abs() < 0.001, "mean {mean}");
        assert!((sd - 0.05).abs() < 0.001, "standard deviation {sd}");
        assert_eq!(image, flat(200, 50, variation), "the same seed");
        let other = Variation {
            noise: Some(Noise { sd: 0.05, seed: 8 }),
            ..variation
        };
        assert!(image != flat(200, 50, other), "another seed");
    }

    #[test]
    fn each_image_of_a_stack_has_noise_of_its_own() {
        let mut source = Source::new(
            8,
            Variation {
                noise: Some(Noise { sd: 0.05, seed: 7 }),
                ..Variation::NONE
            },
        );
        let [first, second] = [(); 2].map(|()| {
            let mut image = [0.0; 64];
            source.image(&[50; 64], &mut image, |hu| hu / 100.0);
            image
        });
        let is_alike = |(a, b): &(&f32, &f32)| (*a - *b).abs() < 1e-6;
        let n_alike = first.iter().zip(&second).filter(is_alike).count();
        assert!(n_alike < 8, "{n_alike} of 64 pixels alike");
    }

    #[test]
    fn gamma_bends_intensities_after_gain_and_shift() {
        let variation = Variation {
            gain: 0.5,
            shift: 0.05,
            gamma: Some(2.0),
            ..Variation::NONE
        };
        // 40 HU are 0.4: (0.5 · 0.4 + 0.05)² = 0.0625.
        let image = flat(4, 40, variation);
        assert!(image.iter().all(|v| (v - 0.0625).abs() < 1e-6), "{image:?}");
    }

    #[test]
    fn low_resolution_keeps_what_is_even_and_smooths_an_edge() {
        let variation = Variation {
            coarser: Some(2.0),
            ..Variation::NONE
        };
        let even = flat(6, 30, variation);
        assert!(even.iter().all(|v| (v - 0.3).abs() < 1e-6), "{even:?}");
        let edge: Vec<i16> = (0..64).map(|i| if i % 8 < 4 { 0 } else { 100 }).collect();
        let mut image = vec![0.0; 64];
        Source::new(8, variation).image(&edge, &mut image, |hu| hu / 100.0);
        // Four places to a line at 1/2, 5/2, ...: each the mean of its two pixels, and back.
        let row = [0.0, 0.0, 0.0, 0.25, 0.75, 1.0, 1.0, 1.0];
        for line in image.chunks_exact(8) {
            let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(line.iter().zip(&row).all(is_near), "{line:?}");
        }
    }
}
