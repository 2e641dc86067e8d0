//! A table of statistics as people print them: which column holds what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hardslice_data::text::{Row, TableError, TableFile};
use hardslice_eval::reported::{ReportedRow, RoundedNumber};
use thiserror::Error;

/// Statistics of a row, of one group of its columns.
#[derive(Debug)]
pub(crate) struct Reported {
    /// The line of the file.
    pub(crate) line: usize,
    /// The row's other cells, which say whose statistics these are.
    pub(crate) label: String,
    /// What the columns' names have in common besides the statistics: `dice` of `dice_mean` and
    /// `dice_sd`; empty for plain names.
    pub(crate) group: String,
    /// The numbers.
    pub(crate) statistics: ReportedRow,
}

/// All statistics of a table, and what its columns were taken for.
#[derive(Debug)]
pub(crate) struct ReportedTable {
    /// In the order of the file.
    pub(crate) rows: Vec<Reported>,
    /// Which column was taken for which statistic, and what had to be assumed; for people.
    pub(crate) notes: Vec<String>,
}

/// A table cannot be checked.
#[derive(Debug, Error)]
pub(crate) enum ReportedTableError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(
        "no statistics to check: its columns are {}; wanted are two at least of `mean`, `sd`, `min` \
         and `max` (also `average`, `std`, `stdev`, `standard deviation`, `minimum`, `maximum`, \
         `mean ± sd`, `range`), alone or with one word for all, as `dice_mean` and `dice_sd`, and \
         `n` (also `count`, `cases`, `patients`): {}", header.join(", "), path.display()
    )]
    NoStatistics { header: Vec<String>, path: PathBuf },
    #[error("no rows below the header: {}", path.display())]
    NoRows { path: PathBuf },
    #[error(
        "columns `{first}` and `{second}` would both be the {statistic}: rename one of them: {}",
        path.display()
    )]
    Twice {
        statistic: &'static str,
        first: String,
        second: String,
        path: PathBuf,
    },
    #[error(
        "line {line}, column `{column}`: `{cell}` is not {wanted}; leave the cell empty where there \
         is none, or give the column another name if it holds no statistic: {}", path.display()
    )]
    Cell {
        line: usize,
        column: String,
        cell: String,
        wanted: &'static str,
        path: PathBuf,
    },
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Statistic {
    N,
    Mean,
    Sd,
    Min,
    Max,
    /// `0.97 ± 0.01` or `0.97 (0.01)`.
    MeanAndSd,
    /// `0.92–0.99` or `[0.92, 0.99]`.
    Range,
}

impl Statistic {
    fn name(self) -> &'static str {
        match self {
            Self::N => "number of values",
            Self::Mean => "mean",
            Self::Sd => "standard deviation",
            Self::Min => "minimum",
            Self::Max => "maximum",
            Self::MeanAndSd => "mean with standard deviation",
            Self::Range => "range",
        }
    }

    /// What a cell of it must be.
    fn wanted(self) -> &'static str {
        match self {
            Self::N => "a whole number above 0",
            Self::Mean | Self::Sd | Self::Min | Self::Max => "a number",
            Self::MeanAndSd => "a number, or two as in `0.97 ± 0.01` or `0.97 (0.01)`",
            Self::Range => "two numbers as in `0.92-0.99` or `[0.92, 0.99]`",
        }
    }

    /// The statistics that a word of a column's name stands for.
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "n" | "count" | "cases" | "patients" | "subjects" | "number" | "num" => Self::N,
            "mean" | "average" | "avg" | "mu" | "μ" | "µ" => Self::Mean,
            "sd" | "std" | "stdev" | "stddev" | "deviation" | "dev" | "sigma" | "σ" => Self::Sd,
            "min" | "minimum" | "least" | "lowest" | "smallest" => Self::Min,
            "max" | "maximum" | "greatest" | "highest" | "largest" => Self::Max,
            "range" => Self::Range,
            _ => return None,
        })
    }
}

/// What a column's name says: its statistic and the group that it belongs to; `None` where it names
/// no statistic, or several that do not go into one cell.
fn column_of(name: &str) -> Option<(Statistic, String)> {
    let key = TableFile::column_key(name).replace("s.d.", "sd");
    let is_part = |c: char| !c.is_alphanumeric() && c != '%';
    let words = key.split(is_part).filter(|word| !word.is_empty());
    let mut statistics = Vec::new();
    let mut group = Vec::new();
    for word in words {
        match Statistic::of_word(word) {
            Some(statistic) if !statistics.contains(&statistic) => statistics.push(statistic),
            Some(_) => {}
            None if matches!(word, "standard" | "st" | "of" | "and" | "value" | "score") => {}
            None => group.push(word),
        }
    }
    statistics.sort_unstable();
    let statistic = match statistics[..] {
        [one] => one,
        [Statistic::Mean, Statistic::Sd] => Statistic::MeanAndSd,
        [Statistic::Min, Statistic::Max] | [Statistic::Min, Statistic::Max, Statistic::Range] => {
            Statistic::Range
        }
        _ => return None,
    };
    // `number` alone is as often a running number.
    (statistic != Statistic::N || key != "number").then(|| (statistic, group.join("_")))
}

