//! The layout of what a round leaves: every folder and file is named, made and parsed here.
//!
//! ```text
//! RoundDir
//! ├── pretrained/          TrainingDir: on B, over the first half
//! ├── pretrained_on_all/   TrainingDir: on all patients, over the first half
//! ├── mining/              MiningDir: A
//! │   └── of_b/            MiningDir: B, and pretrained/, a TrainingDir on A
//! └── <arm>/               ArmDir, itself the TrainingDir of the arm's last part
//!     ├── first_half/      TrainingDir, of arms that share theirs with none
//!     ├── part-<k>/        TrainingDir, of arms whose second half has several parts
//!     ├── mining-<k>/      MiningDir: A, mined anew before part k + 1
//!     ├── predictions/     a label map for each test case
//!     ├── confidence.csv   what Dice was to be expected of each test slice, and what it was
//!     └── evaluation.json
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hardslice_data::balance::Arm;
use hardslice_data::mining::MinedSlices;
use hardslice_data::{CaseId, Share};
use hardslice_volume::{Action, FileError};

/// The folder of a round: everything that one net, seed and split leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundDir(PathBuf);

impl RoundDir {
    const PRETRAINED: &str = "pretrained";
    const PRETRAINED_ON_ALL: &str = "pretrained_on_all";
    const MINING: &str = "mining";
    const OF_B: &str = "of_b";

    /// The round in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The training on B that most arms begin with.
    pub fn pretrained(&self) -> TrainingDir {
        TrainingDir::new(self.0.join(Self::PRETRAINED))
    }

    /// The training on all training patients that some arms begin with.
    pub fn pretrained_on_all(&self) -> TrainingDir {
        TrainingDir::new(self.0.join(Self::PRETRAINED_ON_ALL))
    }

    /// The training that an arm begins with, shared or its own.
    pub fn first_half(&self, arm: Arm) -> TrainingDir {
        if arm.pretrains_on_b() {
            self.pretrained()
        } else if arm.pretrains_on_all() {
            self.pretrained_on_all()
        } else {
            TrainingDir::new(self.arm(arm).path().join("first_half"))
        }
    }

    /// The mining of A.
    pub fn mining(&self) -> MiningDir {
        MiningDir::new(self.0.join(Self::MINING))
    }

    /// The mining of B, by a net that was trained on A.
    pub fn mining_of_b(&self) -> MiningDir {
        MiningDir::new(self.mining().0.join(Self::OF_B))
    }

    /// The training on A, whose net scores B.
    pub fn trained_on_a(&self) -> TrainingDir {
        TrainingDir::new(self.mining_of_b().0.join(Self::PRETRAINED))
    }

    /// What an arm leaves.
    pub fn arm(&self, arm: Arm) -> ArmDir {
        ArmDir(TrainingDir::new(self.0.join(arm.name())))
    }

    /// Whether something was trained here.
    pub fn exists(&self) -> bool {
        let arms = Arm::ALL.into_iter().map(|arm| self.arm(arm).0);
        let mut trainings = arms.chain([self.pretrained(), self.pretrained_on_all()]);
        trainings.any(|training| training.model().is_dir() || training.log().is_file())
    }

    /// Every mining that left a ledger: of A, of B, and those of arms that mine anew, part by part.
    pub fn minings(&self) -> Vec<MiningDir> {
        let again = Arm::ALL.into_iter().filter(|arm| arm.mines_again());
        let again = again.flat_map(|arm| {
            let minings = (1..).map(move |part| self.arm(arm).mining_before(part + 1));
            minings.take_while(|mining| mining.0.is_dir())
        });
        let minings = [self.mining(), self.mining_of_b()].into_iter().chain(again);
        minings.filter(|mining| mining.ledger().exists()).collect()
    }
}

/// The folder of an arm: a training, and how its model does on the test patients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArmDir(TrainingDir);

impl ArmDir {
    /// The arm in this folder.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(TrainingDir::new(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The training over the last part of the second half.
    pub fn training(&self) -> TrainingDir {
        self.0.clone()
    }

    /// The training over part `part` of `n_parts` of the second half, counted from 1.
    pub fn part(&self, part: u64, n_parts: u64) -> TrainingDir {
        if part == n_parts {
            self.training()
        } else {
            TrainingDir::new(self.path().join(format!("part-{part}")))
        }
    }

    /// The parts of the second half before the last, as far as they are there.
    pub fn parts(&self) -> Vec<TrainingDir> {
        let parts = (1..).map(|part| TrainingDir::new(self.path().join(format!("part-{part}"))));
        parts.take_while(|part| part.path().is_dir()).collect()
    }

    /// The mining of A by the net as it stands before part `part`, counted from 1.
    pub fn mining_before(&self, part: u64) -> MiningDir {
        MiningDir::new(self.path().join(format!("mining-{}", part - 1)))
    }

    /// Scores of the test cases.
    pub fn evaluation(&self) -> PathBuf {
        self.path().join("evaluation.json")
    }

    /// What was to be expected of each slice of the test cases, and what it was.
    pub fn confidence(&self) -> PathBuf {
        self.path().join("confidence.csv")
    }

    /// Folder of the test cases' label maps.
    pub fn predictions(&self) -> PathBuf {
        self.path().join("predictions")
    }

    /// The label map of one test case.
    pub fn prediction(&self, case: &CaseId) -> PathBuf {
        self.predictions().join(format!("{case}.nii.gz"))
    }

    /// Whether there is a label map of any test case.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the folder is there and cannot be listed.
    pub fn has_predictions(&self) -> Result<bool, FileError> {
        let dir = self.predictions();
        match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            entries => Ok(entries.map_err(Action::List.on(&dir))?.next().is_some()),
        }
    }
}

