//! Tables that people made: the one reader of all of them.

use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use hardslice_volume::FileError;
use thiserror::Error;

use super::TextFile;

/// A table with a header, every cell as text without the white space around it.
///
/// Cells are parted by commas, semicolons or tabs, whichever the header holds most of outside
/// quotation marks (a first line `sep=;`, as Excel writes it, decides). Lines end as on any system.
/// Lines that begin with `#` and lines without any content are left out. Columns at the right that
/// have neither a name nor content, which spreadsheets leave, are left out, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFile {
    /// Names of the columns, as they are written.
    pub header: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Row>,
    /// What had to be assumed, for people: an encoding that the file does not name.
    pub notes: Vec<String>,
    /// Whether decimals may be written with a comma: where commas do not part cells.
    has_decimal_comma: bool,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file that it begins on, from 1: comments and empty lines count.
    pub line: usize,
    /// Its cells.
    pub cells: Vec<String>,
}

/// A file is no table.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// It cannot be read, or is no text.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing but comments and empty lines.
    #[error("no header, the table is empty: {}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A row with other columns than the header.
    #[error(
        "line {line} has {found} cells, the header has {wanted} (cells are parted by {separator}; \
         put quotation marks around one that holds it): {}", path.display()
    )]
    Ragged {
        /// The row's line.
        line: usize,
        /// Its cells.
        found: usize,
        /// The header's.
        wanted: usize,
        /// What parts them.
        separator: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A quotation mark that is not closed swallows all rows behind it.
    #[error("a quotation mark that opens on line {line} or behind it is never closed: {}", path.display())]
    OpenQuote {
        /// The line of the row.
        line: usize,
        /// The file.
        path: PathBuf,
    },
}

impl TableFile {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// [`TableError`] when the file cannot be read, is no text or no table.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let TextFile { text, note } = TextFile::read(path)?;
        let mut table = Self::parse(&text, path)?;
        table.notes.extend(note);
        Ok(table)
    }

    /// Reads a table from text; `path` is for messages.
    ///
    /// # Errors
    ///
    /// [`TableError`] when it is no table.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TableError> {
        // One line end, so that lines are counted alike whoever wrote them.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let told = told_separator(&text);
        let mut lines = Lines::new(&text, if told.is_some() { 2 } else { 1 });
        let separator = told.unwrap_or_else(|| separator(&text));
        let mut reader = ReaderBuilder::new()
            .delimiter(separator)
            .trim(Trim::All)
            .comment(Some(b'#'))
            .flexible(true)
            .has_headers(false)
            .from_reader(lines.text().as_bytes());
        let mut rows: Vec<Row> = Vec::new();
        let mut record = StringRecord::new();
        // Text in memory that is UTF-8 has no other error.
        while reader.read_record(&mut record).map_err(|error| {
            let path = path.to_path_buf();
            let source = std::io::Error::other(error);
            FileError {
                action: hardslice_volume::Action::Read,
                path,
                source,
            }
        })? {
            let start = record.position().map_or(0, csv::Position::byte);
            let line = lines.of_record(start);
            if record.iter().any(|cell| !cell.is_empty()) {
                let cells = record.iter().map(str::to_owned).collect();
                rows.push(Row { line, cells });
            }
        }
        if let Some(last) = rows.last()
            // What swallows the rest of the file is its last cell.
            && last.cells.last().is_some_and(|cell| cell.contains('\n'))
            && !text.trim_end().ends_with('"')
        {
            let (line, path) = (last.line, path.to_path_buf());
            return Err(TableError::OpenQuote { line, path });
        }
        if rows.is_empty() {
            let path = path.to_path_buf();
            return Err(TableError::Empty { path });
        }
        let mut header = rows.remove(0).cells;
        while header.last().is_some_and(String::is_empty) {
            header.pop();
        }
        for row in &mut rows {
            while row.cells.len() > header.len() && row.cells.last().is_some_and(String::is_empty) {
                row.cells.pop();
            }
            if row.cells.len() != header.len() {
                return Err(TableError::Ragged {
                    line: row.line,
                    found: row.cells.len(),
                    wanted: header.len(),
                    separator: separator_name(separator),
                    path: path.to_path_buf(),
                });
            }
        }
        Ok(Self {
            header,
            rows,
            notes: Vec::new(),
            has_decimal_comma: separator != b',',
        })
    }

    /// The place of the first column that has one of these names; `None` where there is none.
    ///
    /// Names are those of [`TableFile::column_key`].
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let mut header = self.header.iter();
        header.position(|name| names.contains(&Self::column_key(name).as_str()))
    }

    /// A column's name as it is compared: lower case, with underscores for spaces and hyphens.
    pub fn column_key(name: &str) -> String {
        name.trim().to_lowercase().replace([' ', '-'], "_")
    }

    /// A cell as a number; `None` where it is none. `2,5` is one where commas do not part cells.
    pub fn number(&self, cell: &str) -> Option<f64> {
        let plain = cell.parse();
        if plain.is_err() && self.has_decimal_comma {
            return cell.replacen(',', ".", 1).parse().ok();
        }
        plain.ok()
    }
}

