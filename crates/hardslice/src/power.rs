//! What a comparison can find, before it is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use hardslice_data::Organ;
use hardslice_data::text::{Row, TableFile};
use hardslice_eval::Status;
use hardslice_eval::compare::{
    ArmScore, ClaimedArm, ComparisonPlan, Design, Expected, LEAST_PATIENTS, LEAST_TRAININGS,
    ObservedSpread, Power, Role, counted,
};

use crate::bars::Bars;
use crate::layout::OutDir;
use crate::results::LEAKY;

/// A comparison as it is planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned<'a> {
    pub(crate) plan: &'a ComparisonPlan,
    /// Each organ, and how many patients are tested of it.
    pub(crate) tested: &'a [(Organ, usize)],
    pub(crate) n_splits: usize,
    pub(crate) n_seeds: usize,
}

/// Which arms cannot be said to help, whatever is found, because what they must be better than is not
/// trained.
pub(crate) fn lacking_references(plan: &ComparisonPlan) -> Vec<String> {
    let lacking = plan.arms.iter().filter(|claimed| !plan.can_help(claimed));
    let sentence = |claimed: &ClaimedArm| {
        let references = plan.references_of(&claimed.arm);
        let has_control = references.iter().any(|of| of.role == Role::Control);
        let missing = match &claimed.control {
            Some(control) if claimed.chooses_slices && !has_control => control,
            _ => "baseline",
        };
        format!(
            "that `{}` helps cannot be shown without `{missing}`: add that to arms, or take `{}` out, \
             which makes others harder to show as a further claim",
            claimed.arm, claimed.arm
        )
    };
    lacking.map(sentence).collect()
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
            let found = |of: Expected| found(of.words(), design.power(of), design);
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
        let scored = Earlier::read(&path)?;
        let mut observed = format!(
            "patients are drawn among those of {}, and nets vary on them as there",
            path.display()
        );
        if self.n_splits > 1 {
            observed += "; where that has one division, those of this one are taken not to vary";
        }
        if scored.is_leaky {
            observed = format!(
                "{observed}; {LEAKY}: a threshold of that comparison was taken from its test set"
            );
        }
        let organs = self.tested.iter();
        let organs: Vec<(String, usize)> = organs.map(|(of, n)| (of.to_string(), *n)).collect();
        let power = |design: &Design, organ: &str| {
            let of_organ = scored.scores.iter().filter(|(of, _)| of == organ);
            let rows: Vec<ArmScore> = of_organ.map(|(_, score)| score.clone()).collect();
            if rows.is_empty() {
                return Ok(vec![format!(
                    "nothing can be said: there are scores of {}, and none of the {organ}",
                    scored.organs()
                )]);
            }
            let spread = ObservedSpread::of(&rows, self.plan)
                .with_context(|| format!("{}: the scores of the {organ}", path.display()))?;
            let Some((spread, n_arms)) = spread else {
                return Ok(vec![format!(
                    "nothing can be said: it takes {LEAST_PATIENTS} patients with a score by every arm \
                     in {LEAST_TRAININGS} trainings that all arms have"
                )]);
            };
            let as_observed = |of: Expected| {
                found(
                    of.words_as_observed(),
                    design.power_as_observed(of, &spread),
                    design,
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
        let mut lines = lacking_references(self.plan);
        let references = self.plan.references_of(&claimed.arm);
        let names: Vec<String> = references
            .iter()
            .map(|of| format!("`{}`", of.arm))
            .collect();
        let n_claims = self.plan.n_claims();
        lines.push(format!(
            "power to find that `{}` helps, over {}: {}, {}, {}; {varying}",
            claimed.arm,
            names.join(" and "),
            counted(self.n_seeds, "seed"),
            counted(self.n_splits, "split"),
            counted(n_claims, "claim"),
        ));
        let (enough, too_few): (Vec<_>, Vec<_>) =
            organs.iter().partition(|(_, n)| *n >= LEAST_PATIENTS);
        lines.extend(too_few.into_iter().map(|(organ, n)| {
            format!("  {organ}: none, with {n} test patients; a test takes {LEAST_PATIENTS}")
        }));
        bars.begin("simulated comparisons", enough.len() as u64, 0);
        for (done, (organ, n_patients)) in (1..).zip(enough) {
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

fn found(gain: &str, power: Power, design: &Design) -> String {
    let or_no = |n: Option<usize>, what: &str, most: &str| match n {
        Some(n) => format!("{n} {what}"),
        None => format!("more than {most} {what}"),
    };
    let seeds = or_no(power.n_seeds_for_80, "seeds", "20");
    let or_patients = if design.is_enough() {
        let patients = or_no(power.n_patients_for_80, "test patients", "320");
        format!(", or {patients}")
    } else {
        String::new()
    };
    format!(
        "where {gain}: {:.0} %; 80 % takes {seeds} a split{or_patients}",
        100.0 * power.power,
    )
}

/// The scores of an earlier comparison.
#[derive(Debug)]
struct Earlier {
    /// Each with its organ.
    scores: Vec<(String, ArmScore)>,
    /// Whether a threshold came from its test set.
    is_leaky: bool,
}

impl Earlier {
    /// The columns that are read.
    const COLUMNS: [&str; 9] = [
        "case", "arm", "organ", "seed", "net", "ratio", "division", "patient", "dice",
    ];

    /// Reads `scores.csv`, or that of a folder.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let table = TableFile::read(path)?;
        let places = Self::COLUMNS.map(|column| table.column(&[column]));
        let missing = Self::COLUMNS.iter().zip(places);
        let missing: Vec<&str> = missing
            .filter(|(_, place)| place.is_none())
            .map(|(column, _)| *column)
            .collect();
        ensure!(
            missing.is_empty(),
            "{} has no column {}: wanted the scores of a comparison, scores.csv as `hardslice compare` \
             leaves it (a `run` is one training, and knows nothing of others)",
            path.display(),
            missing.join(", ")
        );
        ensure!(!table.rows.is_empty(), "{} has no scores", path.display());
        let places = places.map(Option::unwrap_or_default);
        let [case, arm, organ, seed, net, ratio, division, patient, dice] = places;
        let mut scores = Vec::new();
        for Row { line, cells } in &table.rows {
            let wrong = |place: usize, wanted: &str| {
                anyhow!(
                    "{}, line {line}: `{}` in the column {} is {wanted}",
                    path.display(),
                    cells[place],
                    table.header[place]
                )
            };
            let first = &table.rows[0].cells;
            if (&cells[net], &cells[ratio]) != (&first[net], &first[ratio]) {
                return Err(wrong(
                    if cells[net] == first[net] { ratio } else { net },
                    "another than before, as a sweep has them: wanted the scores of a comparison",
                ));
            }
            let number = |place: usize| cells[place].parse().ok();
            let is_dice = |value: &f64| (0.0..=1.0).contains(value);
            let is_absent = |place: usize| cells[place] == Status::TruthEmpty.word();
            let value = match cells[dice].as_str() {
                "" => None,
                _ if table.column(&["status"]).is_some_and(is_absent) => None,
                cell => Some(
                    table
                        .number(cell)
                        .filter(is_dice)
                        .ok_or_else(|| wrong(dice, "no Dice, which is a number from 0 to 1"))?,
                ),
            };
            let score = ArmScore {
                arm: cells[arm].clone(),
                seed: number(seed)
                    .ok_or_else(|| wrong(seed, "no seed, which is a whole number"))?,
                split: number(division)
                    .ok_or_else(|| wrong(division, "no division, which is a whole number"))?,
                patient: cells[patient].clone(),
                case: cells[case].clone(),
                value,
                absent_because: None,
            };
            scores.push((cells[organ].clone(), score));
        }
        Ok(Self {
            scores,
            is_leaky: table.header.iter().any(|column| column == LEAKY),
        })
    }

    fn organs(&self) -> String {
        let organs: BTreeSet<&str> = self
            .scores
            .iter()
            .map(|(organ, _)| organ.as_str())
            .collect();
        organs.into_iter().collect::<Vec<_>>().join(", ")
    }
}
