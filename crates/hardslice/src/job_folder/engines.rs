//! What lets engines that others wrote run the jobs: Snakemake, Slurm.

use std::fmt::Write as _;

use anyhow::anyhow;
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use super::table::Row;
use crate::layout::JobsDir;

const SNAKEFILE: &str = include_str!("../../templates/cluster/Snakefile");
const SLURM: &str = include_str!("../../templates/cluster/slurm.sh");

/// Arguments as one line for a shell.
///
/// Fails for a line break, which ends a line of the list of commands.
pub(crate) fn command_line(arguments: &[String]) -> anyhow::Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:+%@".contains(c);
    let mut line = Vec::new();
    for argument in arguments {
        if argument.contains(['\n', '\r']) {
            return Err(anyhow!(
                "jobs are listed a line each, and there is a line break in {argument:?}: rename it"
            ));
        }
        line.push(if !argument.is_empty() && argument.chars().all(is_plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        });
    }
    Ok(line.join(" "))
}

/// Writes the `Snakefile`, `slurm.sh`, `commands` and `README`. `whole` is the command that reports
/// when all jobs are done, its program first.
pub(crate) fn write_engines(jobs: &JobsDir, rows: &[Row], whole: &[String]) -> anyhow::Result<()> {
    let dir = std::path::absolute(jobs.path()).map_err(Action::Read.on(jobs.path()))?;
    let dir = dir.to_str();
    let dir = dir.ok_or_else(|| anyhow!("a path is not UTF-8: {}", jobs.path().display()))?;
    let quoted = |path: &str| command_line(&[format!("{dir}/{path}")]);
    let commands: String = rows.iter().map(|row| row.command.clone() + "\n").collect();
    let (snakefile, slurm) = (quoted("Snakefile")?, quoted("slurm.sh")?);
    let readme = format!(
        "{} jobs. Two commands run them; the first is one of\n\n    \
         snakemake --snakefile {snakefile} --directory {} --cores 8 --keep-going --rerun-incomplete\n    \
         sh {slurm}\n\n\
         (with Snakemake over Slurm: --executor slurm --jobs 100 in place of --cores 8), and, when all \
         are done, the second\n\n    {}\n\n\
         It finds all trained, opens the test set and reports. How far they are:\n\n    \
         {} status {}\n\n\
         Both can be given again at any time: what is done is not done again. All about it stands in \
         docs/cluster.md.\n",
        rows.len(),
        command_line(&[dir.to_owned()])?,
        command_line(whole)?,
        command_line(&whole[..1])?,
        command_line(&[dir.strip_suffix("/jobs").unwrap_or(dir).to_owned()])?,
    );
    for (path, text) in [
        (jobs.commands(), commands),
        (jobs.snakefile(), SNAKEFILE.to_owned()),
        (jobs.slurm(), slurm_script(rows)),
        (jobs.readme(), readme),
    ] {
        write_whole_bytes(&path, text.as_bytes()).map_err(Action::Write.on(&path))?;
    }
    Ok(make_folders(jobs)?)
}

/// The folders that jobs write into: made once, not by a thousand at a time.
fn make_folders(jobs: &JobsDir) -> Result<(), FileError> {
    for dir in [
        jobs.all_done(),
        jobs.all_failed(),
        jobs.claims(),
        jobs.logs(),
    ] {
        std::fs::create_dir_all(&dir).map_err(Action::Write.on(&dir))?;
    }
    Ok(())
}

/// The script, with a line for each wave: first job, number of jobs, and the most that one of them
/// takes.
fn slurm_script(rows: &[Row]) -> String {
    let mut script = SLURM.to_owned();
    for wave in 1..=2 {
        let of_wave = || rows.iter().filter(|row| row.wave == wave);
        let Some(first) = of_wave().map(|row| row.id).min() else {
            continue;
        };
        let most = |of: fn(&Row) -> u64| of_wave().map(of).max().unwrap_or(0);
        let cores = most(|row| row.cores as u64);
        let (memory, minutes) = (most(|row| row.memory_mb), most(|row| row.minutes));
        writeln!(
            script,
            "wave {first} {} {cores} {memory} {minutes} \"$@\"",
            of_wave().count()
        )
        .expect("text takes all");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_reach_the_program_as_they_are() {
        let hard = ["plain", "", "two words", "it's", "$HOME", "a\"b", "*", "é"];
        let mut arguments = vec!["printf".to_owned(), "%s\n".replace('\n', "|")];
        arguments.extend(hard.map(str::to_owned));
        let line = command_line(&arguments).unwrap();
        let said = std::process::Command::new("sh")
            .args(["-c", &line])
            .output();
        let wanted = hard.map(|argument| format!("{argument}|")).concat();
        assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap(), wanted);
        let refused = command_line(&["a\nb".to_owned()]).unwrap_err();
        assert!(refused.to_string().contains("line break"), "{refused}");
    }
}
