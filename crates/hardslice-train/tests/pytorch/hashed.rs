//! Numbers from names, the same as in `tests/golden/pytorch/hashed.py`.

/// `n` numbers in [0, 1): `SplitMix64` seeded with the FNV-1a hash of the name, 24 bits of each.
pub(crate) fn uniform(name: &str, n: usize) -> impl Iterator<Item = f64> + use<> {
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (1..=n as u64).map(move |step| {
        let z = seed.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24)
    })
}

/// `n` numbers between two bounds.
#[expect(clippy::cast_possible_truncation, reason = "as the script rounds them")]
pub(crate) fn between(name: &str, n: usize, [low, high]: [f64; 2]) -> Vec<f32> {
    uniform(name, n)
        .map(|u| (low + (high - low) * u) as f32)
        .collect()
}

/// The weights of a parameter or running statistic.
pub(crate) fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let bounds = if name.ends_with("running_var") {
        [0.7, 1.3]
    } else if name.ends_with("norm.weight") {
        [0.8, 1.2]
    } else if name.ends_with("running_mean") || name.ends_with("bias") {
        [-0.2, 0.2]
    } else {
        let fan_in = if name.starts_with("upscore") {
            shape[0] * 4
        } else if name.starts_with("up.") {
            shape[0]
        } else {
            shape[1..].iter().product()
        };
        let bound = (6.0 / fan_in as f64).sqrt();
        [-bound, bound]
    };
    between(&format!("weights/{name}"), shape.iter().product(), bounds)
}
