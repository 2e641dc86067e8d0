//! What a comparison says.

use hardslice_eval::compare::{ArmScore, Comparison, Conclusion, EndPoint, compare};

use super::{claimed, plan, scores_of, wording};

/// Scores of `n` patients in steps of an eighth of a hundredth, plus a gain.
fn ramp(n: u32, gain: f64) -> Vec<Vec<f64>> {
    vec![
        (0..n)
            .map(|i| 0.75 + 0.001_25 * f64::from(i) + gain)
            .collect(),
    ]
}

/// The mean as primary end point, so that gains are easily worked out.
fn compared(arms: &[(&str, Vec<Vec<f64>>)]) -> Comparison {
    let rows: Vec<ArmScore> = arms
        .iter()
        .flat_map(|(arm, scores)| scores_of(arm, scores))
        .collect();
    let mut plan = plan(999);
    plan.end_points = vec![EndPoint::Mean, EndPoint::WorstTenth];
    plan.references
        .retain(|reference| arms.iter().any(|(arm, _)| *arm == reference.arm));
    compare(&plan, &wording(), &rows).unwrap()
}

#[test]
fn a_gain_over_baseline_and_control_is_a_claim_that_hard_slices_help() {
    let found = compared(&[
        ("baseline", ramp(10, 0.0)),
        ("hard", ramp(10, 0.03125)),
        ("random", ramp(10, 0.015_625)),
    ]);
    assert_eq!(
        found.question,
        "Do hard slices raise the mean Dice over the baseline and over the random control?"
    );
    // All ten patients gain the same: p = 2 / 1024, and twice that after the correction.
    assert_eq!(
        found.verdict,
        "Hard slices raised the mean Dice by 0.031 (95 % interval 0.031 to 0.031) over the \
         baseline; p = 0.004 after Holm's correction for 2 comparisons. Hard slices raised the \
         mean Dice by 0.016 (95 % interval 0.016 to 0.016) over the random control; p = 0.004 \
         after Holm's correction for 2 comparisons. So hard slices help: better than the baseline \
         and than the random control."
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::Helps, "both");
}

#[test]
fn another_loss_needs_no_random_control() {
    let arms = [
        ("baseline", ramp(12, 0.0)),
        ("hard", ramp(12, 0.0)),
        ("random", ramp(12, 0.0)),
        ("baseline_focal", ramp(12, 0.03125)),
    ];
    let rows: Vec<ArmScore> = arms
        .iter()
        .flat_map(|(arm, scores)| scores_of(arm, scores))
        .collect();
    let mut plan = plan(10_000);
    plan.arms.push(claimed("baseline_focal", false));
    let found = compare(&plan, &wording(), &rows).unwrap();
    assert_eq!(found.n_comparisons, 3, "hard twice, the loss once");
    let focal = found
        .claims
        .iter()
        .find(|claim| claim.arm == "baseline_focal");
    assert_eq!(
        focal.unwrap().conclusion,
        Conclusion::Helps,
        "over the baseline"
    );
    assert!(
        found
            .verdict
            .ends_with("So the arm `baseline_focal` helps: better than the baseline."),
        "{}",
        found.verdict
    );
}

#[test]
fn a_gain_over_the_baseline_alone_is_no_claim() {
    let found = compared(&[
        ("baseline", ramp(10, 0.0)),
        ("hard", ramp(10, 0.03125)),
        ("random", ramp(10, 0.03125)),
    ]);
    assert!(
        found.verdict.ends_with(
            "No difference between hard slices and the random control could be shown in the mean \
             Dice: 0.000 (95 % interval 0.000 to 0.000); p = 1 after Holm's correction for 2 \
             comparisons. With these scores nothing could be: swapping the arms changes nothing. \
             That hard slices help is not shown: it takes a significant gain over the \
             baseline and over the control."
        ),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::HelpsInPart,
        "one of two"
    );
}

