//! What must hold for the comparison of any scores.

#![expect(clippy::float_cmp, reason = "these properties hold to the last bit")]

use hardslice_eval::compare::{ArmScore, Comparison, Conclusion, EndPoint, compare};

use super::{Draws, claimed, plan, scores_of, scores_of_splits, wording};

/// Patients who differ, seeds that differ, and a gain: `[seed][patient]`.
fn drawn(n_seeds: usize, n_patients: usize, gain: f64, seed: u64) -> Vec<Vec<f64>> {
    let mut draws = Draws(seed);
    let patients: Vec<f64> = (0..n_patients)
        .map(|_| 0.9 + 0.05 * draws.normal())
        .collect();
    (0..n_seeds)
        .map(|_| {
            let of_seed = gain + 0.01 * draws.normal();
            let noise = |patient: &f64| patient + of_seed + 0.02 * draws.normal();
            patients.iter().map(noise).collect()
        })
        .collect()
}

fn three_arms(n_seeds: usize, n_patients: usize) -> Vec<ArmScore> {
    let mut rows = scores_of("baseline", &drawn(n_seeds, n_patients, 0.0, 1));
    rows.extend(scores_of("hard", &drawn(n_seeds, n_patients, 0.02, 2)));
    rows.extend(scores_of("random", &drawn(n_seeds, n_patients, 0.01, 3)));
    rows
}

fn renamed(rows: &[ArmScore], names: [(&str, &str); 2]) -> Vec<ArmScore> {
    let rename = |row: &ArmScore| {
        let name = names.iter().find(|(from, _)| *from == row.arm);
        ArmScore {
            arm: name.map_or(row.arm.clone(), |(_, to)| (*to).to_owned()),
            ..row.clone()
        }
    };
    rows.iter().map(rename).collect()
}

#[test]
fn swapping_arms_negates_the_difference_and_mirrors_the_interval() {
    for (n_seeds, n_patients) in [(1, 6), (2, 12), (3, 25), (4, 40)] {
        let rows = three_arms(n_seeds, n_patients);
        let mut plan = plan();
        plan.references.truncate(1);
        let there = compare(&plan, &wording(), &rows).unwrap();
        let back = compare(
            &plan,
            &wording(),
            &renamed(&rows, [("hard", "baseline"), ("baseline", "hard")]),
        )
        .unwrap();
        for (there, back) in there.rows.iter().zip(&back.rows) {
            assert_eq!(there.difference, -back.difference, "{there:?}");
            match (there.interval, back.interval) {
                (Some(there), Some(back)) => {
                    // The arms' variances are added up in another order.
                    assert!((there.low + back.high).abs() < 1e-14, "{there:?} {back:?}");
                    assert!((there.high + back.low).abs() < 1e-14, "{there:?} {back:?}");
                }
                (there, back) => assert_eq!(there, back, "neither"),
            }
            match (there.test, back.test) {
                (Some(there), Some(back)) => {
                    assert!((there.p - back.p).abs() < 1e-12, "two sides");
                }
                (there, back) => assert_eq!(there, back, "neither"),
            }
        }
    }
}

fn there_and(rows: &[ArmScore]) -> Comparison {
    compare(&plan(), &wording(), rows).unwrap()
}

#[test]
fn of_arms_that_are_one_net_nothing_is_concluded() {
    for (n_seeds, n_patients) in [(1, 1), (3, 5), (3, 8), (5, 30)] {
        let same = drawn(n_seeds, n_patients, 0.0, 9);
        let rows: Vec<ArmScore> = ["hard", "baseline", "random"]
            .into_iter()
            .flat_map(|arm| scores_of(arm, &same))
            .collect();
        let found = there_and(&rows);
        assert_eq!(found.rows.len(), 8, "four end points, two references");
        for row in &found.rows {
            assert_eq!(row.difference, 0.0, "{row:?}");
            assert!(!row.is_shown(), "{row:?}");
            let has_interval = row.end_point.is_tested() && n_patients >= 6;
            assert_eq!(row.interval.is_some(), has_interval, "{row:?}");
            assert_eq!((row.test, row.n_same), (None, n_seeds), "{row:?}");
        }
        assert_eq!(found.claims[0].conclusion, Conclusion::CannotBeShown);
        let note = format!("In {n_seeds} of ");
        let is_told = |text: &String| text.starts_with(&note) && text.contains("as one net has");
        assert!(found.notes.iter().any(is_told), "{:?}", found.notes);
    }
}

/// Two nets that find nothing in anybody are alike, and not one net: the other trainings are tested.
#[test]
fn a_training_in_which_both_nets_learnt_nothing_leaves_the_test_to_the_others() {
    let mut rows = scores_of("baseline", &drawn(4, 30, 0.0, 5));
    rows.extend(scores_of("hard", &drawn(4, 30, 0.05, 6)));
    rows.extend(scores_of("random", &drawn(4, 30, 0.0, 7)));
    for row in rows.iter_mut().filter(|row| row.seed == 2) {
        row.value = Some(0.0);
    }
    for row in &there_and(&rows).rows {
        assert_eq!(row.n_same, 0, "{row:?}");
        assert_eq!(row.test.is_some(), row.interval.is_some(), "{row:?}");
    }
}

