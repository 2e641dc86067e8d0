//! Masks laid over slices.

use std::borrow::Cow;

use crate::palette::{PREDICTED, Rgb, TRUTH, organ_colour};

/// A mask laid over a slice.
#[derive(Debug, Clone)]
pub struct Layer<'a> {
    /// What the message says when the mask does not fit.
    pub name: &'a str,
    /// The mask, `[row, column]` as the section stores it.
    pub mask: Cow<'a, [bool]>,
    /// Colour of outline and fill.
    pub colour: Rgb,
    /// Width of the outline as a multiple of [`super::PanelStyle::line_px`]; 0 for none.
    pub line: f32,
    /// Opacity of the fill, 0 (none) to 1.
    pub fill: f32,
}

impl<'a> Layer<'a> {
    /// The truth: a broad blue outline, which stays in sight under a prediction that follows it.
    pub fn truth(mask: impl Into<Cow<'a, [bool]>>) -> Self {
        Self {
            name: "truth",
            mask: mask.into(),
            colour: TRUTH,
            line: 1.9,
            fill: 0.0,
        }
    }

    /// A prediction: a narrow red outline.
    pub fn predicted(mask: impl Into<Cow<'a, [bool]>>) -> Self {
        Self {
            name: "prediction",
            mask: mask.into(),
            colour: PREDICTED,
            line: 0.8,
            fill: 0.0,
        }
    }

    /// An organ: its colour from the palette, filled lightly and outlined.
    pub fn organ(name: &'a str, organ_idx: usize, mask: impl Into<Cow<'a, [bool]>>) -> Self {
        Self {
            name,
            mask: mask.into(),
            colour: organ_colour(organ_idx),
            line: 0.8,
            fill: 0.28,
        }
    }
}
