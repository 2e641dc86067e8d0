//! What people judged: `review/verdicts.csv`, a row for each verdict, only ever added to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::{Row as TableRow, TableError, TableFile, TextFile};

/// What a person says of a slice's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelVerdict {
    /// The label is right: the slice is hard, and not wrong.
    Right,
    /// The label is wrong.
    Wrong,
    /// Two readers could draw it differently.
    Ambiguous,
    /// The scan is broken.
    Broken,
}

impl LabelVerdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Ambiguous, Self::Broken];

    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Ambiguous => "ambiguous",
            Self::Broken => "broken",
        }
    }

    /// What was found, in words that follow "found".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Right => "the label right",
            Self::Wrong => "the label wrong",
            Self::Ambiguous => "the label ambiguous",
            Self::Broken => "the scan broken",
        }
    }
}

/// The verdicts of a folder cannot be read or added to.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// The machine went down while a row was written.
    #[error("the last row is cut off: complete it, or delete it: {}", .0.display())]
    CutOff(PathBuf),
    /// It is no table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A column is missing.
    #[error("no column `{column}`, as `hardslice review` writes it: {}", path.display())]
    NoColumn {
        /// The column.
        column: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A cell holds something else than its column.
    #[error("line {line}: `{found}` in the column {column}, wanted {wanted}: {}", path.display())]
    NoCell {
        /// The row's line.
        line: usize,
        /// The column.
        column: &'static str,
        /// What it holds.
        found: String,
        /// What it should.
        wanted: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A row says something else of a slice.
    #[error(
        "`{found}` is no verdict: wanted right, wrong, ambiguous, broken or undone: {}",
        path.display()
    )]
    NoVerdict {
        /// What it says.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Takes a verdict back, in the place of one.
const UNDONE: &str = "undone";

/// A row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Case.
    pub case: String,
    /// Slice, from the feet up.
    pub z: u32,
    /// Organ.
    pub organ: String,
    /// A verdict's name, or `undone`.
    pub verdict: String,
    /// What the reviewer wrote beside it.
    pub note: String,
    /// Who gave it.
    pub reviewer: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// Hash of the slice and its label: a verdict counts as long as both are the same.
    pub shown: String,
    /// Whether the slice came up in the blind queue, hard and easy ones alike.
    pub blind: bool,
}

/// What is judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Judged {
    /// Case.
    pub case: String,
    /// Slice, from the feet up.
    pub z: u32,
    /// Organ.
    pub organ: String,
}

/// A reviewer's verdict that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What the reviewer found.
    pub verdict: LabelVerdict,
    /// What stands beside it.
    pub note: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// Hash of what was shown.
    pub shown: String,
    /// Whether the slice came up in the queue.
    pub blind: bool,
}

fn in_csv(rows: &[Row], has_headers: bool) -> Vec<u8> {
    let mut text = csv::WriterBuilder::new()
        .has_headers(has_headers)
        // Else a case whose name begins so would be read as a comment.
        .comment(Some(b'#'))
        .from_writer(Vec::new());
    for row in rows {
        text.serialize(row)
            .expect("rows of text and numbers are written into memory");
    }
    text.into_inner().expect("memory takes what is written")
}

/// The file, and what stands in it.
#[derive(Debug)]
pub struct Verdicts {
    path: PathBuf,
    rows: Vec<Row>,
    /// Whether the file is as it is written here; what a spreadsheet has saved is written anew before a row is
    /// added.
    is_own: bool,
}

/// The columns, as they are written.
const COLUMNS: [&str; 9] = [
    "case", "z", "organ", "verdict", "note", "reviewer", "time", "shown", "blind",
];