impl ReportedTable {
    /// Reads a table of statistics.
    ///
    /// # Errors
    ///
    /// [`ReportedTableError`] when it is no table, holds no statistics that could be checked, or a
    /// cell of a statistic is none.
    pub(crate) fn read(path: &Path) -> Result<Self, ReportedTableError> {
        let table = TableFile::read(path)?;
        let columns: Vec<Option<(Statistic, String)>> =
            table.header.iter().map(|name| column_of(name)).collect();
        let groups = groups(&table, &columns, path)?;
        if table.rows.is_empty() {
            let path = path.to_path_buf();
            return Err(ReportedTableError::NoRows { path });
        }
        let mut rows = Vec::new();
        for row in &table.rows {
            let other_cells = row.cells.iter().zip(&columns);
            let other_cells = other_cells
                .filter(|(cell, column)| column.is_none() && !cell.is_empty())
                .map(|(cell, _)| cell.as_str());
            let label = other_cells.take(6).collect::<Vec<&str>>().join(", ");
            for (group, places) in &groups {
                rows.push(Reported {
                    line: row.line,
                    label: label.clone(),
                    group: group.clone(),
                    statistics: statistics_of(&table, row, places, path)?,
                });
            }
        }
        let mut notes = table.notes.clone();
        for (group, places) in &groups {
            let taken = places.iter().map(|(statistic, place)| {
                format!("{} `{}`", statistic.name(), table.header[*place])
            });
            let taken: Vec<String> = taken.collect();
            let of = if group.is_empty() {
                String::new()
            } else {
                format!(" of {group}")
            };
            notes.push(format!("columns{of}: {}", taken.join(", ")));
        }
        Ok(Self { rows, notes })
    }
}

/// The place of each statistic's column.
type Places = BTreeMap<Statistic, usize>;

/// The groups of columns that hold enough to be checked. A number of values without a group serves
/// those that have none of their own.
fn groups(
    table: &TableFile,
    columns: &[Option<(Statistic, String)>],
    path: &Path,
) -> Result<BTreeMap<String, Places>, ReportedTableError> {
    let mut groups: BTreeMap<String, Places> = BTreeMap::new();
    for (place, column) in columns.iter().enumerate() {
        let Some((statistic, group)) = column else {
            continue;
        };
        let places = groups.entry(group.clone()).or_default();
        if let Some(first) = places.insert(*statistic, place) {
            return Err(ReportedTableError::Twice {
                statistic: statistic.name(),
                first: table.header[first].clone(),
                second: table.header[place].clone(),
                path: path.to_path_buf(),
            });
        }
    }
    let n_of_all = groups
        .get("")
        .and_then(|places| places.get(&Statistic::N))
        .copied();
    groups.retain(|_, places| {
        let n_numbers = places.keys().map(|statistic| match statistic {
            Statistic::N => 0,
            Statistic::MeanAndSd | Statistic::Range => 2,
            Statistic::Mean | Statistic::Sd | Statistic::Min | Statistic::Max => 1,
        });
        n_numbers.sum::<usize>() >= 2
    });
    for places in groups.values_mut() {
        if let Some(n) = n_of_all {
            places.entry(Statistic::N).or_insert(n);
        }
    }
    if groups.is_empty() {
        return Err(ReportedTableError::NoStatistics {
            header: table.header.clone(),
            path: path.to_path_buf(),
        });
    }
    Ok(groups)
}

fn statistics_of(
    table: &TableFile,
    row: &Row,
    places: &Places,
    path: &Path,
) -> Result<ReportedRow, ReportedTableError> {
    let mut reported = ReportedRow::default();
    for (&statistic, &place) in places {
        let cell = row.cells[place].as_str();
        if is_absent(cell) {
            continue;
        }
        let is_read = match statistic {
            Statistic::N => {
                reported.n = whole(table, cell);
                reported.n.is_some()
            }
            Statistic::Mean => set(&mut reported.mean, number(table, cell)),
            Statistic::Sd => set(&mut reported.sd, number(table, cell)),
            Statistic::Min => set(&mut reported.min, number(table, cell)),
            Statistic::Max => set(&mut reported.max, number(table, cell)),
            Statistic::MeanAndSd => match mean_and_sd(cell) {
                Some((mean, sd)) => {
                    set(&mut reported.mean, number(table, mean))
                        && set(&mut reported.sd, number(table, sd))
                }
                None => set(&mut reported.mean, number(table, cell)),
            },
            Statistic::Range => two_of_range(table, cell).is_some_and(|[min, max]| {
                set(&mut reported.min, Some(min)) && set(&mut reported.max, Some(max))
            }),
        };
        // A plain `Mean` column often holds the spread as well.
        let is_read = is_read
            || statistic == Statistic::Mean
                && mean_and_sd(cell).is_some_and(|(mean, sd)| {
                    set(&mut reported.mean, number(table, mean))
                        && set(&mut reported.sd, number(table, sd))
                });
        if !is_read {
            return Err(ReportedTableError::Cell {
                line: row.line,
                column: table.header[place].clone(),
                cell: cell.to_owned(),
                wanted: statistic.wanted(),
                path: path.to_path_buf(),
            });
        }
    }
    Ok(reported)
}