/// The separator that a first line `sep=;` tells.
fn told_separator(text: &str) -> Option<u8> {
    let first = text.split('\n').next()?.trim_end_matches([' ', '"']);
    match first.trim_start_matches('"').strip_prefix("sep=")? {
        ";" => Some(b';'),
        "," => Some(b','),
        "\t" | "\\t" => Some(b'\t'),
        _ => None,
    }
}

/// The one of tab, semicolon and comma that the header holds most of, outside quotation marks.
fn separator(text: &str) -> u8 {
    let is_left_out = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let header = text.split('\n').find(|line| !is_left_out(line));
    let mut counts = [(b'\t', 0), (b';', 0), (b',', 0)];
    let mut is_quoted = false;
    for byte in header.unwrap_or_default().bytes() {
        is_quoted ^= byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(byte == *separator && !is_quoted);
        }
    }
    // The last of equals: a comma where none is found.
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(separator, _)| separator)
}

fn separator_name(separator: u8) -> &'static str {
    match separator {
        b'\t' => "tabs",
        b';' => "semicolons",
        _ => "commas",
    }
}

/// Counts lines up to the records that are read, in one pass over the text.
struct Lines<'t> {
    text: &'t str,
    counted_to: usize,
    line: usize,
}

impl<'t> Lines<'t> {
    /// Of a text, from its line `first` on.
    fn new(text: &'t str, first: usize) -> Self {
        let from = if first == 1 {
            0
        } else {
            text.find('\n').map_or(text.len(), |end| end + 1)
        };
        Self {
            text: &text[from..],
            counted_to: 0,
            line: first,
        }
    }

    fn text(&self) -> &'t str {
        self.text
    }

    /// The line of the record that the reader met from this byte on: comments and empty lines
    /// before it belong to its bytes.
    fn of_record(&mut self, start: u64) -> usize {
        self.count_to(usize::try_from(start).expect("an offset into text in memory"));
        loop {
            let rest = &self.text[self.counted_to..];
            let line = rest.split('\n').next().unwrap_or_default();
            let has_end = line.len() < rest.len();
            if !has_end || !(line.is_empty() || line.starts_with('#')) {
                return self.line;
            }
            self.count_to(self.counted_to + line.len() + 1);
        }
    }

    fn count_to(&mut self, end: usize) {
        if end > self.counted_to {
            self.line += self.text[self.counted_to..end].matches('\n').count();
            self.counted_to = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TableFile, TableError> {
        TableFile::parse(text, Path::new("t.csv"))
    }

    fn shown(table: &TableFile) -> Vec<String> {
        let rows = table.rows.iter();
        rows.map(|row| format!("{}: {}", row.line, row.cells.join("|")))
            .collect()
    }

    #[test]
    fn every_separator_and_line_end_gives_the_same_table() {
        for separator in [",", ";", "\t"] {
            for end in ["\n", "\r\n", "\r"] {
                let text = "case,fold\n\"a\",test\n\n# folds, by hand; \"draft\n b ,\"x, y; z\"\n"
                    .replace("case,fold", &["case", "fold"].join(separator))
                    .replace("\"a\",test", &["\"a\"", "test"].join(separator))
                    .replace(" b ,\"", &[" b ", "\""].join(separator))
                    .replace('\n', end);
                let table = parse(&text).unwrap();
                assert_eq!(table.header, ["case", "fold"], "{separator:?} {end:?}");
                let want = ["2: a|test", "5: b|x, y; z"];
                assert_eq!(shown(&table), want, "{separator:?} {end:?}");
            }
        }
    }

    #[test]
    fn what_spreadsheets_add_is_left_out() {
        let excel = parse("sep=;\nCase ID;Fold;;\na;test;;\n;;;\nb;train\n").unwrap();
        assert_eq!(excel.header, ["Case ID", "Fold"], "columns without a name");
        assert_eq!(shown(&excel), ["3: a|test", "5: b|train"], "an empty row");
        assert_eq!(excel.column(&["case_id"]), Some(0), "in other spelling");
        assert_eq!(excel.number("2,5"), Some(2.5), "a decimal comma");
        assert_eq!(excel.number("two"), None, "no number");
        let english = parse("a,b\n1,2\n").unwrap();
        assert_eq!(english.number("2,5"), None, "the comma parts cells here");
        let quoted = parse("\"name; first\",\"b\"\n1,2\n").unwrap();
        assert_eq!(quoted.header, ["name; first", "b"], "quoted separators");
    }

    #[test]
    fn a_row_of_another_length_is_named_with_its_line() {
        let long = parse("a,b\n# note\n\n1,2,3\n").unwrap_err().to_string();
        assert!(
            long.starts_with("line 4 has 3 cells, the header has 2"),
            "{long}"
        );
        let short = parse("a;b\n1\n").unwrap_err().to_string();
        assert!(short.contains("line 2 has 1 cells"), "{short}");
        assert!(short.contains("semicolons"), "{short}");
        let empty = parse("# nothing\n\n").unwrap_err().to_string();
        assert!(empty.contains("empty"), "{empty}");
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_swallows_no_row_unseen() {
        let open = parse("a,b\n1,2\n3,\"4\n5,6\n").unwrap_err().to_string();
        assert!(open.contains("line 3"), "{open}");
        let closed = parse("a,b\n1,\"two\nlines\"\n3,4\n").unwrap();
        assert_eq!(
            shown(&closed),
            ["2: 1|two\nlines", "4: 3|4"],
            "a cell of two lines"
        );
    }
}
