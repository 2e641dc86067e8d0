//! What a comparison says.

use hardslice_eval::compare::{
    ArmScore, Comparison, ComparisonPlan, Conclusion, EndPoint, SharedOverall, SharedSlices,
    compare, compare_given,
};

use super::{claimed, plan, scores_of, wording};

/// Three trainings of `n` patients in steps of an eighth of a hundredth, plus a gain; the second and
/// third lie by 1/64 higher and lower.
fn ramp(n: u32, gain: f64) -> Vec<Vec<f64>> {
    let of_training = |luck: f64| {
        let score = |i| 0.75 + 0.001_25 * f64::from(i) + gain + luck;
        (0..n).map(score).collect()
    };
    [0.0, 0.015_625, -0.015_625].map(of_training).to_vec()
}

/// The mean as primary end point, so that gains are easily worked out.
fn mean_plan() -> ComparisonPlan {
    ComparisonPlan {
        end_points: vec![EndPoint::Mean, EndPoint::WorstTenth],
        ..plan()
    }
}

/// Compared by [`mean_plan`].
fn compared(arms: &[(&str, Vec<Vec<f64>>)]) -> Comparison {
    let rows: Vec<ArmScore> = arms
        .iter()
        .flat_map(|(arm, scores)| scores_of(arm, scores))
        .collect();
    let mut plan = mean_plan();
    plan.references
        .retain(|reference| arms.iter().any(|(arm, _)| *arm == reference.arm));
    compare(&plan, &wording(), &rows).unwrap()
}

// Each arm's trainings have a variance of 1/4096, so that a difference has a standard error of
// sqrt(2 / 4096 / 3) = 0.012758 with four degrees of freedom: half the interval is 2.7764 times that,
// 0.03542. A gain of 1/16 has t = 4.899 and p = 0.0080, one of 1/8 t = 9.798 and p = 0.00061.

#[test]
fn a_gain_over_baseline_and_control_is_a_claim_that_hard_slices_help() {
    let found = compared(&[
        ("baseline", ramp(10, 0.0)),
        ("hard", ramp(10, 0.125)),
        ("random", ramp(10, 0.0625)),
    ]);
    assert_eq!(
        found.question,
        "Do hard slices raise the mean Dice over the baseline and over the random control?"
    );
    assert_eq!(
        found.verdict,
        "Hard slices raised the mean Dice by 0.125 (95 % interval 0.090 to 0.160) over the \
         baseline; p < 0.001. Hard slices raised the mean Dice by 0.062 (95 % interval 0.027 to \
         0.098) over the random control; p = 0.008. So hard slices help: better than the baseline \
         and than the random control."
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::Helps, "both");
}

/// `hard` over the baseline and under the control, which shares so many of eight slices with `hard` in
/// each training.
fn sharing(n_shared: [usize; 3]) -> Comparison {
    let rows: Vec<ArmScore> = [("baseline", 0.0), ("hard", 0.125), ("random", 0.1875)]
        .iter()
        .flat_map(|(arm, gain)| scores_of(arm, &ramp(10, *gain)))
        .collect();
    let shared = |(seed, n_shared)| SharedSlices {
        arm: "hard".to_owned(),
        reference: "random".to_owned(),
        seed,
        split: 0,
        n_shared,
        n_slices: 8,
    };
    let shared: Vec<SharedSlices> = (0..).zip(n_shared).map(shared).collect();
    let mut plan = plan();
    plan.end_points = vec![EndPoint::Mean];
    compare_given(&plan, &wording(), &rows, &shared).unwrap()
}

#[test]
fn a_control_that_shares_more_than_half_of_its_slices_answers_nothing() {
    let found = sharing([8, 5, 0]);
    assert!(
        found.verdict.ends_with(
            "p < 0.001. The random control cannot answer whether the choice of slices matters in the \
             mean Dice: 13 of its 24 slices are those of hard slices, too. That hard slices help is \
             not shown: the random control could not answer."
        ),
        "{}",
        found.verdict
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::HelpsInPart);
    assert_eq!(
        found.notes.last().unwrap(),
        "In 2 of 3 trainings the random control shares slices with hard slices: 13 of 24 slices, \
         more than 50 %, so that nothing is concluded from it."
    );
    let row = &found.rows[1];
    assert!(row.cannot_answer() && row.test.is_none() && !row.is_shown());
    assert_eq!(
        row.shared,
        Some(SharedOverall {
            n_trainings: 3,
            n_trainings_sharing: 2,
            n_shared: 13,
            n_slices: 24
        })
    );
}

