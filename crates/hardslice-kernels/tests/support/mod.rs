//! Numbers to compute with, and how near two results must be.

#![allow(dead_code, reason = "each test uses a part")]

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_kernels::force_instruction_set;

/// Uniform numbers in [-0.5, 0.5) from a fixed sequence (xorshift64).
pub(crate) fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        })
        .collect()
}

pub(crate) fn tensor<const D: usize>(seed: u64, shape: [usize; D], device: &Device) -> Tensor<D> {
    let n = shape.iter().product();
    Tensor::from_data(TensorData::new(numbers(seed, n), shape), device)
}

pub(crate) fn values<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_to_vec().expect("single precision")
}

/// The largest difference, as a share of the largest expected number.
pub(crate) fn assert_near(what: &str, found: &[f32], expected: &[f32], share: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: as many numbers");
    // What is zero up to rounding counts as a thousandth.
    let largest = expected
        .iter()
        .fold(1e-3_f32, |largest, x| largest.max(x.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = (found - expected).abs();
        assert!(
            distance <= share * largest,
            "{what}[{place}]: found {found}, expected {expected}, largest {largest}"
        );
    }
}

/// All instruction sets of this processor on which kernels run.
pub(crate) fn instruction_sets() -> Vec<&'static str> {
    let refused = force_instruction_set("none").expect_err("no instruction set has this name");
    let with_kernels = refused.possible.into_iter().filter(|name| *name != "burn");
    let names: Vec<_> = with_kernels.collect();
    assert!(names.contains(&"portable"), "plain code at least");
    names
}

/// Runs kernels on one of them from now on.
pub(crate) fn compute_on(name: &str) {
    force_instruction_set(name).expect("one that this processor has");
}