impl Row {
    fn of(table: &TableRow, places: [usize; 9], path: &Path) -> Result<Self, ReviewError> {
        let [case, z, organ, verdict, note, reviewer, time, shown, blind] =
            places.map(|place| table.cells[place].as_str());
        let wrong = |column, found: &str, wanted| ReviewError::NoCell {
            line: table.line,
            column,
            found: found.to_owned(),
            wanted,
            path: path.to_owned(),
        };
        let is_known = |known: &LabelVerdict| known.name() == verdict;
        if verdict != UNDONE && !LabelVerdict::ALL.iter().any(is_known) {
            return Err(ReviewError::NoVerdict {
                found: verdict.to_owned(),
                path: path.to_owned(),
            });
        }
        Ok(Self {
            case: case.to_owned(),
            z: z.parse()
                .ok()
                .ok_or_else(|| wrong("z", z, "a slice's number"))?,
            organ: organ.to_owned(),
            verdict: verdict.to_owned(),
            note: note.to_owned(),
            reviewer: reviewer.to_owned(),
            time: time.to_owned(),
            shown: shown.to_owned(),
            // Spreadsheets write them in capitals.
            blind: match blind.to_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(wrong("blind", blind, "true or false")),
            },
        })
    }
}

impl Verdicts {
    /// Where the verdicts on a folder's slices lie.
    pub fn path_in(dir: &Path) -> PathBuf {
        dir.join("review").join("verdicts.csv")
    }

    /// Reads the file, or finds that there is none yet.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a row is none; a last row without a line's end that is not whole was cut
    /// off by a crash of the machine, and is named.
    pub fn read(path: &Path) -> Result<Self, ReviewError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Action::Read.on(path))?,
        };
        let own = |rows| Self {
            path: path.to_owned(),
            rows,
            is_own: true,
        };
        if bytes.is_empty() {
            return Ok(own(Vec::new()));
        }
        let TextFile { text, .. } = TextFile::of(&bytes, path)?;
        let is_whole = text.ends_with(['\n', '\r']);
        let rows = Self::rows(&text, path);
        if rows.is_err() && !is_whole {
            return Err(ReviewError::CutOff(path.to_owned()));
        }
        let header = COLUMNS.join(",") + "\n";
        Ok(Self {
            is_own: bytes.starts_with(header.as_bytes()) && bytes.ends_with(b"\n"),
            ..own(rows?)
        })
    }

    fn rows(text: &str, path: &Path) -> Result<Vec<Row>, ReviewError> {
        let table = TableFile::parse(text, path)?;
        let mut places = [0; 9];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            *place = table
                .column(&[column])
                .ok_or_else(|| ReviewError::NoColumn {
                    column,
                    path: path.to_owned(),
                })?;
        }
        let rows = table.rows.iter();
        rows.map(|row| Row::of(row, places, path)).collect()
    }

    /// Adds a verdict, or takes the last one back with `None`. The row is on the disk when this
    /// returns, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    ///
    /// # Panics
    ///
    /// Never: rows are written into memory first.
    pub fn add(
        &mut self,
        what: &Judged,
        verdict: Option<LabelVerdict>,
        more: More<'_>,
    ) -> Result<(), ReviewError> {
        let row = Row {
            case: what.case.clone(),
            z: what.z,
            organ: what.organ.clone(),
            verdict: verdict.map_or(UNDONE, LabelVerdict::name).to_owned(),
            note: more.note.to_owned(),
            reviewer: more.reviewer.to_owned(),
            time: more.time.to_owned(),
            shown: more.shown.to_owned(),
            blind: more.blind,
        };
        if !self.is_own {
            let all = in_csv(&self.rows, true);
            write_whole_bytes(&self.path, &all).map_err(Action::Write.on(&self.path))?;
            self.is_own = true;
        }
        let text = in_csv(std::slice::from_ref(&row), self.is_empty());
        let file = self.open().map_err(Action::Write.on(&self.path))?;
        append(file, &text).map_err(Action::Write.on(&self.path))?;
        self.rows.push(row);
        Ok(())
    }

    /// Whether nothing is written yet: a disk that was full may have left a file without a byte.
    fn is_empty(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |metadata| metadata.len() == 0)
    }

    fn open(&self) -> std::io::Result<File> {
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
    }

    /// The newest verdict of each reviewer on each slice that was not taken back, whatever has become of
    /// the labels since.
    pub fn standing(&self) -> BTreeMap<Judged, BTreeMap<String, Standing>> {
        let mut given: BTreeMap<Judged, BTreeMap<String, Vec<Standing>>> = BTreeMap::new();
        for row in &self.rows {
            let by_reviewer = given.entry(row.judged()).or_default();
            let of_reviewer = by_reviewer.entry(row.reviewer.clone()).or_default();
            match row.known_verdict() {
                Some(verdict) => of_reviewer.push(Standing {
                    verdict,
                    note: row.note.clone(),
                    time: row.time.clone(),
                    shown: row.shown.clone(),
                    blind: row.blind,
                }),
                None => {
                    of_reviewer.pop();
                }
            }
        }
        let mut standing = BTreeMap::new();
        for (judged, by_reviewer) in given {
            let newest = by_reviewer
                .into_iter()
                .filter_map(|(reviewer, mut given)| Some((reviewer, given.pop()?)));
            let newest: BTreeMap<String, Standing> = newest.collect();
            if !newest.is_empty() {
                standing.insert(judged, newest);
            }
        }
        standing
    }

    /// The slice of a reviewer's last verdict that was not taken back.
    pub fn last_of(&self, reviewer: &str) -> Option<Judged> {
        let mut given: Vec<Judged> = Vec::new();
        for row in self.rows.iter().filter(|row| row.reviewer == reviewer) {
            let judged = row.judged();
            if row.known_verdict().is_some() {
                given.push(judged);
            } else if let Some(last) = given.iter().rposition(|other| *other == judged) {
                given.remove(last);
            }
        }
        given.pop()
    }

    /// Whether a reviewer has ever judged a slice.
    pub fn has_judged(&self, judged: &Judged, reviewer: &str) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.reviewer == reviewer && row.judged() == *judged)
    }
}

