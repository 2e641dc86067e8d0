//! Hierarchical bootstrap: how sure an end point is, had other patients and other seeds been met.
//!
//! # Sources
//!
//! - A. B. Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 386–411:
//!   where every patient meets every seed, patients and seeds are each drawn as a whole.
//! - B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13
//!   (percentile interval).

use rayon::prelude::*;

use super::end_point::EndPoint;
use super::paired::Paired;
use crate::interval::Bootstrap;
use crate::splitmix::SplitMix64;

/// The end points of all arms in every resample: `[end point][resample][arm]`.
///
/// A resample draws as many seeds as there are, and as many patients, both with repetition. All
/// arms and seeds of a resample have the same patients, so that differences are paired. With one
/// seed only patients vary.
pub(super) fn resample<const ARMS: usize>(
    paired: &Paired<ARMS>,
    end_points: &[EndPoint],
    bootstrap: &Bootstrap,
) -> Vec<Vec<[f64; ARMS]>> {
    let (n_patients, n_seeds) = (paired.n_patients(), paired.n_seeds());
    let ascending: [Vec<Vec<Scored>>; ARMS] = std::array::from_fn(|arm| {
        let of_seeds = paired.of_arm(arm).iter();
        of_seeds.map(|values| in_ascending_order(values)).collect()
    });
    let drawn: Vec<Vec<[f64; ARMS]>> = (0..bootstrap.n_resamples as u64)
        .into_par_iter()
        .map(|idx| {
            let mut random = SplitMix64::of_resample(bootstrap.seed, idx);
            let n_of_seed = draw(n_seeds, &mut random);
            let n_of_patient = draw(n_patients, &mut random);
            let end_points = end_points.iter().map(|end_point| {
                let n_lowest = end_point.n_lowest(n_patients);
                std::array::from_fn(|arm| {
                    let of_seeds = ascending[arm].iter().zip(&n_of_seed);
                    let sum: f64 = of_seeds
                        .filter(|(_, n)| **n > 0)
                        .map(|(of_seed, n)| *n as f64 * lowest(of_seed, &n_of_patient, n_lowest))
                        .sum();
                    sum / n_seeds as f64
                })
            });
            end_points.collect()
        })
        .collect();
    (0..end_points.len())
        .map(|end_point| drawn.iter().map(|resample| resample[end_point]).collect())
        .collect()
}

/// A patient's place and score.
struct Scored {
    patient: usize,
    score: f64,
}

fn in_ascending_order(scores: &[f64]) -> Vec<Scored> {
    let scored = scores.iter().enumerate();
    let mut ascending: Vec<Scored> = scored
        .map(|(patient, &score)| Scored { patient, score })
        .collect();
    ascending.sort_by(|a, b| a.score.total_cmp(&b.score));
    ascending
}

/// How often each of `n` is drawn in `n` draws.
fn draw(n: usize, random: &mut SplitMix64) -> Vec<usize> {
    let mut n_of = vec![0; n];
    for _ in 0..n {
        n_of[random.below(n)] += 1;
    }
    n_of
}

/// Mean of the `n_lowest` lowest scores among the patients drawn.
fn lowest(ascending: &[Scored], n_of_patient: &[usize], n_lowest: usize) -> f64 {
    let mut n_wanted = n_lowest;
    let mut sum = 0.0;
    for Scored { patient, score } in ascending {
        let n = n_of_patient[*patient].min(n_wanted);
        sum += n as f64 * score;
        n_wanted -= n;
        if n_wanted == 0 {
            break;
        }
    }
    sum / n_lowest as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of few halves are exact")]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_draws_count_as_often_as_they_were_drawn() {
        let ascending = in_ascending_order(&[0.5, 0.125, 0.25]);
        // Drawn: patient 0 once, patient 1 never, patient 2 twice.
        assert_eq!(lowest(&ascending, &[1, 0, 2], 1), 0.25, "the lowest drawn");
        assert_eq!(lowest(&ascending, &[1, 0, 2], 2), 0.25, "twice the same");
        assert_eq!(
            lowest(&ascending, &[1, 0, 2], 3),
            1.0 / 3.0,
            "(0.25 + 0.25 + 0.5) / 3"
        );
    }

    #[test]
    fn as_many_are_drawn_as_there_are_and_each_as_often_as_any_other() {
        let mut n_of = [0; 7];
        for idx in 0..7_000 {
            let drawn = draw(7, &mut SplitMix64::of_resample(11, idx));
            assert_eq!(drawn.iter().sum::<usize>(), 7, "seven draws");
            for (sum, n) in n_of.iter_mut().zip(drawn) {
                *sum += n;
            }
        }
        // The standard deviation of each count is about 77.
        assert!(n_of.iter().all(|n| (6_700..7_300).contains(n)), "{n_of:?}");
    }
}
