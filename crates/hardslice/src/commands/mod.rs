//! The commands, one file each, in the order of the pipeline.

mod demo;
mod phantom;
mod audit;
mod prepare;
mod split;
mod train;
mod mine;
mod predict;
mod evaluate;
mod run;
mod sweep;
mod compare;
mod status;
mod why;
mod triage;
mod review;
mod export;
mod nnunet;
mod report;
mod check_table;
mod bench;
mod completions;
mod man;

mod campaign_args;
mod device_arg;
mod job_args;
mod label_args;
mod learning_curves;
mod net_arg;

use std::path::Path;

use clap::Subcommand;

use crate::bars::Bars;
use crate::done::Done;

/// A distance between grids that are taken for one, millimetres.
fn distance_mm(text: &str) -> Result<f64, String> {
    let mm: f64 = text
        .parse()
        .map_err(|_error| format!("`{text}` is no number"))?;
    if mm.is_finite() && mm >= 0.0 {
        return Ok(mm);
    }
    Err(format!("`{text}` is no distance: wanted 0 or more"))
}

/// What some commands know of the program that they belong to.
pub(crate) struct Caller<'a> {
    /// The folder of the Python package that runs the program, where one does.
    pub(crate) package: Option<&'a Path>,
    /// All that the command line takes, with the words that explain it.
    pub(crate) command_line: fn() -> clap::Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Phantom(phantom::Phantom),
    Audit(audit::Audit),
    Prepare(prepare::Prepare),
    Split(split::Split),
    Train(train::Train),
    Mine(mine::Mine),
    Predict(predict::Predict),
    Evaluate(evaluate::Evaluate),
    Run(run::Run),
    Sweep(sweep::Sweep),
    Compare(compare::Compare),
    Status(status::Status),
    Why(why::Why),
    Triage(triage::TriageArgs),
    Review(review::Review),
    Export(export::ExportArgs),
    Nnunet(nnunet::Nnunet),
    Report(report::Report),
    CheckTable(check_table::CheckTable),
    Bench(bench::Bench),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Command {
    /// Those that hosts run tell `bars` all that they have to say.
    pub(crate) fn run(self, bars: &Bars, caller: &Caller<'_>) -> anyhow::Result<Done> {
        match self {
            Self::Demo(command) => command.run(bars),
            Self::Phantom(command) => command.run(bars),
            Self::Audit(command) => command.run(bars),
            Self::Prepare(command) => command.run(bars),
            Self::Split(command) => command.run(bars),
            Self::Train(command) => command.run(bars),
            Self::Mine(command) => command.run(bars),
            Self::Predict(command) => command.run(bars),
            Self::Evaluate(command) => command.run(bars),
            Self::Run(command) => command.run(bars),
            Self::Sweep(command) => command.run(bars),
            Self::Compare(command) => command.run(bars),
            Self::Status(command) => command.run(bars),
            Self::Why(command) => command.run(bars),
            Self::Triage(command) => command.run(bars),
            Self::Review(command) => command.run(bars),
            Self::Export(command) => command.run(bars),
            Self::Nnunet(command) => command.run(bars, caller.package),
            Self::Report(command) => command.run(bars),
            Self::CheckTable(command) => command.run(bars),
            Self::Bench(command) => command.run(bars),
            Self::Completions(command) => command.run(bars, (caller.command_line)()),
            Self::Man(command) => command.run(bars, (caller.command_line)()),
        }
    }
}
