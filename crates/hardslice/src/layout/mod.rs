//! The layout of a command's output folder: every name in it is made and parsed here. What lies
//! within a round is [`hardslice_train::layout`]'s.
//!
//! ```text
//! run       <organs>/
//! compare   seed-<n>/<organs>/, over folds seed-<n>/fold-<k>/<organs>/,
//!           over divisions into A and B seed-<n>/division-<m>/..., a fold below it
//! sweep     <net>/seed-<n>/ratio-<r>/<organs>/
//! all       jobs/, with --write-jobs
//! ```
//!
//! `<organs>` are the names of a net's organs, joined by `+`; where that is longer than file systems
//! take, their number and hash, and `organs.json` in the folder says which they are.

mod jobs_dir;
mod round_name;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::balance::Arm;
use hardslice_data::store::record_path;
use hardslice_data::{Organ, Share};
use hardslice_train::layout::{ArmDir, RoundDir, TrainingDir};
use hardslice_volume::folder::visible_entries;
use hardslice_volume::whole_file::{read_json_if_there, write_json};
use hardslice_volume::{Action, Ending, FileError};
use thiserror::Error;

pub(crate) use jobs_dir::JobsDir;
use round_name::Part;
pub(crate) use round_name::{LeftBy, RoundName};

/// An output has no name of its own, as `.` and `..` have none.
#[derive(Debug, Error)]
#[error("the output must end in a name, beside which its provenance is written: {}", out.display())]
pub(crate) struct NoName {
    out: PathBuf,
}

/// `OUT.provenance.json`, beside what a command left.
pub(crate) fn provenance_beside(out: &Path) -> Result<PathBuf, NoName> {
    beside(out, ".provenance.json")
}

/// `NAME.confidence.csv`, beside a predicted label map.
pub(crate) fn confidence_beside(labels: &Path) -> PathBuf {
    let name = labels.file_name().unwrap_or_default().to_string_lossy();
    labels.with_file_name(format!("{}.confidence.csv", Ending::split(&name).0))
}

/// `OUT.part-2-of-5.json`, beside what a command leaves: what it knows of a share until all are there.
pub(crate) fn share_beside(out: &Path, share: Share) -> Result<PathBuf, NoName> {
    beside(out, &format!(".{}.json", share.suffix()))
}

/// What is called as an output is, with something behind it.
fn beside(out: &Path, behind: &str) -> Result<PathBuf, NoName> {
    let name = out.file_name().ok_or_else(|| NoName {
        out: out.to_owned(),
    })?;
    let mut name = name.to_owned();
    name.push(behind);
    Ok(out.with_file_name(name))
}

/// The endings of the forms that a comparison is written in for people.
pub(crate) const COMPARISON_FORMS: [&str; 3] = ["md", "tex", "html"];

/// What the audit found, beside the record of a store.
pub(crate) fn audit_table(store: &Path) -> PathBuf {
    store.join("audit.csv")
}

/// The folder that a command leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutDir(PathBuf);

impl OutDir {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The prepared cohort.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The experiment with every value spelt out.
    pub(crate) fn experiment(&self) -> PathBuf {
        self.0.join("experiment.toml")
    }

    pub(crate) fn provenance(&self) -> PathBuf {
        self.0.join("provenance.json")
    }

    /// The folds of a run, or of all seeds of a comparison.
    pub(crate) fn split(&self) -> PathBuf {
        self.0.join(RoundName::default().split())
    }

