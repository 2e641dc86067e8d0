//! A table as CSV.

use super::Table;

pub(super) fn write(table: &Table) -> String {
    let header = table.columns.iter().map(|column| field(&column.key));
    let mut text = line(header);
    for row in &table.rows {
        text.push_str(&line(row.iter().map(|cell| field(&cell.in_full()))));
    }
    text
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let mut line = fields.collect::<Vec<_>>().join(",");
    line.push('\n');
    line
}

/// A CSV field, quoted where it holds a comma, a quote or a line end (RFC 4180).
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
