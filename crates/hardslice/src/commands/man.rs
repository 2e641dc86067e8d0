//! `hardslice man`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_mangen::Man as Page;
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;

use crate::bars::Bars;
use crate::done::Done;
use crate::outputs::folder_out;

/// Write the manual pages: hardslice(1) and one for each command.
///
/// For all users: `hardslice man --out /usr/local/share/man/man1`; then `man hardslice-run`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where the pages are written; made if it is not there.
    #[arg(long, value_name = "DIR", value_parser = folder_out())]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(self, bars: &Bars, program: Command) -> anyhow::Result<Done> {
        fs::create_dir_all(&self.out).map_err(Action::Write.on(&self.out))?;
        for page in pages(program) {
            let mut text = Vec::new();
            page.render(&mut text)?;
            let text = examples_unfilled(&String::from_utf8(text).context("a page is not UTF-8")?);
            let path = self.out.join(page.get_filename());
            write_whole_bytes(&path, text.as_bytes()).map_err(Action::Write.on(&path))?;
        }
        bars.print(&self.out.display().to_string())?;
        Ok(Done::Clean)
    }
}

/// The pages of the program and of its commands.
fn pages(mut program: Command) -> Vec<Page> {
    // Gives the commands their full names.
    program.build();
    let commands = program
        .get_subcommands()
        .filter(|one| one.get_name() != "help");
    let commands: Vec<Command> = commands.cloned().collect();
    std::iter::once(program)
        .chain(commands)
        .map(Page::new)
        .collect()
}

/// A page on which examples keep their lines: what stands between Markdown's fences is not filled.
fn examples_unfilled(page: &str) -> String {
    let mut is_within = false;
    let mut unfilled = String::new();
    for line in page.lines() {
        let line = match line.strip_prefix("```") {
            Some(_) if is_within => ".fi",
            Some(_) => ".nf",
            None => line,
        };
        is_within ^= matches!(line, ".nf" | ".fi");
        unfilled.push_str(line);
        unfilled.push('\n');
    }
    unfilled
}