#[test]
fn a_control_that_shares_half_of_its_slices_answers_and_one_that_shares_none_is_not_mentioned() {
    let found = sharing([4, 8, 0]);
    assert_eq!(found.claims[0].conclusion, Conclusion::Harms, "12 of 24");
    assert!(
        found
            .notes
            .last()
            .unwrap()
            .ends_with("12 of 24 slices, which makes a difference between the two smaller."),
        "{:?}",
        found.notes
    );
    let found = sharing([0, 0, 0]);
    assert_eq!(found.rows[1].shared, None);
    assert!(!found.notes.iter().any(|note| note.contains("shares")));
}

#[test]
fn several_claims_are_corrected_for_and_said_to_be() {
    let rows: Vec<ArmScore> = [("baseline", 0.0), ("hard", 0.125), ("random", 0.0)]
        .iter()
        .flat_map(|(arm, gain)| scores_of(arm, &ramp(10, *gain)))
        .collect();
    let mut plan = plan();
    plan.end_points = vec![EndPoint::Mean];
    plan.n_organs = 2;
    let found = compare(&plan, &wording(), &rows).unwrap();
    assert!(
        found.verdict.contains("(97.5 % interval 0.0")
            && found
                .verdict
                .contains("; p = 0.001 after correction for 2 claims."),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.notes[0],
        "p and the intervals of differences (97.5 % each) are corrected for 2 claims, of 1 arm and \
         2 organs."
    );
}

