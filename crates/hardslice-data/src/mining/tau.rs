//! The threshold below which a slice is hard.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use super::SliceScore;
use super::case_dice::lowest_labelled_case_dice;
use crate::{Organ, OutputIdx};

/// How the threshold is set.
///
/// In a configuration: a number (`0.923`), `"hardest 15 %"`, `"validation"` or `"paper"`.
///
/// ```
/// use hardslice_data::mining::Tau;
///
/// assert_eq!("0.923".parse(), Ok(Tau::Fixed(0.923)));
/// assert_eq!("hardest 15 %".parse(), Ok(Tau::Hardest(0.15)));
/// assert_eq!(Tau::default().to_string(), "validation");
/// let refused = "1.5".parse::<Tau>().unwrap_err();
/// assert!(refused.to_string().contains("wanted a Dice between 0 and 1"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Tau {
    /// This Dice, from 0 to 1.
    Fixed(f64),
    /// The Dice below which this share of A's slices lies.
    Hardest(f64),
    /// The pre-trained model's lowest case Dice on the validation patients.
    #[default]
    Validation,
    /// The baseline's lowest case Dice on the *test* patients, as the paper did it. It leaks the
    /// test set into the training and stands here for reproduction only.
    Paper,
}

/// A threshold cannot be read or worked out.
#[derive(Debug, Error, PartialEq)]
pub enum TauError {
    /// Not one of the forms.
    #[error(
        "tau is `{got}`, wanted a Dice between 0 and 1, \"hardest 15 %\", \"validation\" or \"paper\""
    )]
    Unknown {
        /// What was written.
        got: String,
    },
    /// No validation patient has the organ annotated and present.
    #[error(
        "tau = \"validation\" needs a case Dice for {organ} on the validation patients, and there \
         is none: add a validation patient in whom it is annotated, or set tau to a number"
    )]
    NoValidation {
        /// The organ.
        organ: String,
    },
    /// The baseline has not been evaluated.
    #[error(
        "tau = \"paper\" needs the baseline's test scores for {organ}, and there are none: add the \
         arm `baseline`, which runs before the others"
    )]
    NoBaseline {
        /// The organ.
        organ: String,
    },
}

/// What a threshold may rest on beside the slices to judge.
#[derive(Debug, Clone, Copy, Default)]
pub struct TauBasis<'a> {
    /// Scores of the validation patients; read only by tau = `validation`.
    pub validation: &'a [SliceScore],
    /// For each organ, the baseline's lowest case Dice on the *test* patients; read only by
    /// tau = `paper`.
    pub baseline_test_min_dice: &'a [Option<f64>],
}

/// Lowest case Dice of one organ, where there is any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LowestDice {
    /// Of the pre-trained model on the validation patients.
    pub(super) validation: Option<f64>,
    /// Of the baseline on the test patients.
    pub(super) baseline_test: Option<f64>,
}

impl TauBasis<'_> {
    pub(super) fn of(&self, output: OutputIdx) -> LowestDice {
        let baseline_test = self.baseline_test_min_dice.get(output.idx());
        LowestDice {
            validation: lowest_labelled_case_dice(self.validation, output),
            baseline_test: baseline_test.copied().flatten(),
        }
    }
}

/// A threshold with its origin and how much of A it takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResolvedTau {
    /// A slice is hard if its Dice is lower than this.
    pub value: f64,
    /// True when the test set was used to set it: everything made with it must say so.
    pub leaky: bool,
    /// Slices of A below the threshold.
    pub n_hard: usize,
    /// Slices of A that were scored for the organ.
    pub n_scored: usize,
}

/// A threshold that takes suspiciously little or much of A.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TauWarning {
    /// Under 1 %: the plan hardly changes.
    TooFew {
        /// Share of A that is hard.
        share: f64,
    },
    /// Over 50 %: hard is the rule, not the exception.
    TooMany {
        /// Share of A that is hard.
        share: f64,
    },
}

impl Tau {
    /// Works the threshold out for one organ, from the Dice of its scored slices (`None` for those
    /// that count as empty) and from what else it rests on.
    ///
    /// # Errors
    ///
    /// [`TauError`] when what the rule is based on is missing.
    pub(super) fn resolve(
        self,
        organ: &Organ,
        slice_dice: &[Option<f64>],
        lowest: &LowestDice,
    ) -> Result<ResolvedTau, TauError> {
        let missing = || organ.to_string();
        let value = match self {
            Self::Fixed(value) => value,
            Self::Hardest(share) => hardest(slice_dice, share),
            Self::Validation => lowest
                .validation
                .ok_or_else(|| TauError::NoValidation { organ: missing() })?,
            Self::Paper => lowest
                .baseline_test
                .ok_or_else(|| TauError::NoBaseline { organ: missing() })?,
        };
        // Where the model is altogether wrong a slice is hard by every rule but that of no share at
        // all: a validation patient in whom the organ is missed would set a threshold of 0, under which
        // nothing lies.
        let value = match self {
            Self::Hardest(share) if share <= 0.0 => value,
            _ => value.max(f64::MIN_POSITIVE),
        };
        let is_hard = |dice: &&Option<f64>| dice.is_some_and(|dice| dice < value);
        Ok(ResolvedTau {
            value,
            leaky: self == Self::Paper,
            n_hard: slice_dice.iter().filter(is_hard).count(),
            n_scored: slice_dice.len(),
        })
    }
}