/// The folder of one training over one phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingDir(PathBuf);

impl TrainingDir {
    /// The training in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Folder of the checkpoints, where the training stands.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// What the training ended with: written last.
    pub fn receipt(&self) -> PathBuf {
        self.0.join("finished.json")
    }

    /// The log as a table.
    pub fn log(&self) -> PathBuf {
        self.0.join("train.csv")
    }

    /// Folder of the log as TensorBoard events.
    pub fn tensorboard(&self) -> PathBuf {
        self.0.join("tensorboard")
    }

    /// Weights that did best on the validation patients.
    pub fn best(&self) -> PathBuf {
        self.0.join("best.safetensors")
    }

    /// What the training shows.
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.csv")
    }

    /// The plan in a few figures.
    pub fn plan_summary(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// Folder of the trained model.
    pub fn model(&self) -> PathBuf {
        self.0.join("model")
    }
}

/// The folder of one mining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MiningDir(PathBuf);

impl MiningDir {
    /// The mining in this folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A row for each slice and organ.
    pub fn ledger(&self) -> PathBuf {
        MinedSlices::ledger_path(&self.0)
    }

    /// B and the hard slices.
    pub fn plan(&self) -> PathBuf {
        MinedSlices::plan_path(&self.0)
    }

    /// What a share of the scoring leaves until all are there.
    pub fn share(&self, share: Share) -> PathBuf {
        self.0.join(format!("scores.{}.json", share.suffix()))
    }

    /// Thresholds and hard slices.
    pub fn record(&self) -> PathBuf {
        self.0.join("mining.json")
    }

    /// What mining by hand was given: a model or the predictions of another program, folds, the arm.
    pub fn by_hand(&self) -> PathBuf {
        self.0.join("by_hand.json")
    }
}

/// A checkpoint's folder, `step-00001200`, by the steps taken.
pub(crate) fn checkpoint_name(step: u64) -> String {
    format!("{CHECKPOINT}{step:08}")
}

/// The steps taken at a checkpoint, by its folder's name; `None` for a folder of another name.
pub(crate) fn checkpoint_step(name: &str) -> Option<u64> {
    name.strip_prefix(CHECKPOINT)?.parse().ok()
}

const CHECKPOINT: &str = "step-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_found_by_the_names_they_were_given() {
        for step in [0, 7, 1200, 999_999_999, 12_345_678_901] {
            assert_eq!(checkpoint_step(&checkpoint_name(step)), Some(step));
        }
        for other in ["step-", "step-x", ".step-00000001.partial", "model"] {
            assert_eq!(checkpoint_step(other), None, "{other}");
        }
    }

    #[test]
    fn predictions_are_none_without_their_folder_and_unknown_where_it_cannot_be_listed() {
        let dir = tempfile::tempdir().unwrap();
        let arm = RoundDir::new(dir.path()).arm(Arm::Hard);
        assert!(!arm.has_predictions().unwrap(), "no folder");
        fs::create_dir_all(arm.predictions()).unwrap();
        assert!(!arm.has_predictions().unwrap(), "an empty one");
        fs::write(arm.predictions().join("a.nii.gz"), "").unwrap();
        assert!(arm.has_predictions().unwrap(), "one with a label map");
        fs::remove_dir_all(arm.predictions()).unwrap();
        fs::write(arm.predictions(), "").unwrap();
        let refused = arm.has_predictions().unwrap_err();
        assert_eq!(refused.action, Action::List, "{refused}");
    }

    #[test]
    fn a_round_is_known_by_what_was_trained_in_it_and_lists_its_minings() {
        let dir = tempfile::tempdir().unwrap();
        let round = RoundDir::new(dir.path());
        assert!(!round.exists(), "an empty folder");
        fs::create_dir_all(round.arm(Arm::Gradual).training().model()).unwrap();
        assert!(round.exists(), "a model");
        let rounds = round.arm(Arm::Rounds);
        let minings = [
            round.mining(),
            round.mining_of_b(),
            rounds.mining_before(2),
            rounds.mining_before(3),
        ];
        for mining in &minings {
            fs::create_dir_all(mining.path()).unwrap();
            fs::write(mining.ledger(), "").unwrap();
        }
        assert_eq!(
            round.minings(),
            minings,
            "in the order in which they were made"
        );
    }

    #[test]
    fn arms_that_begin_alike_share_the_folder_of_their_first_half() {
        let round = RoundDir::new("out/liver");
        for (arm, folder) in [
            (Arm::BOnly, "pretrained"),
            (Arm::Rounds, "pretrained"),
            (Arm::AllEmphasised, "pretrained_on_all"),
            (Arm::RandomPatients, "pretrained_on_all"),
            (Arm::Baseline, "baseline/first_half"),
            (Arm::BaselineTopK, "baseline_top_k/first_half"),
        ] {
            let found = round.first_half(arm);
            assert_eq!(found.path(), round.path().join(folder), "{arm}");
        }
    }

    #[test]
    fn the_last_part_of_an_arm_lies_in_its_own_folder() {
        let arm = RoundDir::new("out/liver").arm(Arm::Rounds);
        assert_eq!(arm.part(1, 3).path(), Path::new("out/liver/rounds/part-1"));
        assert_eq!(arm.part(3, 3).path(), Path::new("out/liver/rounds"));
        assert_eq!(
            arm.mining_before(2).path(),
            Path::new("out/liver/rounds/mining-1"),
            "what part 2 rests on was found after part 1"
        );
    }
}