#[test]
fn without_a_control_there_is_no_claim_either() {
    let found = compared(&[("baseline", ramp(10, 0.0)), ("hard", ramp(10, 0.03125))]);
    assert!(
        found.verdict.ends_with(
            "over the baseline; p = 0.002. That hard slices help is not shown: there is no random \
             control to tell the choice from the procedure."
        ),
        "{}",
        found.verdict
    );
}

#[test]
fn harm_is_said_as_plainly_as_help() {
    let found = compared(&[("baseline", ramp(10, 0.03125)), ("hard", ramp(10, 0.0))]);
    assert_eq!(
        found.verdict,
        "Hard slices lowered the mean Dice by 0.031 (95 % interval 0.031 to 0.031) below that of \
         the baseline; p = 0.002. So hard slices did harm."
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::Harms, "worse");
}

#[test]
fn differences_that_go_either_way_are_not_shown() {
    let mut hard = ramp(10, 0.0);
    for (patient, score) in hard[0].iter_mut().enumerate() {
        *score += if patient % 2 == 0 { 0.0625 } else { -0.0625 };
    }
    let found = compared(&[("baseline", ramp(10, 0.0)), ("hard", hard)]);
    assert!(
        found.verdict.starts_with(
            "No difference between hard slices and the baseline could be shown in the mean Dice: \
             0.000 (95 % interval \u{2212}0.0"
        ) && found
            .verdict
            .ends_with("; p = 1. That hard slices help is not shown."),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::NotShown,
        "could have been"
    );
}

#[test]
fn two_patients_cannot_show_anything_and_that_is_said() {
    let found = compared(&[
        ("baseline", ramp(2, 0.0)),
        ("hard", ramp(2, 0.125)),
        ("random", ramp(2, 0.0)),
    ]);
    assert!(
        found.verdict.contains(
            "p = 1 after Holm's correction for 2 comparisons. With 2 patients nothing could be: \
             the smallest attainable p is 0.50, 1 after Holm's correction for 2 comparisons; at \
             least 7 patients are needed."
        ),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::CannotBeShown,
        "2 of 7"
    );
}

#[test]
fn a_worst_tenth_that_few_patients_decide_is_named_as_the_reason() {
    // The same 2 of 20 patients fail in both arms, far below the others: 4 swaps count, not 2²⁰.
    let failing = |gain: f64| {
        let mut scores = ramp(20, 0.0);
        scores[0][3] = 0.25 + gain;
        scores[0][8] = 0.125 + gain;
        scores
    };
    let rows: Vec<ArmScore> = [("baseline", failing(0.0)), ("hard", failing(0.25))]
        .iter()
        .flat_map(|(arm, scores)| scores_of(arm, scores))
        .collect();
    let mut plan = plan(9_999);
    plan.references.truncate(1);
    let found = compare(&plan, &wording(), &rows).unwrap();
    assert!(
        found
            .verdict
            .contains("With these scores nothing could be: the smallest attainable p is 0.")
            && found
                .verdict
                .contains("because few patients decide the worst tenth."),
        "{}",
        found.verdict
    );
    let p = found.rows[0].test.raw.p;
    assert!((p - 0.5).abs() < 0.02, "2 of 4 swaps: {p}");
}

#[test]
fn patients_left_out_and_absent_scores_are_counted_and_named() {
    let mut rows = scores_of("hard", &ramp(25, 0.01));
    rows.extend(scores_of("baseline", &ramp(25, 0.0)));
    rows[4].value = None;
    rows[4].absent_because = Some("both_empty".to_owned());
    let mut plan = plan(99);
    plan.references.truncate(1);
    let found = compare(&plan, &wording(), &rows).unwrap();
    assert_eq!(
        (found.rows[0].n_patients, found.rows[0].n_left_out),
        (24, 1)
    );
    let because: Vec<_> = found
        .absent
        .iter()
        .map(|absent| absent.because.as_deref())
        .collect();
    assert_eq!(because, [Some("both_empty")], "one, with its reason");
    assert!(
        found.notes.contains(
            &"1 patient left out against the baseline: no score by one of the two with some seed."
                .to_owned()
        ),
        "{:?}",
        found.notes
    );
}
