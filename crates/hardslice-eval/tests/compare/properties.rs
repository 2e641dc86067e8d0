//! What must hold for the comparison of any scores.

#![expect(clippy::float_cmp, reason = "these properties hold to the last bit")]

use hardslice_eval::compare::{ArmScore, Comparison, EndPoint, Permutations, compare};

use super::{Draws, plan, scores_of, wording};

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
    for (n_seeds, n_patients) in [(1, 2), (1, 12), (3, 25), (4, 40)] {
        let rows = three_arms(n_seeds, n_patients);
        let mut plan = plan(999);
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
            assert_eq!(there.test, back.test, "the tests have two sides");
            assert_eq!(there.further_tests, back.further_tests, "these too");
            let (there, back) = (there.interval.unwrap(), back.interval.unwrap());
            // An end lies between two ranks, and rounds there: 10⁻¹⁵ is a few last digits of 1.
            assert!((there.low + back.high).abs() < 1e-15, "{there:?} {back:?}");
            assert!((there.high + back.low).abs() < 1e-15, "{there:?} {back:?}");
        }
    }
}

#[test]
fn identical_arms_have_no_difference_and_p_1() {
    for (n_seeds, n_patients) in [(1, 1), (1, 8), (3, 30)] {
        let same = drawn(n_seeds, n_patients, 0.0, 9);
        let rows: Vec<ArmScore> = ["hard", "baseline", "random"]
            .into_iter()
            .flat_map(|arm| scores_of(arm, &same))
            .collect();
        let found = compare(&plan(199), &wording(), &rows).unwrap();
        assert_eq!(found.rows.len(), 6, "three end points, two references");
        for row in &found.rows {
            assert_eq!(row.difference, 0.0, "{row:?}");
            assert_eq!((row.test.raw.p, row.test.p_holm), (1.0, 1.0), "{row:?}");
            assert!(
                row.further_tests.iter().all(|test| test.raw.p == 1.0),
                "{row:?}"
            );
            let ends = row.interval.map(|interval| (interval.low, interval.high));
            let wanted = (n_patients > 1).then_some((0.0, 0.0));
            assert_eq!(ends, wanted, "one patient has no interval");
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
    let json =
        |rows: &[ArmScore]| serde_json::to_string(&compare(&plan(499), &wording(), rows).unwrap());
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
fn one_seed_says_that_seeds_are_not_in_the_interval_and_a_minimum_that_it_is_unreliable() {
    for (n_seeds, includes_seeds) in [(1, false), (2, true)] {
        let found = compare(&plan(199), &wording(), &three_arms(n_seeds, 30)).unwrap();
        for row in &found.rows {
            let interval = row.interval.unwrap();
            assert_eq!(interval.includes_seeds, includes_seeds, "{row:?}");
            assert_eq!(
                interval.unreliable,
                row.end_point == EndPoint::Min,
                "{row:?}"
            );
        }
        let said = found.notes.iter().any(|note| note.starts_with("One seed:"));
        assert_eq!(said, !includes_seeds, "{:?}", found.notes);
    }
}

#[test]
fn the_worst_tenth_of_ten_patients_is_as_unreliable_as_the_minimum_that_it_is() {
    let found = compare(&plan(199), &wording(), &three_arms(2, 10)).unwrap();
    let of = |end_point| {
        let mut rows = found
            .rows
            .iter()
            .filter(move |row| row.end_point == end_point);
        let row = rows.next().unwrap();
        (row.difference, row.interval, row.test)
    };
    assert_eq!(of(EndPoint::WorstTenth), of(EndPoint::Min), "one of ten");
    assert!(
        of(EndPoint::Min).1.unwrap().unreliable,
        "one patient decides"
    );
}

#[test]
fn about_95_of_100_intervals_hold_the_true_difference() {
    let (n_simulated, gain) = (400_u64, 0.02);
    let mut plan = plan(400);
    plan.references.truncate(1);
    plan.end_points = vec![EndPoint::Mean];
    let (mut n_holding, mut widths) = (0, 0.0);
    for simulated in 0..n_simulated {
        // Patients and seeds are the same population for both arms; each arm has its own seeds.
        let mut draws = Draws(1_000 + simulated);
        let patients: Vec<f64> = (0..40).map(|_| 0.05 * draws.normal()).collect();
        let mut arm = |gain: f64| -> Vec<Vec<f64>> {
            let of_seed = |_| {
                let of_seed = gain + 0.005 * draws.normal();
                let noise = |patient: &f64| patient + of_seed + 0.04 * draws.normal();
                patients.iter().map(noise).collect()
            };
            (0..10).map(of_seed).collect()
        };
        let mut rows = scores_of("hard", &arm(gain));
        rows.extend(scores_of("baseline", &arm(0.0)));
        let found = compare(&plan, &wording(), &rows).unwrap();
        let interval = found.rows[0].interval.unwrap();
        n_holding += u64::from(interval.low <= gain && gain <= interval.high);
        widths += interval.high - interval.low;
    }
    // The standard error of the share is 1.1 %. Drawing patients and seeds counts the noise of a
    // single net on a single patient up to three times (Owen 2007), so more is right, too.
    let share = n_holding as f64 / n_simulated as f64;
    assert!((0.915..=1.0).contains(&share), "{share}");
    // What "more" may be: nets vary by 0.005, single scores by 0.04, in both arms, so that the
    // difference has the variance 2 (0.005² + n 0.04² / 40) / 10 with n from 1 to 3.
    let width =
        |n: f64| 2.0 * 1.96 * (0.2 * (0.005_f64.powi(2) + n * 0.04_f64.powi(2) / 40.0)).sqrt();
    let found = widths / n_simulated as f64;
    assert!(
        found > 0.93 * width(1.0) && found < 1.02 * width(3.0),
        "{found}"
    );
}

#[test]
fn where_nothing_differs_at_most_5_of_100_tests_say_otherwise() {
    let (n_simulated, n_patients) = (600_u64, 10);
    let permutations = Permutations {
        n_resamples: 99,
        seed: 0,
    };
    for end_point in EndPoint::ALL {
        let mut n_significant = 0;
        for simulated in 0..n_simulated {
            let mut draws = Draws(77 + simulated);
            let mut arm = || {
                vec![
                    (0..n_patients)
                        .map(|_| draws.normal())
                        .collect::<Vec<f64>>(),
                ]
            };
            let (arm, reference) = (arm(), arm());
            let found = permutations
                .of_end_point(end_point, &arm, &reference)
                .unwrap();
            n_significant += u64::from(found.p <= 0.05);
        }
        // The standard error of 5 % in 600 is 0.9 %.
        let share = n_significant as f64 / n_simulated as f64;
        assert!(share <= 0.077, "{end_point:?}: {share}");
    }
}
