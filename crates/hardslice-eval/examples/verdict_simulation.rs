//! The long form of the verdict's simulation, as a table in Markdown: how often a verdict is false
//! where nothing differs, how often a gain is found, and how often intervals hold the truth.
//!
//! ```text
//! cargo run --release -p hardslice-eval --example verdict_simulation -- 1000
//! ```
//!
//! The number is that of repetitions: a rate of 5 % in 1000 has a standard error of 0.7 %. Words behind it
//! are those of the rows that are wanted, as `"fail and gain"`.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use hardslice_eval::compare::{EndPoint, Gain, Patients, Rates, Simulation};

const HEAD: &str = "\
| | claims | splits | seeds | patients | SD of splits | nets | nets x patients | helps | harms | over baseline \
| difference held | marked | arm held | marked | unmarked held |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";

fn main() {
    let n = std::env::args().nth(1);
    let n = n.map_or(1000, |n| {
        n.parse().expect("the argument is a number of repetitions")
    });
    let wanted = std::env::args().nth(2).unwrap_or_default();
    println!("{HEAD}");
    let all = nothing_differs()
        .into_iter()
        .chain(gains())
        .chain(several_claims())
        .chain(rare_failures());
    let numbered = (1..).zip(all);
    for (seed, (what, simulation)) in numbered.filter(|(_, (what, _))| what.contains(&wanted)) {
        println!("{}", row(what, &simulation, &simulation.run(n, seed)));
    }
}

fn row(what: &str, simulation: &Simulation, found: &Rates) -> String {
    let percent = |rate: f64| format!("{:.1}", 100.0 * rate);
    let or_none = |rate: Option<f64>| rate.map_or(String::new(), percent);
    format!(
        "| {what} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        simulation.n_claims,
        simulation.n_splits,
        simulation.n_seeds,
        simulation.n_patients,
        simulation.split_sd,
        simulation.net_sd,
        simulation.net_patient_sd,
        percent(found.helps),
        percent(found.harms),
        percent(found.over_baseline),
        or_none(found.difference_held),
        percent(found.difference_marked),
        or_none(found.arm_held),
        percent(found.arm_marked),
        or_none(found.unmarked_arm_held),
    )
}

fn nothing_differs() -> Vec<(&'static str, Simulation)> {
    let mut all = Vec::new();
    for (patients, what) in [
        (Patients::Normal, "nothing differs, normal"),
        (Patients::SKEWED, "nothing differs, skewed"),
    ] {
        for n_seeds in [3, 5, 10] {
            for n_patients in [8, 20, 40, 60, 200] {
                for net_sd in [0.0, 0.005, 0.02, 0.05] {
                    all.extend([0.01, 0.05].map(|net_patient_sd| {
                        let simulation = Simulation {
                            n_seeds,
                            n_patients,
                            patients,
                            net_sd,
                            net_patient_sd,
                            ..Simulation::default()
                        };
                        (what, simulation)
                    }));
                }
            }
        }
    }
    for (n_splits, n_seeds) in [(2, 3), (3, 2), (3, 5), (5, 1)] {
        all.extend([0.0, 0.005, 0.02].map(|split_sd| {
            let simulation = Simulation {
                n_splits,
                n_seeds,
                split_sd,
                ..Simulation::default()
            };
            ("nothing differs, a tenth fails", simulation)
        }));
    }
    all
}

fn gains() -> Vec<(&'static str, Simulation)> {
    let mut all = Vec::new();
    for (n_seeds, net_patient_sd) in [(3, 0.02), (5, 0.01), (5, 0.015), (5, 0.02), (5, 0.03)] {
        let simulation = Simulation {
            n_seeds,
            net_patient_sd,
            gain: Gain::OfFailing(0.1),
            ..Simulation::default()
        };
        all.push(("a tenth fails and gains 0.10", simulation));
    }
    for (n_seeds, net_sd) in [(5, 0.002), (5, 0.005), (8, 0.005), (10, 0.005)] {
        all.extend([0.01, 0.015, 0.02].map(|net_patient_sd| {
            let simulation = Simulation {
                n_seeds,
                n_patients: 60,
                patients: Patients::Normal,
                gain: Gain::OfAll(0.01),
                net_sd,
                net_patient_sd,
                ..Simulation::default()
            };
            ("all gain 0.01", simulation)
        }));
    }
    all
}

/// Splits with several claims: the smaller the alpha of each, the more their few degrees of freedom
/// count.
fn several_claims() -> Vec<(&'static str, Simulation)> {
    let mut all = Vec::new();
    for n_claims in [2, 6] {
        for (n_splits, n_seeds) in [(2, 3), (2, 5), (2, 10), (3, 5), (5, 3)] {
            all.extend([0.0, 0.005, 0.01].map(|split_sd| {
                let simulation = Simulation {
                    n_claims,
                    n_splits,
                    n_seeds,
                    split_sd,
                    n_patients: 60,
                    patients: Patients::Normal,
                    end_point: EndPoint::Mean,
                    ..Simulation::default()
                };
                ("nothing differs, normal, mean", simulation)
            }));
        }
    }
    all
}

/// Failures of which few are among the patients: the rarer they are, the less an interval knows of them.
fn rare_failures() -> Vec<(&'static str, Simulation)> {
    let mut all = Vec::new();
    for n_patients in [60, 200, 600] {
        for (share, what) in [
            (0.1, "10 % fail and gain 0.10"),
            (0.05, "5 % fail and gain 0.10"),
            (0.03, "3 % fail and gain 0.10"),
            (0.02, "2 % fail and gain 0.10"),
        ] {
            let simulation = Simulation {
                n_patients,
                patients: Patients::failing(share),
                gain: Gain::OfFailing(0.1),
                ..Simulation::default()
            };
            all.push((what, simulation));
        }
    }
    for (share, what) in [
        (0.05, "5 % fail, nothing differs"),
        (0.02, "2 % fail, nothing differs"),
    ] {
        let simulation = Simulation {
            n_patients: 60,
            patients: Patients::failing(share),
            ..Simulation::default()
        };
        all.push((what, simulation));
    }
    all
}
