//! Arms compared, as tables.

use hardslice_eval::compare::{ArmEstimate, Comparison, ComparisonRow, EstimateInterval, Test};

use super::{Cell, Column, Table};

/// Decimals of scores and differences that people see.
const DECIMALS: usize = 3;

/// Two tables: every arm by end point, and every arm less its references with the tests.
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
    columns.extend(interval_columns(comparison));
    columns.extend(sample_columns());
    let of = |estimate: &ArmEstimate| {
        let mut cells = vec![
            Cell::words(estimate.end_point.title()),
            Cell::words(&estimate.arm),
            Cell::number(estimate.estimate, DECIMALS),
        ];
        cells.extend(interval_cells(estimate.interval));
        cells.extend([
            Cell::Count(estimate.n_patients),
            Cell::Count(estimate.n_seeds),
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
        notes: unreliable_note(comparison.estimates.iter().map(|found| found.interval)),
    }
}

fn differences(comparison: &Comparison) -> Table {
    let mut columns = vec![
        Column::words("end_point", "end point"),
        Column::words("arm", "arm"),
        Column::words("reference", "less"),
        Column::numbers("difference", "difference"),
    ];
    columns.extend(interval_columns(comparison));
    columns.extend([
        Column::words("test", "test"),
        Column::numbers("p", "p"),
        Column::numbers("p_holm", "p, Holm"),
        Column::numbers("smallest_p", "smallest p"),
    ]);
    columns.extend(sample_columns());
    let of = |row: &ComparisonRow| {
        let tests = std::iter::once(row.test).chain(row.further_tests.iter().copied());
        let lines = tests.map(|outcome| {
            let mut cells = vec![
                Cell::words(row.end_point.title()),
                Cell::words(&row.arm),
                Cell::words(&row.reference),
                Cell::number(row.difference, DECIMALS),
            ];
            cells.extend(interval_cells(row.interval));
            cells.extend([
                Cell::words(match outcome.test {
                    Test::Permutation => "permutation",
                    Test::Wilcoxon => "Wilcoxon",
                }),
                Cell::Probability(outcome.raw.p),
                Cell::Probability(outcome.p_holm),
                Cell::Probability(outcome.raw.smallest_p),
            ]);
            cells.extend([Cell::Count(row.n_patients), Cell::Count(row.n_seeds)]);
            cells
        });
        lines.collect::<Vec<_>>()
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
    notes.extend(unreliable_note(
        comparison.rows.iter().map(|row| row.interval),
    ));
    Table {
        title: format!("{}, arm less reference", comparison.plan.score),
        columns,
        rows: comparison.rows.iter().flat_map(of).collect(),
        notes,
    }
}

fn interval_columns(comparison: &Comparison) -> [Column; 3] {
    let percent = (1000.0 * (1.0 - comparison.plan.alpha)).round() / 10.0;
    [
        Column::numbers("low", &format!("{percent} % from")),
        Column::numbers("high", "to"),
        Column::words("unreliable", "unreliable"),
    ]
}

/// The last ones: where a page is too narrow for all, these are the ones that can be missed.
fn sample_columns() -> [Column; 2] {
    [
        Column::numbers("n_patients", "patients"),
        Column::numbers("n_seeds", "seeds"),
    ]
}

fn interval_cells(interval: Option<EstimateInterval>) -> [Cell; 3] {
    let Some(found) = interval else {
        return [Cell::Absent, Cell::Absent, Cell::words("")];
    };
    [
        Cell::number(found.low, DECIMALS),
        Cell::number(found.high, DECIMALS),
        Cell::words(if found.unreliable { "yes" } else { "" }),
    ]
}

fn unreliable_note(intervals: impl Iterator<Item = Option<EstimateInterval>>) -> Vec<String> {
    let mut found = intervals.flatten();
    let note = "Unreliable: the end point hangs on a single patient, and resampling cannot tell \
                how low another could lie.";
    let is_any = found.any(|interval| interval.unreliable);
    Vec::from_iter(is_any.then(|| note.to_owned()))
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
            for patient in 0..12_u32 {
                rows.push(ArmScore {
                    arm: arm.to_owned(),
                    seed: 1,
                    patient: patient.to_string(),
                    case: patient.to_string(),
                    value: Some(0.75 + gain + 0.001 * f64::from(patient * patient % 7)),
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
        };
        let mut plan = ComparisonPlan::of_dice(
            vec![hard],
            vec![
                reference("baseline", Role::Baseline),
                reference("random", Role::Control),
            ],
        );
        plan.n_resamples = 99;
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
