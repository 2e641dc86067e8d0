//! What a command left in its folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::balance::Arm;

/// The folder of one round, and what it is a round of.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RoundDir {
    /// The net, where a sweep tries several.
    pub(super) net: Option<String>,
    /// The selection ratio, where a sweep tries several.
    pub(super) ratio: Option<f64>,
    /// The seed, where there are several.
    pub(super) seed: Option<u64>,
    /// The fold, where each patient is tested in one of several.
    pub(super) fold: Option<usize>,
    /// The organs of its net: the folder's name.
    pub(super) organs: String,
    /// The folder, with a folder for each arm.
    pub(super) dir: PathBuf,
}

/// Which command the folder is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Run,
    Compare,
    Sweep,
}

/// Finds the rounds of a run (`<organs>`), a comparison (`seed-<n>/<organs>`, with folds
/// `seed-<n>/fold-<k>/<organs>`) or a sweep (`<net>/seed-<n>/ratio-<r>/<organs>`), by net, seed,
/// ratio, fold and organs.
pub(super) fn find(dir: &Path) -> anyhow::Result<(Kind, Vec<RoundDir>)> {
    let mut rounds = Vec::new();
    let mut kind = Kind::Run;
    for (name, below) in folders(dir) {
        if let Some(seed) = numbered::<u64>(&name, "seed-") {
            kind = Kind::Compare;
            let of_seed = RoundDir {
                seed: Some(seed),
                ..RoundDir::default()
            };
            rounds.extend(of_seed.with_each_below(&below));
            for (fold, below) in numbered_folders::<usize>(&below, "fold-") {
                let of_fold = RoundDir {
                    fold: Some(fold),
                    ..of_seed.clone()
                };
                rounds.extend(of_fold.with_each_below(&below));
            }
        } else if is_round(&below) {
            rounds.push(RoundDir {
                organs: name,
                dir: below,
                ..RoundDir::default()
            });
        } else {
            for (seed, below) in numbered_folders::<u64>(&below, "seed-") {
                for (ratio, below) in numbered_folders::<f64>(&below, "ratio-") {
                    kind = Kind::Sweep;
                    let of_ratio = RoundDir {
                        net: Some(name.clone()),
                        ratio: Some(ratio),
                        seed: Some(seed),
                        ..RoundDir::default()
                    };
                    rounds.extend(of_ratio.with_each_below(&below));
                }
            }
        }
    }
    if rounds.is_empty() {
        return Err(anyhow!(
            "there is nothing to report: wanted the folder that `run`, `compare` or `sweep` left, \
             with a folder for each organ and in it one for each arm: {}",
            dir.display()
        ));
    }
    rounds.sort_by(|a, b| {
        let ratio = |round: &RoundDir| round.ratio.unwrap_or(0.0);
        (&a.net, a.seed)
            .cmp(&(&b.net, b.seed))
            .then(ratio(b).total_cmp(&ratio(a)))
            .then((a.fold, &a.organs).cmp(&(b.fold, &b.organs)))
    });
    Ok((kind, rounds))
}

impl RoundDir {
    /// Whether its net finds an organ.
    pub(super) fn finds(&self, organ: &str) -> bool {
        self.organs.split('+').any(|name| name == organ)
    }

    /// One like this for each round in a folder.
    fn with_each_below(&self, dir: &Path) -> Vec<Self> {
        let rounds = folders(dir).into_iter().filter(|(_, dir)| is_round(dir));
        let round = |(organs, dir)| Self {
            organs,
            dir,
            ..self.clone()
        };
        rounds.map(round).collect()
    }
}

/// Whether a folder holds trainings.
fn is_round(dir: &Path) -> bool {
    let mut names = Arm::ALL.iter().map(|arm| arm.name()).chain(["pretrained"]);
    names.any(|name| {
        dir.join(name).join("model").is_dir() || dir.join(name).join("train.csv").is_file()
    })
}

/// Folders by name; none where the folder cannot be listed.
fn folders(dir: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<(String, PathBuf)> = entries
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((entry.file_name().to_str()?.to_owned(), entry.path())))
        .collect();
    folders.sort();
    folders
}

fn numbered_folders<T: std::str::FromStr>(dir: &Path, prefix: &str) -> Vec<(T, PathBuf)> {
    let numbered = |(name, dir): (String, PathBuf)| Some((numbered(&name, prefix)?, dir));
    folders(dir).into_iter().filter_map(numbered).collect()
}

/// The number after a prefix.
fn numbered<T: std::str::FromStr>(name: &str, prefix: &str) -> Option<T> {
    name.strip_prefix(prefix)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(rounds: &[&str]) -> (tempfile::TempDir, anyhow::Result<(Kind, Vec<RoundDir>)>) {
        let dir = tempfile::tempdir().unwrap();
        for round in rounds {
            fs::create_dir_all(dir.path().join(round).join("hard/model")).unwrap();
        }
        fs::create_dir_all(dir.path().join("store/cases")).unwrap();
        let found = find(dir.path());
        (dir, found)
    }

    #[test]
    fn a_run_a_comparison_and_a_sweep_are_told_apart() {
        let (_dir, run) = made(&["liver", "spleen"]);
        let (kind, rounds) = run.unwrap();
        assert_eq!(kind, Kind::Run);
        let organs: Vec<&str> = rounds.iter().map(|round| round.organs.as_str()).collect();
        assert_eq!(organs, ["liver", "spleen"]);
        let (_dir, compare) = made(&["seed-10/liver", "seed-2/liver"]);
        let (kind, rounds) = compare.unwrap();
        assert_eq!(kind, Kind::Compare);
        let seeds: Vec<Option<u64>> = rounds.iter().map(|round| round.seed).collect();
        assert_eq!(seeds, [Some(2), Some(10)], "by number, not by name");
        let (_dir, folds) = made(&["seed-0/fold-1/liver", "seed-0/fold-0/liver"]);
        let (_, rounds) = folds.unwrap();
        let folds: Vec<Option<usize>> = rounds.iter().map(|round| round.fold).collect();
        assert_eq!(folds, [Some(0), Some(1)]);
        let (_dir, sweep) = made(&["unet/seed-0/ratio-0.5/liver", "unet/seed-0/ratio-1/liver"]);
        let (kind, rounds) = sweep.unwrap();
        assert_eq!(kind, Kind::Sweep);
        assert_eq!(rounds[0].ratio, Some(1.0), "the largest ratio first");
        assert_eq!(rounds[1].net.as_deref(), Some("unet"));
    }

    #[test]
    fn a_folder_of_something_else_is_refused_by_name() {
        let (dir, nothing) = made(&[]);
        let message = nothing.unwrap_err().to_string();
        assert!(message.contains("nothing to report"), "{message}");
        assert!(
            message.ends_with(&dir.path().display().to_string()),
            "{message}"
        );
    }
}
