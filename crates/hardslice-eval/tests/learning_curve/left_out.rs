//! What cannot be put on a curve, and what is put beside it.

use hardslice_eval::compare::{ArmScore, EndPoint};
use hardslice_eval::learning_curve::{CurveArm, CurveError, CurvePoint, learning_curve};

use super::{arms_of, scores_of};

fn table(level: f64, n_trainings: usize) -> Vec<Vec<f64>> {
    let patients: Vec<f64> = (0..8).map(|i| level + 0.01 * f64::from(i)).collect();
    vec![patients; n_trainings]
}

fn scores(levels: &[f64]) -> Vec<ArmScore> {
    let arms = levels.iter().enumerate();
    let arms = arms.flat_map(|(place, level)| scores_of(&format!("a{place}"), &table(*level, 3)));
    arms.collect()
}

#[test]
fn fewer_than_two_different_numbers_are_no_curve_and_the_reason_names_them() {
    let refused = |numbers: &[usize], scores: &[ArmScore]| {
        let error = learning_curve("Dice", &arms_of(numbers), scores).unwrap_err();
        assert!(
            matches!(error, CurveError::TooFewNumbers { .. }),
            "{error:?}"
        );
        error.to_string()
    };
    let all = scores(&[0.7, 0.8, 0.9]);
    let said = refused(&[4, 4, 4], &all);
    assert!(
        said.ends_with("at least two different numbers of patients, got 4"),
        "{said}"
    );
    let said = refused(&[], &all);
    assert!(said.ends_with("got none"), "{said}");
    // An arm without scores is no point.
    let said = refused(&[4, 8], &all[..24]);
    assert!(said.ends_with("got 4"), "{said}");
}

#[test]
fn arms_that_make_no_sense_are_refused_by_name() {
    let all = scores(&[0.7, 0.8]);
    let said = learning_curve("Dice", &arms_of(&[0, 8]), &all).unwrap_err();
    assert!(
        said.to_string()
            .contains("`a0` cannot have been trained on 0"),
        "{said}"
    );
    let mut twice = arms_of(&[4, 8]);
    twice.push(twice[1].clone());
    let said = learning_curve("Dice", &twice, &all).unwrap_err();
    assert!(said.to_string().contains("`a1` stands twice"), "{said}");
    let mut odd = all;
    odd[3].value = Some(f64::NAN);
    let refused = learning_curve("Dice", &arms_of(&[4, 8]), &odd).unwrap_err();
    assert!(matches!(refused, CurveError::Scores { .. }), "{refused:?}");
}

#[test]
fn arms_trainings_and_patients_that_are_missing_are_left_out_of_all_and_counted() {
    let mut rows = scores(&[0.7, 0.8, 0.9]);
    // The second arm has one training fewer, the third lacks a patient in one.
    rows.retain(|row| !(row.arm == "a1" && row.seed == 2));
    for row in &mut rows {
        if row.arm == "a2" && row.seed == 1 && row.patient == "p007" {
            row.value = None;
        }
    }
    let curve = learning_curve("Dice", &arms_of(&[4, 8, 12, 16]), &rows).unwrap();
    assert_eq!((curve.n_trainings, curve.n_patients), (2, 7));
    let notes = curve.notes.join(" ");
    for part in [
        "A3 has no scores and is not on the curve.",
        "1 training left out that not every point has.",
        "1 test patient left out:",
    ] {
        assert!(notes.contains(part), "{part:?} is not in {notes}");
    }
    assert_eq!(
        curve.numbers(),
        [4, 8, 12],
        "the line goes as far as there are scores"
    );
    assert_eq!((curve.n_trained, curve.n_more), (12, 4));
}

#[test]
fn an_arm_beside_the_line_changes_nothing_of_it() {
    let rows = scores(&[0.7, 0.8, 0.4]);
    let mut arms = arms_of(&[8, 4, 8]);
    arms[2].is_fitted = false;
    let with = learning_curve("Dice", &arms, &rows).unwrap();
    let without = learning_curve("Dice", &arms[..2], &rows).unwrap();
    assert_eq!(with.fits[0].slope, without.fits[0].slope);
    assert_eq!(with.notes, without.notes);
    let names: Vec<&str> = with.fits[1]
        .points
        .iter()
        .map(|point| point.arm.as_str())
        .collect();
    assert_eq!(names, ["a1", "a0"], "by their number of patients");
    let beside = &with.fits[0].beside;
    assert_eq!(beside.len(), 1);
    assert!((beside[0].estimate() - 0.435).abs() < 1e-15, "0.40 to 0.47");
    assert_eq!(beside[0].trainings.len(), 3);
}

#[test]
fn a_point_is_the_mean_of_its_trainings_end_points() {
    // Six patients: the lowest is drawn by 5 of the 6 ways to leave one out.
    let first = vec![0.2, 0.8, 0.9, 0.9, 0.9, 0.9];
    let second = vec![0.9, 0.9, 0.9, 0.9, 0.4, 0.6];
    let rows = scores_of("a0", &[first, second]);
    let arm = CurveArm {
        arm: "a0".to_owned(),
        n_patients: 3,
        is_fitted: true,
    };
    let point = CurvePoint::of(&arm, EndPoint::WorstOfFive, &rows).unwrap();
    let wanted = [5.0 / 6.0 * 0.2 + 0.8 / 6.0, 5.0 / 6.0 * 0.4 + 0.6 / 6.0];
    for (training, wanted) in point.trainings.iter().zip(wanted) {
        assert!((training.value - wanted).abs() < 1e-15, "{training:?}");
    }
    let mean = f64::midpoint(wanted[0], wanted[1]);
    assert!((point.estimate() - mean).abs() < 1e-15);
}
