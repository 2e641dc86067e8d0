//! Organs whose label values look mistaken: said beside their scores, which stay as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hardslice_data::Organ;
use hardslice_data::mining::SliceScore;
use hardslice_eval::Status;

/// Values that are named, at most.
const MOST_NAMED: usize = 5;

/// Values of label maps that belong to no organ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    /// In the truth.
    pub truth: BTreeSet<u16>,
    /// In the predictions.
    pub predicted: BTreeSet<u16>,
}

/// In which of its two label maps an organ was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// In the truth.
    pub truth: bool,
    /// In the prediction.
    pub predicted: bool,
}

impl Outside {
    /// Adds those of another pair of label maps.
    pub fn add(&mut self, other: Self) {
        self.truth.extend(other.truth);
        self.predicted.extend(other.predicted);
    }
}

impl From<Status> for Seen {
    fn from(status: Status) -> Self {
        Self {
            truth: matches!(status, Status::Scored | Status::PredictionEmpty),
            predicted: matches!(status, Status::Scored | Status::TruthEmpty),
        }
    }
}

/// Where slices show which organ; `organs` by the places of the outputs.
pub fn seen_in<'a>(
    organs: &'a [Organ],
    scores: &'a [SliceScore],
) -> impl Iterator<Item = (&'a Organ, Seen)> {
    scores.iter().map(|score| {
        let seen = Seen {
            truth: score.n_truth > 0,
            predicted: score.n_predicted > 0,
        };
        (&organs[score.output.idx()], seen)
    })
}

/// Something odd about the label values of an organ.
///
/// An organ that the predictions (or the truth) never show although they hold values of no organ may go by
/// another value there: a mask of 0 and 255 has Dice 0, as a net that failed has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// No label map shows it.
    Nowhere(Organ),
    /// The truth shows it and no prediction does, and these hold values of no organ.
    NotPredicted(Organ, BTreeSet<u16>),
    /// Predictions show it and the truth never does, and that holds values of no organ.
    NotInTruth(Organ, BTreeSet<u16>),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere(organ) => write!(
                f,
                "`{organ}` is in no label map, neither in the truth nor in the predictions: is its value that of \
                 --label, or of dataset.json?"
            ),
            Self::NotPredicted(organ, values) => write!(
                f,
                "`{organ}` is in the truth and in no prediction, and predictions hold values of no organ ({}): if \
                 one of them is its value there, say so with --prediction-label (in Python prediction_labels)",
                named(values)
            ),
            Self::NotInTruth(organ, values) => write!(
                f,
                "`{organ}` is predicted and nowhere in the truth, which holds values of no organ ({}): if one of \
                 them is its value there, say so with --label, and with --prediction-label what it is in the \
                 predictions (in Python labels and prediction_labels)",
                named(values)
            ),
        }
    }
}

/// The doubts about some organs; `seen` are those of all cases.
///
/// ```
/// use hardslice::data::Organ;
/// use hardslice::eval::Status;
/// use hardslice::label_doubts::{Doubt, Outside, Seen, doubts};
///
/// let liver = Organ::new("liver")?;
/// let masks = Outside { predicted: [255].into(), ..Outside::default() };
/// let found = doubts([(&liver, Seen::from(Status::PredictionEmpty))], &masks);
/// assert_eq!(found, [Doubt::NotPredicted(liver.clone(), [255].into())]);
/// assert!(doubts([(&liver, Seen::from(Status::Scored))], &masks).is_empty());
/// # Ok::<(), hardslice::data::NameError>(())
/// ```
pub fn doubts<'o>(
    seen: impl IntoIterator<Item = (&'o Organ, Seen)>,
    outside: &Outside,
) -> Vec<Doubt> {
    let mut organs: BTreeMap<&Organ, Seen> = BTreeMap::new();
    for (organ, seen) in seen {
        let of_organ = organs.entry(organ).or_default();
        of_organ.truth |= seen.truth;
        of_organ.predicted |= seen.predicted;
    }
    let doubt = |(organ, seen): (&Organ, Seen)| {
        let organ = organ.clone();
        let (in_truth, in_predictions) = (&outside.truth, &outside.predicted);
        match (seen.truth, seen.predicted) {
            (false, false) => Some(Doubt::Nowhere(organ)),
            (true, false) if !in_predictions.is_empty() => {
                Some(Doubt::NotPredicted(organ, in_predictions.clone()))
            }
            (false, true) if !in_truth.is_empty() => {
                Some(Doubt::NotInTruth(organ, in_truth.clone()))
            }
            _ => None,
        }
    };
    organs.into_iter().filter_map(doubt).collect()
}

/// The first of some values.
fn named(values: &BTreeSet<u16>) -> String {
    let first: Vec<String> = values.iter().take(MOST_NAMED).map(u16::to_string).collect();
    let rest = match values.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    first.join(", ") + &rest
}
