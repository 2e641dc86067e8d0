//! VNNI pairs: two bf16 in an element, as bf16 dot products and matrix units read them.

/// Two values that a bf16 holds, the first one in the lower half.
#[inline(always)]
pub(crate) fn vnni_pair(low: f32, high: f32) -> f32 {
    f32::from_bits(low.to_bits() >> 16 | high.to_bits())
}

/// The two values of a pair.
#[inline(always)]
pub(crate) fn vnni_halves(pair: f32) -> [f32; 2] {
    let bits = pair.to_bits();
    [bits << 16, bits & 0xffff_0000].map(f32::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "values that a bf16 holds")]
    fn a_pair_gives_its_halves_back() {
        for pair in [[1.0, -2.5], [-0.75, 0.0], [f32::INFINITY, 3.0e38]] {
            let high = f32::from_bits(pair[1].to_bits() & 0xffff_0000);
            assert_eq!(vnni_halves(vnni_pair(pair[0], high)), [pair[0], high]);
        }
    }
}
