//! Progress bars, lines and warnings: everything that is said while the program works.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use hardslice_train::{Event, Observer, Warning};
use indicatif::{ProgressBar, ProgressStyle};

use crate::host::Host;
use crate::stop;

/// Between two lines where there is no terminal to draw a bar on.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Says a line on standard error. A closed pipe is no reason to stop working.
#[expect(clippy::let_underscore_must_use, reason = "nobody is left to be told")]
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a result on standard output. Gives whether anybody still reads it (`hardslice ... | head`).
fn print(text: &str) -> anyhow::Result<bool> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        printed => printed
            .map(|()| true)
            .context("cannot write to standard output"),
    }
}

/// Seconds since 1970, for logs only.
pub(crate) fn wall_time_s() -> f64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program passes the time in, for logs only"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// One bar at a time, with the time left; lines where there is no terminal. Where the program has a
/// host, that is told and nothing is printed.
pub(crate) struct Bars {
    state: Mutex<State>,
    is_terminal: bool,
    is_quiet: bool,
    host: Option<Arc<dyn Host>>,
}

#[derive(Debug)]
struct State {
    bar: ProgressBar,
    stage: String,
    loss: Option<f64>,
    dice: Option<f64>,
    n: u64,
    done_before: u64,
    begun_at: Instant,
    said_at: Instant,
}

impl Bars {
    /// Quiet, only warnings, failures and results are said.
    pub(crate) fn new(is_quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                bar: ProgressBar::hidden(),
                stage: String::new(),
                loss: None,
                dice: None,
                n: 0,
                done_before: 0,
                begun_at: now,
                said_at: now,
            }),
            is_terminal: io::stderr().is_terminal(),
            is_quiet,
            host: None,
        }
    }

    /// Tells a host instead.
    pub(crate) fn of_host(host: Arc<dyn Host>) -> Self {
        Self {
            host: Some(host),
            ..Self::new(false)
        }
    }

    /// Prints a result, which a host finds in the files that were written. Where nobody reads it any
    /// more, the work is done all the same.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        self.is_read(text).map(drop)
    }

    /// Prints what somebody watches, and gives whether anybody still does.
    pub(crate) fn is_read(&self, text: &str) -> anyhow::Result<bool> {
        match self.host {
            Some(_) => Ok(true),
            None => print(text),
        }
    }

    /// Begins a stage of `n` units.
    pub(crate) fn begin(&self, stage: &str, n: u64, done: u64) {
        stop::is_another_stage();
        if let Some(host) = &self.host {
            host.begin(stage, done, n);
            return;
        }
        let mut state = self.lock();
        *state = State {
            bar: ProgressBar::hidden(),
            stage: stage.to_owned(),
            loss: None,
            dice: None,
            n,
            done_before: done,
            begun_at: Instant::now(),
            said_at: Instant::now(),
        };
        if self.is_quiet {
            return;
        }
        if self.is_terminal {
            let style =
                ProgressStyle::with_template("{prefix:32} {bar:28} {pos}/{len}  {eta} left  {msg}");
            let style = style.expect("the template is well-formed");
            state.bar = ProgressBar::new(n)
                .with_style(style)
                .with_prefix(stage.to_owned());
            state.bar.set_position(done);
            state.bar.reset_eta();
        } else {
            let resumed = if done > 0 {
                format!(", going on from {done}")
            } else {
                String::new()
            };
            say(&format!("{stage}: {n} to do{resumed}"));
        }
    }

    /// Tells that `n` units more, `done` in all, were done before: they say nothing of the pace.
    pub(crate) fn found(&self, n: u64, done: u64) {
        if let Some(host) = &self.host {
            host.advance(done);
            return;
        }
        let mut state = self.lock();
        state.done_before += n;
        state.bar.set_position(done);
        state.bar.reset_eta();
    }

    /// Tells how far the stage is.
    pub(crate) fn advance(&self, done: u64) {
        if let Some(host) = &self.host {
            host.advance(done);
            return;
        }
        let mut state = self.lock();
        state.bar.set_position(done);
        if !self.is_terminal && !self.is_quiet && state.said_at.elapsed() > LINE_EVERY {
            state.said_at = Instant::now();
            let left = state.seconds_left(done);
            let message = state.message();
            say(&format!(
                "{}: {done}/{}, {left:.0} s left  {message}",
                state.stage, state.n
            ));
        }
    }

    /// Ends the stage.
    pub(crate) fn end(&self) {
        stop::is_another_stage();
        if self.host.is_some() || self.is_quiet {
            return;
        }
        let state = self.lock();
        let seconds = state.begun_at.elapsed().as_secs_f64();
        let line = format!(
            "{}: done in {seconds:.1} s  {}",
            state.stage,
            state.message()
        );
        state.bar.finish_and_clear();
        say(line.trim_end());
    }

    /// Says what is good to know and asks for nothing, but for where it is to be quiet.
    pub(crate) fn tell(&self, line: &str) {
        if !self.is_quiet {
            self.line(line);
        }
    }

    /// Says a warning or a failure, without disturbing the bar.
    pub(crate) fn line(&self, line: &str) {
        match &self.host {
            Some(host) => host.line(line),
            None => self.lock().bar.suspend(|| say(line)),
        }
    }

    /// Says a warning, and what it is about.
    pub(crate) fn warning(&self, about: &str, warning: &Warning<'_>) {
        self.line(&format!("warning: {about}: {warning}"));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// At the pace of what was not done before.
    fn seconds_left(&self, done: u64) -> f64 {
        let since = done.saturating_sub(self.done_before).max(1);
        let rate = self.begun_at.elapsed().as_secs_f64() / since as f64;
        rate * self.n.saturating_sub(done) as f64
    }

    fn message(&self) -> String {
        let loss = self.loss.map(|loss| format!("loss {loss:.3}"));
        let dice = self.dice.map(|dice| format!("validation Dice {dice:.3}"));
        loss.into_iter().chain(dice).collect::<Vec<_>>().join("  ")
    }
}

impl Observer for Bars {
    fn wants_stop(&self) -> bool {
        self.host.is_none() && stop::is_asked_of_training()
    }

    fn notify(&self, event: &Event<'_>) {
        match event {
            Event::Started { stage, n, done } => self.begin(stage, *n, *done),
            Event::Advanced { done } => self.advance(*done),
            Event::Step { loss, .. } => {
                let mut state = self.lock();
                // A running mean, so that the eye can follow it.
                let mean = state.loss.map_or(*loss, |mean| 0.95 * mean + 0.05 * loss);
                state.loss = Some(mean);
                let message = state.message();
                state.bar.set_message(message);
            }
            Event::Validated { mean_dice, .. } => self.lock().dice = *mean_dice,
            Event::Finished => self.end(),
            Event::Skipped { stage } => self.tell(&format!("{stage}: done before")),
            Event::Warning(warning) => self.line(&format!("warning: {warning}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_does_not_make_the_pace() {
        let bars = Bars::new(true);
        bars.begin("train", 200, 40);
        bars.found(60, 100);
        let mut state = bars.lock();
        state.begun_at -= Duration::from_secs(10);
        // Ten units in ten seconds, and 90 of them are left.
        let left = state.seconds_left(110);
        assert!((90.0..91.0).contains(&left), "{left}");
    }
}
