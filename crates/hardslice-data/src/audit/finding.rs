//! One thing that an audit found.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::named;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong: what was read by a rule and not by the letter.
    Note,
    /// The case can be used; look at it.
    Warning,
    /// The case cannot be used, or the comparison would be wrong.
    Error,
}

/// What kind of thing was found. The names in tables and JSON are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The scan cannot be read.
    ImageUnreadable,
    /// The labels cannot be read.
    LabelsUnreadable,
    /// Scan and labels lie on different grids.
    GridDiffers,
    /// Labels hold values that belong to no organ of the map.
    LabelsOutsideMap,
    /// Labels hold no organ of the map at all.
    LabelsEmpty,
    /// An organ is said to be annotated but has no voxel.
    OrganAbsent,
    /// An organ that is given by names of structures alone, in a label map that has none.
    OrganWithoutValue,
    /// An organ has voxels but is not said to be annotated.
    OrganNotAnnotated,
    /// Liver, spleen, or a left and a right organ lie on the wrong side.
    SideImplausible,
    /// An organ is much larger or smaller than in the other scans.
    VolumeUnusual,
    /// Slices nearer than 0.45 mm or farther apart than 5 mm.
    SliceSpacing,
    /// Pixels larger than 1.5 mm, or far from square.
    PixelSpacing,
    /// Fewer than ten slices.
    FewSlices,
    /// Slices that are not axial, or far from the body's axis.
    Orientation,
    /// All voxels are equal.
    IntensitiesConstant,
    /// Values end inside the window.
    IntensitiesClipped,
    /// Values are no Hounsfield units: they run from 0 to 255 at most, or the cohort says that the
    /// channel is not CT.
    #[serde(alias = "intensities_8_bit")]
    NotHu,
    /// No voxel is as dark as air.
    NoAir,
    /// Hardly a voxel is as bright as soft tissue.
    NoTissue,
    /// The same scan under two names.
    SameScan,
    /// The same labels for two scans.
    SameLabels,
    /// Voxels that nobody has judged (nnU-Net's `ignore`).
    LabelsIgnored,
    /// One patient in two folds.
    PatientInTwoFolds,
    /// Label values that are whole up to a rounding.
    LabelsRounded,
    /// Voxels of two structures: the later one of the map has them.
    StructuresOverlap,
    /// Structures of the map that the labels do not hold.
    StructuresAbsent,
    /// The two affines of a NIfTI header place the volume differently.
    PosesDiffer,
    /// The spacing of a NIfTI header is not that of its affine.
    SpacingDiffers,
    /// The header does not say how the scan lies in the patient.
    NoPose,
    /// Files beside a DICOM series, among images of other ones, cannot be read.
    OtherFilesSpoilt,
    /// Contours of a structure that overlap: a hole.
    ContoursOverlap,
    /// Slices without a contour between others.
    SlicesWithoutContour,
    /// Contours that hold no area.
    ContoursWithoutArea,
    /// A structure that is listed and not drawn.
    NoContours,
    /// A DICOM series without a date.
    NoDate,
    /// Bytes behind the voxels.
    BytesBehind,
    /// The axes of the scan are not perpendicular.
    Sheared,
}

named!(Kind, "kind of finding", {
    ImageUnreadable => "image_unreadable",
    LabelsUnreadable => "labels_unreadable",
    GridDiffers => "grid_differs",
    LabelsOutsideMap => "labels_outside_map",
    LabelsEmpty => "labels_empty",
    OrganAbsent => "organ_absent",
    OrganWithoutValue => "organ_without_value",
    OrganNotAnnotated => "organ_not_annotated",
    SideImplausible => "side_implausible",
    VolumeUnusual => "volume_unusual",
    SliceSpacing => "slice_spacing",
    PixelSpacing => "pixel_spacing",
    FewSlices => "few_slices",
    Orientation => "orientation",
    IntensitiesConstant => "intensities_constant",
    IntensitiesClipped => "intensities_clipped",
    NotHu => "not_hu",
    NoAir => "no_air",
    NoTissue => "no_tissue",
    SameScan => "same_scan",
    SameLabels => "same_labels",
    LabelsIgnored => "labels_ignored",
    PatientInTwoFolds => "patient_in_two_folds",
    LabelsRounded => "labels_rounded",
    StructuresOverlap => "structures_overlap",
    StructuresAbsent => "structures_absent",
    PosesDiffer => "poses_differ",
    SpacingDiffers => "spacing_differs",
    NoPose => "no_pose",
    OtherFilesSpoilt => "other_files_spoilt",
    ContoursOverlap => "contours_overlap",
    SlicesWithoutContour => "slices_without_contour",
    ContoursWithoutArea => "contours_without_area",
    NoContours => "no_contours",
    NoDate => "no_date",
    BytesBehind => "bytes_behind",
    Sheared => "sheared",
});

/// Which errors of an audit a cohort is used in spite of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted<'a> {
    /// All: what a caller looks at on its own.
    Everything,
    /// Those of these kinds.
    Kinds(&'a [Kind]),
}

impl Accepted<'_> {
    /// Whether errors of a kind are accepted.
    pub fn has(self, kind: Kind) -> bool {
        match self {
            Self::Everything => true,
            Self::Kinds(kinds) => kind.can_be_accepted() && kinds.contains(&kind),
        }
    }
}

impl Kind {
    /// Whether a cohort can be used in spite of such an error. Not where labels would be taken for what
    /// they are not: a case whose organ has no value there would be one without the organ.
    pub fn can_be_accepted(self) -> bool {
        self != Self::OrganWithoutValue
    }
}

/// One thing that is wrong with a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub kind: Kind,
    /// What was found, with the numbers.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.severity, self.message, self.fix)
    }
}

pub(super) fn note(kind: Kind, message: String, fix: &str) -> Finding {
    Finding {
        severity: Severity::Note,
        ..warning(kind, message, fix)
    }
}

pub(super) fn warning(kind: Kind, message: String, fix: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        kind,
        message,
        fix: fix.to_owned(),
    }
}

pub(super) fn error(kind: Kind, message: String, fix: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        ..warning(kind, message, fix)
    }
}

/// A file that could not be read, with every cause of the error that it does not name itself.
pub(super) fn unreadable(kind: Kind, read_error: &dyn Error) -> Finding {
    let mut message = read_error.to_string();
    let mut cause = read_error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    error(
        kind,
        message,
        "export or download it again, or take it out of the cohort",
    )
}
