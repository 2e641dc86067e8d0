//! A straight line by least squares, as weights of the values that it is drawn through.

/// Where the values lie: logarithms of numbers of patients, centred.
#[derive(Debug)]
pub(super) struct Line {
    centre: f64,
    /// Distances from the centre.
    u: Vec<f64>,
}

impl Line {
    /// A line through values at these numbers of patients, each above 0; `None` where all are the
    /// same.
    pub(super) fn through(n_patients: &[usize]) -> Option<Self> {
        let first = n_patients.first()?;
        if n_patients.iter().all(|n| n == first) {
            return None;
        }
        let x: Vec<f64> = n_patients.iter().map(|n| libm::log(*n as f64)).collect();
        let centre = x.iter().sum::<f64>() / x.len() as f64;
        Some(Self {
            centre,
            u: x.into_iter().map(|x| x - centre).collect(),
        })
    }

    /// Weights of its rise when the number of patients is multiplied by `ratio`.
    pub(super) fn change(&self, ratio: f64) -> Vec<f64> {
        let (squares, by) = (sum_of_powers(&self.u, 2), libm::log(ratio));
        self.u.iter().map(|u| by * u / squares).collect()
    }

    /// Weights of its height at a number of patients.
    pub(super) fn height(&self, n_patients: f64) -> Vec<f64> {
        let (squares, n) = (sum_of_powers(&self.u, 2), self.u.len() as f64);
        let from_centre = libm::log(n_patients) - self.centre;
        let weight = |u: &f64| 1.0 / n + from_centre * u / squares;
        self.u.iter().map(weight).collect()
    }

    /// Weights of how much more the parabola of least squares rises over the upper half of the
    /// logarithms than over the lower; `None` for fewer than three different numbers.
    pub(super) fn bend(&self) -> Option<Vec<f64>> {
        let mut different = self.u.clone();
        different.sort_unstable_by(f64::total_cmp);
        different.dedup();
        let [least, .., greatest] = different[..] else {
            return None;
        };
        if different.len() < 3 {
            return None;
        }
        // What a line leaves of the squares; the sum of `u` is 0.
        let squares = sum_of_powers(&self.u, 2);
        let mean_square = squares / self.u.len() as f64;
        let skew = sum_of_powers(&self.u, 3) / squares;
        let rest = self.u.iter().map(|u| u * u - mean_square - skew * u);
        let rest: Vec<f64> = rest.collect();
        let by = (greatest - least).powi(2) / 2.0 / sum_of_powers(&rest, 2);
        Some(rest.into_iter().map(|rest| by * rest).collect())
    }
}

fn sum_of_powers(values: &[f64], power: i32) -> f64 {
    values.iter().map(|value| value.powi(power)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(weights: &[f64], values: &[f64]) -> f64 {
        weights.iter().zip(values).map(|(w, y)| w * y).sum()
    }

    #[test]
    fn a_line_and_a_parabola_are_found_again() {
        let numbers = [3, 6, 10, 17, 34];
        let line = Line::through(&numbers).unwrap();
        let x = numbers.map(|n| (n as f64).ln());
        let straight = x.map(|x| 0.7 + 0.04 * x);
        assert!((sum(&line.change(std::f64::consts::E), &straight) - 0.04).abs() < 1e-15);
        let half = sum(&line.change(0.5), &straight);
        assert!((half + 0.04 * 2.0_f64.ln()).abs() < 1e-15, "{half}");
        let height = sum(&line.height(100.0), &straight);
        assert!((height - 0.7 - 0.04 * 100.0_f64.ln()).abs() < 1e-14);
        let bend = line.bend().unwrap();
        assert!(sum(&bend, &straight).abs() < 1e-15, "a line has none");
        let parabola = |x: f64| 0.7 + 0.04 * x - 0.01 * x * x;
        let bent = x.map(parabola);
        let [low, middle, high] = [x[0], f64::midpoint(x[0], x[4]), x[4]].map(parabola);
        let wanted = (high - middle) - (middle - low);
        assert!((sum(&bend, &bent) - wanted).abs() < 1e-14);
    }

    #[test]
    fn a_line_takes_two_different_numbers_and_a_bend_three() {
        assert!(Line::through(&[]).is_none());
        assert!(Line::through(&[4, 4, 4]).is_none());
        let two = Line::through(&[4, 4, 8]).unwrap();
        assert!(two.bend().is_none(), "two places");
        let weights = two.change(2.0);
        assert!(
            (sum(&weights, &[0.5, 0.7, 0.9]) - 0.3).abs() < 1e-15,
            "from 0.6 to 0.9"
        );
        assert!(Line::through(&[1, 2, 3]).unwrap().bend().is_some());
    }
}
