//! Scalars in TensorBoard's own event files.
//!
//! ```text
//! EventWriter ─ event: one `Event` message (protobuf) ─ record: framed, with checksums
//! ```
//!
//! The first event states the version; each further one here holds one scalar. Wall times are
//! passed in: nothing here asks the clock.

mod event;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use hardslice_volume::{Action, FileError};
use thiserror::Error;

use event::{event_step, scalar_event, version_event};
use record::{next_message, record};

const NAME_PREFIX: &str = "events.out.tfevents.";
const NAME_SUFFIX: &str = ".hardslice";
/// An event file could not be written or gone on with.
#[derive(Debug, Error)]
pub enum EventError {
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to go on with.
    #[error(
        "no TensorBoard events to go on with, wanted a file {NAME_PREFIX}*{NAME_SUFFIX} in {}",
        dir.display()
    )]
    NoEventFile {
        /// The folder looked in.
        dir: PathBuf,
    },
}

/// Appends scalars to an event file.
///
/// Events stay in memory until [`EventWriter::flush`], a full buffer or the drop of the writer.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Starts an event file in a folder, which is made if it is missing.
    ///
    /// `start_wall_time_s` is the time in seconds since 1970; it names the file, so that the files
    /// of one folder sort by age. A file of the same second is replaced.
    ///
    /// # Errors
    ///
    /// [`EventError::File`] when the folder or the file cannot be written.
    pub fn create(dir: &Path, start_wall_time_s: f64) -> Result<Self, EventError> {
        fs::create_dir_all(dir).map_err(Action::Write.on(dir))?;
        let seconds = start_wall_time_s.max(0.0).floor();
        let path = dir.join(format!("{NAME_PREFIX}{seconds:010.0}{NAME_SUFFIX}"));
        let file = File::create(&path).map_err(Action::Write.on(&path))?;
        let mut writer = Self {
            path,
            file: BufWriter::new(file),
        };
        writer.append(&version_event(start_wall_time_s))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Goes on with the newest event file of a folder, behind the events up to `step`.
    ///
    /// Everything from the first event of a later step on is cut off, and so is everything from the
    /// first record on that a crash has torn or damaged: a resumed run writes those again.
    ///
    /// # Errors
    ///
    /// [`EventError::NoEventFile`] when the folder has none of this program's files or does not
    /// exist, [`EventError::File`] when the file cannot be read or changed.
    pub fn open_at(dir: &Path, step: u64) -> Result<Self, EventError> {
        let path = newest_event_file(dir)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Action::Write.on(&path))?;
        let n_kept = bytes_up_to(&mut BufReader::new(&file), step);
        let n_kept = n_kept.map_err(Action::Read.on(&path))?;
        file.set_len(n_kept).map_err(Action::Write.on(&path))?;
        file.seek(SeekFrom::End(0))
            .map_err(Action::Write.on(&path))?;
        let mut writer = Self {
            file: BufWriter::new(file),
            path,
        };
        if n_kept == 0 {
            writer.append(&version_event(0.0))?;
            writer.flush()?;
        }
        Ok(writer)
    }

    /// The event file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one scalar. TensorBoard groups tags by what stands before the first slash.
    ///
    /// `wall_time_s` is in seconds since 1970. The value is kept as the nearest 32-bit float; one
    /// that is not a number is written as such, since a loss that breaks down is worth seeing.
    ///
    /// # Errors
    ///
    /// [`EventError::File`] when the file system refuses.
    pub fn scalar(
        &mut self,
        tag: &str,
        step: u64,
        wall_time_s: f64,
        value: f64,
    ) -> Result<(), EventError> {
        self.append(&scalar_event(tag, step, wall_time_s, value))
    }

    /// Hands everything to the operating system, so that TensorBoard sees it.
    ///
    /// # Errors
    ///
    /// [`EventError::File`] when the file system refuses.
    pub fn flush(&mut self) -> Result<(), EventError> {
        self.file.flush().map_err(Action::Write.on(&self.path))?;
        Ok(())
    }

    fn append(&mut self, message: &[u8]) -> Result<(), EventError> {
        let written = self.file.write_all(&record(message));
        written.map_err(Action::Write.on(&self.path))?;
        Ok(())
    }
}

/// The event file whose name, and so whose start, comes last.
fn newest_event_file(dir: &Path) -> Result<PathBuf, EventError> {
    let no_file = || EventError::NoEventFile {
        dir: dir.to_owned(),
    };
    let entries = match fs::read_dir(dir) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Err(no_file()),
        entries => entries.map_err(Action::List.on(dir))?,
    };
    let mut newest = None;
    for entry in entries {
        let name = entry.map_err(Action::List.on(dir))?.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(NAME_PREFIX) && name.ends_with(NAME_SUFFIX));
        if is_ours {
            newest = newest.max(Some(name));
        }
    }
    newest.map(|name| dir.join(name)).ok_or_else(no_file)
}

