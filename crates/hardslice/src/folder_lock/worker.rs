//! A process of some machine, known again after its number was given to another.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process of some machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Worker {
    pub(crate) process: u32,
    /// When the process began, and in which of the machine's uptimes and lists of processes: another
    /// one may get its number later. Empty where the system does not tell.
    pub(crate) since: String,
    pub(crate) host: String,
}

/// What can be told of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is at work.
    Alive,
    /// It has ended.
    Over,
    /// It is one of another machine, of another container with processes of its own, or of this machine
    /// before it was last started.
    Unknown,
}

impl Worker {
    pub(crate) fn this_process() -> Self {
        let process = std::process::id();
        Self {
            process,
            since: since(process).unwrap_or_default(),
            host: host(),
        }
    }

    /// What can be told of the process from this machine.
    pub(crate) fn state(&self, me: &Self) -> State {
        let place = |worker: &Self| {
            worker
                .since
                .rsplit_once('-')
                .map(|(place, _)| place.to_owned())
        };
        if self.host != me.host {
            return State::Unknown;
        }
        // Of another uptime it may be one of another machine that is called alike.
        if place(self).is_none() || place(self) != place(me) {
            return State::Unknown;
        }
        match since(self.process) {
            Some(now) if now == self.since => State::Alive,
            // The system may hide the processes of others (hidepid); the first one is always there.
            None if since(1).is_none() => State::Unknown,
            _ => State::Over,
        }
    }
}

/// `BOOT-SPACE-START`: which of the machine's uptimes, which list of processes, and when the process
/// began, in ticks of the kernel; `None` where there is no such process, or no `/proc`.
pub(super) fn since(process: u32) -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let boot: String = boot
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(12)
        .collect();
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let space = space.to_string_lossy();
    let space: String = space.chars().filter(char::is_ascii_digit).collect();
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the program's name in brackets, which may hold anything; a zombie is over.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    let start = fields.nth(18)?;
    Some(format!("{boot}-{space}-{start}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program may read the environment: where there is no /proc, it names the machine"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The machine's name, as far as a file's name can hold it.
fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(variable))
        .unwrap_or_default();
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name: String = name.trim().chars().filter(is_kept).take(100).collect();
    if name.is_empty() {
        "a-machine-without-a-name".to_owned()
    } else {
        name
    }
}
