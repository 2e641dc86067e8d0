//! What the intervals of a learning curve promise, where the truth is known.
//!
//! A rate of 95 % in 400 repetitions has a standard error of 1.1 %: the limits are three and a half of
//! them away.

use hardslice_eval::compare::EndPoint;
use hardslice_eval::learning_curve::{Contrast, LearningCurve};
use rayon::prelude::*;

use super::curve_of;

const N: u64 = 400;

/// Numbers of patients that a sweep over 133 trains on.
const NUMBERS: [usize; 5] = [27, 40, 66, 106, 133];

/// What a unit of the logarithm gives.
const SLOPE: f64 = 0.02;

/// Curves whose truth is known: a patient's score rises by [`SLOPE`], less `bend` times the square
/// of the distance to the most patients; patients differ in level and slope, nets in luck.
#[derive(Debug, Clone, Copy)]
struct Truth {
    n_tested: usize,
    n_trainings: usize,
    /// Standard deviation of patients' own slopes.
    own_slope_sd: f64,
    net_sd: f64,
    net_patient_sd: f64,
    bend: f64,
    /// Whether each patient fails with a chance of one in ten.
    is_skewed: bool,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            n_tested: 60,
            n_trainings: 5,
            own_slope_sd: 0.0,
            net_sd: 0.005,
            net_patient_sd: 0.02,
            bend: 0.0,
            is_skewed: false,
        }
    }
}

/// A generator of test scores, apart from the one under test.
struct Draws(u64);

impl Draws {
    fn of(repetition: u64) -> Self {
        let mut draws = Self(repetition.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995);
        for _ in 0..8 {
            draws.uniform();
        }
        draws
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal with mean 0 and variance 1: the sum of twelve uniform numbers less 6.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

impl Truth {
    fn draw(&self, repetition: u64) -> LearningCurve {
        let mut draws = Draws::of(repetition);
        let patients: Vec<[f64; 2]> = (0..self.n_tested)
            .map(|_| {
                let fails = self.is_skewed && draws.uniform() < 0.1;
                let level = if fails {
                    0.3 + 0.5 * draws.uniform()
                } else {
                    0.9 + 0.03 * draws.normal()
                };
                [level, SLOPE + self.own_slope_sd * draws.normal()]
            })
            .collect();
        let arms = NUMBERS.map(|n| {
            let below = (n as f64 / 133.0).ln();
            let training = |_| {
                let of_net = self.net_sd * draws.normal();
                let score = |[level, slope]: &[f64; 2]| {
                    let of_patient = level + slope * below - self.bend * below * below;
                    of_patient + of_net + self.net_patient_sd * draws.normal()
                };
                patients.iter().map(score).collect()
            };
            (0..self.n_trainings)
                .map(training)
                .collect::<Vec<Vec<f64>>>()
        });
        curve_of(&NUMBERS, &arms)
    }

    /// How often something came out, of the mean and of the worst of five.
    fn rates(&self, is: impl Fn(&LearningCurve, EndPoint) -> bool + Sync) -> [f64; 2] {
        let curves: Vec<[bool; 2]> = (0..N)
            .into_par_iter()
            .map(|repetition| {
                let curve = self.draw(repetition);
                [EndPoint::Mean, EndPoint::WorstOfFive].map(|end_point| is(&curve, end_point))
            })
            .collect();
        [0, 1].map(|place| {
            let n = curves.iter().filter(|found| found[place]).count();
            n as f64 / N as f64
        })
    }
}

fn holds(contrast: &Contrast, truth: f64) -> bool {
    let interval = contrast.interval.unwrap();
    interval.low <= truth && truth <= interval.high
}

#[test]
fn intervals_hold_a_known_slope_in_95_of_100() {
    let default = Truth::default();
    for truth in [
        default,
        Truth {
            net_sd: 0.02,
            ..default
        },
        Truth {
            net_sd: 0.0,
            n_trainings: 10,
            ..default
        },
        Truth {
            is_skewed: true,
            ..default
        },
    ] {
        let held = truth.rates(|curve, end_point| {
            let mut fits = curve.fits.iter();
            let fit = fits.find(|fit| fit.end_point == end_point).unwrap();
            // A halving: all that is asked along the line are multiples of it.
            holds(&fit.half, -SLOPE * 2.0_f64.ln())
        });
        for held in held {
            assert!((0.91..=0.99).contains(&held), "{truth:?}: {held}");
        }
    }
}

#[test]
fn patients_whose_slopes_differ_are_in_the_interval_of_the_mean() {
    for own_slope_sd in [0.01, 0.05] {
        let truth = Truth {
            own_slope_sd,
            ..Truth::default()
        };
        // The worst of five has another slope where those of patients differ.
        let [of_mean, _] = truth.rates(|curve, _| holds(&curve.fits[0].slope, SLOPE));
        assert!((0.91..=0.99).contains(&of_mean), "{truth:?}: {of_mean}");
    }
}

#[test]
fn a_bend_is_shown_falsely_in_5_of_100_and_found_where_there_is_one() {
    let straight = Truth::default();
    let is_shown = |curve: &LearningCurve, end_point: EndPoint| {
        let mut fits = curve.fits.iter();
        let fit = fits.find(|fit| fit.end_point == end_point).unwrap();
        fit.bend.unwrap().is_shown
    };
    for falsely in straight.rates(is_shown) {
        assert!((0.01..=0.09).contains(&falsely), "{falsely}");
    }
    let bent = Truth {
        bend: 0.02,
        ..straight
    };
    let [of_mean, _] = bent.rates(|curve, end_point| {
        is_shown(curve, end_point) && curve.fits[0].answer.contains("flattens")
    });
    assert!(of_mean > 0.8, "{of_mean}");
}

#[test]
fn luck_of_nets_taken_for_certainty_would_be_seen() {
    // Were trainings not random, intervals would be as narrow where nets vary by two hundredths as
    // where they do not vary, and would miss the truth.
    let width = |net_sd: f64| {
        let curve = Truth {
            net_sd,
            ..Truth::default()
        };
        let interval = curve.draw(1).fits[0].half.interval.unwrap();
        interval.high - interval.low
    };
    assert!(width(0.02) > 2.0 * width(0.0));
}
