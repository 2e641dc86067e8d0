//! Whether the Dice that a net lets expect is the Dice that comes.

use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_eval::confidence::Reliability;
use hardslice_train::{JudgedRow, read_judged};
use hardslice_view::curves::{ReliabilityDiagram, ReliabilityLine};
use hardslice_view::report::{Block, Figure, Section};
use hardslice_view::table::{Cell, Column, Table};

use super::gathered::Gathered;

/// A slice with a lower Dice, or with an organ that was not found at all, is a poor one.
const POOR: f64 = 0.5;

/// The slices of one arm and organ.
struct OfArm {
    arm: Arm,
    reliability: Reliability,
    /// Slices of all test scans, those to be looked at, the poor ones, and the poor ones among those.
    n: usize,
    n_looked_at: usize,
    n_poor: usize,
    n_poor_looked_at: usize,
}

/// Empty where no model tells a confidence.
pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("confidence", "How far to trust a prediction");
    for organ in gathered.organs() {
        match arms_of(gathered, &organ) {
            Ok(arms) if arms.is_empty() => {}
            Ok(arms) => {
                if section.blocks.is_empty() {
                    let words = format!("{INTRODUCTION}{}", gathered.tested_words());
                    section.blocks.push(Block::Text(words));
                }
                section.blocks.push(figure(&organ, &arms));
                section.blocks.push(Block::Table(table(&organ, &arms)));
            }
            Err(why) => section.push(Err(why)),
        }
    }
    section
}

const INTRODUCTION: &str = "Each model tells, for every slice and organ that it predicts, the Dice to \
    be expected: from its own probabilities, calibrated on the validation patients. On the test \
    patients the expectation is held against the Dice that came of it.";

/// Each arm that lets expect anything, over the test patients of all folds.
fn arms_of(gathered: &Gathered, organ: &Organ) -> Result<Vec<OfArm>, String> {
    let mut arms = Vec::new();
    for arm in Arm::ALL {
        let mut rows: Vec<JudgedRow> = Vec::new();
        for round in gathered.tested_rounds(organ) {
            let path = round.dir.arm(arm).confidence();
            if !path.exists() || gathered.is_left_over(round, arm) {
                continue;
            }
            let read = read_judged(&path).map_err(|error| {
                format!(
                    "What {arm} let expect cannot be read from {}: {error}.",
                    path.display()
                )
            })?;
            rows.extend(read.into_iter().filter(|row| row.organ == *organ));
        }
        arms.extend(OfArm::new(arm, &rows));
    }
    Ok(arms)
}

impl OfArm {
    /// `None` where nothing was found in any slice.
    fn new(arm: Arm, rows: &[JudgedRow]) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| Some((row.expected_dice?, row.dice?)))
            .collect();
        let is_poor = |row: &&JudgedRow| row.dice.is_some_and(|dice| dice < POOR);
        let is_looked_at = |row: &&JudgedRow| row.look == "yes";
        let poor = || rows.iter().filter(is_poor);
        Some(Self {
            arm,
            reliability: Reliability::of(&pairs)?,
            n: rows.len(),
            n_looked_at: rows.iter().filter(is_looked_at).count(),
            n_poor: poor().count(),
            n_poor_looked_at: poor().filter(is_looked_at).count(),
        })
    }
}

fn figure(organ: &Organ, arms: &[OfArm]) -> Block {
    let line = |of: &OfArm| ReliabilityLine {
        name: of.arm.name().to_owned(),
        points: of
            .reliability
            .bins
            .iter()
            .map(|bin| [bin.expected, bin.observed])
            .collect(),
    };
    let diagram = ReliabilityDiagram {
        title: format!("Expected and observed Dice, {organ}"),
        score: "Dice".to_owned(),
        lines: arms.iter().map(line).collect(),
    };
    let chart = diagram.to_chart();
    let caption = format!(
        "Slices of the test patients on which something was found, in groups from the lowest Dice \
         expected to the highest. {}",
        chart.description()
    );
    let stem = format!("confidence-{organ}");
    Block::Figure(Figure::of_chart(&chart, &stem, &caption))
}

fn table(organ: &Organ, arms: &[OfArm]) -> Table {
    let share = |part: usize, all: usize| {
        let share = (all > 0).then(|| part as f64 / all as f64);
        Cell::some_number(share, 2)
    };
    let row = |of: &OfArm| {
        let found = &of.reliability;
        vec![
            Cell::words(of.arm.name()),
            Cell::Count(found.n),
            Cell::number(found.expected, 3),
            Cell::number(found.observed, 3),
            Cell::number(found.calibration_error, 3),
            Cell::number(found.absolute_error, 3),
            Cell::number(found.absolute_error_of_mean, 3),
            share(of.n_looked_at, of.n),
            Cell::Count(of.n_poor),
            share(of.n_poor_looked_at, of.n_poor),
        ]
    };
    Table {
        title: format!("Expected and observed Dice, {organ}"),
        columns: vec![
            Column::words("arm", "arm"),
            Column::numbers("n_slices", "slices"),
            Column::numbers("expected_dice", "expected"),
            Column::numbers("observed_dice", "observed"),
            Column::numbers("calibration_error", "calibration error"),
            Column::numbers("absolute_error", "error of a slice"),
            Column::numbers("absolute_error_of_mean", "error knowing the mean alone"),
            Column::numbers("looked_at", "share to look at"),
            Column::numbers("n_poor", "poor slices"),
            Column::numbers("poor_looked_at", "of these to look at"),
        ],
        rows: arms.iter().map(row).collect(),
        notes: vec![
            "Slices on which something was found; the last three columns are over all slices."
                .to_owned(),
            "Calibration error: by how much a group's observed mean misses the expected one, on \
             average. Error of a slice: by how much its Dice misses what was expected of it; beside it \
             the error of expecting the mean Dice of every slice."
                .to_owned(),
            format!("Poor: Dice below {POOR}, missed organs among them."),
        ],
    }
}
