//! Resampling a plane, one axis after the other.

use super::axis::Axis;

/// Shares of a source pixel's area that differ by less than this are equal.
const EQUAL_SHARES: f32 = 1e-5;

/// Resamples `source` `[y, x]` along both axes; what lies outside it is `pad`.
///
/// Rows come first: they are summed whole, which the compiler turns into vector operations.
pub(super) fn resample(
    source: &[f32],
    axes: &[Axis; 2],
    pad: f32,
    scratch: &mut Vec<f32>,
    result: &mut [f32],
) {
    let [along_y, along_x] = axes;
    if axes.iter().all(Axis::is_identity) {
        result.copy_from_slice(source);
        return;
    }
    check(source.len(), axes, result.len());
    let n_x = along_x.source_len();
    scratch.clear();
    scratch.resize(n_x, 0.0);
    for (y, to) in result.chunks_exact_mut(along_x.len()).enumerate() {
        let (first, weights, padding) = along_y.sample(y);
        let from = &source[first * n_x..];
        let row: &[f32] = match weights {
            [weight] if *weight >= 1.0 => &from[..n_x],
            _ => {
                scratch.fill(padding * pad);
                for (weight, from) in weights.iter().zip(from.chunks_exact(n_x)) {
                    for (sum, value) in scratch.iter_mut().zip(from) {
                        *sum += weight * value;
                    }
                }
                scratch
            }
        };
        if along_x.is_identity() {
            to.copy_from_slice(row);
        } else {
            resample_row(row, along_x, pad, to);
        }
    }
}

fn resample_row(row: &[f32], axis: &Axis, pad: f32, to: &mut [f32]) {
    for (x, to) in to.iter_mut().enumerate() {
        let (first, weights, padding) = axis.sample(x);
        let from = &row[first..first + weights.len()];
        let start = padding * pad;
        *to = weights
            .iter()
            .zip(from)
            .fold(start, |sum, (weight, value)| sum + weight * value);
    }
}

/// The label with the largest share of the area of each pixel of the result.
pub(super) fn majority(source: &[u8], axes: &[Axis; 2], n_values: usize, result: &mut [u8]) {
    let highest = source.iter().copied().max().map_or(0, usize::from);
    assert!(highest < n_values, "label {highest} of {n_values} values");
    if axes.iter().all(Axis::is_identity) {
        result.copy_from_slice(source);
        return;
    }
    check(source.len(), axes, result.len());
    let [along_y, along_x] = axes;
    let n_x = along_x.source_len();
    let mut shares = [0.0_f32; 256];
    for (y, to) in result.chunks_exact_mut(along_x.len()).enumerate() {
        let (first_y, weights_y, padding_y) = along_y.sample(y);
        for (x, to) in to.iter_mut().enumerate() {
            let (first_x, weights_x, padding_x) = along_x.sample(x);
            let window = |i: usize| {
                let start = (first_y + i) * n_x + first_x;
                &source[start..start + weights_x.len()]
            };
            let is_padded = padding_y > 0.0 || padding_x > 0.0;
            let any = if is_padded || weights_y.is_empty() || weights_x.is_empty() {
                0
            } else {
                window(0)[0]
            };
            // Nearly every pixel lies inside one structure or outside all.
            if (0..weights_y.len()).all(|i| window(i).iter().all(|label| *label == any)) {
                *to = any;
                continue;
            }
            shares[0] = 1.0 - (1.0 - padding_y) * (1.0 - padding_x);
            for (i, weight_y) in weights_y.iter().enumerate() {
                for (label, weight_x) in window(i).iter().zip(weights_x) {
                    shares[usize::from(*label)] += weight_y * weight_x;
                }
            }
            *to = largest(&mut shares[..=highest]);
        }
    }
}

/// The lowest of the labels with the largest share; clears the shares.
fn largest(shares: &mut [f32]) -> u8 {
    let mut best = (0_u8, 0.0);
    for (label, share) in (0..=u8::MAX).zip(shares) {
        if *share > best.1 + EQUAL_SHARES {
            best = (label, *share);
        }
        *share = 0.0;
    }
    best.0
}

fn check(n_source: usize, axes: &[Axis; 2], n_result: usize) {
    let [y, x] = axes;
    assert_eq!(
        n_source,
        y.source_len() * x.source_len(),
        "pixels of the source"
    );
    assert_eq!(n_result, y.len() * x.len(), "pixels of the result");
}