/// Length of the whole records at the start of a file that belong to no later step than `step`.
fn bytes_up_to(file: &mut impl Read, step: u64) -> io::Result<u64> {
    let mut n_kept = 0;
    while let Some(message) = next_message(file)? {
        if event_step(&message).is_none_or(|here| here > step) {
            break;
        }
        n_kept += 16 + message.len() as u64;
    }
    Ok(n_kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by TensorBoard itself; see `tests/golden/tensorboard/make.py`.
    const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/tensorboard/events.tfevents");

    const START_S: f64 = 1_700_000_000.25;

    /// The events of the golden file, from a version event at [`START_S`] on.
    fn write_golden_events(writer: &mut EventWriter) {
        let events = [
            ("train/loss", 0, 0.0, 0.75),
            ("train/loss", 1, 1_700_000_001.5, 0.5),
            ("validation/dice/left kidney", 1, 1_700_000_001.75, 0.0),
            ("train/loss", 127, 1_700_000_002.0, -1.5e-30),
            ("train/loss", 128, 1_700_000_003.0, f64::INFINITY),
            ("train/loss/größe", 1_000_000, 1_700_000_004.0, 1.0 / 3.0),
            ("train/loss", 1 << 40, 1_700_000_005.0, 3.0e38),
        ];
        for (tag, step, wall_time_s, value) in events {
            writer.scalar(tag, step, wall_time_s, value).unwrap();
        }
        writer.flush().unwrap();
    }

    #[test]
    fn the_bytes_are_those_that_tensorboard_writes() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), START_S).unwrap();
        write_golden_events(&mut writer);
        let name = writer.path().file_name().unwrap().to_str().unwrap();
        assert_eq!(
            name, "events.out.tfevents.1700000000.hardslice",
            "the start names the file"
        );
        assert_eq!(fs::read(writer.path()).unwrap(), GOLDEN, "byte for byte");
    }

    #[test]
    fn a_resumed_run_ends_with_the_bytes_of_a_run_never_stopped() {
        for torn in 0..40 {
            let dir = tempfile::tempdir().unwrap();
            let mut writer = EventWriter::create(dir.path(), START_S).unwrap();
            write_golden_events(&mut writer);
            // A crash leaves any part of the last record.
            let file = OpenOptions::new().write(true).open(writer.path()).unwrap();
            file.set_len(GOLDEN.len() as u64 - torn).unwrap();
            let mut resumed = EventWriter::open_at(dir.path(), 127).unwrap();
            for (tag, step, wall_time_s, value) in [
                ("train/loss", 128, 1_700_000_003.0, f64::INFINITY),
                ("train/loss/größe", 1_000_000, 1_700_000_004.0, 1.0 / 3.0),
                ("train/loss", 1 << 40, 1_700_000_005.0, 3.0e38),
            ] {
                resumed.scalar(tag, step, wall_time_s, value).unwrap();
            }
            resumed.flush().unwrap();
            assert_eq!(
                fs::read(resumed.path()).unwrap(),
                GOLDEN,
                "{torn} bytes torn off"
            );
        }
    }

    #[test]
    fn events_of_the_very_step_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), 5.0).unwrap();
        writer.scalar("loss", 3, 6.0, 1.0).unwrap();
        writer.flush().unwrap();
        let before = fs::read(writer.path()).unwrap();
        EventWriter::open_at(dir.path(), 3).unwrap();
        assert_eq!(
            fs::read(writer.path()).unwrap(),
            before,
            "step 3 is not beyond step 3"
        );
        EventWriter::open_at(dir.path(), 2).unwrap();
        let n_left = fs::metadata(writer.path()).unwrap().len();
        assert_eq!(
            n_left,
            record(&version_event(5.0)).len() as u64,
            "only the version is left"
        );
    }

    #[test]
    fn a_damaged_byte_cuts_the_file_before_its_record() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), START_S).unwrap();
        write_golden_events(&mut writer);
        let first_event = record(&version_event(START_S)).len();
        let mut bytes = GOLDEN.to_vec();
        bytes[first_event + 20] ^= 1;
        fs::write(writer.path(), bytes).unwrap();
        EventWriter::open_at(dir.path(), u64::MAX).unwrap();
        let left = fs::read(writer.path()).unwrap();
        assert_eq!(
            left,
            GOLDEN[..first_event],
            "what stands before the damage is kept"
        );
    }

    #[test]
    fn a_file_lost_to_its_first_byte_gets_a_version_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.out.tfevents.0000000009.hardslice");
        fs::write(&path, b"torn").unwrap();
        EventWriter::open_at(dir.path(), 7).unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            record(&version_event(0.0)),
            "a version event"
        );
    }

    #[test]
    fn the_newest_file_of_a_folder_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        for start_s in [1_700_000_000.0, 9.0, 1_600_000_000.0] {
            EventWriter::create(dir.path(), start_s).unwrap();
        }
        let writer = EventWriter::open_at(dir.path(), 0).unwrap();
        assert!(
            writer
                .path()
                .ends_with("events.out.tfevents.1700000000.hardslice"),
            "{writer:?}"
        );
    }

    #[test]
    fn a_folder_without_events_is_named_in_the_message() {
        let dir = tempfile::tempdir().unwrap();
        for missing in [dir.path().to_owned(), dir.path().join("nowhere")] {
            let err = EventWriter::open_at(&missing, 0).unwrap_err();
            let want = format!(
                "no TensorBoard events to go on with, wanted a file \
                 events.out.tfevents.*.hardslice in {}",
                missing.display()
            );
            assert_eq!(err.to_string(), want, "the message must name the folder");
        }
    }
}
