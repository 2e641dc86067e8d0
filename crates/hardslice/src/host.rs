//! Whoever runs the program's commands from within another program.

/// Is told how far a command is and what it has to say, in place of a terminal.
///
/// Called from the threads that work. Where a call unwinds, the command ends as a kill would end it:
/// files are whole or not there, and the same command goes on from there.
pub trait Host: Send + Sync {
    /// A stage begins: `n` units of work, `done` of them done before.
    fn begin(&self, stage: &str, done: u64, n: u64);

    /// Units of the stage that are done.
    fn advance(&self, done: u64);

    /// A line: a warning, a note, a case that could not be used.
    fn line(&self, line: &str);
}
