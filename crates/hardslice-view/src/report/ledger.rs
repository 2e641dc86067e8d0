//! A long table that sorts and filters.

use crate::table::{Cell, Table};

/// A long table, bounded, that the page sorts by column and filters by text and by one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Its rows as far as they are shown.
    pub(super) table: Table,
    /// Place of the column that has a list of its values to choose from.
    pub(super) choice: usize,
    /// Values of that column with how many rows have each, all rows counted.
    pub(super) choices: Vec<(String, usize)>,
    /// Rows before the bound.
    pub(super) n_all: usize,
}

impl Ledger {
    /// Keeps the first `most` rows; the others are counted by the words of the column `choice`, and
    /// a note says how many they are.
    ///
    /// # Panics
    ///
    /// When the table has no column with the key `choice`, or a row lacks it.
    pub fn bounded(mut table: Table, choice: &str, most: usize) -> Self {
        let choice = table.columns.iter().position(|column| column.key == choice);
        let choice = choice.expect("rows are counted by a column of the table");
        let count = |rows: &[Vec<Cell>]| {
            let mut counts: Vec<(String, usize)> = Vec::new();
            for row in rows {
                let value = row[choice].shown();
                match counts.iter_mut().find(|(known, _)| *known == value) {
                    Some((_, n)) => *n += 1,
                    None => counts.push((value, 1)),
                }
            }
            counts
        };
        let (n_all, choices) = (table.rows.len(), count(&table.rows));
        if n_all > most {
            let rest = count(&table.rows[most..]);
            let rest = rest.iter().map(|(value, n)| format!("{n} {value}"));
            let rest: Vec<String> = rest.collect();
            table.notes.push(format!(
                "The first {most} of {n_all} rows are shown; the others are {}.",
                rest.join(", ")
            ));
            table.rows.truncate(most);
        }
        Self {
            table,
            choice,
            choices,
            n_all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    #[test]
    fn a_long_ledger_is_cut_and_counts_what_it_leaves_out() {
        let decision = |i: usize| if i < 4 { "hard" } else { "easy" };
        let rows = (0..10).map(|i| vec![Cell::Count(i), Cell::words(decision(i))]);
        let table = Table {
            title: "ledger".to_owned(),
            columns: vec![
                Column::numbers("z", "slice"),
                Column::words("decision", "decision"),
            ],
            rows: rows.collect(),
            notes: Vec::new(),
        };
        let whole = Ledger::bounded(table.clone(), "decision", 10);
        assert!(whole.table.notes.is_empty(), "nothing is left out");
        let cut = Ledger::bounded(table, "decision", 3);
        assert_eq!(cut.table.rows.len(), 3, "the first three");
        assert_eq!(
            cut.choices,
            [("hard".to_owned(), 4), ("easy".to_owned(), 6)]
        );
        assert_eq!(
            cut.table.notes,
            ["The first 3 of 10 rows are shown; the others are 1 hard, 6 easy."]
        );
    }
}
