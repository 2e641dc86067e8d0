//! A learning curve in plain words.

use hardslice_eval::learning_curve::LearningCurve;

use super::curve_of;

const NUMBERS: [usize; 3] = [10, 20, 40];

/// Twelve patients, the same spread in every arm; arm values by what a doubling gives, and the same
/// luck of three seeds in each. Nothing but level, seed and patient differs, so that the interval of a
/// contrast is a point where seeds agree.
fn curve(levels: [f64; 3], n_patients: u32, n_trainings: u32, luck: f64) -> LearningCurve {
    let arms = levels.map(|level| {
        let training = |seed: u32| {
            let of_seed = luck * (f64::from(seed) - f64::from(n_trainings - 1) / 2.0);
            let score = |patient: u32| level + of_seed + 0.01 * f64::from(patient * patient % 7);
            (0..n_patients).map(score).collect()
        };
        (0..n_trainings).map(training).collect::<Vec<Vec<f64>>>()
    });
    curve_of(&NUMBERS, &arms)
}

fn says(curve: &LearningCurve, part: &str) -> bool {
    curve.notes.iter().any(|note| note.contains(part))
}

#[test]
fn a_straight_line_says_what_more_and_fewer_patients_give() {
    let curve = curve([0.70, 0.72, 0.74], 12, 3, 0.001);
    // 40 to 50: ln(5/4) / ln 2 of 0.02. Of seeds the standard error of each arm is 0.001 / √3, of the
    // change of a doubling √(1/4 + 1/4) of that; four degrees of freedom, t = 2.776.
    assert_eq!(
        curve.fits[0].answer,
        "Mean Dice: 10 more patients: +0.006 (0.006 to 0.007); with half of the patients: \u{2212}0.020 \
         (\u{2212}0.021 to \u{2212}0.019). A bend is not shown: from 20 to 40 patients the curve \
         rises by 0.000 (\u{2212}0.004 to 0.004) more than from 10 to 20."
    );
    assert!(
        curve.fits[1]
            .answer
            .starts_with("Dice, worst of five: 10 more patients: +0.006"),
        "{}",
        curve.fits[1].answer
    );
    for part in [
        "through a0 (10 patients), a1 (20 patients), a2 (40 patients), each counting alike",
        "What 10 more patients than 40 would give is an extrapolation",
        "one draw of them: the luck of who was drawn is in no interval",
        "Test patients and trainings are both random",
        "not corrected for",
        "With 12 test patients and 3 trainings the intervals are marked unreliable",
    ] {
        assert!(says(&curve, part), "{part:?} is not in {:?}", curve.notes);
    }
    assert!(curve.fits[0].half.interval.unwrap().unreliable);
}

#[test]
fn a_curve_that_flattens_or_steepens_is_said_not_to_be_a_line() {
    let flat = curve([0.70, 0.74, 0.75], 12, 3, 0.001);
    let said = &flat.fits[0].answer;
    assert!(
        said.contains(
            "The line does not fit: the curve flattens. From 20 to 40 patients it rises by 0.030 ("
        ),
        "{said}"
    );
    assert!(
        said.ends_with(
            "less than from 10 to 20, and 10 more patients give less than the line says."
        ),
        "{said}"
    );
    let steep = curve([0.70, 0.71, 0.75], 12, 3, 0.001);
    let said = &steep.fits[0].answer;
    assert!(
        said.contains("the curve steepens. From 20 to 40 patients it rises by 0.030 ("),
        "{said}"
    );
    assert!(said.contains("may give more than the line says"), "{said}");
    assert!(steep.fits[0].bend.unwrap().estimate > 0.0);
}

#[test]
fn with_fewer_than_three_trainings_or_six_patients_nothing_is_concluded() {
    let two = curve([0.70, 0.74, 0.75], 12, 2, 0.0001);
    assert!(!two.fits[0].bend.unwrap().is_shown);
    let said = &two.fits[0].answer;
    assert!(said.contains("A bend is not shown"), "{said}");
    assert!(
        said.ends_with("With 2 trainings nothing can be concluded: it takes 3."),
        "{said}"
    );

    let one = curve([0.70, 0.72, 0.74], 12, 1, 0.0);
    assert!(
        says(&one, "the intervals are for other test patients alone"),
        "{:?}",
        one.notes
    );
    assert!(!one.fits[0].half.interval.unwrap().includes_trainings);

    let few = curve([0.70, 0.72, 0.74], 5, 3, 0.001);
    assert_eq!(few.fits[0].half.interval, None);
    assert_eq!(
        few.fits[1].answer,
        "Dice, worst of five: 10 more patients: +0.006; with half of the patients: \u{2212}0.020. A bend \
         is not shown: from 20 to 40 patients the curve rises by 0.000 more than from 10 to 20. With 5 \
         test patients nothing can be concluded: it takes 6."
    );
}

#[test]
fn a_small_change_keeps_its_decimals_and_the_side_of_0() {
    let small = curve([0.7000, 0.7004, 0.7008], 12, 3, 0.0);
    let said = &small.fits[0].answer;
    assert!(
        said.contains("10 more patients: +0.00013 (0.00013 to 0.00013)"),
        "{said}"
    );
    assert!(
        said.contains("half of the patients: \u{2212}0.0004"),
        "{said}"
    );
    assert!(
        said.contains("the curve rises by 0.000 (0.000 to 0.000) more"),
        "{said}"
    );
    let none = curve([0.7; 3], 12, 3, 0.001);
    assert!(
        none.fits[0]
            .answer
            .contains("10 more patients: 0.0000 (\u{2212}0.0004 to 0.0004)"),
        "{}",
        none.fits[0].answer
    );
}