#[test]
fn what_is_shown_is_what_its_own_interval_and_p_show() {
    let mut n_shown = 0;
    for gain in 0..40_u32 {
        let mut rows = scores_of("baseline", &drawn(4, 30, 0.0, u64::from(gain)));
        let gained = drawn(4, 30, 0.005 * f64::from(gain), 100 + u64::from(gain));
        rows.extend(scores_of("hard", &gained));
        rows.extend(scores_of("random", &drawn(4, 30, 0.0, 200)));
        let mut plan = plan();
        plan.n_organs = 1 + gain as usize % 3;
        let found = compare(&plan, &wording(), &rows).unwrap();
        for row in found.rows.iter().filter(|row| row.test.is_some()) {
            let interval = row.interval.unwrap();
            let excludes_0 = interval.low > 0.0 || interval.high < 0.0;
            let p = row.test.unwrap().p_corrected;
            assert_eq!(row.is_shown(), excludes_0, "{row:?}");
            assert_eq!(row.is_shown(), p <= plan.alpha, "{row:?}");
            n_shown += u32::from(row.is_shown());
        }
    }
    assert!(
        (20..140).contains(&n_shown),
        "both happen: {n_shown} of 160"
    );
}

#[test]
fn more_organs_and_more_arms_widen_intervals_and_raise_p() {
    let rows = three_arms(5, 40);
    let one = there_and(&rows);
    let mut plan = plan();
    plan.n_organs = 3;
    plan.arms.push(claimed("random", true));
    let many = compare(&plan, &wording(), &rows).unwrap();
    assert_eq!(
        (one.n_claims, many.n_claims),
        (1, 6),
        "two arms, three organs"
    );
    let (one, many) = (&one.rows[0], &many.rows[0]);
    let width = |row: &hardslice_eval::compare::ComparisonRow| {
        row.interval.map(|interval| interval.high - interval.low)
    };
    assert!(width(many) > width(one), "wider");
    let (one, many) = (one.test.unwrap(), many.test.unwrap());
    assert_eq!(many.p_corrected, (6.0 * one.p).min(1.0), "Bonferroni");
}

#[test]
fn fewer_than_three_trainings_conclude_nothing_however_large_the_gain() {
    for (n_splits, n_seeds) in [(1, 1), (1, 2), (2, 1)] {
        let splits: Vec<u64> = (0..n_splits)
            .flat_map(|split| std::iter::repeat_n(split, n_seeds))
            .collect();
        for gain in [-0.3, 0.3] {
            let rows: Vec<ArmScore> = [("baseline", 0.0), ("random", 0.0), ("hard", gain)]
                .into_iter()
                .flat_map(|(arm, gain)| {
                    scores_of_splits(arm, &drawn(splits.len(), 60, gain, 4), &splits)
                })
                .collect();
            let found = there_and(&rows);
            assert_eq!(
                found.claims[0].conclusion,
                Conclusion::CannotBeShown,
                "{splits:?}"
            );
            assert!(found.verdict.contains("it takes 3."), "{}", found.verdict);
            let says = found
                .notes
                .iter()
                .any(|note| note.starts_with("One training:"));
            assert_eq!(says, splits.len() == 1, "{:?}", found.notes);
        }
    }
}

#[test]
fn one_and_four_threads_and_rows_in_any_order_give_the_same_bytes() {
    let rows = three_arms(3, 23);
    let pool = |n| {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(n);
        builder.build().unwrap()
    };
    let json = |rows: &[ArmScore]| serde_json::to_string(&there_and(rows));
    let one = pool(1).install(|| json(&rows)).unwrap();
    assert_eq!(one, pool(4).install(|| json(&rows)).unwrap(), "threads");
    let mut turned: Vec<ArmScore> = Vec::new();
    for arm in ["baseline", "hard", "random"] {
        turned.extend(rows.iter().rev().filter(|row| row.arm == arm).cloned());
    }
    assert_eq!(one, json(&turned).unwrap(), "order within an arm");
    let back: Comparison = serde_json::from_str(&one).unwrap();
    assert_eq!(
        serde_json::to_string(&back).unwrap(),
        one,
        "and back from JSON"
    );
}

#[test]
fn intervals_of_few_patients_or_trainings_are_marked_and_only_those() {
    for (n_seeds, n_patients, is_marked) in [
        (5, 60, false),
        (10, 80, false),
        (4, 60, true),
        (5, 59, true),
        (1, 200, true),
    ] {
        let found = there_and(&three_arms(n_seeds, n_patients));
        let of_rows = found.rows.iter().filter_map(|row| row.interval);
        let of_arms = found.estimates.iter().filter_map(|of_arm| of_arm.interval);
        let mut n = 0;
        for interval in of_rows.chain(of_arms) {
            assert_eq!(interval.unreliable, is_marked, "{n_seeds}, {n_patients}");
            assert_eq!(interval.includes_trainings, n_seeds > 1, "{n_seeds}");
            n += 1;
        }
        assert_eq!(n, 2 * 2 + 2 * 3, "worst of five and mean");
        let says = found
            .notes
            .iter()
            .any(|note| note.contains("marked unreliable"));
        assert_eq!(says, is_marked, "{:?}", found.notes);
    }
}

#[test]
fn end_points_that_few_patients_decide_are_described_without_an_interval() {
    let found = there_and(&three_arms(5, 60));
    for row in &found.rows {
        let is_tested = matches!(row.end_point, EndPoint::WorstOfFive | EndPoint::Mean);
        assert_eq!(row.interval.is_some(), is_tested, "{row:?}");
        assert_eq!(row.test.is_some(), is_tested, "{row:?}");
    }
}
