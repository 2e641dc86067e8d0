//! Against `NumPy`, `SciPy` and statsmodels; see `golden/make_comparisons.py`.

use hardslice_eval::compare::{ArmScore, EndPoint, compare};
use serde::Deserialize;

use super::{plan, scores_of_splits, wording};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    splits: Vec<u64>,
    arm: Vec<Vec<f64>>,
    reference: Vec<Vec<f64>>,
    worst_of_five: Wanted,
    mean: Wanted,
}

#[derive(Deserialize)]
struct Wanted {
    estimate: f64,
    arm: [f64; 2],
    difference: f64,
    interval: [f64; 2],
    standard_error: f64,
    df: f64,
    p: f64,
}

fn assert_near(got: f64, want: f64, what: &str) {
    let tolerance = 1e-11 * want.abs().max(1.0);
    assert!((got - want).abs() <= tolerance, "{what}: {got}, not {want}");
}

#[test]
fn estimates_intervals_and_p_are_those_of_numpy_scipy_and_statsmodels() {
    let golden = include_str!("../golden/comparisons.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    assert_eq!(golden.cases.len(), 6, "all of the file");
    for case in golden.cases {
        let mut rows: Vec<ArmScore> = scores_of_splits("hard", &case.arm, &case.splits);
        rows.extend(scores_of_splits("baseline", &case.reference, &case.splits));
        let mut plan = plan();
        plan.references.truncate(1);
        let found = compare(&plan, &wording(), &rows).unwrap();
        for (end_point, want) in [
            (EndPoint::WorstOfFive, &case.worst_of_five),
            (EndPoint::Mean, &case.mean),
        ] {
            let what = format!("{}, {end_point:?}", case.name);
            let mut estimates = found.estimates.iter();
            let estimate = estimates.find(|of| of.arm == "hard" && of.end_point == end_point);
            let estimate = estimate.unwrap();
            assert_near(estimate.estimate, want.estimate, &what);
            let of_arm = estimate.interval.unwrap();
            // No Dice lies outside of 0 to 1.
            let [low, high] = want.arm.map(|end| end.clamp(0.0, 1.0));
            assert_near(of_arm.low, low, &what);
            assert_near(of_arm.high, high, &what);
            let mut differences = found.rows.iter();
            let row = differences.find(|row| row.end_point == end_point).unwrap();
            assert_near(row.difference, want.difference, &what);
            let (interval, test) = (row.interval.unwrap(), row.test.unwrap());
            assert_near(interval.low, want.interval[0], &what);
            assert_near(interval.high, want.interval[1], &what);
            assert_near(test.standard_error, want.standard_error, &what);
            assert_near(test.df, want.df, &what);
            assert_near(test.p, want.p, &what);
        }
    }
}
