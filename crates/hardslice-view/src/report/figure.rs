//! A figure in the page and its files beside it.

use super::shown::{ShownGroup, ShownModel};
use crate::chart::Chart;
use crate::overlay::LegendEntry;
use crate::picture::Picture;

/// A figure with its caption.
#[derive(Debug, Clone)]
pub struct Figure {
    pub(super) body: Body,
    /// What it shows, below it; its number is put before it.
    pub caption: String,
    /// The figure as files.
    pub files: Vec<FigureFile>,
}

/// A file to lie beside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureFile {
    /// Its name, without folders.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What is seen in the page.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A chart as SVG.
    Chart(String),
    /// Slices side by side.
    Gallery {
        groups: Vec<ShownGroup>,
        legend: Vec<LegendEntry>,
        is_paired: bool,
    },
    /// Surfaces that turn.
    Turntable {
        models: Vec<ShownModel>,
        limit_mm: f32,
    },
}

impl Figure {
    /// A chart; `stem` is the name of its files.
    pub fn of_chart(chart: &Chart, stem: &str, caption: &str) -> Self {
        let svg = chart.to_svg();
        let files = vec![
            FigureFile {
                name: format!("{stem}.svg"),
                bytes: svg.clone().into_bytes(),
            },
            FigureFile {
                name: format!("{stem}.png"),
                bytes: png_of(&chart.to_picture()),
            },
        ];
        Self {
            body: Body::Chart(svg),
            caption: caption.to_owned(),
            files,
        }
    }
}

/// The PNG of a picture that was drawn here.
pub(super) fn png_of(picture: &Picture) -> Vec<u8> {
    picture
        .to_png()
        .expect("PNG allows longer sides than a picture in memory can have")
}
