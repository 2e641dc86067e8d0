//! The scores of one organ in one case.

use std::fmt;

use hardslice_volume::PerAxis;
use serde::{Deserialize, Serialize};

use crate::mask::{Label, Mask};
use crate::surface::{Convention, SurfaceDistances};
use crate::survey::{ScoreError, check_spacing, survey};

/// How to score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreOptions {
    /// Distance at which two surfaces still agree for the NSD, in millimetres.
    ///
    /// 2 mm by default, two to four voxels of an abdominal CT in plane: on the strict side, so that
    /// good predictions of large organs still differ. State it beside every NSD and keep it the
    /// same for everything that is compared.
    pub nsd_tolerance_mm: f64,
    /// What a surface is made of.
    pub convention: Convention,
}

impl Default for ScoreOptions {
    fn default() -> Self {
        Self {
            nsd_tolerance_mm: 2.0,
            convention: Convention::default(),
        }
    }
}

/// Which scores a case has, and why others are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Both masks hold the organ: every score has a value.
    Scored,
    /// The organ is there and was missed: Dice and NSD 0, distances absent. A failure.
    PredictionEmpty,
    /// The organ is not there and was predicted: Dice and NSD 0, distances absent. A failure.
    TruthEmpty,
    /// The organ is in neither mask: the case says nothing about it, every score is absent.
    BothEmpty,
}

impl Status {
    /// Whether exactly one of the masks is empty, so that there is no distance to average.
    ///
    /// Failures are counted beside every mean distance: leaving them out flatters a model that
    /// finds nothing.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::PredictionEmpty | Self::TruthEmpty)
    }

    /// The word that stands in tables: `scored`, `prediction_empty`, `truth_empty`, `both_empty`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scored => "scored",
            Self::PredictionEmpty => "prediction_empty",
            Self::TruthEmpty => "truth_empty",
            Self::BothEmpty => "both_empty",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The scores of one organ in one case.
///
/// | status | Dice | HD95, ASSD | NSD | volume difference |
/// |---|---|---|---|---|
/// | `scored` | yes | yes | yes | yes |
/// | `prediction_empty` | 0 | absent | 0 | yes, below 0 |
/// | `truth_empty` | 0 | absent | 0 | yes, above 0 |
/// | `both_empty` | absent | absent | absent | absent |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CaseScores {
    /// Dice coefficient, 0 to 1.
    pub dice: Option<f64>,
    /// 95th percentile of the Hausdorff distance, in millimetres.
    pub hd95_mm: Option<f64>,
    /// Average symmetric surface distance, in millimetres.
    pub assd_mm: Option<f64>,
    /// Normalised surface Dice at the tolerance of the options, 0 to 1.
    ///
    /// 0 where one mask is empty, as in surface-distance and MONAI: no part of a surface is near.
    pub nsd: Option<f64>,
    /// Predicted less true volume, in millilitres.
    pub volume_difference_ml: Option<f64>,
    /// Why scores are absent.
    pub status: Status,
}

/// Scores one organ of one case from two masks on the scan's own grid.
///
/// # Shapes
///
/// `truth` and `predicted`: `[z, y, x]` of `shape`, `x` fastest. `spacing_mm` belongs to the same
/// axes; surfel areas follow surface-distance called on such arrays.
///
/// ```
/// use hardslice_eval::{ScoreOptions, Status, score_case};
/// use hardslice_volume::PerAxis;
///
/// let (shape, spacing_mm) = (PerAxis::new(1, 1, 4), PerAxis::new(5.0, 0.8, 0.8));
/// let truth = [true, true, false, false];
/// let options = ScoreOptions::default();
/// let scores = score_case(&truth, &[true, false, false, false], shape, spacing_mm, &options);
/// assert_eq!(scores.dice, Some(2.0 / 3.0));
///
/// // A missed organ is a failure: Dice 0, and no distance that could be averaged.
/// let missed = score_case(&truth, &[false; 4], shape, spacing_mm, &options);
/// assert_eq!(missed.status, Status::PredictionEmpty);
/// assert_eq!((missed.dice, missed.hd95_mm), (Some(0.0), None));
/// ```
///
/// # Panics
///
/// When a mask does not fill `shape`, an axis is longer than [`crate::MAX_AXIS`], or the spacing
/// is not above 0 along every axis; [`score_masks`] returns these as errors.
pub fn score_case(
    truth: &[bool],
    predicted: &[bool],
    shape: PerAxis<usize>,
    spacing_mm: PerAxis<f64>,
    options: &ScoreOptions,
) -> CaseScores {
    let scores = Mask::new(truth, true, shape)
        .and_then(|truth| Ok((truth, Mask::new(predicted, true, shape)?)))
        .map_err(ScoreError::from)
        .and_then(|(truth, predicted)| score_masks(&truth, &predicted, spacing_mm, options));
    match scores {
        Ok(scores) => scores,
        Err(error) => panic!("{error}"),
    }
}

/// Scores one organ of one case from two masks, each a view into a mask or a label map.
///
/// ```
/// use hardslice_eval::{Mask, ScoreOptions, score_masks};
/// use hardslice_volume::PerAxis;
///
/// let (shape, spacing_mm) = (PerAxis::new(1, 1, 4), PerAxis::new(5.0, 1.0, 2.0));
/// let labels = [0_u8, 3, 3, 0];
/// let predicted = [false, false, true, true];
/// let scores = score_masks(
///     &Mask::new(&labels, 3, shape)?,
///     &Mask::new(&predicted, true, shape)?,
///     spacing_mm,
///     &ScoreOptions::default(),
/// )?;
/// assert_eq!(scores.dice, Some(0.5));
/// assert_eq!(scores.hd95_mm, Some(2.0), "one voxel of 2 mm along x");
/// assert_eq!(scores.volume_difference_ml, Some(0.0), "as many voxels");
/// # Ok::<(), hardslice_eval::ScoreError>(())
/// ```
///
/// # Errors
///
/// [`ScoreError`] when the masks differ in shape or the spacing is not above 0.
pub fn score_masks<T: Label, U: Label>(
    truth: &Mask<'_, T>,
    predicted: &Mask<'_, U>,
    spacing_mm: PerAxis<f64>,
    options: &ScoreOptions,
) -> Result<CaseScores, ScoreError> {
    check_spacing(spacing_mm)?;
    let found = survey(truth, predicted)?;
    let status = match (found.overlap.n_truth > 0, found.overlap.n_predicted > 0) {
        (true, true) => Status::Scored,
        (true, false) => Status::PredictionEmpty,
        (false, true) => Status::TruthEmpty,
        (false, false) => Status::BothEmpty,
    };
    let [z, y, x] = spacing_mm.zyx();
    let voxel_ml = z * y * x / 1000.0;
    let mut scores = CaseScores {
        dice: found.overlap.dice(),
        hd95_mm: None,
        assd_mm: None,
        nsd: status.is_failure().then_some(0.0),
        volume_difference_ml: (status != Status::BothEmpty)
            .then(|| found.overlap.volume_difference_ml(voxel_ml)),
        status,
    };
    if let (Status::Scored, Some(bounds)) = (status, &found.bounds) {
        let convention = options.convention;
        let distances =
            SurfaceDistances::between_within(truth, predicted, bounds, spacing_mm, convention);
        scores.hd95_mm = Some(distances.hausdorff_mm(95.0));
        scores.assd_mm = Some(distances.assd_mm());
        scores.nsd = Some(distances.nsd(options.nsd_tolerance_mm));
    }
    Ok(scores)
}
