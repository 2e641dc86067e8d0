//! What a learning curve is made of.

use serde::{Deserialize, Serialize};

use crate::compare::mean::mean;
use crate::compare::paired::Paired;
use crate::compare::scores::Scores;
use crate::compare::{ArmScore, CompareError, EndPoint, EstimateInterval};

/// An arm of a learning curve, and how many patients it was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurveArm {
    /// The arm, as its scores call it.
    pub arm: String,
    /// Patients that it was trained on, above 0: those of whom the organ is annotated. The same in
    /// each of its trainings.
    pub n_patients: usize,
    /// Whether the line is drawn through it. An arm that was trained in another way is shown beside
    /// the line.
    pub is_fitted: bool,
}

/// An end point of the test patients against the number of patients trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    /// The score, as it is called in sentences: `Dice`.
    pub score: String,
    /// What it comes to, a line for each of the mean and the worst of five.
    pub fits: Vec<LineFit>,
    /// The greatest number of patients that the line is drawn through.
    pub n_trained: usize,
    /// How many patients more are asked for: a round number, about a quarter to a third of
    /// [`n_trained`](Self::n_trained).
    pub n_more: usize,
    /// Test patients with a score by every arm of the line in each shared training.
    pub n_patients: usize,
    /// Trainings that all arms of the line have.
    pub n_trainings: usize,
    /// A|B divisions of these trainings.
    pub n_splits: usize,
    /// Confidence is `1 - alpha`.
    pub alpha: f64,
    /// What must be known beside it, in plain words.
    pub notes: Vec<String>,
}

/// A line through one end point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineFit {
    /// The end point.
    pub end_point: EndPoint,
    /// The arms that the line is drawn through, by their number of patients, two or more.
    pub points: Vec<CurvePoint>,
    /// Arms beside the line.
    pub beside: Vec<CurvePoint>,
    /// Rise of the line when the logarithm of the number of patients rises by 1.
    pub slope: Contrast,
    /// Rise from [`LearningCurve::n_trained`] patients to
    /// [`n_more`](LearningCurve::n_more) beyond: `b ln((N + m) / N)`.
    pub more: Contrast,
    /// Rise when the patients are halved, `-b ln 2`: what half of the annotations cost.
    pub half: Contrast,
    /// How much more the curve rises over the upper half of the logarithm than over the lower, by the
    /// parabola `a + b u + c u²` of least squares, `u = x − x̄`: `c (x_max − x_min)² / 2`. The halves
    /// meet at [`LearningCurve::middle`]. Below 0 the curve flattens. `None` for fewer than three
    /// different numbers of patients.
    pub bend: Option<Contrast>,
    /// The line from the fewest patients to [`n_more`](LearningCurve::n_more) beyond the most, in
    /// equal steps of the logarithm.
    pub line: Vec<LinePoint>,
    /// What it answers, in plain words.
    pub answer: String,
}

/// An arm on the curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// The arm.
    pub arm: String,
    /// Patients that it was trained on.
    pub n_patients: usize,
    /// The end point of each training, at least one, by division and seed.
    pub trainings: Vec<TrainingValue>,
}

/// The end point of one training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainingValue {
    /// The A|B division.
    pub split: u64,
    /// The seed.
    pub seed: u64,
    /// The end point over the test patients.
    pub value: f64,
}

/// A weighted sum of the arms' end points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Its value.
    pub estimate: f64,
    /// How sure it is; `None` for fewer than
    /// [`LEAST_PATIENTS`](crate::compare::LEAST_PATIENTS) test patients.
    pub interval: Option<EstimateInterval>,
    /// Whether it is shown not to be 0: there are
    /// [`LEAST_TRAININGS`](crate::compare::LEAST_TRAININGS) or more, and 0 lies outside the interval.
    pub is_shown: bool,
}

/// A place on the line.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LinePoint {
    /// Number of patients; whole at the points alone.
    pub n_patients: f64,
    /// Height of the line, `ȳ + b (x − x̄)`.
    pub estimate: f64,
    /// Interval of the height, for other test patients and other trainings; `None` for too few test
    /// patients.
    pub interval: Option<EstimateInterval>,
}

impl CurvePoint {
    /// An arm's end point in each of its trainings, over the patients with a score in all of them.
    /// Several cases of a patient are averaged first.
    ///
    /// # Errors
    ///
    /// [`CompareError`] for a score that is no finite number, a case scored twice, and an arm without
    /// a patient who has a score in each training.
    pub fn of(
        arm: &CurveArm,
        end_point: EndPoint,
        scores: &[ArmScore],
    ) -> Result<Self, CompareError> {
        let scores = Scores::new(scores)?;
        let paired = Paired::new(&scores, &[&arm.arm])?;
        Ok(Self::of_paired(arm, end_point, &paired, 0))
    }

    /// The arm at this place of those that are paired.
    pub(super) fn of_paired(
        arm: &CurveArm,
        end_point: EndPoint,
        paired: &Paired,
        place: usize,
    ) -> Self {
        let values = paired.by_training(place, end_point);
        let trainings = paired.trainings().iter().zip(values);
        Self {
            arm: arm.arm.clone(),
            n_patients: arm.n_patients,
            trainings: trainings
                .map(|(training, value)| TrainingValue {
                    split: training.split,
                    seed: training.seed,
                    value,
                })
                .collect(),
        }
    }

    /// The end point: the mean over trainings.
    pub fn estimate(&self) -> f64 {
        mean(self.trainings.iter().map(|training| training.value))
    }
}

impl LearningCurve {
    /// Midway between the fewest and the most patients on the logarithm, `√(n_min n_max)`: there the
    /// halves meet that [`LineFit::bend`] compares.
    pub fn middle(&self) -> f64 {
        let numbers = self.numbers();
        let fewest = numbers.first().map_or(self.n_trained, |fewest| *fewest);
        (fewest as f64 * self.n_trained as f64).sqrt()
    }

    /// The different numbers of patients that the line is drawn through, ascending.
    pub fn numbers(&self) -> Vec<usize> {
        let points = self.fits.iter().flat_map(|fit| &fit.points);
        let mut numbers: Vec<usize> = points.map(|point| point.n_patients).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}