/// Whether something was read.
fn set(to: &mut Option<RoundedNumber>, number: Option<RoundedNumber>) -> bool {
    let is_read = number.is_some();
    if is_read {
        *to = number;
    }
    is_read
}

fn is_absent(cell: &str) -> bool {
    let cell = cell.to_lowercase();
    matches!(
        cell.as_str(),
        "" | "-" | "–" | "—" | "na" | "n/a" | "nan" | "null" | "none"
    )
}

/// A number, with a decimal comma where the table's commas do not part cells.
fn number(table: &TableFile, cell: &str) -> Option<RoundedNumber> {
    let plain = RoundedNumber::parse(cell).ok();
    if plain.is_some() {
        return plain;
    }
    let bare = cell.trim().trim_end_matches('%').trim_end();
    table.number(bare)?;
    RoundedNumber::parse(&bare.replacen(',', ".", 1)).ok()
}

/// A number of values: `40` or, as some programs write it, `40.0`.
fn whole(table: &TableFile, cell: &str) -> Option<usize> {
    let value = number(table, cell)?.value;
    let text = (value >= 1.0 && value.fract() == 0.0).then(|| format!("{value:.0}"))?;
    text.parse().ok()
}

/// The two parts of `0.97 ± 0.01`, `0.97 +/- 0.01` or `0.97 (0.01)`.
fn mean_and_sd(cell: &str) -> Option<(&str, &str)> {
    for between in ["±", "+/-", "+-"] {
        if let Some((mean, sd)) = cell.split_once(between) {
            return Some((mean.trim(), sd.trim()));
        }
    }
    let (mean, sd) = cell.strip_suffix(')')?.split_once('(')?;
    Some((mean.trim(), sd.trim()))
}

/// The two ends of `0.92-0.99`, `0.92 – 0.99`, `0.92 to 0.99`, `[0.92, 0.99]` or `0.92; 0.99`.
fn two_of_range(table: &TableFile, cell: &str) -> Option<[RoundedNumber; 2]> {
    let bare = cell.trim_matches(['[', ']', '(', ')', ' ']);
    for between in [" to ", "–", "—", "...", "; ", ";", ", ", " - ", "-", ","] {
        // A minus before the first number parts nothing.
        let found = bare.match_indices(between).find(|(place, _)| *place > 0);
        if let Some((place, between)) = found {
            let ends = [&bare[..place], &bare[place + between.len()..]];
            if let [Some(min), Some(max)] = ends.map(|end| number(table, end)) {
                return Some([min, max]);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_in_their_usual_spellings() {
        use Statistic::{Max, Mean, MeanAndSd, Min, N, Range, Sd};
        for (name, wanted) in [
            ("Mean", Some((Mean, ""))),
            ("average", Some((Mean, ""))),
            ("SD", Some((Sd, ""))),
            ("S.D.", Some((Sd, ""))),
            ("Std. Dev.", Some((Sd, ""))),
            ("standard deviation", Some((Sd, ""))),
            ("stdev", Some((Sd, ""))),
            ("σ", Some((Sd, ""))),
            ("Minimum", Some((Min, ""))),
            ("max. value", Some((Max, ""))),
            ("N", Some((N, ""))),
            ("n_cases", Some((N, ""))),
            ("No. of patients", Some((N, "no"))),
            ("number of patients", Some((N, ""))),
            ("number", None),
            ("dice_mean", Some((Mean, "dice"))),
            ("Mean Dice", Some((Mean, "dice"))),
            ("hd95_mm_std", Some((Sd, "hd95_mm"))),
            ("Dice (mean ± SD)", Some((MeanAndSd, "dice"))),
            ("mean (sd)", Some((MeanAndSd, ""))),
            ("Min-Max", Some((Range, ""))),
            ("range", Some((Range, ""))),
            ("largest SD", None),
            ("organ", None),
            ("case", None),
        ] {
            let wanted = wanted.map(|(statistic, group)| (statistic, group.to_owned()));
            assert_eq!(column_of(name), wanted, "{name}");
        }
    }
}
