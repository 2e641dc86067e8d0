//! Bringing values to another number of pixels.

use super::Size;

/// Scales an image of values by linear interpolation; where pixels become larger than the values'
/// own, each is the mean of the values under it, weighted by a triangle, so that nothing flickers.
///
/// # Shapes
///
/// `values` is `[from.height, from.width]`, the result `[to.height, to.width]`. Values missing at
/// the end count as 0.
///
/// # Sources
///
/// The resampling of Pillow's `Image.resize(.., BILINEAR)`: a triangle of one source pixel's width
/// when enlarging and of one target pixel's when reducing, normalised at the edges.
pub fn scale_linear(values: &[f32], from: Size, to: Size) -> Vec<f32> {
    let value = |x: usize, y: usize| values.get(y * from.width + x).copied().unwrap_or(0.0);
    let columns = weights(from.width, to.width);
    let rows = weights(from.height, to.height);
    let mut narrowed = Vec::with_capacity(from.height * to.width);
    for y in 0..from.height {
        for (first, shares) in &columns {
            let sum: f32 = shares
                .iter()
                .enumerate()
                .map(|(i, w)| w * value(first + i, y))
                .sum();
            narrowed.push(sum);
        }
    }
    let mut scaled = Vec::with_capacity(to.width * to.height);
    for (first, shares) in &rows {
        for x in 0..to.width {
            let at = |i: usize| narrowed[(first + i) * to.width + x];
            scaled.push(shares.iter().enumerate().map(|(i, w)| w * at(i)).sum());
        }
    }
    scaled
}

/// For each target pixel the first source pixel under its triangle and the share of each from there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions are clamped to the source before they become indices"
)]
fn weights(n_from: usize, n_to: usize) -> Vec<(usize, Vec<f32>)> {
    let step = n_from as f64 / n_to as f64;
    let reach = step.max(1.0);
    (0..n_to)
        .map(|target| {
            let centre = (target as f64 + 0.5) * step;
            let first = (centre - reach).floor().max(0.0) as usize;
            let end = ((centre + reach).ceil() as usize).min(n_from);
            let raw: Vec<f64> = (first..end)
                .map(|i| (1.0 - ((i as f64 + 0.5 - centre) / reach).abs()).max(0.0))
                .collect();
            let sum: f64 = raw.iter().sum();
            (first, raw.iter().map(|w| (w / sum) as f32).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_a_step_gives_the_values_of_linear_interpolation() {
        let scaled = scale_linear(&[0.0, 1.0], Size::new(2, 1), Size::new(4, 1));
        let want = [0.0, 0.25, 0.75, 1.0];
        for (got, want) in scaled.iter().zip(want) {
            assert!(
                (got - want).abs() < 1e-6,
                "{scaled:?}, expected {want} among them"
            );
        }
    }

    #[test]
    fn reducing_turns_a_checkerboard_into_its_mean() {
        let is_white = |i: usize| (i / 12 + i % 12).is_multiple_of(2);
        let checks: Vec<f32> = (0..144).map(|i| f32::from(u8::from(is_white(i)))).collect();
        let centre = scale_linear(&checks, Size::new(12, 12), Size::new(3, 3))[4];
        assert!((centre - 0.5).abs() < 1e-6, "{centre} instead of the mean");
    }

    #[test]
    fn a_constant_stays_constant_at_any_size() {
        for n in 1..9 {
            let scaled = scale_linear(&[3.0; 12], Size::new(4, 3), Size::new(n, 10 - n));
            assert_eq!(scaled.len(), n * (10 - n), "size");
            assert!(
                scaled.iter().all(|v| (v - 3.0).abs() < 1e-5),
                "{n}: {scaled:?}"
            );
        }
    }
}