impl Row {
    fn judged(&self) -> Judged {
        Judged {
            case: self.case.clone(),
            z: self.z,
            organ: self.organ.clone(),
        }
    }

    /// `None` of a row that takes one back.
    fn known_verdict(&self) -> Option<LabelVerdict> {
        let mut known = LabelVerdict::ALL.into_iter();
        known.find(|verdict| verdict.name() == self.verdict)
    }
}

/// What a row holds beside the slice and the verdict.
#[derive(Debug, Clone, Copy)]
pub struct More<'a> {
    /// What the reviewer wrote.
    pub note: &'a str,
    /// Who it is.
    pub reviewer: &'a str,
    /// RFC 3339, UTC.
    pub time: &'a str,
    /// Hash of what was shown.
    pub shown: &'a str,
    /// Whether the slice came up in the queue.
    pub blind: bool,
}

/// Appends in one call, so that no kill leaves half a row, and waits for the disk.
fn append(mut file: File, text: &[u8]) -> std::io::Result<()> {
    let before = file.metadata()?.len();
    let written = file.write(text)?;
    if written < text.len() {
        // A disk that is full takes a part.
        file.set_len(before)?;
        return Err(std::io::Error::new(
            std::io::ErrorKind::StorageFull,
            "the row was not written whole",
        ));
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(z: u32) -> Judged {
        Judged {
            case: "phantom, 3".to_owned(),
            z,
            organ: "liver".to_owned(),
        }
    }

    fn more(reviewer: &str) -> More<'_> {
        More {
            note: "left lobe \"cut\"\nat the dome",
            reviewer,
            time: "2026-11-18T11:06:40Z",
            shown: "abc",
            blind: true,
        }
    }

    #[test]
    fn verdicts_are_rows_and_the_newest_of_a_reviewer_stands() {
        let dir = tempfile::tempdir().unwrap();
        let path = Verdicts::path_in(dir.path());
        let mut verdicts = Verdicts::read(&path).unwrap();
        verdicts
            .add(&judged(4), Some(LabelVerdict::Right), more("a"))
            .unwrap();
        verdicts
            .add(&judged(4), Some(LabelVerdict::Wrong), more("a"))
            .unwrap();
        verdicts
            .add(&judged(4), Some(LabelVerdict::Right), more("b"))
            .unwrap();
        verdicts
            .add(&judged(5), Some(LabelVerdict::Broken), more("a"))
            .unwrap();
        verdicts.add(&judged(5), None, more("a")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("case,z,organ,verdict,note,reviewer,time,shown,blind\n"),
            "{text}"
        );
        assert!(text.contains("2026-11-18T"), "{text}");
        let again = Verdicts::read(&path).unwrap();
        let standing = again.standing();
        assert_eq!(standing.len(), 1, "what was undone is gone");
        let of_slice = &standing[&judged(4)];
        assert_eq!(of_slice["a"].verdict, LabelVerdict::Wrong);
        assert_eq!(of_slice["b"].verdict, LabelVerdict::Right);
        assert_eq!(of_slice["a"].note, more("a").note);
        assert_eq!(again.last_of("a"), Some(judged(4)), "5 was taken back");
        assert_eq!(again.last_of("c"), None);
        assert!(
            again.has_judged(&judged(5), "a"),
            "though it was taken back"
        );
        assert!(!again.has_judged(&judged(5), "c"));
        // Taken back is the last one, and the one before it stands again.
        let mut again = again;
        again.add(&judged(4), None, more("a")).unwrap();
        let stands = &again.standing()[&judged(4)];
        assert_eq!(stands["a"].verdict, LabelVerdict::Right);
        assert_eq!(again.last_of("a"), Some(judged(4)));
        again.add(&judged(4), None, more("a")).unwrap();
        assert_eq!(again.last_of("a"), None);
        // A file that somebody moved away is begun anew, with its header.
        fs::remove_file(&path).unwrap();
        again
            .add(&judged(6), Some(LabelVerdict::Right), more("a"))
            .unwrap();
        assert_eq!(Verdicts::read(&path).unwrap().standing().len(), 1);
    }

    #[test]
    fn what_a_spreadsheet_saved_is_read_and_written_anew_before_a_row_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("verdicts.csv");
        let saved = "\u{feff}case;z;organ;verdict;note;reviewer;time;shown;blind\r\n\
                     a;3;liver;wrong;cut off;b;t;h;TRUE";
        fs::write(&path, saved).unwrap();
        let mut verdicts = Verdicts::read(&path).unwrap();
        verdicts
            .add(&judged(4), Some(LabelVerdict::Right), more("a"))
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(
                "case,z,organ,verdict,note,reviewer,time,shown,blind\n\
                 a,3,liver,wrong,cut off,b,t,h,true\n\"phantom, 3\",4,"
            ),
            "{text}"
        );
        let again = Verdicts::read(&path).unwrap();
        assert_eq!(again.standing(), verdicts.standing());
        assert_eq!(again.standing().len(), 2);
    }

    #[test]
    fn a_file_that_is_cut_off_or_holds_no_verdicts_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("verdicts.csv");
        let head = "case,z,organ,verdict,note,reviewer,time,shown,blind\n";
        for (text, said) in [
            (format!("{head}a,3,liver,ri"), "cut off"),
            (
                format!("{head}a,3,liver,nice,,b,t,h,true\n"),
                "`nice` is no verdict",
            ),
            (
                format!("{head}a,x,liver,right,,b,t,h,true\n"),
                "line 2: `x` in the column z",
            ),
            (
                format!("{head}a,3,liver,right,,b,t,h,yes\n"),
                "`yes` in the column blind",
            ),
            ("case,z\na,3\n".to_owned(), "no column `organ`"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Verdicts::read(&path).unwrap_err().to_string();
            assert!(
                error.contains(said) && error.contains("verdicts.csv"),
                "{error}"
            );
        }
    }
}