impl ResolvedTau {
    /// A warning when less than 1 % or more than 50 % of A is hard; `None` also when A is empty.
    ///
    /// ```
    /// use hardslice_data::mining::ResolvedTau;
    ///
    /// let tau = ResolvedTau { value: 0.9, leaky: false, n_hard: 60, n_scored: 100 };
    /// let warning = tau.warning().unwrap().to_string();
    /// assert!(warning.starts_with("60.0 % of the scored slices are hard"));
    /// ```
    pub fn warning(&self) -> Option<TauWarning> {
        if self.n_scored == 0 {
            return None;
        }
        let share = self.n_hard as f64 / self.n_scored as f64;
        match share {
            share if share < 0.01 => Some(TauWarning::TooFew { share }),
            share if share > 0.5 => Some(TauWarning::TooMany { share }),
            _ => None,
        }
    }
}

impl fmt::Display for ResolvedTau {
    /// How many slices are hard, and below which Dice.
    ///
    /// ```
    /// use hardslice_data::mining::ResolvedTau;
    ///
    /// let tau = ResolvedTau { value: 0.9, leaky: false, n_hard: 60, n_scored: 400 };
    /// assert_eq!(tau.to_string(), "60 of 400 slices of A are hard (15.0 %): Dice below tau 0.900");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            value,
            n_hard,
            n_scored,
            ..
        } = self;
        let percent = 100.0 * *n_hard as f64 / (*n_scored).max(1) as f64;
        write!(
            f,
            "{n_hard} of {n_scored} slices of A are hard ({percent:.1} %): "
        )?;
        // A threshold that would be written as 0, below which nothing can be.
        if *value < 0.0005 {
            f.write_str("tau is nearly 0, and only a Dice of 0 is below it")
        } else {
            write!(f, "Dice below tau {value:.3}")
        }
    }
}

impl fmt::Display for TauWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { share } => write!(
                f,
                "only {:.1} % of the scored slices are hard: the plan hardly changes; take a larger tau, or a \
                 larger share of them (tau = \"hardest 15 %\")",
                share * 100.0
            ),
            Self::TooMany { share } => write!(
                f,
                "{:.1} % of the scored slices are hard: the model that scored them may not have learnt \
                 enough to tell hard from easy (a slice of Dice 0 is hard whatever tau is); train longer, lower \
                 tau, take a share of them (tau = \"hardest 15 %\"), or let small false positives pass \
                 (min_false_positive_px)",
                share * 100.0
            ),
        }
    }
}

/// What a share of slices may miss a whole number by: 29 % of 100 are 29, not 28.
const ROUNDING: f64 = 1e-9;

/// The highest threshold under which at most `share` of the slices lie.
///
/// Slices that count as empty are easier than any Dice. Ties at the border stay easy, so that the
/// share is never exceeded.
fn hardest(slice_dice: &[Option<f64>], share: f64) -> f64 {
    let mut dice: Vec<f64> = slice_dice.iter().flatten().copied().collect();
    dice.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1 of a count"
    )]
    let n_wanted = (share * slice_dice.len() as f64 + ROUNDING).floor() as usize;
    match dice.get(n_wanted) {
        Some(first_easy) => *first_easy,
        None => dice.last().map_or(0.0, |last| last.next_up()),
    }
}

impl FromStr for Tau {
    type Err = TauError;

    fn from_str(text: &str) -> Result<Self, TauError> {
        let unknown = || TauError::Unknown {
            got: text.to_owned(),
        };
        let trimmed = text.trim();
        match trimmed {
            "validation" => return Ok(Self::Validation),
            "paper" => return Ok(Self::Paper),
            _ => {}
        }
        let is_share = |value: &f64| (0.0..=1.0).contains(value);
        if let Some(percent) = trimmed.strip_suffix('%') {
            let number = percent.trim_start_matches("hardest").trim();
            let share = number.parse::<f64>().ok().map(|percent| percent / 100.0);
            return share
                .filter(is_share)
                .map(Self::Hardest)
                .ok_or_else(unknown);
        }
        let value = trimmed.parse::<f64>().ok();
        value.filter(is_share).map(Self::Fixed).ok_or_else(unknown)
    }
}

