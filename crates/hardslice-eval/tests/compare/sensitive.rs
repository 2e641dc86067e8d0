//! What a comparison could have found, where that is known from elsewhere.

use hardslice_eval::compare::{
    ArmScore, Design, EndPoint, Expected, ObservedSpread, Sensitivity, SharedSlices, compare,
    sensitivity,
};

use super::{Draws, plan, scores_of, wording};

/// Scores of three arms that are the same but for luck, `n_seeds` trainings each: `score` and the luck
/// of nets on each patient.
fn alike(patients: &[(f64, f64)], n_seeds: usize, net_sd: f64) -> Vec<ArmScore> {
    let mut draws = Draws(7);
    let mut of_arm = |arm: &str| {
        let trainings: Vec<Vec<f64>> = (0..n_seeds)
            .map(|_| {
                let of_net = net_sd * draws.normal();
                let score = |(score, sd): &(f64, f64)| score + of_net + sd * draws.normal();
                patients.iter().map(score).collect()
            })
            .collect();
        scores_of(arm, &trainings)
    };
    ["hard", "baseline", "random"]
        .iter()
        .flat_map(|arm| of_arm(arm))
        .collect()
}

fn found(rows: &[ArmScore]) -> Sensitivity {
    let mut plan = plan();
    plan.end_points = vec![EndPoint::WorstOfFive];
    let [found] = <[Sensitivity; 1]>::try_from(sensitivity(&plan, rows, &[]).unwrap()).unwrap();
    assert_eq!(found.arm, "hard");
    found
}

/// What [`as_designed`] is scored by, with five seeds.
const DESIGN: Design = Design {
    n_patients: 60,
    n_splits: 1,
    n_seeds: 5,
    n_references: 2,
    n_claims: 1,
    alpha: 0.05,
    end_point: EndPoint::WorstOfFive,
};

/// Sixty patients as [`Design`] takes them: six at 0.5 to 0.75, the others at 0.92 with a spread of 0.02.
fn as_designed(net_patient_sd: f64) -> Vec<(f64, f64)> {
    let mut draws = Draws(3);
    let failing = (0..6).map(|idx| 0.5 + 0.05 * f64::from(idx));
    let others: Vec<f64> = (0..54).map(|_| 0.92 + 0.02 * draws.normal()).collect();
    failing
        .chain(others)
        .map(|score| (score, net_patient_sd))
        .collect()
}

#[test]
fn with_scores_as_a_design_assumes_them_it_finds_what_the_design_says() {
    let rows = alike(&as_designed(Design::NET_PATIENT_SD), 5, Design::NET_SD);
    let found = found(&rows);
    // A design has exactly six failing patients; patients that are drawn have more or fewer, which costs
    // power.
    let designed = DESIGN.power(Expected::FailingTenthGains).power;
    assert!(
        found.lowest_tenth_gains > designed - 0.2 && found.lowest_tenth_gains <= designed,
        "{found:?}, designed {designed}"
    );
    // The spread of nets is estimated from fifteen of them.
    let designed = DESIGN.power(Expected::AllGain).power;
    assert!(
        (found.all_gain - designed).abs() < 0.25,
        "{found:?}, designed {designed}"
    );
    assert!(
        found.found_in_80 > 0.01 && found.found_in_80 < 0.03,
        "{found:?}"
    );
}

