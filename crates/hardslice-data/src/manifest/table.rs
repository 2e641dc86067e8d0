//! A cohort in a table.

use std::path::Path;

use super::draft::{Draft, Drafts};
use super::{Layout, ManifestError, Problem};
use crate::text::{Row, TableFile};

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
    let table = TableFile::read(path)?;
    let mut drafts = Drafts {
        notes: table.notes.clone(),
        ..Drafts::default()
    };
    let columns = columns(&table.header, &mut drafts.problems);
    if !drafts.problems.is_empty() {
        return Ok(drafts);
    }
    let folder = path.parent().expect("a file lies in a folder");
    for row in &table.rows {
        draft(row, &columns, folder, &mut drafts);
    }
    Ok(drafts)
}

fn columns(header: &[String], problems: &mut Vec<Problem>) -> Vec<Column> {
    let mut found: Vec<(Column, &str)> = Vec::new();
    for name in header {
        let key = TableFile::column_key(name);
        let column = NAMES
            .iter()
            .find(|(_, names)| names.contains(&key.as_str()));
        let Some((column, _)) = column else {
            let known: Vec<&str> = NAMES
                .iter()
                .flat_map(|(_, names)| names[..1].iter())
                .copied()
                .collect();
            let (column, known) = (name.clone(), known.join(", "));
            problems.push(Problem::UnknownColumn { column, known });
            continue;
        };
        let twin = found
            .iter()
            .find(|(other, _)| other == column && *other != Column::Aside);
        if let Some((_, first)) = twin {
            let (first, second) = ((*first).to_owned(), name.clone());
            problems.push(Problem::DoubledColumn { first, second });
        }
        found.push((*column, name));
    }
    if !found.iter().any(|(column, _)| *column == Column::Image) && problems.is_empty() {
        problems.push(Problem::MissingColumn { column: "image" });
    }
    found.into_iter().map(|(column, _)| column).collect()
}

fn draft(row: &Row, columns: &[Column], folder: &Path, drafts: &mut Drafts) {
    let cell = |wanted: Column| {
        let at = columns.iter().position(|column| *column == wanted)?;
        Some(row.cells[at].as_str()).filter(|cell| !cell.is_empty())
    };
    let line = row.line;
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
