//! What a comparison can find, before it is run.

use std::collections::BTreeMap;
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

/// A comparison as it is planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned<'a> {
    pub(crate) plan: &'a ComparisonPlan,
    /// Each organ, and how many patients are tested of it.
    pub(crate) tested: &'a [(Organ, usize)],
    pub(crate) n_splits: usize,
    pub(crate) n_seeds: usize,
}

impl Planned<'_> {
    /// The power with patients and nets as they are assumed, in lines.
    pub(crate) fn power(&self, bars: &Bars) -> Vec<String> {
        let assumed = format!(
            "patients are assumed to lie at 0.92, nets to vary by {} and by {} on a patient, splits not \
             (--like EARLIER takes them as an earlier comparison found them)",
            Design::NET_SD,
            Design::NET_PATIENT_SD
        );
        let mut by_n: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (organ, n_patients) in self.tested {
            by_n.entry(*n_patients).or_default().push(organ.as_str());
        }
        let of_n = |(n_patients, organs): (usize, Vec<&str>)| (organs.join(", "), n_patients);
        let groups: Vec<(String, usize)> = by_n.into_iter().map(of_n).collect();
        let power = |design: &Design, _: &str| {
            let found = |of: Expected| found(of.words(), design.power(of));
            Ok(Expected::ALL.map(found).to_vec())
        };
        let lines = self.lines(&assumed, &groups, power, bars);
        lines.expect("what is assumed is no file that cannot be read")
    }

    /// The power with patients and nets that vary as those of an earlier comparison do.
    pub(crate) fn power_like(&self, earlier: &Path, bars: &Bars) -> anyhow::Result<Vec<String>> {
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
        let mut observed = format!(
            "patients are drawn among those of {}, and nets vary on them as there",
            path.display()
        );
        if self.n_splits > 1 {
            observed += "; where that has one division, those of this one are taken not to vary";
        }
        let organs = self.tested.iter();
        let organs: Vec<(String, usize)> = organs.map(|(of, n)| (of.to_string(), *n)).collect();
        let power = |design: &Design, organ: &str| {
            let of_organ = scores.iter().filter(|(of, _)| of == organ);
            let rows: Vec<ArmScore> = of_organ.map(|(_, score)| score.clone()).collect();
            let spread = ObservedSpread::of(&rows, self.plan)
                .with_context(|| format!("{}: the scores of the {organ}", path.display()))?;
            let Some((spread, n_arms)) = spread else {
                return Ok(vec![format!(
                    "nothing can be said: {} has fewer than {LEAST_PATIENTS} patients or \
                     {LEAST_TRAININGS} trainings of it",
                    path.display()
                )]);
            };
            let as_observed = |of: Expected| {
                found(
                    of.words_as_observed(),
                    design.power_as_observed(of, &spread),
                )
            };
            let mut lines = Expected::ALL.map(as_observed).to_vec();
            lines.extend(design.least_gain_as_observed(&spread).map(|gain| {
                format!("a gain of {gain:.3} in every patient is found in 80 of 100 (as in {n_arms} arms)")
            }));
            Ok(lines)
        };
        self.lines(&observed, &organs, power, bars)
    }

    /// What is asked, then organ by organ what `power` says of a test of its patients.
    fn lines(
        &self,
        varying: &str,
        organs: &[(String, usize)],
        power: impl Fn(&Design, &str) -> anyhow::Result<Vec<String>>,
        bars: &Bars,
    ) -> anyhow::Result<Vec<String>> {
        let Some(claimed) = self.plan.arms.iter().find(|arm| self.plan.can_help(arm)) else {
            return Ok(vec![
                "power: none; that an arm helps takes a gain over the baseline and, where it chooses \
                 slices, over its random control, and the experiment does not have both"
                    .to_owned(),
            ]);
        };
        let references = self.plan.references_of(&claimed.arm);
        let names: Vec<String> = references
            .iter()
            .map(|of| format!("`{}`", of.arm))
            .collect();
        let n_claims = self.plan.n_claims();
        let mut lines = vec![format!(
            "power to find that `{}` helps, over {}: {} seeds, {} splits, {n_claims} claims; {varying}",
            claimed.arm,
            names.join(" and "),
            self.n_seeds,
            self.n_splits,
        )];
        bars.begin("simulated comparisons", organs.len() as u64, 0);
        for (done, (organ, n_patients)) in (1..).zip(organs) {
            if *n_patients < LEAST_PATIENTS {
                lines.push(format!(
                    "  {organ}: none, with {n_patients} test patients; a test takes {LEAST_PATIENTS}"
                ));
                continue;
            }
            let design = Design {
                n_patients: *n_patients,
                n_splits: self.n_splits,
                n_seeds: self.n_seeds,
                n_references: references.len(),
                n_claims,
                alpha: self.plan.alpha,
                end_point: self.plan.end_points[0],
            };
            lines.push(format!("  {organ}, {n_patients} test patients:"));
            let of_organ = power(&design, organ)?.into_iter();
            lines.extend(of_organ.map(|line| format!("    {line}")));
            bars.advance(done);
        }
        bars.end();
        if self.n_splits * self.n_seeds < LEAST_TRAININGS {
            lines.push(format!(
                "  of fewer than {LEAST_TRAININGS} trainings nothing is concluded: take more --seeds or \
                 --splits"
            ));
        }
        Ok(lines)
    }
}

fn found(gain: &str, power: Power) -> String {
    let or_no = |n: Option<usize>, what: &str, most: &str| match n {
        Some(n) => format!("{n} {what}"),
        None => format!("more than {most} {what}"),
    };
    format!(
        "where {gain}: {:.0} %; 80 % takes {} a split, or {}",
        100.0 * power.power,
        or_no(power.n_seeds_for_80, "seeds", "20"),
        or_no(power.n_patients_for_80, "test patients", "320"),
    )
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
