//! What to change where a training has collapsed.

use super::Phase;
use crate::config::Lr0Setting;
use crate::loss::Loss;

/// A first learning rate below which SGD moves next to nothing in any training that a person waits for.
const TOO_LOW: f64 = 1e-4;

/// What may help against all-background, among the settings that the training reads.
pub(super) fn against_collapse(phase: &Phase<'_>) -> String {
    let (config, setting) = (&phase.config, phase.lr0_setting);
    let mut advice = Vec::new();
    // An arm with a loss of its own does not read that of [train].
    let reads_loss = setting == Lr0Setting::Common;
    if reads_loss && config.loss != Loss::DiceCrossEntropy {
        advice.push("loss = { kind = \"dice_cross_entropy\" }".to_owned());
    }
    if config.positive_weight <= 1.0 {
        advice.push("positive_weight above 1".to_owned());
    }
    if config.clip_grad_norm <= 0.0 {
        advice.push("clip_grad_norm = 1.0".to_owned());
    }
    // Focal loss weighs most pixels with next to nothing: steps that are too small leave it there.
    let other = match config.loss {
        _ if config.lr0 < TOO_LOW => "a higher",
        Loss::Focal { .. } => "another",
        _ => "a lower",
    };
    advice.push(format!("{other} {setting} than {}", config.lr0));
    advice.push("a larger batch".to_owned());
    format!("{}, or another seed", advice.join(", "))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use hardslice_data::SliceRef;
    use hardslice_data::balance::{Plan, PlanEntry, Reason};

    use super::*;
    use crate::config::TrainConfig;

    fn advice(loss: Loss, positive_weight: f64, lr0_setting: Lr0Setting) -> String {
        let entry = PlanEntry {
            slice: SliceRef::at(0, 0),
            weight: 1.0,
            reason: Reason::Base,
        };
        let config = TrainConfig {
            loss,
            positive_weight,
            lr0: 0.25,
            ..TrainConfig::default()
        };
        against_collapse(&Phase {
            name: "first".to_owned(),
            stage: "train".to_owned(),
            config: Cow::Owned(config),
            lr0_setting,
            plan: Plan::new([entry]).unwrap(),
            steps: 0..1,
        })
    }

    #[test]
    fn only_settings_that_the_training_reads_are_named() {
        let dice = advice(Loss::default(), 1.0, Lr0Setting::Common);
        assert_eq!(
            dice,
            "loss = { kind = \"dice_cross_entropy\" }, positive_weight above 1, clip_grad_norm = 1.0, \
             a lower lr0 than 0.25, a larger batch, or another seed"
        );
        let rival = advice(Loss::top_k_by_default(), 4.0, Lr0Setting::TopK);
        assert_eq!(
            rival,
            "clip_grad_norm = 1.0, a lower top_k_lr0 than 0.25, a larger batch, or another seed"
        );
        let rival = advice(Loss::focal_of_its_authors(), 1.0, Lr0Setting::Focal);
        assert_eq!(
            rival,
            "positive_weight above 1, clip_grad_norm = 1.0, another focal_lr0 than 0.25, a larger \
             batch, or another seed"
        );
        let config = TrainConfig {
            lr0: 1e-12,
            ..TrainConfig::default()
        };
        let slow = against_collapse(&Phase {
            name: "first".to_owned(),
            stage: "train".to_owned(),
            config: Cow::Owned(config),
            lr0_setting: Lr0Setting::Common,
            plan: Plan::default(),
            steps: 0..1,
        });
        assert!(slow.contains("a higher lr0 than"), "{slow}");
        let both = advice(Loss::DiceCrossEntropy, 1.0, Lr0Setting::Common);
        assert!(!both.contains("loss ="), "it is trained with that: {both}");
    }
}
