//! Training logs for people to look at: a CSV table and TensorBoard events.
//!
//! The CSV holds no times, so that a resumed training leaves the same bytes as an unbroken one;
//! the event file holds them, as TensorBoard wants.

pub mod tensorboard;

use std::fs;
use std::io;
use std::path::PathBuf;

use hardslice_volume::whole_file::write_whole_bytes;
use thiserror::Error;

use crate::layout::TrainingDir;
use tensorboard::{EventError, EventWriter};

const HEADER: &str = "step,lr,loss,validation_mean_dice,validation_min_dice\n";

/// A log cannot be written.
#[derive(Debug, Error)]
pub enum LogError {
    /// The CSV table.
    #[error("cannot write the training log {}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
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
            Ok(old) => old,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(LogError::Csv { path, source }),
        };
        let step_of = |line: &str| {
            line.split(',')
                .next()
                .and_then(|step| step.parse::<u64>().ok())
        };
        let kept = old
            .lines()
            .filter(|line| step_of(line).is_some_and(|line| line <= step));
        let text = kept.fold(HEADER.to_owned(), |text, line| text + line + "\n");
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
        write_whole_bytes(&self.path, self.text.as_bytes()).map_err(|source| LogError::Csv {
            path: self.path.clone(),
            source,
        })
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
}
