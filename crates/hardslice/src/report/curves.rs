//! Training curves.

use std::path::Path;

use hardslice_data::balance::Arm;
use hardslice_view::curves::{Curve, Mark, TrainingCurves};
use hardslice_view::report::{Block, Figure, Section};

use super::found::RoundDir;
use super::gathered::Gathered;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("training", "Training");
    for round in gathered.shown_rounds() {
        section.push(figure(round, gathered));
    }
    section
}

fn figure(round: &RoundDir, gathered: &Gathered) -> Result<Block, String> {
    let mut curves = TrainingCurves {
        title: format!("Training, {}", round.organs),
        ..TrainingCurves::default()
    };
    let mut names: Vec<(&str, Vec<String>)> = Vec::new();
    for arm in Arm::ALL {
        let name = arm.name();
        names.push((name, vec![format!("{name}/first_half"), name.to_owned()]));
    }
    // Last, so that arms have the colours that they have in the other charts.
    names.push(("pretrained", vec!["pretrained".to_owned()]));
    for (name, folders) in names {
        let lines: Vec<Line> = folders
            .iter()
            .flat_map(|folder| read(&round.dir.join(folder).join("train.csv")))
            .collect();
        if lines.is_empty() {
            continue;
        }
        curves.loss.push(Curve {
            name: name.to_owned(),
            points: lines.iter().map(|line| (line.step, line.loss)).collect(),
        });
        let validated = lines
            .iter()
            .filter_map(|line| Some((line.step, line.dice?)));
        curves.dice.push(Curve {
            name: name.to_owned(),
            points: validated.collect(),
        });
    }
    if curves.loss.is_empty() {
        return Err(format!("No training log is left of {}.", round.organs));
    }
    let last = read(&round.dir.join("pretrained/train.csv"))
        .last()
        .map(|line| line.step);
    curves.marks.extend(last.map(|iteration| Mark {
        iteration,
        label: "hard slices come in".to_owned(),
    }));
    let caption = format!(
        "Training loss (soft Dice, mean since the point before) and mean Dice of the validation \
         patients on the store's grid. All arms but the baseline share the pre-training on B; the \
         schedule does not restart.{}",
        gathered.shown_words()
    );
    let stem = format!("training-{}", round.organs);
    Ok(Block::Figure(Figure::of_chart(
        &curves.to_chart(),
        &stem,
        &caption,
    )))
}

struct Line {
    step: f64,
    loss: f64,
    dice: Option<f64>,
}

/// The lines of a training log; none where it cannot be read.
fn read(path: &Path) -> Vec<Line> {
    let Ok(mut csv) = csv::Reader::from_path(path) else {
        return Vec::new();
    };
    let headers = csv.headers().cloned().unwrap_or_default();
    let place = |name: &str| headers.iter().position(|header| header == name);
    let [Some(step), Some(loss), Some(dice)] = ["step", "loss", "validation_mean_dice"].map(place)
    else {
        return Vec::new();
    };
    let line = |record: csv::StringRecord| {
        let number = |place: usize| record.get(place)?.parse::<f64>().ok();
        Some(Line {
            step: number(step)?,
            loss: number(loss)?,
            dice: number(dice),
        })
    };
    csv.records().flatten().filter_map(line).collect()
}
