//! Isotonic regression: the non-decreasing function that lies closest to a cloud of points.

use serde::{Deserialize, Serialize};

/// Points that a knot is made of, at least: fewer would follow single slices.
const N_PER_KNOT: usize = 10;
/// Knots, at most.
const MAX_KNOTS: usize = 20;
/// Knots are kept to this many parts of 1, so that text gives the same number back.
const PARTS: f64 = 1e6;

/// A non-decreasing function through knots: straight between them, level beyond the first and last.
///
/// # Sources
///
/// - R. E. Barlow et al. (1972), "Statistical inference under order restrictions": pool adjacent
///   violators.
/// - B. Zadrozny and C. Elkan (2002), "Transforming classifier scores into accurate multiclass
///   probability estimates": isotonic regression as a calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isotonic {
    /// Rising.
    x: Vec<f64>,
    /// Not falling, one for each of `x`.
    y: Vec<f64>,
}

impl Isotonic {
    /// Fits points `(x, y)`: they are put into up to 20 groups of neighbours, of 10 at least, whose
    /// means are pooled until they do not fall. `None` where there is no point.
    ///
    /// # Panics
    ///
    /// When a number is not finite.
    ///
    /// ```
    /// # use hardslice_eval::confidence::Isotonic;
    /// let points: Vec<_> = (0..40).map(|i| (f64::from(i), f64::from(i / 20))).collect();
    /// let steps = Isotonic::fit(&points).unwrap();
    /// assert_eq!((steps.at(0.0), steps.at(19.5), steps.at(99.0)), (0.0, 0.5, 1.0));
    /// assert_eq!(Isotonic::fit(&[]), None);
    /// ```
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let finite = points.iter().all(|(x, y)| x.is_finite() && y.is_finite());
        assert!(finite, "a share of pixels is a number");
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n_groups = (sorted.len() / N_PER_KNOT).clamp(1, MAX_KNOTS);
        let groups = equal_groups(&sorted, n_groups);
        let groups: Vec<Group> = groups.into_iter().filter_map(Group::of).collect();
        let pooled = pool_adjacent_violators(&groups);
        let kept = |value: f64| (value * PARTS).round() / PARTS;
        (!groups.is_empty()).then(|| Self {
            x: groups.iter().map(|group| kept(group.x)).collect(),
            y: pooled.into_iter().map(kept).collect(),
        })
    }

    /// The function's value.
    pub fn at(&self, x: f64) -> f64 {
        let after = self.x.partition_point(|knot| *knot <= x);
        let last = self.x.len() - 1;
        match after {
            0 => self.y[0],
            _ if after > last => self.y[last],
            _ => {
                let [x0, x1] = [self.x[after - 1], self.x[after]];
                let [y0, y1] = [self.y[after - 1], self.y[after]];
                y0 + (y1 - y0) * (x - x0) / (x1 - x0)
            }
        }
    }

    /// Whether it is a function at all, as one that was read need not be.
    pub(super) fn makes_sense(&self) -> bool {
        let rises = |values: &[f64]| values.is_sorted() && values.iter().all(|v| v.is_finite());
        !self.x.is_empty() && self.x.len() == self.y.len() && rises(&self.x) && rises(&self.y)
    }
}

/// Points sorted by their first number, in so many groups of about equal size, or fewer: points of the
/// same first number are never put apart, as their order means nothing.
pub(super) fn equal_groups(sorted: &[(f64, f64)], n: usize) -> Vec<&[(f64, f64)]> {
    let mut groups = Vec::new();
    let mut from = 0;
    for idx in 1..=n {
        let edge = idx * sorted.len() / n;
        if edge <= from {
            continue;
        }
        let last = sorted[edge - 1].0;
        let to = sorted.partition_point(|point| point.0 <= last);
        groups.push(&sorted[from..to]);
        from = to;
    }
    groups
}

/// Points beside each other, as their means.
#[derive(Debug, Clone, Copy)]
struct Group {
    x: f64,
    y: f64,
    n: f64,
}

impl Group {
    fn of(points: &[(f64, f64)]) -> Option<Self> {
        let n = points.len() as f64;
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
        (!points.is_empty()).then(|| Self {
            x: mean(&mut points.iter().map(|point| point.0)),
            y: mean(&mut points.iter().map(|point| point.1)),
            n,
        })
    }

    /// The mean of both, at this one's place.
    fn join(&mut self, other: &Self) {
        self.y = (self.y * self.n + other.y * other.n) / (self.n + other.n);
        self.n += other.n;
    }
}

/// The non-decreasing values closest to the groups' means by least squares, weighted by their points:
/// neighbours that fall are pooled to their mean.
fn pool_adjacent_violators(groups: &[Group]) -> Vec<f64> {
    // Pools, and how many groups each holds.
    let mut pools: Vec<(Group, usize)> = Vec::new();
    for group in groups {
        pools.push((*group, 1));
        while let [.., (before, n_before), (last, n_last)] = pools.as_mut_slice()
            && before.y >= last.y
        {
            before.join(last);
            *n_before += *n_last;
            pools.pop();
        }
    }
    let spread = |(pool, n): (Group, usize)| std::iter::repeat_n(pool.y, n);
    pools.into_iter().flat_map(spread).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pooled(values: &[(f64, f64)]) -> Vec<f64> {
        let groups = (0_u32..).zip(values);
        let groups: Vec<Group> = groups
            .map(|(x, (y, n))| Group {
                x: f64::from(x),
                y: *y,
                n: *n,
            })
            .collect();
        pool_adjacent_violators(&groups)
    }

    /// `scipy.optimize.isotonic_regression(y, weights=w).x`, `SciPy` 1.17.
    #[test]
    fn pools_are_those_of_scipy() {
        let of_scipy = [
            (
                vec![
                    (0.4, 10.0),
                    (0.1, 12.0),
                    (0.3, 5.0),
                    (0.9, 10.0),
                    (0.7, 30.0),
                    (0.95, 11.0),
                ],
                vec![
                    0.236_363_636_363_636_34,
                    0.236_363_636_363_636_34,
                    0.3,
                    0.75,
                    0.75,
                    0.95,
                ],
            ),
            (
                vec![(3.0, 1.0), (2.0, 1.0), (1.0, 4.0)],
                vec![1.5, 1.5, 1.5],
            ),
        ];
        for (values, wanted) in of_scipy {
            for (found, wanted) in pooled(&values).into_iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-12, "{values:?}: {found}");
            }
        }
    }

    #[test]
    fn equal_places_are_one_knot() {
        let points: Vec<(f64, f64)> = (0..60).map(|i| (0.0, f64::from(i % 2))).collect();
        let level = Isotonic::fit(&points).unwrap();
        assert_eq!((level.x.as_slice(), level.at(0.3)), (&[0.0][..], 0.5));
    }

    #[test]
    fn few_points_are_their_mean_and_none_are_nothing() {
        let few = Isotonic::fit(&[(0.1, 0.0), (0.9, 1.0), (0.5, 0.5)]).unwrap();
        assert_eq!((few.at(0.0), few.at(1.0)), (0.5, 0.5));
        assert!(Isotonic::fit(&[]).is_none());
    }
}
