//! Slices side by side.

use super::figure::{Body, Figure, FigureFile, png_of};
use super::shown::{ShownGroup, ShownPanel};
use crate::overlay::{
    Layer, LegendEntry, PanelError, PanelGroup, PanelStyle, Sheet, SlicePanel, slice_panel,
    slice_svg,
};
use crate::section::Section;
use crate::svg::{escaped, number};

/// One slice with its outlines.
#[derive(Debug, Clone)]
pub struct SliceView {
    /// Size of the slice.
    pub section: Section,
    /// The scan in Hounsfield units, as the section stores it.
    pub image_hu: Vec<f32>,
    /// Masks, the lowest first.
    pub layers: Vec<Layer<'static>>,
    /// Text below the slice: lines that each stay short.
    pub caption: String,
}

/// Slices under one heading.
#[derive(Debug, Clone, Default)]
pub struct SliceGroup {
    /// The heading; empty for none.
    pub heading: String,
    /// The slices, filled in row by row.
    pub slices: Vec<SliceView>,
}

/// Slices to be shown side by side.
#[derive(Debug, Clone, Default)]
pub struct Gallery {
    /// Name of its files.
    pub stem: String,
    /// Title of the sheet in the files.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// The groups, from the top.
    pub groups: Vec<SliceGroup>,
    /// Slices in a row of the files.
    pub columns: usize,
    /// Colours explained.
    pub legend: Vec<LegendEntry>,
    /// Whether each group is one slice seen in several ways: groups then stand beside each other.
    pub is_paired: bool,
}

impl SliceView {
    fn panel<'a>(&'a self, caption: &'a str) -> SlicePanel<'a, f32> {
        SlicePanel {
            section: self.section,
            image_hu: &self.image_hu,
            layers: self.layers.clone(),
            caption,
        }
    }
}

impl Gallery {
    /// Draws the slices, in the page and as files.
    ///
    /// # Errors
    ///
    /// [`PanelError`] when a mask or an image has another size than its section.
    pub fn to_figure(&self) -> Result<Figure, PanelError> {
        let style = PanelStyle::of_width(320);
        let (mut shown, mut sheets) = (Vec::new(), Vec::new());
        for group in &self.groups {
            let (mut panels, mut pictures) = (Vec::new(), Vec::new());
            for slice in &group.slices {
                let words = slice.caption.replace('\n', ", ");
                let description = format!("{} {words}", group.heading);
                let panel = slice.panel("");
                panels.push(ShownPanel {
                    svg: slice_svg(&panel, style.window, description.trim())?,
                    caption: slice.caption.clone(),
                });
                pictures.push(slice_panel(&slice.panel(&slice.caption), &style)?);
            }
            shown.push(ShownGroup {
                heading: group.heading.clone(),
                panels,
            });
            sheets.push(PanelGroup {
                heading: group.heading.clone(),
                panels: pictures,
            });
        }
        let sheet = Sheet {
            title: self.title.clone(),
            columns: self.columns,
            groups: sheets,
            legend: self.legend.clone(),
        };
        let mut files = vec![FigureFile {
            name: format!("{}.svg", self.stem),
            bytes: self.sheet_svg(&shown).into_bytes(),
        }];
        files.push(FigureFile {
            name: format!("{}.png", self.stem),
            bytes: png_of(&sheet.draw()),
        });
        Ok(Figure {
            body: Body::Gallery {
                groups: shown,
                legend: self.legend.clone(),
                is_paired: self.is_paired,
            },
            caption: self.caption.clone(),
            files,
        })
    }

    /// The sheet as one SVG on light paper, with letters that stay letters.
    fn sheet_svg(&self, groups: &[ShownGroup]) -> String {
        const CELL: f64 = 320.0;
        const GAP: f64 = 16.0;
        let columns = self.columns.max(1);
        let text = |x: f64, y: f64, attributes: &str, words: &str| {
            let ([x, y], words) = ([x, y].map(number), escaped(words));
            format!("<text x=\"{x}\" y=\"{y}\" {attributes}>{words}</text>\n")
        };
        let heavy = "font-size=\"17\" font-weight=\"600\"";
        let mut body = text(GAP, 28.0, heavy, &self.title);
        let mut y = 44.0;
        for group in groups {
            if !group.heading.is_empty() {
                body.push_str(&text(GAP, y + 18.0, "font-weight=\"600\"", &group.heading));
                y += 28.0;
            }
            for row in group.panels.chunks(columns) {
                let mut bottom: f64 = y;
                for (i, panel) in row.iter().enumerate() {
                    let x = GAP + i as f64 * (CELL + GAP);
                    let height = panel_height(&panel.svg);
                    let place = [x, y, CELL, height].map(number);
                    let [px, py, w, h] = place;
                    body.push_str(&panel.svg.replacen(
                        "<svg ",
                        &format!("<svg x=\"{px}\" y=\"{py}\" width=\"{w}\" height=\"{h}\" "),
                        1,
                    ));
                    let mut line_y = y + height + 18.0;
                    for line in panel.caption.lines() {
                        body.push_str(&text(x, line_y, "fill=\"#59636e\"", line));
                        line_y += 18.0;
                    }
                    bottom = bottom.max(line_y);
                }
                y = bottom + 6.0;
            }
        }
        let mut x = GAP;
        for entry in &self.legend {
            let colour = entry.colour.css();
            let [left, top] = [x, y].map(number);
            let place = format!("x=\"{left}\" y=\"{top}\" width=\"14\" height=\"14\"");
            let swatch = format!("<rect {place} fill=\"{colour}\"/>\n");
            body.push_str(&swatch);
            body.push_str(&text(x + 22.0, y + 12.0, "", &entry.name));
            x += 60.0 + crate::svg::text_width(&entry.name, 14.0);
        }
        let width = number(GAP + columns as f64 * (CELL + GAP));
        let height = number(y + 34.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui,sans-serif\" \
             font-size=\"14\" fill=\"#1f2328\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n",
            escaped(&self.title)
        )
    }
}

/// The height that a panel's own viewBox names.
fn panel_height(svg: &str) -> f64 {
    let view_box = svg.split("viewBox=\"0 0 ").nth(1);
    let sides = view_box.and_then(|rest| rest.split('"').next());
    let height = sides.and_then(|sides| sides.split(' ').nth(1)?.parse().ok());
    height.expect("a panel's SVG begins with a viewBox of two sides")
}
