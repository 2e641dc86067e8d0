//! Why a slice is in a plan.

use crate::names::named;

/// Why a slice is in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It belongs to the patients that the arm trains on.
    Base,
    /// The pre-trained model found it hard.
    Hard,
    /// Drawn at random from all of A, as a control.
    Random,
    /// Drawn at random with the hard slices' patients and organs, as a control.
    RandomMatched,
    /// Drawn at random from the easy slices of A.
    Easy,
    /// Weighs what its difficulty says.
    Difficulty,
    /// Weighs what the difficulty of another slice of its patient says, dealt out at random, as a control.
    RandomDifficulty,
    /// Easy and without the organ: shown less often as training goes on.
    Thinned,
    /// Its patient is among the hardest.
    WorstPatient,
    /// Its patient was drawn at random, as a control.
    RandomPatient,
}

named!(Reason, "reason", {
    Base => "base",
    Hard => "hard",
    Random => "random",
    RandomMatched => "random_matched",
    Easy => "easy",
    Difficulty => "difficulty",
    RandomDifficulty => "random_difficulty",
    Thinned => "thinned",
    WorstPatient => "worst_patient",
    RandomPatient => "random_patient",
});

impl Reason {
    /// Whether the slice weighs more than others for this reason: the copies that are added are
    /// flipped ones.
    pub fn is_emphasised(self) -> bool {
        match self {
            Self::Hard
            | Self::Random
            | Self::RandomMatched
            | Self::Easy
            | Self::WorstPatient
            | Self::RandomPatient => true,
            Self::Base | Self::Difficulty | Self::RandomDifficulty | Self::Thinned => false,
        }
    }

    /// Whether a random control drew the slice, or dealt out what it weighs.
    pub fn is_drawn(self) -> bool {
        match self {
            Self::Random | Self::RandomMatched | Self::RandomDifficulty | Self::RandomPatient => {
                true
            }
            Self::Base
            | Self::Hard
            | Self::Easy
            | Self::Difficulty
            | Self::Thinned
            | Self::WorstPatient => false,
        }
    }

    /// The reason in a sentence: "shown twice an epoch: it is hard".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Base => "it belongs to the patients that the arm trains on",
            Self::Hard => "it is hard",
            Self::Random => "it was drawn at random, as a control",
            Self::RandomMatched => "it was drawn at random to match the hard slices, as a control",
            Self::Easy => "it was drawn from the easy slices",
            Self::Difficulty => "its difficulty, or the floor, says how often",
            Self::RandomDifficulty => {
                "the difficulty of another slice of its patient, dealt out at random, says how often, as a control"
            }
            Self::Thinned => "it is without the organ and was not chosen, and is thinned out",
            Self::WorstPatient => "its patient is among the hardest",
            Self::RandomPatient => "its patient was drawn at random, as a control",
        }
    }
}
