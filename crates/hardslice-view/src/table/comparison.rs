//! Arms compared, as tables.

use hardslice_eval::compare::{
    ArmEstimate, Comparison, ComparisonRow, EstimateInterval, TestOutcome, percent,
};

use super::{Cell, Column, Table};

/// Decimals of scores and differences that people see.
const DECIMALS: usize = 3;

/// Two tables: every arm by end point, and every arm less its references with its test.
///
/// The question, the verdict and what must be known beside it stand below the second.
pub fn comparison_tables(comparison: &Comparison) -> [Table; 2] {
    [estimates(comparison), differences(comparison)]
}

fn estimates(comparison: &Comparison) -> Table {
    let mut columns = vec![
        Column::words("end_point", "end point"),
        Column::words("arm", "arm"),
        Column::numbers("estimate", &comparison.plan.score),
    ];
    columns.extend(interval_columns(1.0 - comparison.plan.alpha));
    columns.extend(sample_columns());
    let of = |estimate: &ArmEstimate| {
        let mut cells = vec![
            Cell::words(estimate.end_point.title()),
            Cell::words(&estimate.arm),
            Cell::number(estimate.estimate, DECIMALS),
        ];
        cells.extend(interval_cells(estimate.interval, DECIMALS));
        cells.extend([
            Cell::Count(estimate.n_patients),
            Cell::Count(estimate.n_trainings),
            Cell::Count(estimate.n_splits),
        ]);
        cells
    };
    let by_end_point = comparison.plan.end_points.iter().flat_map(|end_point| {
        let estimates = comparison.estimates.iter();
        estimates.filter(move |estimate| estimate.end_point == *end_point)
    });
    Table {
        title: format!("{} by arm", comparison.plan.score),
        columns,
        rows: by_end_point.map(of).collect(),
        notes: notes_on_marks(comparison.estimates.iter().map(|found| found.interval)),
    }
}

fn differences(comparison: &Comparison) -> Table {
    let mut columns = vec![
        Column::words("end_point", "end point"),
        Column::words("arm", "arm"),
        Column::words("reference", "less"),
        Column::numbers("difference", "difference"),
    ];
    let n_claims = comparison.n_claims as f64;
    columns.extend(interval_columns(1.0 - comparison.plan.alpha / n_claims));
    columns.extend([
        Column::numbers("p", "p"),
        Column::numbers("p_corrected", "p, corrected"),
    ]);
    columns.extend(sample_columns());
    let of = |row: &ComparisonRow| {
        let mut cells = vec![
            Cell::words(row.end_point.title()),
            Cell::words(&row.arm),
            Cell::words(&row.reference),
            Cell::number(row.difference, DECIMALS),
        ];
        cells.extend(interval_cells(row.interval, DECIMALS));
        let p = |of: fn(&TestOutcome) -> f64| {
            let of_test = row.test.as_ref().map(of);
            of_test.map_or(Cell::Absent, Cell::Probability)
        };
        cells.extend([
            p(|test| test.p),
            p(|test| test.p_corrected),
            Cell::Count(row.n_patients),
            Cell::Count(row.n_trainings),
            Cell::Count(row.n_splits),
        ]);
        cells
    };
    let mut notes = vec![
        comparison.question.clone(),
        comparison.verdict.clone(),
        format!(
            "Primary end point: {}. Plan: {}.",
            comparison.primary.title(),
            comparison.plan_blake3
        ),
    ];
    notes.extend(comparison.notes.iter().cloned());
    notes.extend(notes_on_marks(
        comparison.rows.iter().map(|row| row.interval),
    ));
    Table {
        title: format!("{}, arm less reference", comparison.plan.score),
        columns,
        rows: comparison.rows.iter().map(of).collect(),
        notes,
    }
}

pub(super) fn interval_columns(confidence: f64) -> [Column; 3] {
    [
        Column::numbers("low", &format!("{} % from", percent(confidence))),
        Column::numbers("high", "to"),
        Column::words("marked", "marked"),
    ]
}

/// The last ones: where a page is too narrow for all, these are the ones that can be missed.
fn sample_columns() -> [Column; 3] {
    [
        Column::numbers("n_patients", "patients"),
        Column::numbers("n_trainings", "trainings"),
        Column::numbers("n_splits", "splits"),
    ]
}

pub(super) fn interval_cells(interval: Option<EstimateInterval>, decimals: usize) -> [Cell; 3] {
    let Some(found) = interval else {
        return [Cell::Absent, Cell::Absent, Cell::words("")];
    };
    [
        Cell::number(found.low, decimals),
        Cell::number(found.high, decimals),
        Cell::words(mark(found)),
    ]
}

const UNRELIABLE: &str = "unreliable";
const WIDE: &str = "wide";

fn mark(interval: EstimateInterval) -> &'static str {
    match interval {
        EstimateInterval {
            unreliable: true, ..
        } => UNRELIABLE,
        EstimateInterval { wide: true, .. } => WIDE,
        _ => "",
    }
}

/// What the marks among these intervals mean.
pub(super) fn notes_on_marks(
    intervals: impl Iterator<Item = Option<EstimateInterval>>,
) -> Vec<String> {
    let marks: Vec<&str> = intervals.flatten().map(mark).collect();
    let notes = [
        (
            UNRELIABLE,
            "Unreliable: with so few patients or trainings the interval may hold the truth more or \
             less often than it says.",
        ),
        (
            WIDE,
            "Wide: trainings differ no more than their luck with single patients makes them; the \
             interval allows for more, and may hold the truth more often than it says, as far as other \
             patients are like these.",
        ),
    ];
    let found = notes.iter().filter(|(of, _)| marks.contains(of));
    found.map(|(_, note)| (*note).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardslice_eval::compare::{
        ArmScore, ArmWords, ClaimedArm, ComparisonPlan, Reference, Role, Wording, compare,
    };

    #[test]
    fn a_comparison_is_two_tables_with_its_verdict_below() {
        let gains = [("baseline", 0.0), ("hard", 0.0625), ("random", 0.03125)];
        let mut rows = Vec::new();
        for (arm, gain) in gains {
            for (patient, seed) in (0..36_u32).map(|idx| (idx / 3, idx % 3)) {
                let luck = 0.002 * f64::from(seed);
                rows.push(ArmScore {
                    arm: arm.to_owned(),
                    seed: u64::from(seed),
                    split: 0,
                    patient: patient.to_string(),
                    case: patient.to_string(),
                    value: Some(0.75 + gain + luck + 0.001 * f64::from(patient * patient % 7)),
                    absent_because: None,
                });
            }
        }
        let reference = |arm: &str, role| Reference {
            arm: arm.to_owned(),
            role,
        };
        let hard = ClaimedArm {
            arm: "hard".to_owned(),
            chooses_slices: true,
            control: None,
        };
        let plan = ComparisonPlan::of_dice(
            vec![hard],
            vec![
                reference("baseline", Role::Baseline),
                reference("random", Role::Control),
            ],
            1,
        );
        let words = |arm: &str, subject: &str, is_plural, object: &str| {
            let words = ArmWords {
                subject: subject.to_owned(),
                is_plural,
                object: object.to_owned(),
            };
            (arm.to_owned(), words)
        };
        let wording = Wording::from([
            words("baseline", "the baseline", false, "the baseline"),
            words("hard", "hard slices", true, "hard slices"),
            words("random", "random slices", true, "the random control"),
        ]);
        let tables = comparison_tables(&compare(&plan, &wording, &rows).unwrap());
        let [estimates, differences] = tables.map(|table| table.to_markdown());
        insta::assert_snapshot!(format!("{estimates}\n{differences}"));
    }
}
