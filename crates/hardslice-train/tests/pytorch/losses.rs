//! Every loss and its gradient at the logits.

use burn::tensor::{Device, Tensor};
use hardslice_train::{Loss, SumOver, Targets, binary_cross_entropy};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::case::{compare, planes};
use crate::golden::Golden;
use crate::hashed;

/// PyTorch's float32: 1.5e-6 at worst.
const TOLERANCE: f64 = 5e-6;

type LossFn = Box<dyn Fn(Tensor<4>, Targets) -> Tensor<1>>;

#[derive(Deserialize)]
struct Data {
    shape: [usize; 4],
    masks: BTreeMap<String, Vec<Vec<f32>>>,
}

fn losses() -> Vec<(&'static str, LossFn)> {
    let of = |loss: Loss| -> LossFn { Box::new(move |logits, targets| loss.of(logits, targets)) };
    let dice = |sum_over| of(Loss::Dice { sum_over });
    let focal = |gamma, alpha| of(Loss::Focal { gamma, alpha });
    vec![
        ("dice_batch", dice(SumOver::Batch)),
        ("dice_slice", dice(SumOver::Slice)),
        ("dice_cross_entropy", of(Loss::DiceCrossEntropy)),
        ("bce", Box::new(binary_cross_entropy)),
        ("focal", focal(2.0, 0.25)),
        ("focal_other", focal(1.5, 0.6)),
        ("top_k", of(Loss::TopK { share: 0.1 })),
        ("top_k_other", of(Loss::TopK { share: 0.37 })),
        (
            "tversky",
            of(Loss::Tversky {
                false_positive: 0.3,
                false_negative: 0.7,
            }),
        ),
    ]
}

#[test]
fn every_loss_and_its_gradient_whatever_is_annotated_and_however_sure_the_net_is() {
    let mut golden = Golden::open("losses");
    let Data { shape, masks } = golden.case();
    let device = Device::flex().autodiff();
    let [n, n_organs, height, width] = shape;
    let n_values = n * n_organs * height * width;
    let mut targets: Vec<f32> = hashed::between("loss/targets", n_values, [0.0, 1.0])
        .into_iter()
        .map(|u| f32::from(u < 0.4))
        .collect();
    for (i, target) in targets.iter_mut().enumerate() {
        if i / (height * width) % n_organs == 1 {
            *target = 0.0;
        }
    }
    let targets = planes(targets, shape, &device);
    for spread in [4, 60] {
        let bounds = [-f64::from(spread), f64::from(spread)];
        let logits = hashed::between("loss/logits", n_values, bounds);
        for (mask_name, mask) in &masks {
            let truth = Targets {
                organs: targets.clone(),
                annotated: planes(mask.concat(), [n, n_organs], &device),
                valid: None,
            };
            for (loss_name, loss) in losses() {
                let logits = planes(logits.clone(), shape, &device).require_grad();
                let value = loss(logits.clone(), truth.clone());
                let gradient = logits.grad(&value.backward()).unwrap();
                let key = format!("{loss_name}.{mask_name}.{spread}");
                compare(&mut golden, &format!("{key}.value"), value, TOLERANCE);
                compare(&mut golden, &format!("{key}.gradient"), gradient, TOLERANCE);
            }
        }
    }
    golden.finish();
}
