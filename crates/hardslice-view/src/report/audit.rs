//! Whether the statistics that are printed can be true.
//!
//! # Sources
//!
//! R. Bhatia and C. Davis (2000), "A better bound on the variance", American Mathematical Monthly
//! 107(4), 353–357; see [`hardslice_eval::reported`].

use std::collections::BTreeMap;

use hardslice_eval::reported::Denominator;

use crate::paper_tables::paper_tables;
use crate::printed_row::PrintedRow;
use crate::table::{Cell, Column, SummaryRow, Table};

/// Our own rows, as they are printed: each with the largest standard deviation that its mean and
/// range allow. Rows of fewer than two values have no standard deviation and are left out. Rows may be
/// averages over several trainings.
pub fn our_rows(rows: &[SummaryRow], are_averaged: bool) -> Table {
    let mut columns = vec![
        Column::words("organ", "organ"),
        Column::words("metric", "metric"),
        Column::words("arm", "arm"),
    ];
    columns.extend(number_columns());
    let checked = rows.iter().filter_map(|row| {
        let summary = &row.summary;
        let decimals = row.metric.decimals();
        let printed = PrintedRow {
            n: summary.n,
            mean: summary.mean?,
            sd: summary.sd?,
            min: summary.min?,
            max: summary.max?,
            n_decimals: decimals,
            n_decimals_sd: decimals,
            denominator: Some(Denominator::Sample),
            is_averaged: are_averaged,
        };
        let is_impossible = printed.is_impossible();
        let mut cells = vec![
            Cell::words(&row.organ),
            Cell::words(row.metric.title()),
            Cell::words(&row.arm),
        ];
        cells.extend(number_cells(&printed));
        Some((cells, is_impossible))
    });
    let checked: Vec<(Vec<Cell>, bool)> = checked.collect();
    let n_impossible = checked
        .iter()
        .filter(|(_, is_impossible)| *is_impossible)
        .count();
    Table {
        title: "Our rows and the largest standard deviation that they allow".to_owned(),
        columns,
        notes: vec![format!(
            "{n_impossible} of {} rows are impossible.",
            checked.len()
        )],
        rows: checked.into_iter().map(|(cells, _)| cells).collect(),
    }
}

/// The rows of the paper whose printed spread is impossible.
pub fn printed_rows() -> Table {
    let mut columns = vec![
        Column::words("table", "table"),
        Column::words("organ", "organ"),
        Column::words("net", "net"),
        Column::words("model", "model"),
    ];
    columns.extend(number_columns());
    let tables = paper_tables(&BTreeMap::new());
    let all = tables
        .iter()
        .flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let n_all = all.clone().count();
    let rows = all
        .filter(|(_, row)| row.printed.is_impossible())
        .map(|(table, row)| {
            let mut cells = vec![
                Cell::words(table.number),
                Cell::words(table.organ.name()),
                Cell::words(table.net.title()),
                Cell::words(row.arm.title()),
            ];
            cells.extend(number_cells(&row.printed));
            cells
        });
    let rows: Vec<Vec<Cell>> = rows.collect();
    Table {
        title: "Printed rows of Zhang et al. (2019) that no 40 values can have".to_owned(),
        columns,
        notes: vec![format!(
            "{} of the {n_all} printed rows are impossible; the others can be true. A spread that \
             cannot be must not be compared with.",
            rows.len()
        )],
        rows,
    }
}

fn number_columns() -> Vec<Column> {
    vec![
        Column::numbers("n", "n"),
        Column::numbers("mean", "mean"),
        Column::numbers("sd", "SD"),
        Column::numbers("min", "min"),
        Column::numbers("max", "max"),
        Column::numbers("largest_sd", "largest SD"),
        Column::words("sd_is", "SD is"),
    ]
}

fn number_cells(printed: &PrintedRow) -> Vec<Cell> {
    let (decimals, decimals_sd) = (printed.n_decimals, printed.n_decimals_sd);
    vec![
        Cell::Count(printed.n),
        Cell::number(printed.mean, decimals),
        Cell::number(printed.sd, decimals_sd),
        Cell::number(printed.min, decimals),
        Cell::number(printed.max, decimals),
        Cell::number(printed.largest_sd(), decimals_sd),
        Cell::words(if printed.is_impossible() {
            "impossible"
        } else {
            "possible"
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Metric;
    use hardslice_eval::Summary;

    #[test]
    fn our_rows_are_possible_and_a_tampered_one_is_found() {
        let summary = Summary::of([0.9, 0.8, 0.95, 0.7].map(Some));
        let row = |summary| SummaryRow {
            arm: "hard".to_owned(),
            organ: "liver".to_owned(),
            metric: Metric::Dice,
            summary,
            absent_because: Vec::new(),
        };
        let tampered = Summary {
            sd: Some(0.3),
            ..summary
        };
        let single = row(Summary::of([Some(0.5)]));
        let rows = [row(summary), row(tampered), row(tampered), single];
        let table = our_rows(&rows, false);
        let verdicts: Vec<String> = table
            .rows
            .iter()
            .filter_map(|row| row.last().map(Cell::shown))
            .collect();
        assert_eq!(
            verdicts,
            ["possible", "impossible", "impossible"],
            "a single value has no SD"
        );
        assert_eq!(table.notes, ["2 of 3 rows are impossible."]);
        assert_eq!(our_rows(&rows, true).notes, table.notes);
    }

    #[test]
    fn averages_over_trainings_that_are_true_are_possible() {
        let trainings = [
            vec![vec![0.9, 0.9, 0.0], vec![0.9, 0.0, 0.0]],
            vec![
                vec![0.92, 0.91, 0.93, 0.92, 0.0],
                vec![0.92, 0.91, 0.0, 0.0, 0.92],
            ],
        ];
        for of_arm in trainings {
            let scores: Vec<Vec<Option<f64>>> = of_arm
                .into_iter()
                .map(|scores| scores.into_iter().map(Some).collect())
                .collect();
            let row = SummaryRow {
                arm: "hard".to_owned(),
                organ: "liver".to_owned(),
                metric: Metric::Dice,
                summary: Summary::over_trainings(&scores),
                absent_because: Vec::new(),
            };
            let table = our_rows(&[row], true);
            assert_eq!(table.notes, ["0 of 1 rows are impossible."], "{scores:?}");
        }
    }

    #[test]
    fn eleven_of_the_papers_rows_are_listed() {
        let table = printed_rows();
        assert_eq!(table.rows.len(), 11);
        assert!(
            table.notes[0].starts_with("11 of the 36"),
            "{}",
            table.notes[0]
        );
    }
}
