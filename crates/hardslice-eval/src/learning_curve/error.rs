//! Why there is no learning curve.

use thiserror::Error;

use crate::compare::CompareError;

/// There is no learning curve.
#[derive(Debug, Error)]
pub enum CurveError {
    /// A line takes two points.
    #[error(
        "a learning curve takes scores of trainings on at least two different numbers of patients, \
         got {}",
        listed(got)
    )]
    TooFewNumbers {
        /// The different numbers of patients of the arms that have scores.
        got: Vec<usize>,
    },
    /// An arm was trained on nobody.
    #[error("the arm `{arm}` cannot have been trained on 0 patients")]
    NoPatients {
        /// The arm.
        arm: String,
    },
    /// An arm is listed twice.
    #[error("the arm `{arm}` stands twice among the points of the learning curve")]
    Twice {
        /// The arm.
        arm: String,
    },
    /// The scores do not fit together.
    #[error("the trainings cannot be put on one curve")]
    Scores {
        /// Why.
        #[from]
        source: CompareError,
    },
}

fn listed(got: &[usize]) -> String {
    if got.is_empty() {
        return "none".to_owned();
    }
    let numbers: Vec<String> = got.iter().map(usize::to_string).collect();
    numbers.join(", ")
}
