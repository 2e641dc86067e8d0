//! Top-k loss (online hard example mining on pixels): the mean cross-entropy of the hardest ones.

use burn::tensor::{Tensor, TensorData};
use hardslice_kernels::ops::plane_sums::plane_sums;

use super::cross_entropy::pixel_cross_entropy;

/// Mean cross-entropy of the `share` of annotated pixels with the highest cross-entropy.
///
/// The number kept is `ceil(share · pixels)`, at least one. Pixels that tie with the last one kept
/// are taken in memory order, so that the choice is the same on every machine.
///
/// # Shapes
///
/// - `logits`, `targets`: `[n, organs, y, x]`
/// - `annotated`: `[n, organs]`
///
/// # Sources
///
/// nnU-Net's `TopKLoss` (k = 10 %), after Wu et al. (2016), "Bridging category-level and
/// instance-level semantic image segmentation".
pub fn top_k(logits: Tensor<4>, targets: Tensor<4>, annotated: Tensor<2>, share: f64) -> Tensor<1> {
    let [n, organs, y, x] = logits.dims();
    let device = logits.device();
    let cross_entropy = pixel_cross_entropy(logits, targets);
    let values = host_values(&cross_entropy.clone().inner().into_data());
    let is_annotated = host_values(&annotated.inner().into_data());
    let kept = hardest(&values, &is_annotated, y * x, share);
    let n_kept = kept.iter().filter(|weight| **weight > 0.0).count().max(1);
    let mask = Tensor::<4>::from_data(TensorData::new(kept, [n, organs, y, x]), &device);
    plane_sums(cross_entropy * mask)
        .sum()
        .div_scalar(n_kept as f64)
}

/// Weight 1 for each of the hardest annotated pixels, 0 for the rest.
fn hardest(values: &[f32], annotated: &[f32], n_pixels: usize, share: f64) -> Vec<f32> {
    let mut candidates: Vec<usize> = (0..values.len())
        .filter(|pixel| annotated[pixel / n_pixels] > 0.0)
        .collect();
    let mut kept = vec![0.0; values.len()];
    if candidates.is_empty() {
        return kept;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, clamped to the count"
    )]
    let n_kept = ((share * candidates.len() as f64).ceil() as usize).clamp(1, candidates.len());
    let harder = |a: &usize, b: &usize| values[*b].total_cmp(&values[*a]).then(a.cmp(b));
    candidates.select_nth_unstable_by(n_kept - 1, harder);
    for pixel in &candidates[..n_kept] {
        kept[*pixel] = 1.0;
    }
    kept
}

fn host_values(data: &TensorData) -> Vec<f32> {
    data.iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardest_pixels_of_annotated_planes_are_kept_and_ties_go_to_the_first() {
        let values = [9.0, 9.0, 9.0, 9.0, 1.0, 5.0, 5.0, 5.0];
        let kept = hardest(&values, &[0.0, 1.0], 4, 0.5);
        assert_eq!(
            kept,
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            "two of the second plane"
        );
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_annotated() {
        assert_eq!(
            hardest(&[3.0, 4.0], &[0.0], 2, 0.1),
            [0.0, 0.0],
            "an unannotated plane"
        );
    }
}