#[test]
fn another_loss_needs_no_random_control() {
    let arms = [
        ("baseline", ramp(12, 0.0)),
        ("hard", ramp(12, 0.0)),
        ("random", ramp(12, 0.0)),
        ("baseline_focal", ramp(12, 0.125)),
    ];
    let rows: Vec<ArmScore> = arms
        .iter()
        .flat_map(|(arm, scores)| scores_of(arm, scores))
        .collect();
    let mut plan = plan();
    plan.arms.push(claimed("baseline_focal", false));
    let found = compare(&plan, &wording(), &rows).unwrap();
    assert_eq!(found.n_claims, 2, "hard and the loss");
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
    // As good on the mean, but another net.
    let mut random = ramp(10, 0.125);
    for training in &mut random {
        training[0] += 1e-9;
    }
    let found = compared(&[
        ("baseline", ramp(10, 0.0)),
        ("hard", ramp(10, 0.125)),
        ("random", random),
    ]);
    assert!(
        found.verdict.ends_with(
            "No difference between hard slices and the random control could be shown in the mean \
             Dice: 0.000 (95 % interval \u{2212}0.035 to 0.035); p = 1.00. That hard slices help is not \
             shown: it takes a significant gain over the baseline and over the control."
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
    let found = compared(&[("baseline", ramp(10, 0.0)), ("hard", ramp(10, 0.125))]);
    assert!(
        found.verdict.ends_with(
            "over the baseline; p < 0.001. That hard slices help is not shown: there is no random \
             control to tell the choice from the procedure."
        ),
        "{}",
        found.verdict
    );
}

#[test]
fn harm_is_said_as_plainly_as_help() {
    let found = compared(&[("baseline", ramp(10, 0.125)), ("hard", ramp(10, 0.0))]);
    assert_eq!(
        found.verdict,
        "Hard slices lowered the mean Dice by 0.125 (95 % interval 0.090 to 0.160) below that of \
         the baseline; p < 0.001. So hard slices did harm."
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::Harms, "worse");
}

#[test]
fn differences_that_go_either_way_are_not_shown() {
    let mut hard = ramp(10, 0.0);
    for scores in &mut hard {
        for (patient, score) in scores.iter_mut().enumerate() {
            *score += if patient % 2 == 0 { 0.0625 } else { -0.0625 };
        }
    }
    let arms = [
        ("baseline", ramp(10, 0.0)),
        ("hard", hard),
        ("random", ramp(10, 0.001)),
    ];
    let found = compared(&arms);
    assert!(
        found.verdict.starts_with(
            "No difference between hard slices and the baseline could be shown in the mean Dice: \
             0.000 (95 % interval \u{2212}0.0"
        ) && found
            .verdict
            .ends_with("That hard slices help is not shown."),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::NotShown,
        "could have been"
    );
    let found = compared(&arms[..2]);
    assert!(
        found.verdict.ends_with(
            "Whether hard slices help cannot be said: there is no random control to tell the choice \
             from the procedure."
        ),
        "{}",
        found.verdict
    );
    assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
}

#[test]
fn nothing_is_claimed_of_the_trainings_that_did_not_fail() {
    let four = |gain: f64| [ramp(10, gain), ramp(10, gain + 0.007_812_5)[..1].to_vec()].concat();
    let arms = |hard: &[Vec<f64>]| {
        compared(&[
            ("baseline", four(0.0)),
            ("hard", hard.to_vec()),
            ("random", four(0.001)),
        ])
    };
    let all = arms(&four(0.125));
    assert_eq!(all.claims[0].conclusion, Conclusion::Helps, "of all");
    let found = arms(&four(0.125)[..3]);
    assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
    let said = "1 of its 4 trainings have no scores, or not of all patients.";
    assert!(found.verdict.ends_with(said), "{}", found.verdict);
    let found = arms(&four(-0.125)[..3]);
    assert_eq!(found.claims[0].conclusion, Conclusion::Harms, "as it is");
    let said =
        "by the trainings that are left: 1 of 4 trainings have no scores, or not of all patients.";
    assert!(found.verdict.ends_with(said), "{}", found.verdict);
    // Those of the baseline that are left flatter it.
    let found = compared(&[
        ("baseline", four(0.0)[..3].to_vec()),
        ("hard", four(-0.125)),
        ("random", four(-0.124)),
    ]);
    assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
    let said = "it is worse than `baseline` by the trainings of that which are left, 1 of whose 4 trainings";
    assert!(found.verdict.contains(said), "{}", found.verdict);
    // One each, of other seeds: none has all.
    let without = |arm: &str, gain: f64, seed: u64| {
        let rows = scores_of(arm, &four(gain)).into_iter();
        rows.filter(move |row| row.seed != seed).collect::<Vec<_>>()
    };
    let whole = |rows: &[ArmScore]| compare(&mean_plan(), &wording(), rows).unwrap();
    let rows = [
        without("hard", 0.125, 0),
        without("baseline", 0.0, 3),
        scores_of("random", &four(0.0)),
    ];
    let found = whole(&rows.concat());
    assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
    assert_eq!(found.lost.len(), 2, "{:?}", found.lost);
    // A fold of one seed.
    let mut rows = [("hard", 0.125), ("baseline", 0.0), ("random", 0.0)]
        .map(|(arm, gain)| scores_of(arm, &four(gain)))
        .concat();
    assert_eq!(whole(&rows).claims[0].conclusion, Conclusion::Helps);
    rows.retain(|row| !(row.arm == "hard" && row.seed == 2 && row.patient.as_str() < "p003"));
    let found = whole(&rows);
    assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
    assert_eq!((found.lost[0].n_lost, found.lost[0].n_trainings), (1, 4));
}

#[test]
fn five_patients_cannot_show_anything_and_that_is_said() {
    let found = compared(&[
        ("baseline", ramp(5, 0.0)),
        ("hard", ramp(5, 0.125)),
        ("random", ramp(5, 0.0)),
    ]);
    assert!(
        found.verdict.starts_with(
            "No difference between hard slices and the baseline could be shown in the mean Dice: \
             0.125. With 5 patients nothing can be concluded: it takes 6."
        ) && found
            .verdict
            .ends_with("Whether hard slices help cannot be said."),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::CannotBeShown,
        "5 of 6"
    );
}

#[test]
fn two_trainings_cannot_show_anything_and_that_is_said() {
    let two = |gain| ramp(40, gain)[..2].to_vec();
    let found = compared(&[
        ("baseline", two(0.0)),
        ("hard", two(0.125)),
        ("random", two(0.0)),
    ]);
    assert!(
        found
            .verdict
            .contains("With 2 trainings nothing can be concluded: it takes 3."),
        "{}",
        found.verdict
    );
    assert_eq!(
        found.claims[0].conclusion,
        Conclusion::CannotBeShown,
        "2 of 3"
    );
}

#[test]
fn an_interval_that_ends_just_above_0_is_not_printed_as_0() {
    // Half the interval is 0.035421: this gain lies above it by 0.0002.
    let found = compared(&[("baseline", ramp(10, 0.0)), ("hard", ramp(10, 0.0356))]);
    assert!(found.rows[0].is_shown(), "{:?}", found.rows[0]);
    assert!(
        found.verdict.contains("(95 % interval 0.0002 to 0.0710)"),
        "{}",
        found.verdict
    );
}

#[test]
fn patients_left_out_and_absent_scores_are_counted_and_named() {
    let mut rows = scores_of("hard", &ramp(25, 0.01));
    rows.extend(scores_of("baseline", &ramp(25, 0.0)));
    rows[4].value = None;
    rows[4].absent_because = Some("both_empty".to_owned());
    let mut plan = plan();
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
            &"1 patient left out of hard slices against the baseline: no score by one of the two in some training."
                .to_owned()
        ),
        "{:?}",
        found.notes
    );
}
