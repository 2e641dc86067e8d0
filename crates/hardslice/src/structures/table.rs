//! The rows of a table of structures: `organ,scheme,code,meaning,side,color`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use hardslice_data::text::TableFile;
use hardslice_volume::{Anatomy, Code, Side};

use super::sides::Name;

/// What a table says of an organ.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As it is written.
    pub(super) organ: String,
    pub(super) name: Name,
    pub(super) anatomy: Option<Anatomy>,
    pub(super) color: Option<[u8; 3]>,
}

/// The columns; all but the first may be missing, and empty.
const COLUMNS: [&str; 6] = ["organ", "scheme", "code", "meaning", "side", "color"];

impl Row {
    /// The program's own table: organs of the abdomen, of head and neck, and some more.
    pub(super) fn known() -> Vec<Self> {
        let table = TableFile::parse(include_str!("known.csv"), Path::new("known.csv"));
        let table = table.expect("it is a table, by a test");
        of_table(&table).expect("every row of it is read by a test")
    }

    /// A table of one's own, as every other table is read, and what had to be assumed.
    pub(super) fn read_all(path: &Path) -> anyhow::Result<(Vec<Self>, Vec<String>)> {
        let table = TableFile::read(path)?;
        let rows =
            of_table(&table).with_context(|| format!("cannot use the table {}", path.display()))?;
        Ok((rows, table.notes))
    }
}

fn of_table(table: &TableFile) -> anyhow::Result<Vec<Row>> {
    let mut columns = BTreeMap::new();
    for (at, column) in table.header.iter().enumerate() {
        let key = TableFile::column_key(column);
        let known = COLUMNS.iter().find(|known| **known == key);
        let Some(known) = known else {
            return Err(anyhow!(
                "there is no column `{column}`; the columns are {}",
                COLUMNS.join(", ")
            ));
        };
        if columns.insert(*known, at).is_some() {
            return Err(anyhow!("the column `{column}` is there twice"));
        }
    }
    if !columns.contains_key("organ") {
        return Err(anyhow!("the column `organ` is missing"));
    }
    if columns.get("color") == Some(&0) {
        return Err(anyhow!(
            "the column `color` comes first, and a line that begins with # is a comment: put another \
             column before it"
        ));
    }
    let mut rows: Vec<Row> = Vec::new();
    for record in &table.rows {
        let cell = |column: &str| {
            let at = columns.get(column);
            at.map_or("", |at| record.cells[*at].as_str())
        };
        let line = record.line;
        let row = row(&cell).with_context(|| format!("line {line}"))?;
        if rows.iter().any(|other| other.name == row.name) {
            return Err(anyhow!("line {line}: `{}` is there twice", cell("organ")));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn row<'a>(cell: &impl Fn(&str) -> &'a str) -> anyhow::Result<Row> {
    let organ = cell("organ");
    if organ.is_empty() {
        return Err(anyhow!("there is no organ"));
    }
    let side = match cell("side") {
        "" => None,
        "left" => Some(Side::Left),
        "right" => Some(Side::Right),
        other => return Err(anyhow!("side is `{other}`, wanted left, right or nothing")),
    };
    let texts = ["scheme", "code", "meaning"].map(cell);
    let anatomy = match texts {
        ["", "", ""] if side.is_some() => {
            return Err(anyhow!("a side needs the code that it belongs to"));
        }
        ["", "", ""] => None,
        [scheme, value, meaning] => {
            for (column, text, most) in [
                ("scheme", scheme, 16),
                ("code", value, 16),
                ("meaning", meaning, 64),
            ] {
                let n = text.chars().count();
                if n == 0 || n > most || text.contains(['\\', '\n', '\r']) {
                    return Err(anyhow!(
                        "{column} is `{text}`, wanted 1 to {most} characters without backslash \
                         (or all three of scheme, code and meaning empty)"
                    ));
                }
            }
            let [scheme, value, meaning] = texts.map(str::to_owned);
            Some(Anatomy {
                code: Code {
                    scheme,
                    value,
                    meaning,
                },
                side,
            })
        }
    };
    let color = match cell("color") {
        "" => None,
        text => Some(color(text).with_context(|| {
            format!("color is `{text}`, wanted six hexadecimal digits behind a #, as #dd8265")
        })?),
    };
    Ok(Row {
        organ: organ.to_owned(),
        name: Name::of(organ),
        anatomy,
        color,
    })
}

fn color(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<Row>> {
        of_table(&TableFile::parse(text, Path::new("t.csv"))?)
    }

    #[test]
    fn every_row_of_the_programs_own_table_has_code_and_colour() {
        let rows = Row::known();
        assert!(rows.len() > 50, "all of them");
        for row in rows {
            assert!(row.anatomy.is_some() && row.color.is_some(), "{row:?}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_is_refused_with_its_line() {
        let wide = "a".repeat(17);
        for (table, parts) in [
            ("name\nliver\n", "there is no column `name`"),
            (
                "scheme,code,meaning\nSCT,1,a\n",
                "the column `organ` is missing",
            ),
            ("organ,organ\na,b\n", "the column `organ` is there twice"),
            ("organ\nliver\n Liver \n", "line 3: `Liver` is there twice"),
            (
                "organ,color\nliver,red\n",
                "line 2: color is `red`, wanted six",
            ),
            ("organ,color\nliver,#+12345\n", "line 2: color is `#+12345`"),
            ("organ,color\nliver,#ff00f\n", "line 2: color is `#ff00f`"),
            ("organ,side\nliver,links\n", "line 2: side is `links`"),
            ("organ,side\nliver,left\n", "line 2: a side needs the code"),
            ("organ,code\nliver,1\n", "line 2: scheme is ``"),
            ("organ,scheme,code\nliver,SCT,1\n", "line 2: meaning is ``"),
            (
                &format!("organ,scheme,code,meaning\nliver,SCT,{wide},a\n"),
                "line 2: code is `aaaa",
            ),
            (
                "organ,scheme,code,meaning\nliver,S\\T,1,a\n",
                "line 2: scheme is `S\\T`",
            ),
            ("organ,code\n,1\n", "line 2: there is no organ"),
            ("organ,code\nliver\n", "line 2 has 1 cells"),
            (
                "color,organ\n#ff0000,liver\n",
                "`color` comes first, and a line that begins with # is a comment",
            ),
        ] {
            let refused = format!("{:#}", read(table).unwrap_err());
            assert!(refused.contains(parts), "{table}: {refused}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, "\u{feff}organ\nLeber\n").unwrap();
        let (rows, notes) = Row::read_all(&path).unwrap();
        assert!(notes.is_empty(), "{notes:?}");
        assert!(
            rows[0].anatomy.is_none() && rows[0].color.is_none(),
            "a name alone"
        );
        let rows = read("# ours\nColor;Organ\n#000001;liver\n");
        assert!(rows.is_err(), "in any spelling");
        let rows = read("Organ;Color\n# ours\nliver;#000001\n").unwrap();
        assert_eq!(rows[0].color, Some([0, 0, 1]), "as spreadsheets write it");
    }
}