    /// The files of folds, of one round or of several.
    pub(crate) fn splits(&self) -> anyhow::Result<Vec<PathBuf>> {
        if !self.0.is_dir() {
            return Ok(Vec::new());
        }
        let mut splits = visible_entries(&self.0)?;
        splits.retain(|path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| stem.starts_with("split"))
                && path.extension().is_some_and(|ending| ending == "json")
        });
        Ok(splits)
    }

    /// Refuses a folder in which another command's rounds lie, or tables that no command is known to have
    /// written: both would be written over.
    pub(crate) fn refuse_other_command(&self, own: LeftBy) -> anyhow::Result<()> {
        if !self.0.is_dir() {
            return Ok(());
        }
        let rounds = self.rounds()?;
        let mut others = rounds.iter().map(RoundName::left_by);
        if let Some(other) = others.find(|other| *other != own) {
            return Err(anyhow!(
                "{} holds what `{}` left, whose scores and report `{}` would write over: name another \
                 --out",
                self.0.display(),
                other.name(),
                own.name()
            ));
        }
        let is_known =
            self.provenance().exists() || self.experiment().exists() || !rounds.is_empty();
        let tables = [self.scores(), self.table(), self.summary()];
        match tables.into_iter().find(|table| table.exists()) {
            Some(table) if !is_known => Err(anyhow!(
                "{} is there, and nothing says that this program wrote it: name another --out",
                table.display()
            )),
            _ => Ok(()),
        }
    }

    /// Whether some arm was scored on test patients.
    ///
    /// Fails as [`OutDir::rounds`].
    pub(crate) fn holds_an_evaluation(&self) -> Result<bool, FileError> {
        let rounds = self.rounds()?;
        let is_evaluated = |round: RoundDir| {
            Arm::ALL
                .iter()
                .any(|arm| round.arm(*arm).evaluation().exists())
        };
        let mut rounds = rounds.iter().map(|name| self.round(name));
        Ok(self.scores().exists() || rounds.any(is_evaluated))
    }

    /// Scores of every test case.
    pub(crate) fn scores(&self) -> PathBuf {
        self.0.join("scores.csv")
    }

    pub(crate) fn summary(&self) -> PathBuf {
        self.0.join("summary.json")
    }

    pub(crate) fn table(&self) -> PathBuf {
        self.0.join("table.md")
    }

    pub(crate) fn pictures(&self) -> PathBuf {
        self.0.join("pictures")
    }

    /// The tables of a sweep.
    pub(crate) fn tables(&self) -> PathBuf {
        self.0.join("tables")
    }

    /// What was fixed before the test set was opened.
    pub(crate) fn comparison_plan(&self) -> PathBuf {
        self.0.join("comparison_plan.json")
    }

    pub(crate) fn comparison(&self) -> PathBuf {
        self.0.join("comparison.json")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }

    pub(crate) fn figures(&self) -> PathBuf {
        self.0.join("report").join("figures")
    }

    /// The estimates of a comparison and its differences, for programs.
    pub(crate) fn comparison_tables(&self) -> [PathBuf; 2] {
        ["estimates.csv", "comparison.csv"].map(|name| self.0.join(name))
    }

    /// A comparison for people, without its ending, one of [`COMPARISON_FORMS`].
    pub(crate) fn comparison_stem(&self) -> PathBuf {
        self.0.join("comparison")
    }

    /// The learning curves of a sweep for programs: the points, and what the lines say.
    pub(crate) fn learning_curve_tables(&self) -> [PathBuf; 2] {
        ["learning-curve-points.csv", "learning-curve.csv"].map(|name| self.tables().join(name))
    }

    /// The learning curves of a sweep for people, without their ending.
    pub(crate) fn learning_curve_stem(&self) -> PathBuf {
        self.tables().join("learning-curve")
    }

    /// The folders that commands fill beside those of the rounds.
    fn folders_written(&self) -> [PathBuf; 5] {
        [
            self.store(),
            self.pictures(),
            self.tables(),
            self.figures(),
            self.jobs().path().to_owned(),
        ]
    }

    /// The trainings as jobs of a queue.
    pub(crate) fn jobs(&self) -> JobsDir {
        JobsDir::new(self.0.join("jobs"))
    }

    /// The files that a command may leave in the folder itself.
    pub(crate) fn files_written(&self) -> Vec<PathBuf> {
        let forms = COMPARISON_FORMS.map(|ending| self.comparison_stem().with_extension(ending));
        let tables = self.comparison_tables();
        let others = [
            self.experiment(),
            self.provenance(),
            self.split(),
            self.scores(),
            self.summary(),
            self.table(),
            self.comparison_plan(),
            self.comparison(),
            self.report(),
        ];
        forms.into_iter().chain(tables).chain(others).collect()
    }

    /// Whether it is written down what was done here, or begun.
    pub(crate) fn is_recorded(&self) -> bool {
        self.provenance().is_file() && self.experiment().is_file()
    }

    /// The folder of one round.
    pub(crate) fn round(&self, name: &RoundName) -> RoundDir {
        RoundDir::new(self.0.join(name.to_string()))
    }

    /// Makes the folder of a round that is going to be trained.
    ///
    /// Fails where it cannot be made, or what its name leaves out cannot be written.
    pub(crate) fn make_round(&self, name: &RoundName) -> Result<RoundDir, FileError> {
        let round = self.round(name);
        fs::create_dir_all(round.path()).map_err(Action::Write.on(round.path()))?;
        if name.organs_dir() != name.organs {
            write_json(&organs_of(&round), &name.organs())?;
        }
        Ok(round)
    }

    /// The rounds in which something was trained, with their folders.
    ///
    /// Fails where a folder cannot be listed, or a record of organs cannot be read.
    pub(crate) fn rounds(&self) -> Result<Vec<RoundName>, FileError> {
        let mut found = Vec::new();
        self.find_rounds(&self.0, 0, &mut found)?;
        found.sort_by(RoundName::order);
        Ok(found)
    }

    fn find_rounds(
        &self,
        dir: &Path,
        depth: usize,
        found: &mut Vec<RoundName>,
    ) -> Result<(), FileError> {
        for entry in fs::read_dir(dir).map_err(Action::List.on(dir))? {
            let path = entry.map_err(Action::List.on(dir))?.path();
            // Every name that a command gives a folder is UTF-8: others are somebody else's.
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if !path.is_dir() {
                continue;
            }
            if RoundDir::new(&path).exists() {
                let below = path.strip_prefix(&self.0).expect("it was found below");
                // A round that lies where no command leaves one is not of this command.
                let Some(Ok(mut round)) = below.to_str().map(str::parse::<RoundName>) else {
                    continue;
                };
                let listed = read_json_if_there::<Vec<Organ>>(&organs_of(&RoundDir::new(&path)))?;
                if let Some(organs) = listed {
                    round.organs = RoundName::of_organs(&organs).organs;
                }
                found.push(round);
            } else if depth == 0 || Part::is_one(name) {
                self.find_rounds(&path, depth + 1, found)?;
            }
        }
        Ok(())
    }
}

