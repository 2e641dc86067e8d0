//! Training logs for people to look at: a CSV table and TensorBoard events.
//!
//! The CSV holds no times, so that a resumed training leaves the same bytes as an unbroken one;
//! the event file holds them, as TensorBoard wants.

pub mod tensorboard;

use std::fs;
use std::io;
use std::path::PathBuf;

use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};
use thiserror::Error;

use crate::layout::TrainingDir;
use tensorboard::{EventError, EventWriter};

const HEADER: &str = "step,lr,loss,validation_mean_dice,validation_min_dice\n";

/// A log cannot be written, or gone on with.
#[derive(Debug, Error)]
pub enum LogError {
    /// The CSV table cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line of the CSV table that is none of a log.
    #[error("line {number} is `{line}`, wanted {}: {}", HEADER.trim_end(), path.display())]
    Line {
        /// The line, counted from 1.
        number: usize,
        /// What it says.
        line: String,
        /// The file.
        path: PathBuf,
    },
    /// The event file.
    #[error(transparent)]
    Events(#[from] EventError),
}

/// One line of the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogLine {
    /// Steps taken.
    pub step: u64,
    /// Learning rate of the last of them.
    pub lr: f64,
    /// Mean loss since the line before.
    pub loss: f64,
    /// Mean and lowest case Dice on the validation patients, where they were scored.
    pub validation: Option<[Option<f64>; 2]>,
}

/// Logs a training to `train.csv` and to TensorBoard events.
#[derive(Debug)]
pub struct TrainLog {
    path: PathBuf,
    text: String,
    events: EventWriter,
    wall_time_s: fn() -> f64,
}

impl TrainLog {
    /// Opens the log of a training that stands at `step`: later lines are cut off.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the files cannot be read or written.
    pub fn open(dir: &TrainingDir, step: u64, wall_time_s: fn() -> f64) -> Result<Self, LogError> {
        let path = dir.log();
        let old = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            old => old.map_err(Action::Read.on(&path))?,
        };
        let mut text = HEADER.to_owned();
        for (idx, line) in old.lines().enumerate().skip(1) {
            let step_of_line = line.split(',').next().map(str::parse::<u64>);
            let Some(Ok(step_of_line)) = step_of_line else {
                return Err(LogError::Line {
                    number: idx + 1,
                    line: line.to_owned(),
                    path,
                });
            };
            if step_of_line <= step {
                text.push_str(line);
                text.push('\n');
            }
        }
        let events_dir = dir.tensorboard();
        let events = match EventWriter::open_at(&events_dir, step) {
            Ok(events) => events,
            Err(EventError::NoEventFile { .. }) => EventWriter::create(&events_dir, wall_time_s())?,
            Err(error) => return Err(error.into()),
        };
        let log = Self {
            path,
            text,
            events,
            wall_time_s,
        };
        Ok(log)
    }

    /// Adds a line.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the event file cannot be written; the CSV table is written by
    /// [`TrainLog::flush`].
    pub fn push(&mut self, line: &LogLine) -> Result<(), LogError> {
        let now = (self.wall_time_s)();
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let [mean, min] = line.validation.unwrap_or([None, None]);
        let LogLine { step, lr, loss, .. } = *line;
        let cells = [
            step.to_string(),
            lr.to_string(),
            loss.to_string(),
            number(mean),
            number(min),
        ];
        self.text += &cells.join(",");
        self.text.push('\n');
        let scalars = [
            ("train/loss", Some(loss)),
            ("train/lr", Some(lr)),
            ("validation/mean_dice", mean),
            ("validation/min_dice", min),
        ];
        for (tag, value) in scalars {
            if let Some(value) = value {
                self.events.scalar(tag, step, now, value)?;
            }
        }
        Ok(())
    }

    /// Writes everything so far to disk.
    ///
    /// # Errors
    ///
    /// [`LogError`] when a file cannot be written.
    pub fn flush(&mut self) -> Result<(), LogError> {
        self.events.flush()?;
        let written = write_whole_bytes(&self.path, self.text.as_bytes());
        Ok(written.map_err(Action::Write.on(&self.path))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64) -> LogLine {
        LogLine {
            step,
            lr: 0.1,
            loss: 0.5,
            validation: (step == 20).then_some([Some(0.75), None]),
        }
    }

    #[test]
    fn a_resumed_log_is_that_of_an_unbroken_training() {
        let dir = tempfile::tempdir().unwrap();
        let write = |from: u64, steps: &[u64]| {
            let mut log = TrainLog::open(&TrainingDir::new(dir.path()), from, || 1.0).unwrap();
            for step in steps {
                log.push(&line(*step)).unwrap();
            }
            log.flush().unwrap();
            fs::read_to_string(dir.path().join("train.csv")).unwrap()
        };
        let unbroken = write(0, &[10, 20, 30]);
        assert_eq!(
            unbroken,
            format!("{HEADER}10,0.1,0.5,,\n20,0.1,0.5,0.75,\n30,0.1,0.5,,\n"),
            "one line a step, absent values empty"
        );
        assert_eq!(
            write(15, &[20, 30]),
            unbroken,
            "stopped at 30, resumed from 15"
        );
    }

    #[test]
    fn a_line_that_is_none_of_a_log_is_named_and_not_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let dir = TrainingDir::new(dir.path());
        fs::write(dir.log(), format!("{HEADER}10,0.1,0.5,,\n20;0,1;0,5;;\n")).unwrap();
        let refused = TrainLog::open(&dir, 20, || 1.0).unwrap_err().to_string();
        assert!(
            refused.starts_with("line 3 is `20;0,1;0,5;;`, wanted step,lr,loss"),
            "{refused}"
        );
        assert!(refused.ends_with("train.csv"), "{refused}");
    }
}
