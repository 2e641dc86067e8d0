//! A cohort in a table.

use std::fs;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use hardslice_volume::Action;

use super::draft::{Draft, Drafts};
use super::{Layout, ManifestError, Problem};

/// The columns and the names they go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Patient,
    Image,
    SeriesUid,
    Labels,
    Organs,
    /// For people, or for the split: not read here.
    Aside,
}

const NAMES: [(Column, &[&str]); 7] = [
    (Column::Id, &["id", "case", "case_id", "name"]),
    (
        Column::Patient,
        &["patient", "patient_id", "subject", "subject_id"],
    ),
    (
        Column::Image,
        &["image", "images", "scan", "ct", "volume", "image_path"],
    ),
    (
        Column::SeriesUid,
        &["series_uid", "series", "series_instance_uid"],
    ),
    (
        Column::Labels,
        &[
            "labels",
            "label",
            "segmentation",
            "seg",
            "mask",
            "masks",
            "labels_path",
            "label_path",
        ],
    ),
    (
        Column::Organs,
        &[
            "organs",
            "organs_annotated",
            "organs_labelled",
            "organs_labeled",
            "annotated",
        ],
    ),
    (
        Column::Aside,
        &["fold", "split", "comment", "comments", "note", "notes"],
    ),
];

/// Reads a table with a header; paths are taken from its folder.
pub(super) fn read(path: &Path) -> Result<Drafts, ManifestError> {
    let path = &Layout::Csv.file_in(path)?;
    let text = fs::read_to_string(path).map_err(Action::Read.on(path))?;
    // Excel begins its UTF-8 with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let broken = |source| ManifestError::Csv {
        path: path.clone(),
        source,
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .trim(Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut drafts = Drafts::default();
    let columns = columns(reader.headers().map_err(broken)?, &mut drafts.problems);
    if !drafts.problems.is_empty() {
        return Ok(drafts);
    }
    let folder = path.parent().expect("a file lies in a folder");
    for record in reader.records() {
        let record = record.map_err(broken)?;
        if record.iter().any(|cell| !cell.is_empty()) {
            draft(&record, &columns, folder, &mut drafts);
        }
    }
    Ok(drafts)
}

/// The delimiter is the one of tab, semicolon and comma that the header holds most of; a comma where
/// there is no header, which then lacks its columns.
fn delimiter(text: &str) -> u8 {
    let is_comment = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let header = text
        .lines()
        .find(|line| !is_comment(line))
        .unwrap_or_default();
    let count = |delimiter: u8| header.bytes().filter(|&byte| byte == delimiter).count();
    // The last of equals: a comma where none is found.
    b"\t;,"
        .iter()
        .copied()
        .max_by_key(|&delimiter| count(delimiter))
        .expect("there are three to choose from")
}

fn columns(header: &StringRecord, problems: &mut Vec<Problem>) -> Vec<Column> {
    let mut found: Vec<(Column, &str)> = Vec::new();
    for name in header {
        let key = name.to_lowercase().replace([' ', '-'], "_");
        let column = NAMES
            .iter()
            .find(|(_, names)| names.contains(&key.as_str()));
        let Some((column, _)) = column else {
            let known: Vec<&str> = NAMES
                .iter()
                .flat_map(|(_, names)| names[..1].iter())
                .copied()
                .collect();
            let (column, known) = (name.to_owned(), known.join(", "));
            problems.push(Problem::UnknownColumn { column, known });
            continue;
        };
        let twin = found
            .iter()
            .find(|(other, _)| other == column && *other != Column::Aside);
        if let Some((_, first)) = twin {
            let (first, second) = ((*first).to_owned(), name.to_owned());
            problems.push(Problem::DoubledColumn { first, second });
        }
        found.push((*column, name));
    }
    if !found.iter().any(|(column, _)| *column == Column::Image) && problems.is_empty() {
        problems.push(Problem::MissingColumn { column: "image" });
    }
    found.into_iter().map(|(column, _)| column).collect()
}

fn draft(record: &StringRecord, columns: &[Column], folder: &Path, drafts: &mut Drafts) {
    let cell = |wanted: Column| {
        let at = columns.iter().position(|column| *column == wanted)?;
        record.get(at).filter(|cell| !cell.is_empty())
    };
    let line = record.position().expect("the row was read").line();
    let name = cell(Column::Id).or(cell(Column::Patient));
    let place = name.map_or(format!("line {line}"), |name| {
        format!("line {line} ({name})")
    });
    let Some(image) = cell(Column::Image) else {
        drafts.problems.push(Problem::NoImage { place });
        return;
    };
    // A column of organs that is left empty means none; without the column, all.
    let has_organs = columns.contains(&Column::Organs);
    drafts.cases.push(Draft {
        place,
        id: cell(Column::Id).map(str::to_owned),
        patient: cell(Column::Patient).map(str::to_owned),
        image: folder.join(image),
        series_uid: cell(Column::SeriesUid).map(str::to_owned),
        labels: cell(Column::Labels).map(|labels| folder.join(labels)),
        organs: has_organs.then(|| names(cell(Column::Organs).unwrap_or_default())),
    });
}

/// Names parted by semicolons, commas or bars, or else by spaces.
fn names(list: &str) -> Vec<String> {
    let strong = [';', ',', '|'];
    let parts: Vec<&str> = if list.contains(strong) {
        list.split(strong).collect()
    } else {
        list.split_whitespace().collect()
    };
    parts
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
