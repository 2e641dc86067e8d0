//! Fine random texture: marrow, stool, fat between muscle fibres, a mottled spleen.

use hardslice_data::random::Stream;

/// Lattice points along each axis; the lattice repeats after them.
const N: usize = 32;

/// A random lattice, interpolated in between: smooth noise at whatever grain is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Texture {
    lattice: Vec<f64>,
}

impl Texture {
    /// Draws a lattice.
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let lattice = (0..N * N * N)
            .map(|_| stream.uniform_in(-1.0, 1.0))
            .collect();
        Self { lattice }
    }

    /// Noise in [-1, 1] at a point, with grains of `grain_mm`; standard deviation about 0.25.
    pub(crate) fn at(&self, point: [f64; 3], grain_mm: f64) -> f64 {
        let (mut low, mut high, mut part) = ([0; 3], [0; 3], [0.0; 3]);
        for axis in 0..3 {
            let v = point[axis] / grain_mm + 1024.0;
            let whole = v.floor();
            let t = v - whole;
            part[axis] = t * t * (3.0 - 2.0 * t);
            low[axis] = lattice_index(whole);
            high[axis] = (low[axis] + 1) % N;
        }
        let at = |x: usize, y: usize, z: usize| self.lattice[(z * N + y) * N + x];
        let along_x = |y, z| mix(at(low[0], y, z), at(high[0], y, z), part[0]);
        let along_y = |z| mix(along_x(low[1], z), along_x(high[1], z), part[1]);
        mix(along_y(low[2]), along_y(high[2]), part[2])
    }
}

fn lattice_index(whole: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number; what lies outside wraps or saturates, and only the texture's \
                  repetition shows it"
    )]
    let index = whole.max(0.0) as usize;
    index % N
}

/// `a` at 0, `b` at 1, a straight line in between.
pub(crate) fn mix(a: f64, b: f64, t: f64) -> f64 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smooth_centred_and_repeats_after_the_lattice() {
        let texture = Texture::draw(&mut Stream::new(5, "texture"));
        let grain = 2.0;
        let (mut sum, mut largest_step) = (0.0, 0.0_f64);
        let n = 20_000;
        for i in 0..n {
            let p = [
                f64::from(i) * 0.1,
                f64::from(i % 97) * 0.7,
                f64::from(i % 89) * 0.9,
            ];
            let v = texture.at(p, grain);
            sum += v;
            let step = texture.at([p[0] + 0.01, p[1], p[2]], grain) - v;
            largest_step = largest_step.max(step.abs());
            let period = grain * N as f64;
            let again = texture.at([p[0] - period, p[1] + period, p[2]], grain);
            assert!((again - v).abs() < 1e-9, "{again} one period on, {v} here");
        }
        assert!(
            (sum / f64::from(n)).abs() < 0.03,
            "mean {}",
            sum / f64::from(n)
        );
        // The steepest the interpolation can be: 2 per lattice step, times 1.5.
        assert!(
            largest_step <= 0.01 / grain * 3.0 + 1e-12,
            "step {largest_step}"
        );
    }
}
