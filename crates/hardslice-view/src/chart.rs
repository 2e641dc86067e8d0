//! A chart that can be had as SVG and as pixels.

use crate::picture::Picture;
use crate::svg::Drawing;

/// A chart, drawn once.
#[derive(Debug)]
pub struct Chart {
    pub(crate) drawing: Drawing,
    pub(crate) title: String,
    pub(crate) description: String,
}

impl Chart {
    /// As SVG that follows the reader's light or dark scheme.
    pub fn to_svg(&self) -> String {
        self.drawing.finish(&self.title, &self.description)
    }

    /// As pixels on light paper, two to a unit of the SVG.
    pub fn to_picture(&self) -> Picture {
        self.drawing.to_picture(2.0)
    }

    /// The title, which is drawn too.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it shows, for those who do not see it.
    pub fn description(&self) -> &str {
        &self.description
    }
}
