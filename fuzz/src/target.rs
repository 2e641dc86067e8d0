//! What is fuzzed: a parser as a function of bytes, and the memory that it may take for them.

use std::path::Path;

use peak_alloc::PeakAlloc;

/// A parser under test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Its name, which is that of its fuzzer and of its folder in `tests/corpus`.
    pub(crate) name: &'static str,
    /// Parses the bytes, as files in a folder that is there and belongs to this target. Panics where
    /// the parser breaks a promise: it panics itself, two ways of reading one file disagree, what was
    /// read is not what is written back, or an error does not name its file.
    pub(crate) run: fn(&[u8], &Path),
    /// How much memory it may take.
    pub(crate) room: Room,
}

impl Target {
    /// Runs the target and gives the memory that it took at most, bytes.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run) does, and where it took more memory than it may.
    pub(crate) fn run_within(&self, input: &[u8], folder: &Path, memory: PeakAlloc) -> usize {
        let before = memory.current_usage();
        memory.reset_peak_usage();
        (self.run)(input, folder);
        let taken = memory.peak_usage().saturating_sub(before);
        let room = self.room.of(input);
        assert!(
            taken <= room,
            "{taken} bytes were taken for an input of {} bytes, at most {room} were expected",
            input.len()
        );
        taken
    }
}

/// The memory that a parser may take at a time: a multiple of its input's size, and a constant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes that it may take whatever the input: buffers, and what it reads beside the input.
    pub(crate) constant: usize,
    /// Bytes that it may take for each byte that the input stands for.
    pub(crate) per_byte: usize,
    /// How many bytes each byte of an input may stand for, in formats that compress.
    pub(crate) unpacked: Option<fn(&[u8]) -> usize>,
}

impl Room {
    /// The most that the parser may take for this input, bytes.
    pub(crate) fn of(&self, input: &[u8]) -> usize {
        let unpacked = self.unpacked.map_or(1, |unpacked| unpacked(input));
        let for_input = (input.len() * self.per_byte).saturating_mul(unpacked);
        self.constant.saturating_add(for_input)
    }
}

/// Panics unless the message of an error, with those behind it, names the file.
pub(crate) fn names_the_file(error: &dyn std::error::Error, name: &str) {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    assert!(
        message.contains(name),
        "`{name}` is not named in: {message}"
    );
}
