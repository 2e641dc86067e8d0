//! Mean and variance of each channel, in an order that depends on the shape alone.
//!
//! Strips of pixels are summed in single precision around their first pixel, so that a large mean
//! takes no digits from the variance; strips and chunks are joined in double precision.
//!
//! # Sources
//!
//! - T. F. Chan, G. H. Golub and R. J. `LeVeque` (1983), "Algorithms for Computing the Sample
//!   Variance".

use crate::simd::{Kernel, LANES, Pixel, PixelOf, Simd};
use crate::stored::Stored;

/// Sixteen elements in double precision.
pub(crate) type Wide = [f64; LANES];

/// Count, mean and summed squared deviation of sixteen channels.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    pub(crate) count: f64,
    pub(crate) mean: Wide,
    pub(crate) squares: Wide,
}

/// Pixels that are summed in single precision.
pub(crate) const STRIP: usize = 256;

impl Moments {
    /// Of some pixels.
    pub(crate) fn of<S: Simd, E: Stored>(s: S, pixels: &[PixelOf<E>]) -> Self {
        let mut moments = Self::default();
        for strip in pixels.chunks(STRIP) {
            moments.join(&Self::of_strip(s, strip));
        }
        moments
    }

    fn of_strip<S: Simd, E: Stored>(s: S, pixels: &[PixelOf<E>]) -> Self {
        let first = pixels
            .first()
            .map_or([0.0; LANES], |first| first.map(|x| f64::from(x.widened())));
        let (sum, squares) = s.run(StripMoments { pixels });
        let count = pixels.len() as f64;
        Self {
            count,
            mean: std::array::from_fn(|i| first[i] + f64::from(sum[i]) / count),
            squares: std::array::from_fn(|i| {
                let sum = f64::from(sum[i]);
                (f64::from(squares[i]) - sum * sum / count).max(0.0)
            }),
        }
    }

    /// Of the pixels of several, in order.
    pub(crate) fn joined(parts: &[Self]) -> Self {
        let mut moments = Self::default();
        for part in parts {
            moments.join(part);
        }
        moments
    }

    /// Takes more pixels in.
    pub(crate) fn join(&mut self, more: &Self) {
        let count = self.count + more.count;
        if count == 0.0 {
            return;
        }
        let share = more.count / count;
        for lane in 0..LANES {
            let distance = more.mean[lane] - self.mean[lane];
            self.mean[lane] += distance * share;
            self.squares[lane] += more.squares[lane] + distance * distance * self.count * share;
        }
        self.count = count;
    }
}

struct StripMoments<'a, E> {
    pixels: &'a [PixelOf<E>],
}

impl<E: Stored> Kernel for StripMoments<'_, E> {
    type Output = (Pixel, Pixel);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let Some(first) = self.pixels.first() else {
            return ([0.0; LANES], [0.0; LANES]);
        };
        let first = s.read(first);
        let mut sums = [(s.zero(), s.zero()); 4];
        for four in self.pixels.chunks(4) {
            for (pixel, (sum, squares)) in four.iter().zip(&mut sums) {
                let distance = s.sub(s.read(pixel), first);
                *sum = s.add(*sum, distance);
                *squares = s.mul_add(distance, distance, *squares);
            }
        }
        let [a, b, c, d] = sums;
        (
            s.to_array(s.add(s.add(a.0, b.0), s.add(c.0, d.0))),
            s.to_array(s.add(s.add(a.1, b.1), s.add(c.1, d.1))),
        )
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "numbers that are copied, or whole")]
mod tests {
    use super::*;
    use crate::simd::with_simd;

    #[test]
    fn a_large_mean_takes_no_digits_from_the_variance() {
        let pixels: Vec<Pixel> = (0..1000)
            .map(|i| [10_000.0 + (i % 2) as f32; LANES])
            .collect();
        let moments = with_simd!(s => Moments::of(s, &pixels));
        assert_eq!(moments.count, 1000.0);
        assert!(
            (moments.mean[3] - 10_000.5).abs() < 1e-9,
            "{}",
            moments.mean[3]
        );
        assert!(
            (moments.squares[3] / 1000.0 - 0.25).abs() < 1e-9,
            "{}",
            moments.squares[3]
        );
    }
}
