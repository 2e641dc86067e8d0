//! A table as GitHub Markdown.

use super::cell::on_one_line;
use super::{Column, Table};

pub(super) fn write(table: &Table) -> String {
    let titles = table.columns.iter().map(|column| escaped(&column.title));
    let rule = |column: &Column| if column.is_number { "--:" } else { "---" };
    let rules: Vec<&str> = table.columns.iter().map(rule).collect();
    let mut text = format!(
        "### {}\n\n{}|{}|\n",
        escaped(&table.title),
        line(titles),
        rules.join("|")
    );
    for row in &table.rows {
        text.push_str(&line(row.iter().map(|cell| escaped(&cell.shown()))));
    }
    if !table.notes.is_empty() {
        text.push('\n');
    }
    text.extend(
        table
            .notes
            .iter()
            .map(|note| format!("- {}\n", escaped(note))),
    );
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

/// Underscores stay: inside a word, as in `b_only`, they mean nothing. Nor do `<` and `&` before a
/// space.
fn escaped(words: &str) -> String {
    let words = on_one_line(words);
    let mut text = String::new();
    let mut letters = words.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_before_word = letters.peek().is_some_and(|next| !next.is_whitespace());
        match letter {
            '<' if is_before_word => text.push_str("&lt;"),
            '&' if is_before_word => text.push_str("&amp;"),
            '|' | '\\' | '*' | '`' | '[' | ']' | '#' => {
                text.push('\\');
                text.push(letter);
            }
            _ => text.push(letter),
        }
    }
    text
}