#[test]
fn the_power_of_a_design_as_observed_is_what_those_scores_could_find_and_grows_with_the_design() {
    let rows = alike(&as_designed(Design::NET_PATIENT_SD), 5, Design::NET_SD);
    let (observed, n_arms) = ObservedSpread::of(&rows, &plan()).unwrap().unwrap();
    assert_eq!(n_arms, 3);
    let could_find = found(&rows);
    let tenth = DESIGN.power_as_observed(Expected::FailingTenthGains, &observed);
    let all = DESIGN.power_as_observed(Expected::AllGain, &observed);
    // Half as many repetitions.
    for (found, could_find) in [
        (tenth.power, could_find.lowest_tenth_gains),
        (all.power, could_find.all_gain),
    ] {
        assert!((found - could_find).abs() < 0.06, "{found}, {could_find}");
    }
    let least = |design: Design| design.least_gain_as_observed(&observed);
    let larger = Design {
        n_patients: 240,
        n_seeds: 10,
        ..DESIGN
    };
    let (few, many) = (least(DESIGN).unwrap(), least(larger).unwrap());
    assert!((few - could_find.found_in_80).abs() < 0.002, "{few}");
    assert!(many < 0.75 * few, "{many} of {few}");
    assert!(larger.power_as_observed(Expected::AllGain, &observed).power > all.power + 0.2);

    // Between two of the numbers that are tried.
    let at_hand = Design {
        n_patients: 55,
        ..DESIGN
    };
    let found = at_hand.power_as_observed(Expected::FailingTenthGains, &observed);
    assert!(
        found.power >= 0.8 && found.n_patients_for_80 == Some(55),
        "{found:?}"
    );

    let too_few = Design {
        n_seeds: 2,
        ..DESIGN
    };
    assert_eq!(least(too_few), None);
    let found = too_few.power_as_observed(Expected::AllGain, &observed);
    assert!(
        found.power <= 0.0 && found.n_seeds_for_80 > Some(2),
        "{found:?}"
    );

    let alone = Design {
        n_references: 1,
        ..DESIGN
    };
    assert!(
        least(alone).unwrap() < few,
        "a baseline alone is less to beat"
    );

    let five: Vec<ArmScore> = alike(&as_designed(0.02)[..5], 5, 0.005);
    assert!(ObservedSpread::of(&five, &plan()).unwrap().is_none());
    assert!(ObservedSpread::of(&[], &plan()).unwrap().is_none());
}

#[test]
fn luck_with_the_lowest_patients_hides_their_gain() {
    let steady: Vec<(f64, f64)> = (0..60)
        .map(|i| (0.5 + 0.006 * f64::from(i), 0.02))
        .collect();
    let unsteady: Vec<(f64, f64)> = steady
        .iter()
        .map(|&(score, sd)| (score, if score < 0.55 { 4.0 * sd } else { sd }))
        .collect();
    let [steady, unsteady] = [steady, unsteady].map(|patients| found(&alike(&patients, 3, 0.002)));
    assert!(
        unsteady.lowest_tenth_gains < steady.lowest_tenth_gains - 0.2,
        "{unsteady:?} against {steady:?}"
    );
    assert!(
        unsteady.found_in_80 > steady.found_in_80,
        "{unsteady:?} against {steady:?}"
    );
}

#[test]
fn what_differed_does_not_count() {
    let patients = as_designed(0.02);
    let rows = alike(&patients, 5, 0.005);
    let mut better = rows.clone();
    for row in better.iter_mut().filter(|row| row.arm == "hard") {
        row.value = row.value.map(|value| value + 0.05);
    }
    let [alike, better] = [rows, better].map(|rows| found(&rows));
    assert!(
        (alike.found_in_80 - better.found_in_80).abs() < 1e-9,
        "{alike:?}, {better:?}"
    );
    assert!(
        (alike.lowest_tenth_gains - better.lowest_tenth_gains).abs() < 1e-9,
        "{better:?}"
    );
}

#[test]
fn more_claims_take_greater_gains() {
    let rows = alike(&as_designed(0.02), 5, 0.005);
    let mut plan = plan();
    let of = |plan: &_| sensitivity(plan, &rows, &[]).unwrap()[0].found_in_80;
    let one = of(&plan);
    plan.n_organs = 4;
    assert!(of(&plan) > 1.1 * one, "{} against {one}", of(&plan));
}

#[test]
fn it_is_a_note_of_the_comparison() {
    let rows = alike(&as_designed(0.02), 3, 0.005);
    let (found, plan) = (found(&rows), plan());
    let told = Sensitivity {
        lowest_tenth_gains: 0.554,
        all_gain: 0.02,
        found_in_80: 0.0438,
        ..found
    };
    let comparison = compare(&plan, &wording(), &rows).unwrap();
    let comparison = comparison.with_sensitivity(vec![told], &wording());
    assert_eq!(
        comparison.notes.last().unwrap(),
        "Had the lowest tenth of the patients gained 0.10 by hard slices, 55 of 100 such comparisons \
         would have shown it, with patients and nets that vary as these do; had every patient gained \
         0.01, 2. It takes 0.044 in every patient to be shown in 80."
    );
}

