//! Seeded random streams, by name.
//!
//! There is no global generator. Whoever needs chance opens a [`Stream`] under a name of its own,
//! with a counter in the name where there is one (`"augment/step/17"`). What one stream gives does
//! not depend on how much another one has used, on threads or on where a run was resumed; a stream
//! is never saved, it is opened again.
//!
//! # Sources
//!
//! - D. J. Bernstein (2008), "`ChaCha`, a variant of Salsa20" (8 rounds, 64-bit counter).
//! - D. Lemire (2019), "Fast random integer generation in an interval", ACM TOMACS 29(1).
//! - G. E. P. Box and M. E. Muller (1958), "A note on the generation of random normal deviates".

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Keeps our keys apart from any other use of BLAKE3 on the same text.
const KEY_CONTEXT: &str = "hardslice random stream, first version";

/// A named stream of random numbers: `ChaCha8` keyed by BLAKE3 of the seed and the name.
///
/// The same seed and name give the same numbers on every machine.
///
/// ```
/// use hardslice_data::random::Stream;
///
/// let mut order = [0, 1, 2, 3];
/// Stream::new(7, "epoch/0").shuffle(&mut order);
/// let again = Stream::new(7, "epoch/0").permutation(4);
/// assert_eq!(order.as_slice(), again);
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    bits: ChaCha8Rng,
}

impl Stream {
    /// Opens the stream of this seed and name at its beginning.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut key = blake3::Hasher::new_derive_key(KEY_CONTEXT);
        key.update(&seed.to_le_bytes());
        key.update(name.as_bytes());
        Self {
            bits: ChaCha8Rng::from_seed(*key.finalize().as_bytes()),
        }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (0.5_f64).powi(53)
    }

    /// A number in [`low`, `high`); `low` when the two are equal.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// `true` with this probability: never at 0, always at 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A standard normal number (mean 0, standard deviation 1): `sqrt(-2 ln u) cos(2π v)`.
    ///
    /// Takes two uniform numbers each time; the twin that Box and Muller get for free is dropped,
    /// so that a stream has no state but its position.
    pub fn normal(&mut self) -> f64 {
        // 1 - uniform lies in (0, 1]: the logarithm stays finite.
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        // `libm` gives the same bits on every platform, the system's mathematics does not.
        (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
    }

    /// A whole number in 0..`n`, each exactly as likely as the other (Lemire's method).
    ///
    /// # Panics
    ///
    /// When `n` is 0: there is no such number.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "a random number below 0 was asked for");
        let n = n as u64;
        // The first 2^64 mod n products of each residue are rejected, so that all are equally many.
        let rejected = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            #[expect(clippy::cast_possible_truncation, reason = "the low half is wanted")]
            let low = product as u64;
            if low >= rejected {
                #[expect(clippy::cast_possible_truncation, reason = "smaller than n, a usize")]
                return (product >> 64) as usize;
            }
        }
    }

    /// Brings the items into a random order, each as likely as the other (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The numbers 0..`n` in a random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another implementation in Python gave; see `tests/golden/random.py`.
    #[derive(serde::Deserialize)]
    struct Golden {
        streams: Vec<Values>,
    }

    #[derive(serde::Deserialize)]
    struct Values {
        seed: u64,
        name: String,
        bits: Vec<u64>,
        uniform: Vec<f64>,
        normal: Vec<f64>,
        below_1000: Vec<usize>,
        below_2_63_plus_1: Vec<usize>,
        permutation_10: Vec<usize>,
    }

    #[test]
    fn the_values_of_a_stream_never_change() {
        let golden: Golden =
            serde_json::from_str(include_str!("../tests/golden/random.json")).unwrap();
        for values in golden.streams {
            let mut stream = Stream::new(values.seed, &values.name);
            for want in values.bits {
                assert_eq!(stream.bits(), want, "bits of `{}`", values.name);
            }
            for want in values.uniform {
                let got = stream.uniform();
                assert_eq!(got.to_bits(), want.to_bits(), "{got}, expected {want}");
            }
            for want in values.normal {
                // Python takes the system's logarithm and cosine: equal but for the last bits.
                let got = stream.normal();
                assert!(
                    (got - want).abs() <= 4e-16 * want.abs(),
                    "{got}, expected {want}"
                );
            }
            for want in values.below_1000 {
                assert_eq!(stream.below(1000), want, "below 1000");
            }
            for want in values.below_2_63_plus_1 {
                assert_eq!(stream.below((1 << 63) + 1), want, "about half are rejected");
            }
            assert_eq!(stream.permutation(10), values.permutation_10, "permutation");
        }
    }

    #[test]
    fn another_seed_or_another_name_is_another_stream() {
        let first = |seed, name| Stream::new(seed, name).bits();
        assert_ne!(first(1, "a"), first(2, "a"), "seeds");
        assert_ne!(first(1, "a"), first(1, "b"), "names");
        assert_ne!(first(1, "step/1"), first(1, "step/11"), "counters");
    }

    #[test]
    fn below_is_unbiased_and_hits_every_number() {
        let mut stream = Stream::new(0, "below");
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7)] += 1;
        }
        // Binomial: sd = sqrt(70000 * 1/7 * 6/7) = 92.6; five of them.
        for (value, count) in counts.into_iter().enumerate() {
            assert!(
                count.abs_diff(10_000) < 463,
                "{value} came {count} times in 70,000"
            );
        }
        assert_eq!(stream.below(1), 0, "the only number below 1");
    }

    #[test]
    fn normal_numbers_have_mean_0_and_sd_1() {
        let mut stream = Stream::new(0, "normal");
        let n = 100_000;
        let (mut sum, mut squares, mut within) = (0.0, 0.0, 0);
        for _ in 0..n {
            let x = stream.normal();
            sum += x;
            squares += x * x;
            within += u32::from(x.abs() < 1.0);
        }
        let n = f64::from(n);
        assert!((sum / n).abs() < 0.016, "mean {}", sum / n);
        assert!(
            (squares / n - 1.0).abs() < 0.023,
            "variance {}",
            squares / n
        );
        let share = f64::from(within) / n;
        assert!(
            (share - 0.682_689).abs() < 0.0075,
            "share within one sd {share}"
        );
    }

    #[test]
    fn every_order_of_three_is_equally_likely() {
        let mut stream = Stream::new(3, "orders");
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..60_000 {
            *counts.entry(stream.permutation(3)).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6, "all six orders come up");
        for (order, count) in counts {
            assert!(
                count.abs_diff(10_000) < 457,
                "{order:?} came {count} times in 60,000"
            );
        }
    }

    #[test]
    fn uniform_numbers_stay_in_their_range() {
        let mut stream = Stream::new(9, "range");
        for _ in 0..10_000 {
            let x = stream.uniform_in(-2.0, 3.0);
            assert!((-2.0..3.0).contains(&x), "{x}");
        }
        assert!(
            !stream.chance(0.0) && stream.chance(1.0),
            "never and always"
        );
    }
}
