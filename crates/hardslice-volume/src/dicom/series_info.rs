//! A series of images, as its headers describe it.

use std::fmt;

use crate::PerAxis;

/// One series of images, as its headers describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesInfo {
    /// `SeriesInstanceUID`; empty where it was removed from the files.
    pub uid: String,
    /// `SeriesDescription`; empty where there is none.
    pub description: String,
    /// `Modality`, such as `CT`.
    pub modality: String,
    /// Files of the series.
    pub n_files: usize,
    /// Frames in those files: slices, when the series is one volume.
    pub n_frames: usize,
    /// Frames, rows and columns (of the first file).
    pub shape: PerAxis<usize>,
    /// Whether every image is a survey for planning the scan.
    pub is_localizer: bool,
    /// Whether the headers say where the images lie in the patient, so that they can make a
    /// volume. Dose reports and screenshots do not.
    pub is_placed: bool,
}

impl SeriesInfo {
    /// Whether the series can be meant where none is named.
    pub(super) fn is_scan(&self) -> bool {
        self.modality == "CT" && self.is_placed && !self.is_localizer
    }
}

impl fmt::Display for SeriesInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            uid,
            description,
            modality,
            n_files,
            n_frames,
            shape,
            ..
        } = self;
        let kind = match (self.is_localizer, self.is_placed) {
            (true, _) => ", localizer",
            (false, false) => ", no position in the patient",
            (false, true) => "",
        };
        let uid = if uid.is_empty() {
            "(no SeriesInstanceUID)"
        } else {
            uid
        };
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        write!(
            f,
            "{uid}  {modality}, {n_frames} slice{} of {} × {} pixels in {n_files} file{}{kind}",
            plural(*n_frames),
            shape.x,
            shape.y,
            plural(*n_files)
        )?;
        if !description.is_empty() {
            write!(f, ", `{description}`")?;
        }
        Ok(())
    }
}

/// Series, one a line, for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesList(pub Vec<SeriesInfo>);

impl fmt::Display for SeriesList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for series in &self.0 {
            write!(f, "\n  {series}")?;
        }
        Ok(())
    }
}
