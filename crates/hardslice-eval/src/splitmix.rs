//! Random numbers for resampling.
//!
//! # Sources
//!
//! G. L. Steele, D. Lea and C. H. Flood (2014), "Fast splittable pseudorandom number generators",
//! OOPSLA, 453–472.

/// A small generator whose numbers are the same on every machine.
#[derive(Debug)]
pub(crate) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The generator of one resample: threads may take resamples in any order and still draw the
    /// same numbers. It starts at the `idx`-th number that `seed` gives.
    pub(crate) fn of_resample(seed: u64, idx: u64) -> Self {
        let mut starts = Self::new(seed.wrapping_add(idx.wrapping_mul(GOLDEN_GAMMA)));
        Self::new(starts.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `n`. Off an even chance by less than `n / 2⁶⁴`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the product's upper half is below n"
        )]
        let drawn = ((u128::from(self.next()) * n as u128) >> 64) as usize;
        drawn
    }
}

/// The odd number nearest to 2⁶⁴ over the golden ratio.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // From the reference implementation, prng.di.unimi.it/splitmix64.c, seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317, "first");
        assert_eq!(random.next(), 3_203_168_211_198_807_973, "second");
    }

    #[test]
    fn resamples_start_where_the_seeds_own_numbers_say() {
        let mut starts = SplitMix64::new(5);
        for idx in 0..4 {
            let mut wanted = SplitMix64::new(starts.next());
            assert_eq!(
                SplitMix64::of_resample(5, idx).next(),
                wanted.next(),
                "resample {idx}"
            );
        }
    }
}
