//! A table as HTML.

use super::Table;

pub(super) fn write(table: &Table) -> String {
    let sides: Vec<&str> = table
        .columns
        .iter()
        .map(|column| {
            if column.is_number {
                " style=\"text-align: right\""
            } else {
                ""
            }
        })
        .collect();
    let titles = table.columns.iter().zip(&sides);
    let header = titles.map(|(column, side)| {
        let title = escaped(&column.title);
        format!("<th scope=\"col\"{side}>{title}</th>")
    });
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().zip(&sides);
        let cells = cells.map(|(cell, side)| format!("<td{side}>{}</td>", escaped(&cell.shown())));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    });
    let n_columns = table.columns.len();
    let notes = table.notes.iter().map(|note| {
        let note = escaped(note);
        format!("<tr><td colspan=\"{n_columns}\">{note}</td></tr>\n")
    });
    let foot = if table.notes.is_empty() {
        String::new()
    } else {
        format!("<tfoot>\n{}</tfoot>\n", notes.collect::<String>())
    };
    format!(
        "<table>\n<caption>{}</caption>\n<thead>\n<tr>{}</tr>\n</thead>\n<tbody>\n{}</tbody>\n\
         {foot}</table>\n",
        escaped(&table.title),
        header.collect::<String>(),
        rows.collect::<String>(),
    )
}

fn escaped(words: &str) -> String {
    words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
