//! Learning curves: against published tools, where the truth is known, and in words.

#![cfg(test)]

mod golden;
mod left_out;
mod simulated;
mod words;

use hardslice_eval::compare::ArmScore;
use hardslice_eval::learning_curve::{CurveArm, LearningCurve, learning_curve};

/// Scores of an arm, `[training][patient]`, one case a patient, one division.
fn scores_of(arm: &str, by_training: &[Vec<f64>]) -> Vec<ArmScore> {
    let mut rows = Vec::new();
    for (seed, by_patient) in (0..).zip(by_training) {
        for (patient, value) in by_patient.iter().enumerate() {
            rows.push(ArmScore {
                arm: arm.to_owned(),
                seed,
                split: 0,
                patient: format!("p{patient:03}"),
                case: format!("p{patient:03}_1"),
                value: Some(*value),
                absent_because: None,
            });
        }
    }
    rows
}

/// Arms `a0`, `a1`, ... of a line, trained on these numbers of patients.
fn arms_of(numbers: &[usize]) -> Vec<CurveArm> {
    let arm = |(place, n_patients): (usize, &usize)| CurveArm {
        arm: format!("a{place}"),
        n_patients: *n_patients,
        is_fitted: true,
    };
    numbers.iter().enumerate().map(arm).collect()
}

/// The curve of `[arm][training][patient]`.
fn curve_of(numbers: &[usize], arms: &[Vec<Vec<f64>>]) -> LearningCurve {
    let scores = arms.iter().enumerate();
    let scores = scores.flat_map(|(place, arm)| scores_of(&format!("a{place}"), arm));
    let scores: Vec<ArmScore> = scores.collect();
    learning_curve("Dice", &arms_of(numbers), &scores).unwrap()
}
