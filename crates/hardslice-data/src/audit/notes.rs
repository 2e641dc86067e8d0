//! What the readers of scans and labels took for granted, as findings.

use hardslice_volume::{ContourNote, Note};

use super::finding::{Finding, Kind, note, warning};

impl Finding {
    /// The finding that a reader's note is: a warning where what was assumed could be wrong (where
    /// a scan lies in the patient), else a note.
    pub fn of_note(read: &Note) -> Self {
        let message = read.to_string();
        match read {
            Note::Rounded { .. } => note(
                Kind::LabelsRounded,
                message,
                "nothing, where they were saved as 32-bit numbers or with a slope",
            ),
            Note::Overlap { .. } => note(
                Kind::StructuresOverlap,
                message,
                "where the other one should have them, name it later in the map of labels",
            ),
            Note::StructuresAbsent { .. } => note(
                Kind::StructuresAbsent,
                message,
                "nothing, where the patient lacks them or the scan ends before them; else compare \
                 the names in the map of labels with those of the file",
            ),
            Note::PosesDiffer { .. } => warning(
                Kind::PosesDiffer,
                message,
                "look whether left and right, head and feet are where they should be; other \
                 programs may take the qform: make the two equal (nibabel: `set_qform`) once you \
                 know which is right",
            ),
            Note::SpacingDiffers { .. } => warning(
                Kind::SpacingDiffers,
                message,
                "distances and volumes go by the sform: repair the header if the pixdim is right",
            ),
            Note::NoPose { .. } => warning(
                Kind::NoPose,
                message,
                "look whether left and right are where they should be, and write the pose into the \
                 header: convert the scan again from the original",
            ),
            Note::OthersSpoilt { .. } => warning(
                Kind::OtherFilesSpoilt,
                message,
                "nothing, if they are no part of this scan; else export it again",
            ),
            Note::Contours { about, .. } => of_contours(*about, message),
            Note::NoDate { .. } => note(
                Kind::NoDate,
                message,
                "nothing, where dates were removed on purpose",
            ),
            Note::BytesBehind { .. } => warning(
                Kind::BytesBehind,
                message,
                "compare the file with the original: two files may have been joined, or the header \
                 may announce too few voxels",
            ),
        }
    }
}

fn of_contours(about: ContourNote, message: String) -> Finding {
    match about {
        ContourNote::Overlap { .. } => note(
            Kind::ContoursOverlap,
            message,
            "nothing, where holes are drawn so; else draw the structure as one contour",
        ),
        ContourNote::Between { .. } => warning(
            Kind::SlicesWithoutContour,
            message,
            "nothing, where the structure has several parts; where it was drawn on some slices alone, \
             interpolate it in the program that it was drawn in",
        ),
        ContourNote::WithoutArea { .. } => note(
            Kind::ContoursWithoutArea,
            message,
            "nothing, where they are marks; else close them in the program that they were drawn in",
        ),
        ContourNote::NoneClosed => note(
            Kind::NoContours,
            message,
            "nothing, where the patient lacks it; where it was only not drawn, leave the organ out of \
             the patient's list of organs",
        ),
    }
}
