//! Tables: of scores by arm, and of arms compared, as text, Markdown, CSV, LaTeX and HTML.
//!
//! ```text
//! SummaryRow ─ summary_tables ────┐
//! Comparison ─ comparison_tables ─┼─ Table ─ to_markdown, to_csv, to_latex, to_html
//! LearningCurve, RatioRow ────────┤
//! paper_tables ───────────────────┘
//! ```
//!
//! A value that does not exist is a dash for people and an empty cell in CSV, never 0 and never NaN;
//! a line below the table says for how many cases and why.

mod cell;
mod markdown;
mod csv;
mod latex;
mod html;
mod summary;
mod comparison;
mod learning;
mod ratios;

pub use cell::Cell;
pub use comparison::comparison_tables;
pub use learning::learning_curve_tables;
pub use ratios::{RatioRow, ratio_table};
pub use summary::{Metric, SummaryRow, summary_tables, to_markdown, to_text};

/// A dash for a value that does not exist.
const ABSENT: &str = "–";

/// A table with a title above and notes below.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Its columns, at least one.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// Sentences that belong below it.
    pub notes: Vec<String>,
}

/// A column's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// In CSV, for example `hd95_mm`.
    pub key: String,
    /// For people, for example `HD95 (mm)`.
    pub title: String,
    /// Whether it holds numbers, which stand to the right.
    pub is_number: bool,
}

impl Column {
    /// A column of words.
    pub fn words(key: &str, title: &str) -> Self {
        Self {
            key: key.to_owned(),
            title: title.to_owned(),
            is_number: false,
        }
    }

    /// A column of numbers.
    pub fn numbers(key: &str, title: &str) -> Self {
        Self {
            is_number: true,
            ..Self::words(key, title)
        }
    }
}

impl Table {
    /// The same with a stamp that no form of it can lose: before the title, in a last column of every
    /// row (named by the stamp), and as the first note.
    #[must_use]
    pub fn stamped(mut self, stamp: &str, note: &str) -> Self {
        self.title = format!("{stamp}. {}", self.title);
        self.columns.push(Column::words(stamp, stamp));
        for row in &mut self.rows {
            row.push(Cell::words(stamp));
        }
        self.notes.insert(0, note.to_owned());
        self
    }

    /// As GitHub Markdown under a heading of the third level, the notes as a list.
    pub fn to_markdown(&self) -> String {
        markdown::write(self)
    }

    /// As CSV (RFC 4180) with a header, every number in full; without title and notes.
    pub fn to_csv(&self) -> String {
        csv::write(self)
    }

    /// As a LaTeX table in the style of the package booktabs, which the document must load.
    pub fn to_latex(&self) -> String {
        latex::write(self)
    }

    /// As an HTML table, the title as its caption and the notes in its foot; no styles but the
    /// alignment of numbers.
    pub fn to_html(&self) -> String {
        html::write(self)
    }
}

/// Tables of the same columns as one, whose first column tells the rows of one from those of
/// another; `None` where there is no table. Title and notes are those of the first.
pub fn stacked<'t>(
    key: &str,
    tables: impl IntoIterator<Item = (&'t String, &'t Table)>,
) -> Option<Table> {
    let mut stack: Option<Table> = None;
    for (name, table) in tables {
        let all = stack.get_or_insert_with(|| {
            let mut columns = vec![Column::words(key, key)];
            columns.extend(table.columns.iter().cloned());
            Table {
                columns,
                rows: Vec::new(),
                ..table.clone()
            }
        });
        for row in &table.rows {
            let mut cells = vec![Cell::words(name)];
            cells.extend(row.iter().cloned());
            all.rows.push(cells);
        }
    }
    stack
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that means something in one of the forms.
    pub(super) fn hostile() -> Table {
        Table {
            title: "100 % of <b>A</b> & B_1 | #2 &lt;".to_owned(),
            columns: vec![
                Column::words("arm", "arm | \"x\""),
                Column::numbers("gain,_mm", "gain_{mm} ^2"),
            ],
            rows: vec![
                vec![
                    Cell::words(
                        "b_only, \"quoted\" | <i>it's</i> & \\end{table} ~50 % $5 #1 {x} ^",
                    ),
                    Cell::number(-0.012_345, 3),
                ],
                vec![
                    Cell::words("[a]\nsecond *line* `code`"),
                    Cell::number(f64::NAN, 3),
                ],
                vec![Cell::words(""), Cell::Absent],
                vec![Cell::Probability(0.000_4), Cell::Count(40)],
            ],
            notes: vec!["a < b, B_1 | c".to_owned()],
        }
    }

    #[test]
    fn markdown_keeps_every_sign_in_its_cell() {
        insta::assert_snapshot!(hostile().to_markdown());
    }

    #[test]
    fn csv_quotes_and_gives_numbers_in_full() {
        insta::assert_snapshot!(hostile().to_csv());
    }

    #[test]
    fn latex_has_no_sign_left_that_means_something() {
        insta::assert_snapshot!(hostile().to_latex());
    }

    #[test]
    fn html_has_no_sign_left_that_means_something() {
        insta::assert_snapshot!(hostile().to_html());
    }

    #[test]
    fn stacked_tables_have_one_header_and_say_whose_each_row_is() {
        let table = |value| Table {
            columns: vec![Column::numbers("gain", "gain")],
            rows: vec![vec![Cell::Count(value)]],
            ..hostile()
        };
        let (liver, spleen) = ("liver".to_owned(), "spleen".to_owned());
        let (first, second) = (table(1), table(2));
        let stack = stacked("organ", [(&liver, &first), (&spleen, &second)]).unwrap();
        assert_eq!(stack.to_csv(), "organ,gain\nliver,1\nspleen,2\n");
        assert_eq!(stacked("organ", []), None, "of nothing");
    }

    #[test]
    fn a_table_without_rows_or_notes_still_has_its_header() {
        let table = Table {
            rows: Vec::new(),
            notes: Vec::new(),
            ..hostile()
        };
        assert_eq!(table.to_csv().lines().count(), 1, "{}", table.to_csv());
        assert!(
            table.to_latex().contains("\\midrule\n\\bottomrule"),
            "no rows"
        );
        assert!(!table.to_html().contains("tfoot"), "no notes");
        assert!(table.to_markdown().ends_with("|---|--:|\n"), "no notes");
    }
}
