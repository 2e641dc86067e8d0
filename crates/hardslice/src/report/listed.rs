//! Which scores of a folder are those of the last command.

use std::collections::BTreeSet;

use hardslice_data::balance::Arm;
use hardslice_data::text::{Row, TableFile};

use super::found::FoundRound;
use crate::layout::OutDir;

/// The scores that the last command listed: its folder may hold trainings of an earlier one, with other
/// arms or seeds.
pub(super) struct ListedScores {
    /// Arm, seed, net and ratio of each row, the last three where the table has them; nothing where there is no
    /// table yet.
    rows: Option<BTreeSet<[String; 4]>>,
}

impl ListedScores {
    pub(super) fn of(out: &OutDir) -> Self {
        // A table that cannot be read is told of where it is needed.
        let table = TableFile::read(&out.scores()).ok();
        let rows = table.map(|table| {
            let columns = ["arm", "seed", "net", "ratio"].map(|name| table.column(&[name]));
            let cell = |row: &Row, column: Option<usize>| {
                column.map_or(String::new(), |column| row.cells[column].clone())
            };
            let rows = table.rows.iter();
            rows.map(|row| columns.map(|column| cell(row, column)))
                .collect()
        });
        // Where nobody is tested there is nothing to go by.
        let rows = rows.filter(|rows: &BTreeSet<_>| !rows.is_empty());
        Self { rows }
    }

    pub(super) fn has(&self, round: &FoundRound, arm: Arm) -> bool {
        let name = &round.name;
        let is_its = |[of_arm, seed, net, ratio]: &[String; 4]| {
            of_arm == arm.name()
                && name.seed.is_none_or(|own| *seed == own.to_string())
                && name.net.as_ref().is_none_or(|own| net == own)
                && name.ratio.is_none_or(|own| ratio.parse() == Ok(own))
        };
        let rows = self.rows.as_ref();
        rows.is_none_or(|rows| rows.iter().any(is_its))
    }

    /// Whether an arm of a round is listed, or none of it was scored.
    pub(super) fn has_some(&self, round: &FoundRound) -> bool {
        let mut scored = Arm::ALL
            .into_iter()
            .filter(|arm| round.dir.arm(*arm).evaluation().exists());
        let is_scored = scored.clone().next().is_some();
        !is_scored || scored.any(|arm| self.has(round, arm))
    }
}
