//! Against `NumPy`, `SciPy` and statsmodels; see `golden/make_learning_curves.py`.

use std::collections::BTreeMap;

use hardslice_eval::compare::EndPoint;
use hardslice_eval::learning_curve::{Contrast, LineFit};
use serde::Deserialize;

use super::curve_of;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    numbers: Vec<usize>,
    more: usize,
    arms: Vec<Vec<Vec<f64>>>,
    /// Estimate and ends of the interval, by what is asked.
    worst_of_five: BTreeMap<String, [f64; 3]>,
    mean: BTreeMap<String, [f64; 3]>,
}

fn assert_near(got: f64, want: f64, what: &str) {
    let tolerance = 1e-10 * want.abs().max(1.0);
    assert!((got - want).abs() <= tolerance, "{what}: {got}, not {want}");
}

fn ends(contrast: &Contrast) -> [f64; 3] {
    let interval = contrast.interval.unwrap();
    [contrast.estimate, interval.low, interval.high]
}

fn found(fit: &LineFit) -> BTreeMap<String, [f64; 3]> {
    let last = fit.line.last().unwrap();
    let height = last.interval.unwrap();
    let mut found = BTreeMap::from([
        ("slope".to_owned(), ends(&fit.slope)),
        ("more".to_owned(), ends(&fit.more)),
        ("half".to_owned(), ends(&fit.half)),
        (
            "height".to_owned(),
            [last.estimate, height.low, height.high],
        ),
    ]);
    found.extend(fit.bend.map(|bend| ("bend".to_owned(), ends(&bend))));
    found
}

#[test]
fn lines_bends_and_their_intervals_are_those_of_numpy_scipy_and_statsmodels() {
    let golden = include_str!("../golden/learning_curves.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    assert_eq!(golden.cases.len(), 5, "all of the file");
    for case in golden.cases {
        let curve = curve_of(&case.numbers, &case.arms);
        assert_eq!(curve.n_more, case.more, "{}", case.name);
        for (end_point, want) in [
            (EndPoint::WorstOfFive, &case.worst_of_five),
            (EndPoint::Mean, &case.mean),
        ] {
            let mut fits = curve.fits.iter();
            let found = found(fits.find(|fit| fit.end_point == end_point).unwrap());
            assert!(
                found.keys().eq(want.keys()),
                "{}: {:?}",
                case.name,
                found.keys()
            );
            for (what, want) in want {
                for (got, want) in found[what].iter().zip(want) {
                    assert_near(
                        *got,
                        *want,
                        &format!("{}, {end_point:?}, {what}", case.name),
                    );
                }
            }
        }
    }
}
