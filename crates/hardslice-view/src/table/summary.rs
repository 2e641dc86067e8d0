//! The summary table: arms by mean, spread and range.

use hardslice_eval::Summary;

use super::{ABSENT, Cell, Column, Table};

/// A score that is summarised over cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Dice coefficient, 0 to 1.
    Dice,
    /// 95th percentile of the Hausdorff distance, in millimetres.
    Hd95,
    /// Average symmetric surface distance, in millimetres.
    Assd,
    /// Normalised surface Dice, 0 to 1.
    Nsd,
    /// Predicted less true volume, in millilitres.
    VolumeDifference,
}

impl Metric {
    /// All metrics in the order of the table.
    pub const ALL: [Self; 5] = [
        Self::Dice,
        Self::Hd95,
        Self::Assd,
        Self::Nsd,
        Self::VolumeDifference,
    ];

    /// The name in files: `dice`, `hd95_mm`, `assd_mm`, `nsd`, `volume_difference_ml`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Dice => "dice",
            Self::Hd95 => "hd95_mm",
            Self::Assd => "assd_mm",
            Self::Nsd => "nsd",
            Self::VolumeDifference => "volume_difference_ml",
        }
    }

    /// The name for people, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Dice => "Dice",
            Self::Hd95 => "HD95 (mm)",
            Self::Assd => "ASSD (mm)",
            Self::Nsd => "NSD",
            Self::VolumeDifference => "volume difference (ml)",
        }
    }

    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::Dice | Self::Nsd => 3,
            Self::Assd => 2,
            Self::Hd95 | Self::VolumeDifference => 1,
        }
    }
}

/// One line of the summary table.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// The arm, for example `baseline` or `hard`.
    pub arm: String,
    /// The organ.
    pub organ: String,
    /// What was measured.
    pub metric: Metric,
    /// The numbers.
    pub summary: Summary,
    /// Why values are absent and in how many cases, for example `("prediction_empty", 1)`.
    pub absent_because: Vec<(String, usize)>,
}

const NUMBERS: [&str; 5] = ["n", "mean", "SD", "min", "max"];

impl SummaryRow {
    /// `n`, mean, SD, min and max.
    fn cells(&self) -> [Cell; 5] {
        let Summary {
            n,
            mean,
            sd,
            min,
            max,
            ..
        } = self.summary;
        let number = |value| Cell::some_number(value, self.metric.decimals());
        [
            Cell::Count(n),
            number(mean),
            number(sd),
            number(min),
            number(max),
        ]
    }

    /// Why cases are absent from this line; `None` when none is.
    fn note(&self) -> Option<String> {
        let Summary { n, n_absent, .. } = self.summary;
        let what = format!("{}, {}", self.metric.title(), self.arm);
        let n_cases = n + n_absent;
        if n_cases == 0 {
            return Some(format!("{what}: no cases"));
        }
        if n_absent == 0 {
            return None;
        }
        let because = match &self.absent_because[..] {
            [] => String::new(),
            reasons => format!(" ({})", counted(reasons, " in ").join(", ")),
        };
        Some(format!(
            "{what}: no value in {n_absent} of {n_cases} cases{because}"
        ))
    }
}

/// The lines below an organ's table.
fn notes(rows: &[&SummaryRow]) -> Vec<String> {
    let mut notes: Vec<String> = rows.iter().filter_map(|row| row.note()).collect();
    if rows.iter().any(|row| row.summary.n == 1) {
        notes.push("one value has no SD".to_owned());
    }
    notes
}

fn counted(reasons: &[(String, usize)], between: &str) -> Vec<String> {
    reasons
        .iter()
        .map(|(why, n)| format!("{why}{between}{n}"))
        .collect()
}

