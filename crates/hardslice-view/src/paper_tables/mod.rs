//! The paper's Tables 1 and A1 to A5, ours beside what is printed.
//!
//! # Sources
//!
//! Zhang et al. (2019), "Data balancing based on pre-training strategy for liver segmentation from
//! CT scans", Applied Sciences 9(9), 1825, doi 10.3390/app9091825.
//!
//! A gap between ours and theirs is no finding: other patients, other scanners, other annotators.
//! What can be compared is how the arms stand to each other within each half of a table.

mod printed;

use std::collections::BTreeMap;

use hardslice_eval::Summary;

use crate::printed_row::PrintedRow;
use crate::table::{Cell, Column, Table};
use printed::{N_PATIENTS, PRINTED, PrintedTable};

/// An organ of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaperOrgan {
    /// Liver.
    Liver,
    /// Kidney.
    Kidney,
    /// Spleen.
    Spleen,
}

/// A net of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaperNet {
    /// FCN-8s on VGG-16.
    Fcn,
    /// U-Net.
    UNet,
}

/// A row of the paper's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaperArm {
    /// Selection ratio 1: all training patients. Our arm `baseline`.
    Baseline,
    /// Selection ratio 0.8: our arm `b_only` with that ratio; so are the next three.
    Ratio08,
    /// Selection ratio 0.5.
    Ratio05,
    /// Selection ratio 0.3.
    Ratio03,
    /// Selection ratio 0.2.
    Ratio02,
    /// The model with hard slices. Our arm `hard`.
    Proposed,
}

/// What one of our summaries belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaperKey {
    /// The organ.
    pub organ: PaperOrgan,
    /// The net.
    pub net: PaperNet,
    /// The row.
    pub arm: PaperArm,
}

/// One of the six tables.
#[derive(Debug, Clone, PartialEq)]
pub struct PaperTable {
    /// `Table 1`, `Table A1`, ...
    pub number: &'static str,
    /// Its organ.
    pub organ: PaperOrgan,
    /// Its net.
    pub net: PaperNet,
    /// Its rows, in the order of [`PaperArm::ALL`].
    pub rows: [PaperRow; 6],
}

/// One row: theirs and ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaperRow {
    /// The arm.
    pub arm: PaperArm,
    /// As printed: test Dice of 40 patients.
    pub printed: PrintedRow,
    /// Ours. `None` where the arm was not run.
    pub ours: Option<Summary>,
}

impl PaperOrgan {
    /// The organ's name, in the paper and in our configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Liver => "liver",
            Self::Kidney => "kidney",
            Self::Spleen => "spleen",
        }
    }

    /// The organ of this name; `None` for one that the paper does not have.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut organs = [Self::Liver, Self::Kidney, Self::Spleen].into_iter();
        organs.find(|organ| organ.name() == name)
    }
}

impl PaperNet {
    /// The net's name in the paper.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fcn => "FCN",
            Self::UNet => "U-Net",
        }
    }

    /// The net that configurations call `fcn8s` or `unet`; `None` for another.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "fcn8s" => Some(Self::Fcn),
            "unet" => Some(Self::UNet),
            _ => None,
        }
    }
}

impl PaperArm {
    /// All rows in the paper's order.
    pub const ALL: [Self; 6] = [
        Self::Baseline,
        Self::Ratio08,
        Self::Ratio05,
        Self::Ratio03,
        Self::Ratio02,
        Self::Proposed,
    ];

    /// The row's name in the paper.
    pub fn title(self) -> &'static str {
        match self {
            Self::Baseline => "selection ratio = 1, baseline",
            Self::Ratio08 => "selection ratio = 0.8",
            Self::Ratio05 => "selection ratio = 0.5",
            Self::Ratio03 => "selection ratio = 0.3",
            Self::Ratio02 => "selection ratio = 0.2",
            Self::Proposed => "proposed model",
        }
    }

    /// The row of a training on B alone, with this share of the patients in B. `None` for ratios that
    /// the paper does not have.
    pub fn of_ratio(ratio: f64) -> Option<Self> {
        let ratios = [
            (1.0, Self::Baseline),
            (0.8, Self::Ratio08),
            (0.5, Self::Ratio05),
            (0.3, Self::Ratio03),
            (0.2, Self::Ratio02),
        ];
        let mut rows = ratios.into_iter();
        rows.find(|(its, _)| (its - ratio).abs() < 1e-9)
            .map(|(_, row)| row)
    }
}

/// The paper's six tables with our summaries of the test Dice beside what is printed.
pub fn paper_tables(ours: &BTreeMap<PaperKey, Summary>) -> [PaperTable; 6] {
    PRINTED.map(|(number, organ, net, printed): PrintedTable| PaperTable {
        number,
        organ,
        net,
        rows: std::array::from_fn(|place| {
            let [mean, sd, min, max] = printed[place];
            let arm = PaperArm::ALL[place];
            let printed = PrintedRow {
                n: N_PATIENTS,
                mean,
                sd,
                min,
                max,
                n_decimals: 4,
                n_decimals_sd: 3,
                denominator: None,
                is_averaged: false,
            };
            PaperRow {
                arm,
                printed,
                ours: ours.get(&PaperKey { organ, net, arm }).copied(),
            }
        }),
    })
}

