//! Panels side by side on paper.

use crate::palette::{PAPER, Rgb};
use crate::picture::{Corner, Picture, Size, TextStyle, text_height, text_width, wrap};

/// A colour and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendEntry {
    /// The colour.
    pub colour: Rgb,
    /// What it stands for.
    pub name: String,
}

impl LegendEntry {
    /// Makes an entry.
    pub fn new(colour: Rgb, name: impl Into<String>) -> Self {
        Self {
            colour,
            name: name.into(),
        }
    }
}

/// Panels that stand under one heading.
#[derive(Debug, Clone, Default)]
pub struct PanelGroup {
    /// The heading; empty for none.
    pub heading: String,
    /// The panels, filled in row by row.
    pub panels: Vec<Picture>,
}

/// A sheet of panels, with a title above and a legend below.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// The title; empty for none.
    pub title: String,
    /// Panels in a row; 0 counts as 1.
    pub columns: usize,
    /// Panels under their headings, from the top.
    pub groups: Vec<PanelGroup>,
    /// Colours explained at the bottom; empty for none.
    pub legend: Vec<LegendEntry>,
}

/// Panels side by side, `columns` to a row, on light paper.
pub fn contact_sheet(panels: &[Picture], columns: usize) -> Picture {
    let group = PanelGroup {
        panels: panels.to_vec(),
        ..PanelGroup::default()
    };
    Sheet {
        columns,
        groups: vec![group],
        ..Sheet::default()
    }
    .draw()
}

const GAP_PX: usize = 14;

impl Sheet {
    /// Draws the sheet. Columns are as wide as the widest panel, rows as high as their highest;
    /// a sheet without panels is blank paper with its title.
    pub fn draw(&self) -> Picture {
        let columns = self.columns.max(1);
        let panels = || self.groups.iter().flat_map(|group| &group.panels);
        let cell = panels().map(Picture::width).max().unwrap_or(320);
        let n_used = self
            .groups
            .iter()
            .map(|group| group.panels.len().min(columns))
            .max();
        let inner = n_used.unwrap_or(1).max(1) * (cell + GAP_PX) - GAP_PX;
        let cap = (cell as f32 / 28.0).clamp(10.0, 17.0);
        let blocks = self.blocks(columns, cell, inner, cap);
        let height = blocks
            .iter()
            .map(|block| block.height() + GAP_PX)
            .sum::<usize>()
            + GAP_PX;
        let mut sheet = Picture::filled(inner + 2 * GAP_PX, height, PAPER);
        let mut top = GAP_PX;
        for block in &blocks {
            sheet.paste(Corner::new(GAP_PX, top), block);
            top += block.height() + GAP_PX;
        }
        sheet
    }

    /// The strips of the sheet from the top: title, headings, rows of panels, legend.
    fn blocks(&self, columns: usize, cell: usize, inner: usize, cap: f32) -> Vec<Picture> {
        let mut blocks = Vec::new();
        if !self.title.is_empty() {
            blocks.push(text_block(&self.title, inner, TextStyle::heading(cap)));
        }
        for group in &self.groups {
            if !group.heading.is_empty() {
                blocks.push(text_block(
                    &group.heading,
                    inner,
                    TextStyle::heading(cap * 0.85),
                ));
            }
            for row in group.panels.chunks(columns) {
                let height = row.iter().map(Picture::height).max();
                let height = height.expect("a row has at least one panel");
                let mut strip = Picture::filled(inner, height, PAPER);
                for (i, panel) in row.iter().enumerate() {
                    strip.paste(Corner::new(i * (cell + GAP_PX), 0), panel);
                }
                blocks.push(strip);
            }
        }
        if !self.legend.is_empty() {
            blocks.push(legend_block(
                &self.legend,
                inner,
                TextStyle::caption(cap * 0.85),
            ));
        }
        blocks
    }
}

fn text_block(text: &str, width: usize, style: TextStyle) -> Picture {
    let lines = wrap(text, width as f32, style);
    let mut block = Picture::filled(width, lines.len() * text_height(style), PAPER);
    for (i, line) in lines.iter().enumerate() {
        block.draw_text(Corner::new(0, i * text_height(style)), line, style);
    }
    block
}

/// Swatches and names in a row, going on in the next line where the width ends.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive lengths in pixels"
)]
fn legend_block(entries: &[LegendEntry], width: usize, style: TextStyle) -> Picture {
    let line_height = text_height(style) + 2;
    let swatch = style.cap_height_px.round() as usize;
    let mut places = Vec::new();
    let mut at = Corner::ORIGIN;
    for entry in entries {
        let entry_width = 2 * swatch + text_width(&entry.name, style).ceil() as usize;
        if at.left > 0 && at.left + entry_width > width {
            at = Corner::new(0, at.top + line_height);
        }
        places.push(at);
        at.left += entry_width + 2 * swatch;
    }
    let mut block = Picture::filled(width, at.top + line_height, PAPER);
    for (entry, at) in entries.iter().zip(places) {
        let square = Size::new(swatch + 2, swatch + 2);
        block.fill_rect(Corner::new(at.left, at.top + 1), square, entry.colour);
        let name_at = Corner::new(at.left + 2 * swatch, at.top);
        block.draw_text(name_at, &entry.name, style);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_fill_the_sheet_row_by_row() {
        let panel = |level| Picture::filled(100, 50, Rgb::grey(level));
        let sheet = contact_sheet(&[panel(1), panel(2), panel(3)], 2);
        let (across, down) = (GAP_PX + 100 + GAP_PX, GAP_PX + 50 + GAP_PX);
        assert_eq!(sheet.pixel(GAP_PX, GAP_PX), Some(Rgb::grey(1)), "first");
        assert_eq!(
            sheet.pixel(across, GAP_PX),
            Some(Rgb::grey(2)),
            "to its right"
        );
        assert_eq!(sheet.pixel(GAP_PX, down), Some(Rgb::grey(3)), "below");
        assert_eq!(
            sheet.pixel(across, down),
            Some(PAPER),
            "nothing is left for the last place"
        );
    }

    #[test]
    fn a_sheet_without_panels_is_paper() {
        let sheet = Sheet {
            title: "nothing to show".to_owned(),
            ..Sheet::default()
        };
        assert!(sheet.draw().width() > 100, "there is room for the title");
        assert_eq!(contact_sheet(&[], 0).pixel(0, 0), Some(PAPER), "blank");
    }
}
