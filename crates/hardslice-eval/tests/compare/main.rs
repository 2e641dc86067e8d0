//! Arms compared: against published tools, by what must hold for any scores, and in words.

#![cfg(test)]

mod golden;
mod properties;
mod sensitive;
mod simulated;
mod words;

use hardslice_eval::compare::{
    ArmScore, ArmWords, ClaimedArm, ComparisonPlan, Reference, Role, Wording,
};

/// Scores of an arm, `[seed][patient]`, one case a patient, one split.
fn scores_of(arm: &str, by_seed: &[Vec<f64>]) -> Vec<ArmScore> {
    scores_of_splits(arm, by_seed, &vec![0; by_seed.len()])
}

/// Scores of an arm, `[training][patient]`, one case a patient, with the split of each training.
fn scores_of_splits(arm: &str, by_training: &[Vec<f64>], splits: &[u64]) -> Vec<ArmScore> {
    let mut rows = Vec::new();
    for ((seed, by_patient), split) in (0..).zip(by_training).zip(splits) {
        for (patient, value) in by_patient.iter().enumerate() {
            rows.push(ArmScore {
                arm: arm.to_owned(),
                seed,
                split: *split,
                patient: format!("p{patient:03}"),
                case: format!("p{patient:03}_1"),
                value: Some(*value),
                absent_because: None,
            });
        }
    }
    rows
}

/// Hard slices against a baseline and a random control.
fn plan() -> ComparisonPlan {
    let reference = |arm: &str, role| Reference {
        arm: arm.to_owned(),
        role,
    };
    ComparisonPlan::of_dice(
        vec![claimed("hard", true)],
        vec![
            reference("baseline", Role::Baseline),
            reference("random", Role::Control),
        ],
        1,
    )
}

fn claimed(arm: &str, chooses_slices: bool) -> ClaimedArm {
    ClaimedArm {
        arm: arm.to_owned(),
        chooses_slices,
        control: None,
    }
}

/// The three arms in sentences.
fn wording() -> Wording {
    let words = |arm: &str, subject: &str, is_plural, object: &str| {
        let words = ArmWords {
            subject: subject.to_owned(),
            is_plural,
            object: object.to_owned(),
        };
        (arm.to_owned(), words)
    };
    Wording::from([
        words("baseline", "the baseline", false, "the baseline"),
        words("hard", "hard slices", true, "hard slices"),
        words("random", "random slices", true, "the random control"),
    ])
}

/// A generator of test scores, apart from the one under test.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal with mean 0 and variance 1: the sum of twelve uniform numbers less 6.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