/// The organs of a round whose folder's name leaves them out.
fn organs_of(round: &RoundDir) -> PathBuf {
    round.path().join("organs.json")
}

/// The place of records that a path lies at or in: a prepared cohort; of a folder that `run`, `compare`
/// or `sweep` left, a file of its own or a folder that is filled as a whole. `None` anywhere else.
pub(crate) fn place_of_records(path: &Path) -> Option<PathBuf> {
    let is_store = |dir: &&Path| record_path(dir).is_file();
    if let Some(store) = path.ancestors().find(is_store) {
        return Some(store.to_owned());
    }
    let dir = path
        .ancestors()
        .skip(1)
        .find(|dir| is_left_by_rounds(dir))?;
    let out = OutDir::new(dir);
    if out.files_written().iter().any(|file| file == path) {
        return Some(path.to_owned());
    }
    let mut filled = out.folders_written().into_iter();
    if let Some(filled) = filled.find(|filled| path.starts_with(filled)) {
        return Some(filled);
    }
    let mut above = path.ancestors().take_while(|above| *above != dir);
    let is_filled = |above: &&Path| {
        let Some(round) = above.parent() else {
            return false;
        };
        let (arm, training) = (ArmDir::at(round), TrainingDir::new(round));
        let filled = [
            arm.predictions(),
            training.model(),
            training.checkpoints(),
            training.tensorboard(),
        ];
        filled.iter().any(|filled| filled == above)
    };
    above.find(is_filled).map(Path::to_owned)
}

/// The rounds in a folder: what `mine` left is one itself; else those of `run`, `compare` or `sweep`.
///
/// Fails as [`OutDir::rounds`].
pub(crate) fn mined_rounds(dir: &Path) -> Result<Vec<RoundDir>, FileError> {
    let of_mine = RoundDir::new(dir);
    if !of_mine.minings().is_empty() {
        return Ok(vec![of_mine]);
    }
    let out = OutDir::new(dir);
    Ok(out.rounds()?.iter().map(|name| out.round(name)).collect())
}

/// Whether a path lies at or in a round of what `run`, `compare` or `sweep` left.
///
/// Fails where a folder above cannot be listed.
pub(crate) fn is_in_round(path: &Path) -> Result<bool, FileError> {
    let Some(dir) = path.ancestors().skip(1).find(|dir| is_left_by_rounds(dir)) else {
        return Ok(false);
    };
    let out = OutDir::new(dir);
    let rounds = out.rounds()?;
    let mut rounds = rounds.iter().map(|name| out.round(name));
    Ok(rounds.any(|round| path.starts_with(round.path())))
}

