//! Against `SciPy` and statsmodels; see `golden/make_comparisons.py`.

use hardslice_eval::compare::{Comparison, EndPoint, Permutations, compare, holm, wilcoxon};
use serde::Deserialize;

use super::{plan, scores_of, wording};

#[derive(Deserialize)]
struct Golden {
    corrections: Vec<Correction>,
    by_patient_and_seed: BySeed,
    bootstrapped: Vec<Bootstrapped>,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Correction {
    raw: Vec<f64>,
    holm: Vec<f64>,
}

#[derive(Deserialize)]
struct BySeed {
    arm: Vec<Vec<f64>>,
    reference: Vec<Vec<f64>>,
    difference_of_means: [f64; 2],
    difference_of_worst_tenths: [f64; 2],
}

#[derive(Deserialize)]
struct Bootstrapped {
    name: String,
    arm: Vec<f64>,
    reference: Vec<f64>,
    mean: [f64; 2],
    difference_of_means: [f64; 2],
    worst_tenth: [f64; 2],
    difference_of_worst_tenths: [f64; 2],
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    arm: Vec<f64>,
    reference: Vec<f64>,
    wilcoxon: f64,
    permutation_of_mean: Option<f64>,
    permutation_of_worst_tenth: Option<f64>,
}

const PERMUTATIONS: Permutations = Permutations {
    n_resamples: 9_999,
    seed: 0,
};

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/comparisons.json")).unwrap()
}

fn differences(pair: &Pair) -> Vec<f64> {
    let pairs = pair.arm.iter().zip(&pair.reference);
    pairs.map(|(arm, reference)| arm - reference).collect()
}

fn assert_near(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!((got - want).abs() <= tolerance, "{what}: {got}, not {want}");
}

#[test]
fn wilcoxons_p_is_scipys_with_and_without_ties_and_zeros() {
    for pair in golden().pairs {
        let got = wilcoxon(&differences(&pair)).unwrap();
        assert_near(got.p, pair.wilcoxon, 1e-13, &pair.name);
    }
}

#[test]
fn swaps_that_are_all_tried_give_scipys_p() {
    for pair in golden().pairs {
        let of_mean = PERMUTATIONS.of_mean(&differences(&pair)).unwrap();
        let (arm, reference) = ([pair.arm], [pair.reference]);
        let of_worst = PERMUTATIONS
            .of_end_point(EndPoint::WorstTenth, &arm, &reference)
            .unwrap();
        assert_eq!(
            of_mean.is_exact,
            pair.permutation_of_mean.is_some(),
            "{}",
            pair.name
        );
        if let Some(want) = pair.permutation_of_mean {
            assert_near(of_mean.p, want, 1e-15, &pair.name);
        }
        if let Some(want) = pair.permutation_of_worst_tenth {
            assert_near(of_worst.p, want, 1e-15, &pair.name);
        }
    }
}

#[test]
fn holms_correction_is_that_of_statsmodels() {
    for Correction { raw, holm: wanted } in golden().corrections {
        for (got, want) in holm(&raw).into_iter().zip(wanted) {
            assert_near(got, want, 1e-15, "corrected");
        }
    }
}

/// Both draw 200 000 resamples. An end then has a standard error of about 0.2 % of the interval's
/// width, and the two of them together 0.3 %.
fn assert_same_interval(got: [f64; 2], want: [f64; 2], what: &str) {
    for (got, end) in got.into_iter().zip(want) {
        assert_near(got, end, 0.015 * (want[1] - want[0]), what);
    }
}

fn compared(arm: &[Vec<f64>], reference: &[Vec<f64>]) -> Comparison {
    let mut rows = scores_of("hard", arm);
    rows.extend(scores_of("baseline", reference));
    let mut plan = plan(200_000);
    plan.references.truncate(1);
    compare(&plan, &wording(), &rows).unwrap()
}

fn of_difference(comparison: &Comparison, end_point: EndPoint) -> [f64; 2] {
    let mut rows = comparison.rows.iter();
    let row = rows.find(|row| row.end_point == end_point).unwrap();
    let interval = row.interval.unwrap();
    [interval.low, interval.high]
}

fn of_arm(comparison: &Comparison, end_point: EndPoint) -> [f64; 2] {
    let mut estimates = comparison.estimates.iter();
    let of_hard = estimates.find(|found| found.arm == "hard" && found.end_point == end_point);
    let interval = of_hard.unwrap().interval.unwrap();
    [interval.low, interval.high]
}

#[test]
fn intervals_are_scipys_percentile_intervals() {
    for case in golden().bootstrapped {
        let found = compared(&[case.arm], &[case.reference]);
        for (got, want) in [
            (of_arm(&found, EndPoint::Mean), case.mean),
            (of_arm(&found, EndPoint::WorstTenth), case.worst_tenth),
            (
                of_difference(&found, EndPoint::Mean),
                case.difference_of_means,
            ),
            (
                of_difference(&found, EndPoint::WorstTenth),
                case.difference_of_worst_tenths,
            ),
        ] {
            assert_same_interval(got, want, &case.name);
        }
    }
}

#[test]
fn drawing_seeds_and_patients_gives_numpys_intervals() {
    let case = golden().by_patient_and_seed;
    let found = compared(&case.arm, &case.reference);
    for (got, want) in [
        (
            of_difference(&found, EndPoint::Mean),
            case.difference_of_means,
        ),
        (
            of_difference(&found, EndPoint::WorstTenth),
            case.difference_of_worst_tenths,
        ),
    ] {
        assert_same_interval(got, want, "seeds and patients");
    }
}
