//! What a comparison can find, before it is run.

use std::path::Path;

use anyhow::{Context, ensure};
use hardslice_data::Organ;
use hardslice_eval::compare::{
    ArmScore, ComparisonPlan, Design, Expected, LEAST_PATIENTS, LEAST_TRAININGS, ObservedSpread,
    Power,
};
use serde::Deserialize;

use crate::bars::Bars;
use crate::layout::OutDir;

/// What takes the time.
const SIMULATED: &str = "simulated comparisons";

/// The power of a comparison of such patients and trainings as are assumed, in lines.
pub(crate) fn power(design: &Design, bars: &Bars) -> Vec<String> {
    if let Some(none) = without_a_test(design) {
        return vec![none];
    }
    let mut lines = vec![format!(
        "{}; patients are assumed to lie at 0.92, nets to vary by {} and by {} on a patient, splits \
         not (--like EARLIER takes them as an earlier comparison found them)",
        asked(design),
        Design::NET_SD,
        Design::NET_PATIENT_SD,
    )];
    bars.begin(SIMULATED, Expected::ALL.len() as u64, 0);
    for (done, expected) in (1..).zip(Expected::ALL) {
        lines.push(found(expected.words(), design.power(expected)));
        bars.advance(done);
    }
    bars.end();
    lines.extend(too_few_trainings(design));
    lines
}

/// The power of a comparison with patients and nets that vary as those of an earlier comparison do,
/// organ by organ.
pub(crate) fn power_like(
    design: &Design,
    plan: &ComparisonPlan,
    organs: &[Organ],
    earlier: &Path,
    bars: &Bars,
) -> anyhow::Result<Vec<String>> {
    if let Some(none) = without_a_test(design) {
        return Ok(vec![none]);
    }
    let path = if earlier.is_dir() {
        OutDir::new(earlier).scores()
    } else {
        earlier.to_owned()
    };
    let scores = read(&path).with_context(|| {
        format!(
            "{}: these are no scores of a comparison, scores.csv as `hardslice compare` leaves it",
            path.display()
        )
    })?;
    let mut lines = vec![format!(
        "{}; patients are drawn among those of {}, and nets vary on them as there",
        asked(design),
        path.display()
    )];
    bars.begin(SIMULATED, organs.len() as u64, 0);
    for (done, organ) in (1..).zip(organs) {
        let of_organ = scores.iter().filter(|(of, _)| of == organ.as_str());
        let rows: Vec<ArmScore> = of_organ.map(|(_, score)| score.clone()).collect();
        let observed = ObservedSpread::of(&rows, plan)
            .with_context(|| format!("{}: the scores of the {organ}", path.display()))?;
        let Some((observed, n_arms)) = observed else {
            lines.push(format!(
                "  {organ}: nothing can be said, because fewer than {LEAST_PATIENTS} patients or \
                 {LEAST_TRAININGS} trainings of it are there"
            ));
            continue;
        };
        lines.push(format!("  {organ}, as in {n_arms} arms:"));
        for expected in Expected::ALL {
            let power = design.power_as_observed(expected, &observed);
            lines.push(format!("  {}", found(expected.words_as_observed(), power)));
        }
        if let Some(gain) = design.least_gain_as_observed(&observed) {
            lines.push(format!(
                "    a gain of {gain:.3} in every patient is found in 80 of 100"
            ));
        }
        bars.advance(done);
    }
    bars.end();
    if design.n_splits > 1 {
        lines.push(
            "  where the earlier one has one division, those of this one are taken not to vary"
                .to_owned(),
        );
    }
    lines.extend(too_few_trainings(design));
    Ok(lines)
}

fn without_a_test(design: &Design) -> Option<String> {
    let n_patients = design.n_patients;
    (n_patients < LEAST_PATIENTS).then(|| {
        format!("power: none, with {n_patients} test patients; a test takes {LEAST_PATIENTS}")
    })
}

fn asked(design: &Design) -> String {
    format!(
        "power to find that an arm helps, over baseline and control: {} test patients, {} seeds, {} \
         splits, {} claims",
        design.n_patients, design.n_seeds, design.n_splits, design.n_claims,
    )
}

fn found(gain: &str, power: Power) -> String {
    let or_no = |n: Option<usize>, what: &str, most: &str| match n {
        Some(n) => format!("{n} {what}"),
        None => format!("more than {most} {what}"),
    };
    format!(
        "  where {gain}: {:.0} %; 80 % takes {} a split, or {}",
        100.0 * power.power,
        or_no(power.n_seeds_for_80, "seeds", "20"),
        or_no(power.n_patients_for_80, "test patients", "320"),
    )
}

fn too_few_trainings(design: &Design) -> Option<String> {
    (design.n_splits * design.n_seeds < LEAST_TRAININGS).then(|| {
        format!(
            "  of fewer than {LEAST_TRAININGS} trainings nothing is concluded: take more --seeds or \
             --splits"
        )
    })
}

/// A row of a comparison's `scores.csv`, as far as it is read.
#[derive(Debug, Deserialize)]
struct Row {
    case: String,
    arm: String,
    organ: String,
    seed: u64,
    net: String,
    ratio: String,
    division: u64,
    patient: String,
    dice: Option<f64>,
}

/// The scores of a comparison, each with its organ.
fn read(path: &Path) -> anyhow::Result<Vec<(String, ArmScore)>> {
    let mut csv = csv::Reader::from_path(path)?;
    let rows: Vec<Row> = csv.deserialize().collect::<Result<_, _>>()?;
    let first = rows.first().context("there is no row")?;
    let is_of_sweep = rows
        .iter()
        .any(|row| (&row.net, &row.ratio) != (&first.net, &first.ratio));
    ensure!(
        !is_of_sweep,
        "there are several nets or selection ratios, as a sweep has them"
    );
    let score = |row: Row| {
        let score = ArmScore {
            arm: row.arm,
            seed: row.seed,
            split: row.division,
            patient: row.patient,
            case: row.case,
            value: row.dice,
            absent_because: None,
        };
        (row.organ, score)
    };
    Ok(rows.into_iter().map(score).collect())
}
