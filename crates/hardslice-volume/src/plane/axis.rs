//! Resampling along one axis, with the weights worked out beforehand.

/// Sample points along an axis: `n` pixels of `pixel_mm`, the first beginning at `begin_mm`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) n: usize,
    pub(super) pixel_mm: f64,
    pub(super) begin_mm: f64,
}

/// What each sample of the result is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    taps: Vec<Taps>,
    weights: Vec<f32>,
    n_source: usize,
    is_identity: bool,
}

/// Neighbouring samples of the source and their weights; the rest to 1 is padding.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Taps {
    /// First sample of the source.
    first: usize,
    /// Where its weight stands; the others follow.
    from_weight: usize,
    n: usize,
    /// Share of the result that lies outside the source.
    padding: f32,
}

/// How samples between those of the source are found where the result is finer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// On the line between the two nearest; beyond the outermost centres their values hold to the
    /// edge of the field of view.
    Linear,
    /// The pixel it lies in.
    Nearest,
}

/// Overlaps below this share of a pixel are rounding.
const ROUNDING: f64 = 1e-9;

impl Axis {
    /// Weights from `source` to `result`: the average over each pixel's extent where the result is
    /// coarser than the source, `between` where it is finer.
    pub(super) fn new(source: Line, result: Line, between: Between) -> Self {
        let same = |a: f64, b: f64| (a - b).abs() <= ROUNDING * source.pixel_mm;
        // Over the whole axis, not only one pixel, rounding stays rounding.
        let is_identity = source.n == result.n
            && same(source.begin_mm, result.begin_mm)
            && same(source.pixel_mm, result.pixel_mm);
        let mut axis = Self {
            taps: Vec::with_capacity(result.n),
            weights: Vec::new(),
            n_source: source.n,
            is_identity,
        };
        // In pixels of the source, counted from its beginning.
        let width = result.pixel_mm / source.pixel_mm;
        let begin = (result.begin_mm - source.begin_mm) / source.pixel_mm;
        for i in 0..result.n {
            if is_identity {
                axis.push(i, &[1.0]);
            } else if width > 1.0 + ROUNDING {
                axis.push_average(source.n, begin + i as f64 * width, width);
            } else {
                axis.push_between(source.n, begin + (i as f64 + 0.5) * width, between);
            }
        }
        axis
    }

    /// Samples of the result.
    pub(super) fn len(&self) -> usize {
        self.taps.len()
    }

    /// Samples of the source.
    pub(super) fn source_len(&self) -> usize {
        self.n_source
    }

    /// Whether the result is the source.
    pub(super) fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// First sample of the source, weights of that and the following ones, and padding's share.
    pub(super) fn sample(&self, i: usize) -> (usize, &[f32], f32) {
        let Taps {
            first,
            from_weight,
            n,
            padding,
        } = self.taps[i];
        (first, &self.weights[from_weight..from_weight + n], padding)
    }

    /// The average from `from` to `from + width`.
    fn push_average(&mut self, n_source: usize, from: f64, width: f64) {
        let to = from + width;
        let (low, high) = (from.max(0.0), to.min(n_source as f64));
        if high - low <= ROUNDING {
            return self.push(0, &[]);
        }
        let first = floor_index(low + ROUNDING, n_source);
        let last = floor_index(high - ROUNDING, n_source);
        let overlap = |j: usize| (high.min(j as f64 + 1.0) - low.max(j as f64)).max(0.0) / width;
        let weights: Vec<f64> = (first..=last).map(overlap).collect();
        self.push(first, &weights);
    }

    /// The value at `at`.
    fn push_between(&mut self, n_source: usize, at: f64, between: Between) {
        if at < -ROUNDING || at > n_source as f64 + ROUNDING {
            return self.push(0, &[]);
        }
        if between == Between::Nearest {
            return self.push(floor_index(at + ROUNDING, n_source), &[1.0]);
        }
        let centre = (at - 0.5).clamp(0.0, (n_source - 1) as f64);
        let first = floor_index(centre, n_source);
        let share = centre - first as f64;
        if share <= ROUNDING || first + 1 == n_source {
            self.push(first, &[1.0]);
        } else {
            self.push(first, &[1.0 - share, share]);
        }
    }

    fn push(&mut self, first: usize, weights: &[f64]) {
        let covered: f64 = weights.iter().sum();
        let padding = if covered > 1.0 - ROUNDING {
            0.0
        } else {
            1.0 - covered
        };
        #[expect(clippy::cast_possible_truncation, reason = "weights are stored in f32")]
        let single = |weight: f64| weight as f32;
        self.taps.push(Taps {
            first,
            from_weight: self.weights.len(),
            n: weights.len(),
            padding: single(padding),
        });
        self.weights
            .extend(weights.iter().map(|weight| single(*weight)));
    }
}

/// The pixel that a position lies in.
fn floor_index(at: f64, n: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "positions lie on the axis")]
    #[expect(
        clippy::cast_sign_loss,
        reason = "negative positions saturate to 0, which is meant"
    )]
    let index = at.floor() as usize;
    index.min(n - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn line(n: usize, pixel_mm: f64, begin_mm: f64) -> Line {
        Line {
            n,
            pixel_mm,
            begin_mm,
        }
    }

    fn samples(axis: &Axis) -> Vec<(usize, Vec<f32>, f32)> {
        (0..axis.len())
            .map(|i| {
                let (first, weights, padding) = axis.sample(i);
                (first, weights.to_vec(), padding)
            })
            .collect()
    }

    #[test]
    fn three_pixels_of_1_mm_become_two_of_1_5_mm_by_their_shares() {
        let axis = Axis::new(line(3, 1.0, 0.0), line(2, 1.5, 0.0), Between::Linear);
        let (two, one) = (2.0 / 3.0, 1.0 / 3.0);
        let want = [(0, vec![two, one], 0.0), (1, vec![one, two], 0.0)];
        assert_eq!(
            samples(&axis),
            want,
            "2/3 of the outer pixel, 1/3 of the middle one"
        );
    }

    #[test]
    fn a_pixel_half_outside_is_half_padding() {
        let axis = Axis::new(line(2, 1.0, 1.0), line(2, 2.0, 0.0), Between::Linear);
        let want = [(0, vec![0.5], 0.5), (1, vec![0.5], 0.5)];
        assert_eq!(
            samples(&axis),
            want,
            "the source covers 1 to 3 mm, the result 0 to 4 mm"
        );
    }

    #[test]
    fn halving_the_pixels_takes_quarters_of_the_neighbours() {
        let axis = Axis::new(line(2, 1.0, 0.0), line(4, 0.5, 0.0), Between::Linear);
        let want = [
            (0, vec![1.0], 0.0),
            (0, vec![0.75, 0.25], 0.0),
            (0, vec![0.25, 0.75], 0.0),
            (1, vec![1.0], 0.0),
        ];
        assert_eq!(samples(&axis), want, "the edge keeps the outermost value");
        let axis = Axis::new(line(2, 1.0, 0.0), line(4, 0.5, 0.0), Between::Nearest);
        let firsts: Vec<usize> = samples(&axis).iter().map(|(first, ..)| *first).collect();
        assert_eq!(firsts, [0, 0, 1, 1], "the pixel that each lies in");
    }
}
