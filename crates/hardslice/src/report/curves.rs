//! Training curves.

use std::path::Path;

use anyhow::Context;
use hardslice_data::balance::Arm;
use hardslice_train::Receipt;
use hardslice_train::layout::TrainingDir;
use hardslice_view::curves::{Curve, Mark, TrainingCurves};
use hardslice_view::report::{Block, Figure, Section};
use hardslice_volume::FileError;

use super::found::FoundRound;
use super::gathered::Gathered;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("training", "Training");
    for round in gathered.shown_rounds() {
        section.push(figure(round, gathered));
    }
    section
}

fn figure(round: &FoundRound, gathered: &Gathered) -> Result<Block, String> {
    let mut curves = TrainingCurves {
        title: format!("Training, {}", round.name.words()),
        ..TrainingCurves::default()
    };
    let mut trainings: Vec<(&str, Vec<TrainingDir>)> = Vec::new();
    let arms = Arm::ALL.into_iter();
    for arm in arms.filter(|arm| !gathered.is_left_over(round, *arm)) {
        let training = round.dir.arm(arm).training();
        let first_half = (!arm.needs_shared()).then(|| round.dir.first_half(arm));
        let parts = round.dir.arm(arm).parts();
        trainings.push((
            arm.name(),
            first_half
                .into_iter()
                .chain(parts)
                .chain([training])
                .collect(),
        ));
    }
    // Last, so that arms have the colours that they have in the other charts.
    trainings.push(("pretrained", vec![round.dir.pretrained()]));
    trainings.push(("pretrained on all", vec![round.dir.pretrained_on_all()]));
    for (name, dirs) in trainings {
        let mut lines = Vec::new();
        for dir in dirs {
            lines.extend(read(&dir)?);
        }
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
        return Err(format!(
            "No training log is left of {}.",
            round.name.words()
        ));
    }
    let last = read(&round.dir.pretrained())?.last().map(|line| line.step);
    curves.marks.extend(last.map(|iteration| Mark {
        iteration,
        label: "second half".to_owned(),
    }));
    let caption = format!(
        "Training loss (that of each arm, mean since the point before) and mean Dice of the validation \
         patients on the store's grid. Arms that begin on B, or know of hard slices and begin on all \
         patients, share that pre-training; the schedule does not restart.{}",
        gathered.shown_words()
    );
    let stem = format!("training-{}", round.name.organs_dir());
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

/// The lines of a training log, none where nothing was trained; or why it cannot be read.
fn read(dir: &TrainingDir) -> Result<Vec<Line>, String> {
    let path = dir.log();
    let failed = |error: FileError| format!("{}.", crate::causes::causes(&error));
    let receipt = Receipt::read(dir).map_err(failed)?;
    if !path.exists() && receipt.is_none() {
        return Ok(Vec::new());
    }
    if let Some(receipt) = receipt
        && !receipt.fits_log(dir).map_err(failed)?
    {
        return Err(format!(
            "The training log {} was changed or cut off after the training ended: its curves would \
             be wrong.",
            path.display()
        ));
    }
    lines(&path).map_err(|error| {
        let causes = crate::causes::causes(error.as_ref());
        format!(
            "The training log {} cannot be read: {causes}.",
            path.display()
        )
    })
}

fn lines(path: &Path) -> anyhow::Result<Vec<Line>> {
    let mut csv = csv::Reader::from_path(path)?;
    let headers = csv.headers()?.clone();
    let place = |name: &str| {
        let place = headers.iter().position(|header| header == name);
        place.with_context(|| format!("it has no column `{name}`"))
    };
    let (step, loss) = (place("step")?, place("loss")?);
    let dice = place("validation_mean_dice")?;
    let mut lines = Vec::new();
    for record in csv.records() {
        let record = record?;
        // Empty where no validation was made.
        let validated = Some(&record[dice]).filter(|dice| !dice.is_empty());
        lines.push(Line {
            step: record[step].parse()?,
            loss: record[loss].parse()?,
            dice: validated.map(str::parse).transpose()?,
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_log_that_is_no_number_is_said_and_an_empty_one_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let dir = TrainingDir::new(dir.path());
        assert!(read(&dir).unwrap().is_empty(), "no log");
        let log = |row: &str| {
            let header = "step,lr,loss,validation_mean_dice,validation_min_dice";
            std::fs::write(dir.log(), format!("{header}\n{row}\n")).unwrap();
            read(&dir)
        };
        assert_eq!(log("10,0.1,0.5,0.75,").unwrap()[0].dice, Some(0.75));
        assert_eq!(log("10,0.1,0.5,,").unwrap()[0].dice, None);
        let why = log("10,0.1,0.5,good,").err().unwrap();
        assert!(
            why.contains("train.csv cannot be read: invalid float"),
            "{why}"
        );
    }
}
