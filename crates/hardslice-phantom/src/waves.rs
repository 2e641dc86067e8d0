//! Smooth random fields: what bends one patient's organs away from another's.

use std::f64::consts::TAU;

use hardslice_data::random::Stream;

/// A plane sine wave through space.
#[derive(Debug, Clone, Copy)]
struct Wave {
    /// Radians per millimetre along x, y, z.
    per_mm: [f64; 3],
    phase: f64,
    amplitude: f64,
}

/// A smooth scalar field: a sum of a few plane waves with random directions.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    waves: Vec<Wave>,
}

impl Field {
    /// Draws a field whose root mean square is `rms`, with waves of these lengths, in millimetres.
    pub(crate) fn draw(stream: &mut Stream, wavelength_mm: [f64; 2], rms: f64) -> Self {
        const N_WAVES: usize = 3;
        // A sine's mean square is a half.
        let amplitude = rms * (2.0 / N_WAVES as f64).sqrt();
        let waves = (0..N_WAVES)
            .map(|_| {
                let direction = [stream.normal(), stream.normal(), stream.normal()];
                let length = direction
                    .iter()
                    .map(|v| v * v)
                    .sum::<f64>()
                    .sqrt()
                    .max(1e-9);
                let per_mm = TAU / stream.uniform_in(wavelength_mm[0], wavelength_mm[1]);
                Wave {
                    per_mm: direction.map(|v| v / length * per_mm),
                    phase: TAU * stream.uniform(),
                    amplitude,
                }
            })
            .collect();
        Self { waves }
    }

    /// The field along one axis of a plane: `sin` and `cos` of each wave's part at each position,
    /// so that a plane needs no sine per pixel (`sin(a + b) = sin a cos b + cos a sin b`).
    pub(crate) fn columns(&self, xs: &[f64]) -> Vec<Vec<[f64; 2]>> {
        let column = |wave: &Wave, x: f64| {
            let angle = wave.per_mm[0] * x;
            [libm::sin(angle), libm::cos(angle)]
        };
        self.waves
            .iter()
            .map(|wave| xs.iter().map(|&x| column(wave, x)).collect())
            .collect()
    }

    /// The other part of the sum: what `y` and `z` add, with the amplitude.
    pub(crate) fn row(&self, y: f64, z: f64) -> Vec<[f64; 2]> {
        let row = |wave: &Wave| {
            let angle = wave.per_mm[1] * y + wave.per_mm[2] * z + wave.phase;
            [
                wave.amplitude * libm::sin(angle),
                wave.amplitude * libm::cos(angle),
            ]
        };
        self.waves.iter().map(row).collect()
    }

    /// The field at column `i` of a row.
    pub(crate) fn value(columns: &[Vec<[f64; 2]>], row: &[[f64; 2]], i: usize) -> f64 {
        let wave = |(column, row): (&Vec<[f64; 2]>, &[f64; 2])| {
            let [sin, cos] = column[i];
            sin * row[1] + cos * row[0]
        };
        columns.iter().zip(row).map(wave).sum()
    }

    /// Largest value that the field can take.
    pub(crate) fn bound(&self) -> f64 {
        self.waves.iter().map(|wave| wave.amplitude).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_add_up_to_the_sum_of_sines() {
        let field = Field::draw(&mut Stream::new(1, "field"), [40.0, 90.0], 2.0);
        let (xs, y, z) = ([-30.0, 0.0, 71.5], 12.0, -40.0);
        let (columns, row) = (field.columns(&xs), field.row(y, z));
        for (i, x) in xs.into_iter().enumerate() {
            let term = |w: &Wave| {
                w.amplitude * (w.per_mm[0] * x + w.per_mm[1] * y + w.per_mm[2] * z + w.phase).sin()
            };
            let want: f64 = field.waves.iter().map(term).sum();
            let got = Field::value(&columns, &row, i);
            assert!(
                (got - want).abs() < 1e-12,
                "{got}, expected {want} at x = {x}"
            );
            assert!(got.abs() <= field.bound(), "{got} within {}", field.bound());
        }
    }
}
