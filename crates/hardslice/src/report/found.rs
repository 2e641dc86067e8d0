//! What a command left in its folder.

use std::path::Path;

use anyhow::anyhow;
use hardslice_train::layout::RoundDir;

use crate::layout::{LeftBy, OutDir, RoundName};

/// A round and its folder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundRound {
    /// What it is a round of.
    pub(super) name: RoundName,
    /// The folder, with a folder for each arm.
    pub(super) dir: RoundDir,
}

/// The rounds of a run, a comparison or a sweep, by net, seed, ratio, fold and organs.
pub(super) fn find(dir: &Path) -> anyhow::Result<(LeftBy, Vec<FoundRound>)> {
    let out = OutDir::new(dir);
    let names = out.rounds()?;
    let Some(left_by) = names.first().map(RoundName::left_by) else {
        return Err(anyhow!(
            "there is nothing to report: wanted the folder that `run`, `compare` or `sweep` left, with a \
             folder for each organ and in it one for each arm: {}",
            dir.display()
        ));
    };
    let found = names.into_iter().map(|name| FoundRound {
        dir: out.round(&name),
        name,
    });
    Ok((left_by, found.collect()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_run_a_comparison_and_a_sweep_are_told_apart() {
        let kind = |round: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join(round).join("hard/model")).unwrap();
            find(dir.path()).unwrap().0
        };
        assert_eq!(kind("liver"), LeftBy::Run);
        assert_eq!(kind("seed-2/liver"), LeftBy::Compare);
        assert_eq!(kind("seed-2/fold-0/liver"), LeftBy::Compare);
        assert_eq!(kind("unet/seed-0/ratio-0.5/liver"), LeftBy::Sweep);
    }

    #[test]
    fn a_folder_of_something_else_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let message = find(dir.path()).unwrap_err().to_string();
        assert!(message.contains("nothing to report"), "{message}");
        assert!(
            message.ends_with(&dir.path().display().to_string()),
            "{message}"
        );
    }
}