#[test]
fn nothing_is_said_of_two_trainings_or_five_patients() {
    let patients = as_designed(0.02);
    for rows in [alike(&patients, 2, 0.005), alike(&patients[..5], 5, 0.005)] {
        assert_eq!(sensitivity(&plan(), &rows, &[]).unwrap(), []);
    }
}

/// The committed scores of an experiment on real patients, of one organ.
fn committed(organ: &str) -> Vec<ArmScore> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../benches/results/2026-11-29-open-kbp-parotids/scores.csv"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name| head.iter().position(|column| *column == name).unwrap();
    let [of, arm, seed, patient, case, dice] =
        ["organ", "arm", "seed", "patient", "case", "dice"].map(at);
    let rows = lines.filter(|row| row[of] == organ).map(|row| ArmScore {
        arm: row[arm].to_owned(),
        seed: row[seed].parse().unwrap(),
        split: 0,
        patient: row[patient].to_owned(),
        case: row[case].to_owned(),
        value: row[dice].parse().ok(),
        absent_because: None,
    });
    rows.collect()
}

/// Expected is what `tools/verdict_from_scores.py --could-find` says, which is written apart, in Python:
/// 400 repetitions, so that a chance of one half has a standard error of 2.5 %.
#[test]
fn real_scores_could_have_shown_what_the_other_program_says() {
    for (organ, tenth, all, in_80) in [
        ("parotid_right", 0.55, 0.02, 0.044),
        ("parotid_left", 0.76, 0.04, 0.030),
    ] {
        let mut plan = plan();
        plan.n_organs = 2;
        for reference in &mut plan.references {
            if reference.arm == "random" {
                reference.arm = "random_matched".to_owned();
            }
        }
        let found = &sensitivity(&plan, &committed(organ), &[]).unwrap()[0];
        assert!(
            (found.lowest_tenth_gains - tenth).abs() < 0.09,
            "{organ}: {found:?}"
        );
        assert!((found.all_gain - all).abs() < 0.03, "{organ}: {found:?}");
        assert!(
            (found.found_in_80 - in_80).abs() < 0.004,
            "{organ}: {found:?}"
        );
    }
}

#[test]
fn of_an_arm_whose_control_cannot_answer_nothing_could_be_found() {
    let rows = alike(&as_designed(0.02), 3, 0.005);
    let of = |n_shared| {
        let shared = (0..3).map(|seed| SharedSlices {
            arm: "hard".to_owned(),
            reference: "random".to_owned(),
            seed,
            split: 0,
            n_shared,
            n_slices: 10,
        });
        let shared: Vec<SharedSlices> = shared.collect();
        sensitivity(&plan(), &rows, &shared).unwrap().len()
    };
    assert_eq!((of(5), of(6)), (1, 0));
}

#[test]
fn where_an_arm_shares_nothing_with_all_its_references_at_once_the_pairs_still_count() {
    let mut rows = alike(&as_designed(0.02), 6, 0.005);
    rows.retain(|row| match row.arm.as_str() {
        "baseline" => row.seed < 3,
        "random" => row.seed >= 3,
        _ => true,
    });
    assert_eq!(sensitivity(&plan(), &rows, &[]).unwrap(), []);
    let found = compare(&plan(), &wording(), &rows).unwrap();
    assert!(found.primary_rows().all(|row| row.n_trainings == 3));
}

#[test]
fn perfect_scores_have_no_gain_to_be_found_and_one_net_under_three_names_none_at_all() {
    let perfect = vec![vec![1.0; 12]; 3];
    let rows = |of: [&[Vec<f64>]; 3]| -> Vec<ArmScore> {
        let arms = ["hard", "baseline", "random"].into_iter().zip(of);
        arms.flat_map(|(arm, scores)| scores_of(arm, scores))
            .collect()
    };
    let but_one = |patient: usize| {
        let mut scores = perfect.clone();
        for training in &mut scores {
            training[patient] = 0.999;
        }
        scores
    };
    let found = found(&rows([&perfect, &but_one(1), &but_one(2)]));
    assert!(found.lowest_tenth_gains <= 0.0, "{found:?}");
    let none = sensitivity(&plan(), &rows([&perfect; 3].map(Vec::as_slice)), &[]).unwrap();
    assert_eq!(none, [], "nothing is concluded of one net");
}
