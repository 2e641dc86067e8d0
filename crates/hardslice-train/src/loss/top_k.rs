//! Top-k loss (online hard example mining on pixels): the mean cross-entropy of the hardest ones.

use burn::tensor::{Tensor, TensorData};
use hardslice_kernels::ops::pixel_loss_sums::{PixelLoss, cross_entropies, pixel_loss_sums};

use super::Targets;

/// Mean cross-entropy of the `share` of the pixels that count with the highest cross-entropy.
///
/// The number kept is `ceil(share · pixels)`, at least one. Pixels that tie with the last one kept
/// are taken in memory order, so that the choice is the same on every machine.
///
/// # Shapes
///
/// `logits`: `[n, organs, y, x]`.
///
/// # Sources
///
/// nnU-Net's `TopKLoss` (k = 10 %), after Wu et al. (2016), "Bridging category-level and
/// instance-level semantic image segmentation".
pub fn top_k(logits: Tensor<4>, targets: Targets, share: f64) -> Tensor<1> {
    let shape = logits.dims();
    let device = logits.device();
    let values = cross_entropies(logits.clone().inner(), targets.organs.clone().inner());
    let values = host_values(&values.into_data());
    let counted = Counted {
        annotated: host_values(&targets.annotated.inner().into_data()),
        valid: targets
            .valid
            .map(|valid| host_values(&valid.inner().into_data())),
        shape,
    };
    let kept = hardest(&values, &counted, share);
    let n_kept = kept.iter().filter(|weight| **weight > 0.0).count().max(1);
    let kept = Tensor::from_data(TensorData::new(kept, shape), &device);
    let loss = PixelLoss::CrossEntropy;
    pixel_loss_sums(logits, targets.organs, Some(kept), loss)
        .sum()
        .div_scalar(n_kept as f64)
}

/// Which pixels count.
struct Counted {
    /// `[n, organs]`.
    annotated: Vec<f32>,
    /// `[n, 1, y, x]`.
    valid: Option<Vec<f32>>,
    /// `[n, organs, y, x]`.
    shape: [usize; 4],
}

impl Counted {
    fn has(&self, pixel: usize) -> bool {
        let [_, n_organs, height, width] = self.shape;
        let (plane, place) = (pixel / (height * width), pixel % (height * width));
        let is_valid = |valid: &Vec<f32>| valid[plane / n_organs * (height * width) + place] > 0.0;
        self.annotated[plane] > 0.0 && self.valid.as_ref().is_none_or(is_valid)
    }
}

/// Weight 1 for each of the hardest pixels that count, 0 for the rest.
fn hardest(values: &[f32], counted: &Counted, share: f64) -> Vec<f32> {
    let mut candidates: Vec<usize> = (0..values.len())
        .filter(|pixel| counted.has(*pixel))
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

    fn counted(annotated: &[f32], valid: Option<Vec<f32>>, n_pixels: usize) -> Counted {
        Counted {
            annotated: annotated.to_vec(),
            valid,
            shape: [1, annotated.len(), 1, n_pixels],
        }
    }

    #[test]
    fn the_hardest_pixels_of_annotated_planes_are_kept_and_ties_go_to_the_first() {
        let values = [9.0, 9.0, 9.0, 9.0, 1.0, 5.0, 5.0, 5.0];
        let kept = hardest(&values, &counted(&[0.0, 1.0], None, 4), 0.5);
        assert_eq!(
            kept,
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0],
            "two of the second plane"
        );
    }

    #[test]
    fn a_pixel_of_unknown_truth_is_neither_kept_nor_counted() {
        let values = [9.0, 1.0, 7.0, 8.0, 9.0, 4.0, 2.0, 3.0];
        let valid = Some(vec![0.0, 1.0, 1.0, 0.0]);
        let kept = hardest(&values, &counted(&[1.0, 1.0], valid, 4), 0.5);
        assert_eq!(
            kept,
            [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            "two of the four in the middle"
        );
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_annotated() {
        assert_eq!(
            hardest(&[3.0, 4.0], &counted(&[0.0], None, 2), 0.1),
            [0.0, 0.0],
            "an unannotated plane"
        );
    }
}