impl PaperTable {
    /// The table for people and programs: theirs, whether their spread is possible, ours. A value
    /// that does not exist is absent; a note names the arms that were not run.
    pub fn to_table(&self) -> Table {
        let mut columns = vec![Column::words("model", "model")];
        let names = [
            ("mean", "mean"),
            ("sd", "SD"),
            ("min", "min"),
            ("max", "max"),
        ];
        let numbers = |of: &str, title: &str| {
            names.map(|(key, name)| {
                Column::numbers(&format!("{of}_{key}"), &format!("{title} {name}"))
            })
        };
        columns.extend(numbers("printed", "printed"));
        columns.push(Column::words("printed_sd_is", "printed SD is"));
        columns.push(Column::numbers("n", "our n"));
        columns.extend(numbers("our", "our"));
        let is_any_impossible = self.rows.iter().any(|row| row.printed.is_impossible());
        let missing: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| row.ours.is_none())
            .map(|row| row.arm.title())
            .collect();
        let mut notes = vec![
            "Printed: Zhang et al. (2019), Applied Sciences 9(9), 1825, 40 test patients. Ours: \
             other patients; compare arms with each other, not ours with theirs."
                .to_owned(),
        ];
        notes.extend(is_any_impossible.then(|| {
            "Impossible: no 40 values have the printed mean, standard deviation and range (Bhatia \
             and Davis 2000)."
                .to_owned()
        }));
        if !missing.is_empty() {
            notes.push(format!("Not run by us: {}.", missing.join("; ")));
        }
        Table {
            title: format!(
                "{}. Test Dice, {}, {}",
                self.number,
                self.organ.name(),
                self.net.title()
            ),
            columns,
            rows: self.rows.iter().map(cells).collect(),
            notes,
        }
    }
}

fn cells(row: &PaperRow) -> Vec<Cell> {
    let printed = row.printed;
    let possible = if row.printed.is_impossible() {
        "impossible"
    } else {
        ""
    };
    let ours = |of: fn(&Summary) -> Option<f64>, decimals| {
        Cell::some_number(row.ours.as_ref().and_then(of), decimals)
    };
    vec![
        Cell::words(row.arm.title()),
        Cell::number(printed.mean, 4),
        Cell::number(printed.sd, 3),
        Cell::number(printed.min, 4),
        Cell::number(printed.max, 4),
        Cell::words(possible),
        row.ours.map_or(Cell::Absent, |ours| Cell::Count(ours.n)),
        ours(|ours| ours.mean, 4),
        ours(|ours| ours.sd, 3),
        ours(|ours| ours.min, 4),
        ours(|ours| ours.max, 4),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleven_of_the_36_printed_rows_have_an_impossible_spread() {
        let tables = paper_tables(&BTreeMap::new());
        // By the bound, worked out apart from the code: which rows of each table.
        let wanted: [&[usize]; 6] = [&[], &[0, 1, 2, 5], &[3, 4], &[], &[0, 1, 2, 3, 4], &[]];
        for (table, wanted) in tables.iter().zip(wanted) {
            let rows = table.rows.iter().enumerate();
            let found: Vec<usize> = rows
                .filter(|(_, row)| row.printed.is_impossible())
                .map(|(place, _)| place)
                .collect();
            assert_eq!(found, wanted, "{}", table.number);
        }
        assert_eq!(wanted.concat().len(), 11, "11 of 36");
    }

    #[test]
    fn ours_stand_beside_the_rows_that_they_belong_to() {
        let key = |arm| PaperKey {
            organ: PaperOrgan::Kidney,
            net: PaperNet::Fcn,
            arm,
        };
        let ours = Summary::of([0.875, 0.75, 1.0].map(Some));
        let single = Summary::of([Some(0.5)]);
        let summaries = BTreeMap::from([
            (key(PaperArm::Baseline), ours),
            (key(PaperArm::Proposed), single),
        ]);
        let tables = paper_tables(&summaries);
        let numbers = tables.each_ref().map(|table| table.number);
        assert_eq!(
            numbers,
            [
                "Table 1", "Table A1", "Table A2", "Table A3", "Table A4", "Table A5"
            ]
        );
        insta::assert_snapshot!(tables[1].to_table().to_markdown());
        let others = tables.iter().filter(|table| table.number != "Table A1");
        let mut rows = others.flat_map(|table| table.rows);
        assert!(rows.all(|row| row.ours.is_none()), "the kidney's alone");
    }

    #[test]
    fn ratios_and_names_find_their_rows() {
        for (ratio, row) in [
            (1.0, Some(PaperArm::Baseline)),
            (0.3, Some(PaperArm::Ratio03)),
            (0.4, None),
        ] {
            assert_eq!(PaperArm::of_ratio(ratio), row, "{ratio}");
        }
        assert_eq!(PaperOrgan::from_name("spleen"), Some(PaperOrgan::Spleen));
        assert_eq!(PaperOrgan::from_name("pancreas"), None, "not in the paper");
        assert_eq!(PaperNet::from_name("fcn8s"), Some(PaperNet::Fcn));
        assert_eq!(PaperNet::from_name("resnet"), None, "not in the paper");
    }
}
