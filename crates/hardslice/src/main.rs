//! The program: reads a command, runs it, says what went wrong.

mod arms;
mod bars;
mod campaign;
mod cohort;
mod controls;
mod commands;
mod export;
mod external;
mod folder_lock;
mod layout;
mod named_files;
mod notes;
mod outputs;
mod peak_memory;
mod pictures;
mod pipeline;
mod provenance;
mod report;
mod reported_table;
mod results;
mod scans;
mod scoring;
mod selection_ratios;
mod training;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use hardslice_volume::{Action, FileError, WriteError};

use commands::Command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train CT organ segmentation and balance the training set with hard slices.
///
/// From a folder of scans to a report: a model pre-trained on part B of the patients scores every
/// slice of the rest, A; the hard ones are added, flipped, to B; training goes on; the worst cases
/// get better. Controls that add as many random slices tell whether it was the hard ones that did it.
///
/// Start with `hardslice demo --out demo`.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Threads to compute with; all cores by default. The results are the same for any number.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
    #[command(subcommand)]
    command: Command,
}

/// What a command ends with when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// All is well.
    Clean,
    /// The command did its work and found something wrong with the data.
    Findings,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(Done::Clean) => ExitCode::SUCCESS,
        Ok(Done::Findings) => ExitCode::from(1),
        Err(error) => {
            bars::say(&format!("error: {}", causes(error.as_ref())));
            bars::say("help: `hardslice COMMAND --help` tells what a command needs and leaves");
            ExitCode::from(2)
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Done> {
    if let Some(n) = cli.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build_global()?;
    }
    cli.command.run()
}

/// Whether the file system refused to take a file: on a full disk there is nothing to go on with.
fn is_refused_writing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_volume = match cause.downcast_ref::<WriteError>() {
            Some(WriteError::File(file)) => Some(file),
            _ => None,
        };
        let file = cause.downcast_ref::<FileError>().or(of_volume);
        file.is_some_and(|file| file.action == Action::Write)
    })
}

/// An error with its causes, one a line, each said once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str("\n  because: ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