impl fmt::Display for Tau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(value) => write!(f, "{value}"),
            // 0.07 times 100 is 7.000000000000001.
            Self::Hardest(share) => write!(f, "hardest {} %", (share * 1e12).round() / 1e10),
            Self::Validation => f.write_str("validation"),
            Self::Paper => f.write_str("paper"),
        }
    }
}

impl Serialize for Tau {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(value) => serializer.serialize_f64(*value),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Tau {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NumberOrText {
            Number(f64),
            Text(String),
        }
        let text = match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(value) => value.to_string(),
            NumberOrText::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DICE: [Option<f64>; 10] = [
        Some(0.9),
        None,
        Some(0.2),
        Some(0.7),
        None,
        Some(0.95),
        Some(0.0),
        None,
        Some(0.7),
        None,
    ];

    fn resolved(tau: Tau, slice_dice: &[Option<f64>]) -> Result<ResolvedTau, TauError> {
        let lowest = LowestDice {
            validation: Some(0.8),
            baseline_test: None,
        };
        tau.resolve(&Organ::new("liver").unwrap(), slice_dice, &lowest)
    }

    fn resolve(tau: Tau) -> Result<ResolvedTau, TauError> {
        resolved(tau, &DICE)
    }

    #[test]
    fn a_slice_is_hard_only_below_tau() {
        let resolved = resolve(Tau::Fixed(0.7)).unwrap();
        assert_eq!(
            (resolved.n_hard, resolved.n_scored),
            (2, 10),
            "0.2 and 0.0, not 0.7 itself"
        );
        assert_eq!(resolve(Tau::Validation).unwrap().n_hard, 4, "below 0.8");
        assert!(!resolved.leaky, "a number leaks nothing");
    }

    #[test]
    fn the_hardest_share_is_never_exceeded_and_ties_stay_easy() {
        assert_eq!(resolve(Tau::Hardest(0.2)).unwrap().n_hard, 2, "two of ten");
        assert_eq!(
            resolve(Tau::Hardest(0.3)).unwrap().n_hard,
            2,
            "0.7 comes twice: both stay"
        );
        assert_eq!(resolve(Tau::Hardest(0.4)).unwrap().n_hard, 4, "now both go");
        assert_eq!(
            resolve(Tau::Hardest(0.9)).unwrap().n_hard,
            6,
            "empty slices are never hard"
        );
        assert_eq!(
            resolve(Tau::Hardest(0.0)).unwrap().n_hard,
            0,
            "none asked for"
        );
    }

    #[test]
    fn slices_of_dice_0_are_hard_however_many_there_are() {
        let half_wrong = [Some(0.0), Some(0.0), Some(0.6), None];
        let resolved = resolved(Tau::Hardest(0.25), &half_wrong);
        assert_eq!(resolved.unwrap().n_hard, 2, "ties, but altogether wrong");
    }

    #[test]
    fn a_tau_without_its_basis_names_what_is_missing() {
        let message = resolve(Tau::Paper).unwrap_err().to_string();
        assert!(
            message.contains("baseline") && message.contains("liver"),
            "{message}"
        );
    }

    #[test]
    fn shares_under_1_and_over_50_percent_warn() {
        let warning = |n_hard, n_scored| {
            ResolvedTau {
                value: 0.5,
                leaky: false,
                n_hard,
                n_scored,
            }
            .warning()
        };
        assert!(
            matches!(warning(0, 200), Some(TauWarning::TooFew { .. })),
            "none of 200"
        );
        assert!(
            matches!(warning(101, 200), Some(TauWarning::TooMany { .. })),
            "101 of 200"
        );
        assert_eq!(warning(2, 200), None, "1 %");
        assert_eq!(warning(0, 0), None, "no A at all");
    }

    #[test]
    fn every_form_reads_back_as_it_was_written() {
        for (text, tau) in [
            ("0.923", Tau::Fixed(0.923)),
            ("hardest 15 %", Tau::Hardest(0.15)),
            ("15%", Tau::Hardest(0.15)),
            ("validation", Tau::Validation),
            ("paper", Tau::Paper),
        ] {
            assert_eq!(text.parse::<Tau>(), Ok(tau), "{text}");
            assert_eq!(tau.to_string().parse::<Tau>(), Ok(tau), "{text} again");
        }
        for wrong in ["", "1.5", "-0.1", "150 %", "best", "NaN"] {
            assert!(wrong.parse::<Tau>().is_err(), "`{wrong}` must be refused");
        }
    }
}
