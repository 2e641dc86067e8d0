//! A table as LaTeX, in the style of the package booktabs.

use super::cell::on_one_line;
use super::{ABSENT, Cell, Table};

pub(super) fn write(table: &Table) -> String {
    let side = |is_number| if is_number { 'r' } else { 'l' };
    let sides: String = table.columns.iter().map(|c| side(c.is_number)).collect();
    let titles = table.columns.iter().map(|column| escaped(&column.title));
    let mut text = format!(
        "% Needs \\usepackage{{booktabs}}.\n\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\
         \\begin{{tabular}}{{{sides}}}\n\\toprule\n{}\\midrule\n",
        escaped(&table.title),
        line(titles),
    );
    for row in &table.rows {
        text.push_str(&line(row.iter().map(shown)));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
    let notes = table.notes.iter().map(|note| escaped(note));
    text.extend(notes.map(|note| format!("\n\\smallskip\n{{\\footnotesize {note}\\par}}\n")));
    text.push_str("\\end{table}\n");
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("{} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
}

/// A cell; a number's hyphen becomes a minus.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Number { .. } => escaped(&cell.shown().replace('-', "\u{2212}")),
        _ => escaped(&cell.shown()),
    }
}

/// Brackets are hidden in a group: at the start of a row they would belong to the `\\` before.
fn escaped(words: &str) -> String {
    if words == ABSENT {
        return "--".to_owned();
    }
    let mut text = String::new();
    for letter in on_one_line(words).chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                text.push('\\');
                text.push(letter);
            }
            '\\' => text.push_str("\\textbackslash{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '^' => text.push_str("\\textasciicircum{}"),
            '<' => text.push_str("$<$"),
            '>' => text.push_str("$>$"),
            '|' => text.push_str("\\textbar{}"),
            '"' => text.push_str("''"),
            '[' | ']' => {
                text.push('{');
                text.push(letter);
                text.push('}');
            }
            '\u{2212}' => text.push_str("$-$"),
            '±' => text.push_str("$\\pm$"),
            _ => text.push(letter),
        }
    }
    text
}
