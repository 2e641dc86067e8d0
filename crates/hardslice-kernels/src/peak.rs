//! How much arithmetic the processor does at most: the measure for everything else.

#![expect(unsafe_code, reason = "an instruction that a processor may not have")]

use std::hint::black_box;
use std::time::Instant;

use crate::buffers::Buffer;
use crate::simd::{
    Kernel, LANES, MatrixUnit, Products, Simd, TILE, TileProduct, TileShape, with_simd,
};

/// Bursts of each thread; its fastest counts, since others may use the processor meanwhile.
const N_BURSTS: usize = 50;

/// A burst lasts at least this long: shorter than a system's turns, longer than its clock's steps.
const BURST_S: f64 = 0.002;

/// Sums that the loop over bf16 products keeps at once: enough to hide the instruction's latency.
const N_SUMS_BF16: usize = 24;

/// Single-precision operations a second that all threads of the current pool reach together:
/// multiply-adds on the instruction set that the kernels use, nothing read or written. Two
/// operations each.
pub fn peak_flops() -> f64 {
    fastest(&|rounds| with_simd!(s => s.run(MultiplyAdds { rounds })))
}

/// Operations a second in bf16 products, added up in single precision, of all threads of the current
/// pool together: by the matrix unit where the kernels use one, else by dot products; `None` where the
/// processor has no instruction for them.
pub fn peak_flops_bf16() -> Option<f64> {
    if let Some(unit) = with_simd!(s => s.matrix_unit()) {
        return Some(fastest(&|rounds| tile_products(unit, rounds)));
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16") {
        return Some(fastest(&|rounds| {
            // SAFETY: AVX-512F and its bf16 products were detected.
            unsafe { bf16_products(rounds) }
        }));
    }
    None
}

/// Operations a second of all threads at once, each by its fastest burst. `burst` takes a number of
/// rounds and gives the operations that it did.
fn fastest(burst: &(impl Fn(u64) -> u64 + Sync)) -> f64 {
    let of_thread = || {
        let timed = |rounds| {
            let start = Instant::now();
            let n = burst(rounds);
            (n as f64, start.elapsed().as_secs_f64())
        };
        let mut rounds = 1 << 10;
        while timed(rounds).1 < BURST_S {
            rounds *= 2;
        }
        let bursts = (0..N_BURSTS).map(|_| timed(rounds));
        bursts.map(|(n, seconds)| n / seconds).fold(0.0, f64::max)
    };
    rayon::broadcast(|_| of_thread()).into_iter().sum()
}

/// Multiply-adds on as many sums at once as the registers hold.
struct MultiplyAdds {
    rounds: u64,
}

impl Kernel for MultiplyAdds {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> u64 {
        // A tile of a convolution keeps 28, 6 or 2 vectors of sums in registers.
        match S::TILE_BLOCKS * S::TILE_PIXELS {
            16.. => self.on_sums::<S, 16>(s),
            6.. => self.on_sums::<S, 6>(s),
            _ => self.on_sums::<S, 2>(s),
        }
    }
}

impl MultiplyAdds {
    #[inline(always)]
    fn on_sums<S: Simd, const N: usize>(self, s: S) -> u64 {
        let factor = s.splat(black_box(0.5));
        let term = s.splat(black_box(0.5));
        let mut sums = [s.splat(1.0); N];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, factor, term);
            }
        }
        for sum in sums {
            black_box(s.to_array(sum));
        }
        self.rounds * (2 * N * LANES) as u64
    }
}

/// Two tiles times two others, which stay in the first cache, as often as there are rounds.
fn tile_products(unit: MatrixUnit, rounds: u64) -> u64 {
    const TERMS: usize = 64;
    let tile = TILE * LANES;
    // Tiles from one cache line on, as in packed memory.
    let mut memory = Buffer::stale(4 * tile);
    memory.fill(0.0);
    let product = TileProduct {
        a: &memory,
        a_starts: &[0, tile],
        a_row_step: LANES,
        b: &memory,
        b_starts: &[2 * tile, 3 * tile],
        b_row_step: LANES,
        terms: &[[0, 0]; TERMS].into_iter().collect(),
    };
    let mut products = Products::default();
    let shape = TileShape {
        rows: TILE,
        pairs: TILE,
    };
    let n_products = rounds.div_ceil(TERMS as u64);
    unit.with_tiles(shape, |tiles| {
        for _ in 0..n_products {
            tiles.multiply(black_box(&product), &mut products);
        }
    });
    black_box(&products);
    n_products * (TERMS * 4 * 2 * TILE * 2 * TILE * LANES) as u64
}

/// Each product of two vectors adds 32 products of pairs to 16 sums.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bf16")]
fn bf16_products(rounds: u64) -> u64 {
    use std::arch::x86_64::{
        _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_reduce_add_ps, _mm512_set1_ps,
        _mm512_setzero_ps,
    };
    let factor = _mm512_set1_ps(black_box(1e-3));
    let factors = _mm512_cvtne2ps_pbh(factor, factor);
    let mut sums = [_mm512_setzero_ps(); N_SUMS_BF16];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_dpbf16_ps(*sum, factors, factors);
        }
    }
    for sum in sums {
        black_box(_mm512_reduce_add_ps(sum));
    }
    rounds * (N_SUMS_BF16 * 2 * 2 * LANES) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_a_number_of_operations_that_processors_reach() {
        let peaks = [Some(peak_flops()), peak_flops_bf16()];
        for peak in peaks.into_iter().flatten() {
            assert!((1e8..1e15).contains(&peak), "{peak} operations a second");
        }
    }
}
