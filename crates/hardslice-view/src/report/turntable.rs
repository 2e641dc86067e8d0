//! Surfaces that turn under the mouse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hardslice_eval::ScoreError;

use super::figure::{Body, Figure, FigureFile, png_of};
use super::shown::ShownModel;
use crate::overlay::{LegendEntry, PanelGroup, Sheet};
use crate::palette::Rgb;
use crate::picture::{Corner, Picture, TextStyle, text_height};
use crate::surface::{
    Cropped, Surface, SurfaceBounds, SurfaceMasks, View, cell_mm, colour_of, nice_limit_mm, pack,
    render, signed_distances_mm,
};
use crate::svg::{escaped, number};
use hardslice_volume::PerAxis;

/// Surfaces to be shown side by side; they turn together.
#[derive(Debug, Clone)]
pub struct Turntable {
    /// Name of its files.
    pub stem: String,
    /// Title of the sheet in the files.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// The truth, then the predictions, of one scan and cut to one box.
    pub masks: Cropped,
    /// Spacing of the voxels.
    pub spacing_mm: PerAxis<f64>,
    /// A name and a line below for each mask, in their order.
    pub models: Vec<TurntableModel>,
}

/// Names of a surface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurntableModel {
    /// For example the arm.
    pub name: String,
    /// A line below, for example its scores.
    pub note: String,
}

/// Side of the pictures.
const SIDE: usize = 420;

/// The truth is not measured to itself: a plain grey.
const PLAIN: Rgb = Rgb::grey(214);

impl Turntable {
    /// Makes the surfaces, measures them and draws them. Vertices of the predictions are coloured by
    /// their distance to the truth, the truth is grey.
    ///
    /// # Errors
    ///
    /// [`ScoreError`] when masks and spacing do not fit.
    pub fn to_figure(&self) -> Result<Figure, ScoreError> {
        let Cropped { shape, masks, .. } = &self.masks;
        let views: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
        let cell = cell_mm(&views, *shape, self.spacing_mm);
        let surface = |mask: &&[bool]| Surface::of_mask(mask, *shape, self.spacing_mm, cell);
        let surfaces: Vec<Surface> = views.iter().map(surface).collect();
        let mut distances = vec![None; surfaces.len()];
        if let Some(truth) = views.first() {
            let masks = SurfaceMasks {
                truth,
                shape: *shape,
                spacing_mm: self.spacing_mm,
            };
            for (distances, surface) in distances.iter_mut().zip(&surfaces).skip(1) {
                *distances = signed_distances_mm(surface, &masks)?;
            }
        }
        let all: Vec<f32> = distances.iter().flatten().flatten().copied().collect();
        let limit_mm = nice_limit_mm(&all);
        let bounds = SurfaceBounds::around(&surfaces.iter().collect::<Vec<_>>());
        let (mut shown, mut panels) = (Vec::new(), Vec::new());
        for ((surface, distances), model) in surfaces.iter().zip(&distances).zip(&self.models) {
            let colours: Vec<Rgb> = match distances {
                Some(found) => found.iter().map(|mm| colour_of(*mm, limit_mm)).collect(),
                None => vec![PLAIN; surface.vertices_mm.len()],
            };
            let still = render(surface, &colours, &bounds, View::default(), SIDE);
            let packed = pack(
                surface,
                distances.as_deref().unwrap_or(&[]),
                limit_mm,
                &bounds,
            );
            let packed = packed.filter(|packed| packed.n_triangles > 0);
            shown.push(ShownModel {
                name: model.name.clone(),
                note: model.note.clone(),
                n_vertices: packed.as_ref().map_or(0, |packed| packed.n_vertices),
                n_triangles: packed.as_ref().map_or(0, |packed| packed.n_triangles),
                mesh: packed.map_or(String::new(), |packed| STANDARD.encode(packed.bytes)),
                still: STANDARD.encode(png_of(&still)),
            });
            panels.push(captioned(&still, model));
        }
        let sheet = self.sheet(panels, limit_mm);
        let png = png_of(&sheet);
        let svg = picture_svg(&self.title, &sheet, &png);
        Ok(Figure {
            body: Body::Turntable {
                models: shown,
                limit_mm,
            },
            caption: self.caption.clone(),
            files: vec![
                FigureFile {
                    name: format!("{}.svg", self.stem),
                    bytes: svg.into_bytes(),
                },
                FigureFile {
                    name: format!("{}.png", self.stem),
                    bytes: png,
                },
            ],
        })
    }

    fn sheet(&self, panels: Vec<Picture>, limit_mm: f32) -> Picture {
        let legend = [-1.0, -0.5, 0.0, 0.5, 1.0].map(|share| {
            let mm = share * limit_mm;
            let words = match share {
                share if share <= -1.0 => format!("{mm:.0} mm: too little"),
                share if share >= 1.0 => format!("+{mm:.0} mm: too much"),
                share if share > 0.0 => format!("+{mm:.1} mm"),
                share if share < 0.0 => format!("{mm:.1} mm"),
                _ => "on the truth".to_owned(),
            };
            LegendEntry::new(colour_of(mm, limit_mm), words.replace('-', "−"))
        });
        let sheet = Sheet {
            title: self.title.clone(),
            columns: panels.len(),
            groups: vec![PanelGroup {
                heading: String::new(),
                panels,
            }],
            legend: legend.to_vec(),
        };
        sheet.draw()
    }
}

/// A still with its name above and its note below.
fn captioned(still: &Picture, model: &TurntableModel) -> Picture {
    let (name, note) = (TextStyle::heading(13.0), TextStyle::caption(11.0));
    let (above, below) = (text_height(name) + 4, text_height(note) + 4);
    let height = still.height() + above + below;
    let mut whole = Picture::filled(still.width(), height, crate::palette::PAPER);
    whole.draw_text(Corner::ORIGIN, &model.name, name);
    whole.paste(Corner::new(0, above), still);
    let note_at = Corner::new(0, above + still.height() + 2);
    whole.draw_text(note_at, &model.note, note);
    whole
}

/// A picture as an SVG, for programs that place SVG alone.
fn picture_svg(title: &str, picture: &Picture, png: &[u8]) -> String {
    let [width, height] = [picture.width(), picture.height()].map(|n| number(n as f64));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title>{}</title>\n<image width=\"{width}\" \
         height=\"{height}\" href=\"data:image/png;base64,{}\"/>\n</svg>\n",
        escaped(title),
        STANDARD.encode(png)
    )
}
