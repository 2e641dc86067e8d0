//! `hardslice completions`.

use anyhow::Context;
use clap::Args;
use clap_complete::{Shell, generate};

use crate::bars::Bars;
use crate::done::Done;

/// Print a script with which a shell completes commands, options and their values.
///
/// bash: hardslice completions bash > ~/.local/share/bash-completion/completions/hardslice
///
/// zsh: hardslice completions zsh > "${fpath[1]}/_hardslice"
///
/// fish: hardslice completions fish > ~/.config/fish/completions/hardslice.fish
///
/// PowerShell: hardslice completions powershell >> $PROFILE
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, bars: &Bars, mut program: clap::Command) -> anyhow::Result<Done> {
        let mut script = Vec::new();
        generate(self.shell, &mut program, "hardslice", &mut script);
        let script = String::from_utf8(script).context("the script is not UTF-8")?;
        bars.print(script.trim_end())?;
        Ok(Done::Clean)
    }
}