/// The table as aligned text for a terminal, one block an organ.
///
/// Organs and arms keep the order in which they first appear, metrics the order of [`Metric`].
pub fn to_text(rows: &[SummaryRow]) -> String {
    let blocks = organs(rows).into_iter().map(|organ| {
        let rows = rows_of(rows, organ);
        let mut lines = vec![[["", organ].map(str::to_owned).to_vec(), header_cells()].concat()];
        let mut last = None;
        for row in &rows {
            let metric = if last == Some(row.metric) {
                ""
            } else {
                row.metric.title()
            };
            last = Some(row.metric);
            lines.push(
                [
                    vec![metric.to_owned(), row.arm.clone()],
                    row.cells().iter().map(Cell::shown).collect(),
                ]
                .concat(),
            );
        }
        // The organ's name stands at the left edge, above the metrics.
        lines[0].swap(0, 1);
        let mut text = aligned(&lines);
        text.extend(
            notes(&rows)
                .into_iter()
                .map(|note| format!("{ABSENT} {note}\n")),
        );
        text
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// One table an organ, titled with it.
///
/// Organs and arms keep the order in which they first appear, metrics the order of [`Metric`].
pub fn summary_tables(rows: &[SummaryRow]) -> Vec<Table> {
    let tables = organs(rows).into_iter().map(|organ| {
        let rows = rows_of(rows, organ);
        let numbers = ["n", "mean", "sd", "min", "max"].into_iter().zip(NUMBERS);
        let mut columns = vec![
            Column::words("metric", "metric"),
            Column::words("arm", "arm"),
        ];
        columns.extend(numbers.map(|(key, title)| Column::numbers(key, title)));
        let cells = |row: &&SummaryRow| {
            let mut cells = vec![Cell::words(row.metric.title()), Cell::words(&row.arm)];
            cells.extend(row.cells());
            cells
        };
        Table {
            title: organ.to_owned(),
            columns,
            rows: rows.iter().map(cells).collect(),
            notes: notes(&rows),
        }
    });
    tables.collect()
}

/// The table as GitHub Markdown, one table an organ under a heading of the third level.
pub fn to_markdown(rows: &[SummaryRow]) -> String {
    let tables = summary_tables(rows);
    let blocks: Vec<String> = tables.iter().map(Table::to_markdown).collect();
    blocks.join("\n")
}

/// Organs in the order in which they first appear.
fn organs(rows: &[SummaryRow]) -> Vec<&str> {
    in_order(rows.iter().map(|row| row.organ.as_str()))
}

/// An organ's rows by metric, within a metric by arm in the order in which the arms first appear.
fn rows_of<'a>(rows: &'a [SummaryRow], organ: &str) -> Vec<&'a SummaryRow> {
    let arms = in_order(rows.iter().map(|row| row.arm.as_str()));
    let place = |row: &SummaryRow| arms.iter().position(|arm| *arm == row.arm);
    let mut rows: Vec<&SummaryRow> = rows.iter().filter(|row| row.organ == organ).collect();
    rows.sort_by_key(|row| (row.metric, place(row)));
    rows
}

fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn header_cells() -> Vec<String> {
    NUMBERS.map(str::to_owned).to_vec()
}

/// Columns of text: the first two to the left, the others, numbers, to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let n_columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column < 2 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(arm: &str, organ: &str, metric: Metric, scores: &[Option<f64>]) -> SummaryRow {
        SummaryRow {
            arm: arm.to_owned(),
            organ: organ.to_owned(),
            metric,
            summary: Summary::of(scores.iter().copied()),
            absent_because: Vec::new(),
        }
    }

    /// Rows in no particular order, with every kind of absence.
    fn rows() -> Vec<SummaryRow> {
        let dice = [Some(0.9), Some(0.95), Some(0.5)];
        let mut missed = row(
            "hard",
            "liver",
            Metric::Hd95,
            &[Some(12.34), None, Some(4.0)],
        );
        missed.absent_because = vec![("prediction_empty".to_owned(), 1)];
        vec![
            row(
                "baseline",
                "liver",
                Metric::Hd95,
                &[Some(30.0), Some(8.25), Some(9.5)],
            ),
            row("baseline", "liver", Metric::Dice, &dice),
            row(
                "hard",
                "liver",
                Metric::Dice,
                &[Some(0.93), Some(0.96), Some(0.81)],
            ),
            missed,
            row("hard", "left kidney", Metric::Dice, &[Some(0.875)]),
            row(
                "random, matched",
                "left kidney",
                Metric::Dice,
                &[None, None],
            ),
            row("b_only", "left kidney", Metric::VolumeDifference, &[]),
        ]
    }

    #[test]
    fn the_text_is_aligned_and_says_what_is_absent() {
        insta::assert_snapshot!(to_text(&rows()));
    }

    #[test]
    fn the_markdown_has_one_table_an_organ() {
        insta::assert_snapshot!(to_markdown(&rows()));
    }

    #[test]
    fn no_form_of_the_table_ever_says_nan() {
        let mut odd = row("hard", "liver", Metric::Dice, &[]);
        odd.summary.mean = Some(f64::NAN);
        odd.summary.max = Some(f64::INFINITY);
        let rows = [odd];
        let table = &summary_tables(&rows)[0];
        for text in [
            to_text(&rows),
            to_markdown(&rows),
            table.to_csv(),
            table.to_latex(),
            table.to_html(),
        ] {
            let text = text.to_lowercase();
            assert!(!text.contains("nan") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn an_empty_table_is_empty() {
        assert_eq!(to_text(&[]), "", "no organs, no blocks");
        assert_eq!(to_markdown(&[]), "", "no organs, no tables");
    }
}
