//! The program: reads a command, runs it, says what went wrong.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::bars::{self, Bars};
use crate::causes::causes;
use crate::commands::{Caller, Command};
use crate::done::Done;
use crate::host::Host;
use crate::stop;

/// Train CT organ segmentation and balance the training set with hard slices.
///
/// From a folder of scans to a report: a model pre-trained on part B of the patients scores every
/// slice of the rest, A; the hard ones are added, flipped, to B; training goes on; the worst cases
/// get better. Controls that add as many random slices tell whether it was the hard ones that did it.
///
/// Start with `hardslice demo --out demo`.
#[derive(Debug, Parser)]
#[command(name = "hardslice", version, max_term_width = 100)]
struct Cli {
    /// Threads to compute with; all cores by default. The results are the same for any number.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    /// Say only what is wrong: warnings, failures, and the results.
    #[arg(long = "quiet", short = 'q', global = true)]
    is_quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// Runs the program with its arguments, the first of them its own name, and gives its exit status:
/// 0 when all is well, 1 when the command did its work and found something wrong with the data, 2
/// when it failed, 75 when it was asked to stop and goes on when it is run again.
///
/// It writes to standard output and standard error, and never ends the process: the interpreter of
/// another language may be its host.
///
/// ```
/// use hardslice::program;
///
/// assert_eq!(program::main(["hardslice", "--version"]), 0);
/// assert_eq!(program::main(["hardslice", "no-such-command"]), 2);
/// ```
pub fn main<A: Into<OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    main_of_package(arguments, None)
}

/// As [`main`], run by a Python package that lies in a folder: `nnunet` tells what it brings.
#[expect(
    clippy::let_underscore_must_use,
    reason = "nobody is left to be told when standard output is closed"
)]
pub fn main_of_package<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    package: Option<&Path>,
) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let _ = io::stdout().flush();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => 2,
            };
        }
    };
    let done = run(cli, package);
    // What lies in the buffer is written when a Rust program ends, and its host may be another.
    let _ = io::stdout().flush();
    match done {
        Ok(Done::Clean) => 0,
        Ok(Done::Findings) => 1,
        Err(error) if stop::is_cause_of(&error) => {
            bars::say(&format!("stopped: {}", causes(error.as_ref())));
            bars::say("help: the same command goes on");
            stop::STOPPED
        }
        Err(error) => {
            bars::say(&format!("error: {}", causes(error.as_ref())));
            bars::say("help: `hardslice COMMAND --help` tells what a command needs and leaves");
            2
        }
    }
}

/// After [`main()`], for a program that is no library's host: where Ctrl-C stopped its work, ends the
/// process as Ctrl-C does where nobody listens for it, so that a shell ends its loop or script, too.
pub fn end_if_interrupted() {
    stop::end_if_interrupted();
}

/// Runs `phantom`, `run`, `compare` or `report` for a host, with the arguments of the command line and
/// without a word on the terminal. Gives whether all is well: else the command did its work and found
/// something wrong with the data.
///
/// # Errors
///
/// What the command fails with; arguments that it does not know, in clap's words.
pub fn run_for<A: Into<OsString> + Clone>(
    host: Arc<dyn Host>,
    arguments: impl IntoIterator<Item = A>,
) -> anyhow::Result<bool> {
    let cli = Cli::try_parse_from(arguments).map_err(|error| {
        // Without the usage of a command line, which there is none of.
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        anyhow!("{}", said.strip_prefix("error: ").unwrap_or(said))
    })?;
    let done = cli.command.run(
        &Bars::of_host(host),
        &Caller {
            package: None,
            command_line: Cli::command,
        },
    )?;
    Ok(done == Done::Clean)
}

fn run(cli: Cli, package: Option<&Path>) -> anyhow::Result<Done> {
    if let Some(n) = cli.threads {
        let built = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build_global();
        // A host may have run the program before: its threads will do where they are as many.
        if let Err(error) = built
            && rayon::current_num_threads() != n
        {
            return Err(error.into());
        }
    }
    stop::listen(bars::say)?;
    let caller = Caller {
        package,
        command_line: Cli::command,
    };
    cli.command.run(&Bars::new(cli.is_quiet), &caller)
}
