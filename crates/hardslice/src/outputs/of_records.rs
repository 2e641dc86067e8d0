//! Files that are there already: records of the program, and files of other kinds.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::anyhow;
use hardslice_volume::Action;

use super::resolved;
use crate::layout::{is_in_round, place_of_records};

/// Refuses an output where the program keeps records of its own: in a prepared cohort, or under a name
/// or in a folder that belongs to a run.
pub(crate) fn refuse_among_records(out: &Path) -> anyhow::Result<()> {
    match place_of_records(&resolved(out)) {
        None => Ok(()),
        Some(place) => Err(anyhow!(
            "{} is where this program keeps its own records: name another --out than {}",
            place.display(),
            out.display()
        )),
    }
}

/// As [`refuse_among_records`], for what leaves records itself: nowhere in a round of a run.
pub(crate) fn refuse_in_round(out: &Path) -> anyhow::Result<()> {
    refuse_among_records(out)?;
    if is_in_round(&resolved(out))? {
        return Err(anyhow!(
            "{} belongs to a run, whose trainings and minings lie there: name another --out",
            out.display()
        ));
    }
    Ok(())
}

/// Refuses to write a table over anything but an earlier table of the same command, known by the
/// columns that its header begins with: whatever else is there may be somebody's only copy. An empty
/// file is nothing that could be lost.
pub(crate) fn refuse_over_other_tables(out: &Path, header: &str) -> anyhow::Result<()> {
    let begins_so = |text: &[u8]| {
        let rest = text.strip_prefix(header.as_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'\n' | b'\r' | b',')))
    };
    refuse_over_others(out, header.len() + 1, begins_so)
}

/// Refuses to write over a file, if one is there, that does not begin as this command's own do.
pub(crate) fn refuse_over_others(
    out: &Path,
    n_bytes: usize,
    is_own: impl Fn(&[u8]) -> bool,
) -> anyhow::Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let mut begin = Vec::new();
    let read = File::open(out).and_then(|file| file.take(n_bytes as u64).read_to_end(&mut begin));
    read.map_err(Action::Read.on(out))?;
    if begin.is_empty() || is_own(&begin) {
        return Ok(());
    }
    Err(anyhow!(
        "{} is there, is nothing that this command has written, and would be written over: name \
         another --out, or remove it",
        out.display()
    ))
}

/// Refuses to write a JSON file over one that lacks what marks this command's own.
pub(crate) fn refuse_over_other_json(
    out: &Path,
    is_own: impl Fn(&serde_json::Value) -> bool,
) -> anyhow::Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let bytes = fs::read(out).map_err(Action::Read.on(out))?;
    let is_own = |_: &[u8]| serde_json::from_slice(&bytes).is_ok_and(|value| is_own(&value));
    refuse_over_others(out, 1, is_own)
}