/// Whether a folder was left by `run`, `compare` or `sweep`: what they are made of stands in it. A
/// folder in which somebody works step by step has its own `experiment.toml`, but none of these.
fn is_left_by_rounds(dir: &Path) -> bool {
    let out = OutDir::new(dir);
    out.is_recorded() || out.comparison_plan().is_file()
}

/// Organs whose names cannot be those of folders.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum OrganUnnamable {
    /// `+` joins the names of organs.
    #[error(
        "the organ `{0}` cannot be trained under a name with `+`, which joins organs in the names of folders: give it another name in `labels`"
    )]
    Plus(Organ),
    /// Its folder would be another one.
    #[error(
        "the organ `{0}` cannot be trained under this name, which another folder of the output has: give it another name in `labels`"
    )]
    Taken(Organ),
}

/// Checks that an organ's name can be that of a folder beside the others of an output.
pub(crate) fn check_organ(organ: &Organ) -> Result<(), OrganUnnamable> {
    if organ.as_str().contains('+') {
        return Err(OrganUnnamable::Plus(organ.clone()));
    }
    let out = OutDir::new("");
    let files = out.files_written().into_iter();
    let mut written = files.chain(out.folders_written());
    // File systems that take letters in either case for one are in use.
    let name = organ.as_str().to_lowercase();
    let is_first = |path: PathBuf| path.iter().next().is_some_and(|first| first == &*name);
    if written.any(is_first) || Part::is_one(&name) {
        return Err(OrganUnnamable::Taken(organ.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_of_a_hundred_organs_has_a_folder_that_says_which_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutDir::new(dir.path());
        let organs: Vec<Organ> = (0..104)
            .map(|organ| Organ::new(format!("vertebra_{organ}")).unwrap())
            .collect();
        let round = RoundName {
            seed: Some(1),
            ..RoundName::of_organs(&organs)
        };
        let made = out.make_round(&round).unwrap();
        let name = made
            .path()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(name.starts_with("104-organs-") && name.len() < 30, "{name}");
        let model = made
            .arm(hardslice_data::balance::Arm::Hard)
            .training()
            .model();
        fs::create_dir_all(model).unwrap();
        assert_eq!(out.rounds().unwrap(), std::slice::from_ref(&round));
        assert_eq!(round.organs(), organs);
        assert_eq!(round.words(), "104 organs");
        assert!(round.finds("vertebra_103") && !round.finds("vertebra_104"));
        let others = RoundName::of_organs(&organs[1..]);
        assert_ne!(others.organs_dir(), round.organs_dir(), "other organs");
    }

    #[test]
    fn organs_whose_folders_would_be_others_are_refused() {
        let checked = |name: &str| check_organ(&Organ::new(name).unwrap());
        for name in [
            "store",
            "Store",
            "report",
            "tables",
            "pictures",
            "jobs",
            "seed-1",
            "fold-0",
            "scores.csv",
        ] {
            let taken = OrganUnnamable::Taken(Organ::new(name).unwrap());
            assert_eq!(checked(name), Err(taken), "{name}");
        }
        let plus = OrganUnnamable::Plus(Organ::new("liver+kidney").unwrap());
        assert_eq!(checked("liver+kidney"), Err(plus));
        for name in ["liver", "stores", "seed", "kidney left"] {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn rounds_are_found_by_what_was_trained_and_come_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let out = OutDir::new(dir.path());
        let round = |seed, fold| RoundName {
            seed: Some(seed),
            fold,
            organs: "liver+kidney_left".to_owned(),
            ..RoundName::default()
        };
        let names = [round(10, None), round(2, Some(1)), round(2, Some(0))];
        for name in &names {
            let arm = out.round(name).arm(hardslice_data::balance::Arm::Hard);
            fs::create_dir_all(arm.training().model()).unwrap();
        }
        fs::create_dir_all(out.store().join("cases/c0")).unwrap();
        fs::create_dir_all(dir.path().join("seed-7/liver")).unwrap();
        let found = out.rounds().unwrap();
        assert_eq!(
            found,
            [names[2].clone(), names[1].clone(), names[0].clone()]
        );
        assert!(
            OutDir::new(dir.path().join("nowhere")).rounds().is_err(),
            "no folder"
        );
    }
}
