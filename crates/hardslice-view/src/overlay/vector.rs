//! A slice as SVG: the scan as pixels, outlines as paths that stay sharp at any size.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::panel::PanelError;
use super::{Layer, SlicePanel, Window};
use crate::picture::{Picture, Size, outline, scale_linear};
use crate::section::Section;
use crate::svg::{escaped, number};

/// Width of a panel in its own units; height follows from the section's millimetres.
const WIDTH: f64 = 320.0;

/// Pixels of the scan in a row; more would not be seen and make a page heavy.
const MOST_COLUMNS: usize = 300;

/// Draws a slice with its layers as one SVG, without its caption. `description` is read out by
/// screen readers.
///
/// # Errors
///
/// [`PanelError`] as [`super::slice_panel`].
pub fn slice_svg<T: Copy + Into<f32>>(
    panel: &SlicePanel<'_, T>,
    window: Window,
    description: &str,
) -> Result<String, PanelError> {
    panel.check()?;
    let section = panel.section;
    let from = section.size();
    let aspect = section.height_mm() / section.width_mm();
    let (width, height) = (WIDTH, WIDTH * aspect);
    let [w, h] = [width, height].map(number);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"slice\" role=\"img\" \
         viewBox=\"0 0 {w} {h}\"><title>{}</title><image width=\"{w}\" height=\"{h}\" \
         preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
        escaped(description),
        scan_png(panel, window, pixels(&section, aspect))
    );
    let scale = [width / from.width as f64, height / from.height as f64];
    let outlines = panel.layers.iter();
    svg.extend(outlines.filter_map(|layer| outlined(layer, from, scale)));
    svg.push_str(&marks(&section, [width, height]));
    svg.push_str("</svg>");
    Ok(svg)
}

/// The scan as grey pixels, a PNG in base64.
fn scan_png<T: Copy + Into<f32>>(panel: &SlicePanel<'_, T>, window: Window, size: Size) -> String {
    let from = panel.section.size();
    let greys: Vec<f32> = Section::hung(panel.image_hu)
        .into_iter()
        .map(|hu| window.grey(hu.into()))
        .collect();
    let scan = Picture::from_grey(size.width, size.height, &scale_linear(&greys, from, size));
    let png = scan.to_grey_png();
    STANDARD.encode(png.expect("a grey picture of at most 300 by 1200 pixels encodes"))
}

/// A layer's area and outline; `None` where its mask is empty.
fn outlined(layer: &Layer<'_>, from: Size, scale: [f64; 2]) -> Option<String> {
    let path = path(&outline(&Section::hung(&layer.mask), from), scale);
    if path.is_empty() {
        return None;
    }
    let colour = layer.colour.css();
    let fill = if layer.fill > 0.0 {
        let opacity = number(f64::from(layer.fill));
        format!("fill=\"{colour}\" fill-opacity=\"{opacity}\" fill-rule=\"evenodd\"")
    } else {
        "fill=\"none\"".to_owned()
    };
    let line = number(f64::from(layer.line) * 1.75);
    Some(format!(
        "<path {fill} stroke=\"{colour}\" stroke-width=\"{line}\" stroke-linejoin=\"round\" \
         d=\"{path}\"/>"
    ))
}

/// Columns and rows of the scan as it is embedded: its own, or fewer.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of pixels, clamped"
)]
fn pixels(section: &Section, aspect: f64) -> Size {
    let columns = section.n_columns.clamp(1, MOST_COLUMNS);
    let rows = (columns as f64 * aspect).round() as usize;
    Size::new(columns, rows.clamp(1, 4 * MOST_COLUMNS))
}

/// The patient's right, and a bar of 5 cm.
fn marks(section: &Section, [width, height]: [f64; 2]) -> String {
    let font = "font-family=\"system-ui,sans-serif\" font-size=\"11\" fill=\"#ebebeb\" \
                stroke=\"#000\" stroke-width=\"2.4\" paint-order=\"stroke\"";
    let mut marks = format!(
        "<text x=\"6\" y=\"{}\" {font}>R</text>",
        number(height / 2.0 + 4.0)
    );
    let bar = width * 50.0 / section.width_mm();
    if bar < width - 24.0 {
        let (left, right, y) = (width - 10.0 - bar, width - 10.0, height - 8.0);
        let [left, right, base, top] = [left, right, y, y - 5.0].map(number);
        let path = format!("M{left} {top}V{base}H{right}V{top}");
        for (stroke, line) in [("#000", "3.4"), ("#ebebeb", "1.2")] {
            write!(
                marks,
                "<path fill=\"none\" stroke=\"{stroke}\" stroke-width=\"{line}\" d=\"{path}\"/>"
            )
            .expect("writing to a string does not fail");
        }
        let middle = number(width - 10.0 - bar / 2.0);
        let above = number(y - 5.0);
        write!(
            marks,
            "<text x=\"{middle}\" y=\"{above}\" text-anchor=\"middle\" {font}>5 cm</text>"
        )
        .expect("writing to a string does not fail");
    }
    marks
}

/// Closed paths through pieces whose ends meet, points between pieces of one direction left out.
fn path(pieces: &[[[f32; 2]; 2]], scale: [f64; 2]) -> String {
    // Ends lie at halves of pixels: twice their place is a whole number.
    let key = |point: [f32; 2]| {
        point.map(|place| {
            #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
            let doubled = (2.0 * place).round() as i32;
            doubled
        })
    };
    let mut ends: Vec<([i32; 2], usize)> = Vec::with_capacity(2 * pieces.len());
    for (i, piece) in pieces.iter().enumerate() {
        ends.extend(piece.iter().map(|point| (key(*point), i)));
    }
    ends.sort_unstable();
    let mut is_walked = vec![false; pieces.len()];
    let mut text = String::new();
    for first in 0..pieces.len() {
        let mut points = Vec::new();
        let (mut piece, mut at) = (first, key(pieces[first][0]));
        while !is_walked[piece] {
            is_walked[piece] = true;
            points.push(at);
            let [a, b] = pieces[piece].map(key);
            at = if at == a { b } else { a };
            let from = ends.partition_point(|(point, _)| *point < at);
            let meeting = ends[from..].iter().take_while(|(point, _)| *point == at);
            let next = meeting
                .map(|(_, next)| *next)
                .find(|next| !is_walked[*next]);
            piece = next.unwrap_or(piece);
        }
        push_closed(&mut text, &points, scale);
    }
    text
}

fn push_closed(text: &mut String, points: &[[i32; 2]], scale: [f64; 2]) {
    let n = points.len();
    let turns = |i: usize| {
        let [before, here, after] = [(i + n - 1) % n, i, (i + 1) % n].map(|i| points[i]);
        let (a, b) = (
            [here[0] - before[0], here[1] - before[1]],
            [after[0] - here[0], after[1] - here[1]],
        );
        a[0] * b[1] != a[1] * b[0]
    };
    let corners = (0..n).filter(|i| turns(*i)).map(|i| points[i]);
    for (i, [x, y]) in corners.enumerate() {
        let [x, y] = [f64::from(x) / 2.0 * scale[0], f64::from(y) / 2.0 * scale[1]];
        let letter = if i == 0 { 'M' } else { 'L' };
        let [x, y] = [x, y].map(|place| number((place * 10.0).round() / 10.0));
        write!(text, "{letter}{x} {y}").expect("writing to a string does not fail");
    }
    if n > 0 {
        text.push('Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::Layer;

    #[test]
    fn an_outline_is_one_closed_path_of_its_corners() {
        let mask: Vec<bool> = (0..40)
            .map(|i| (1..4).contains(&(i / 8)) && (2..6).contains(&(i % 8)))
            .collect();
        let path = path(&outline(&mask, Size::new(8, 5)), [1.0, 1.0]);
        assert_eq!(path.matches('M').count(), 1, "{path}");
        assert_eq!(
            path.matches('L').count(),
            7,
            "eight corners, all cut: {path}"
        );
        assert!(path.ends_with('Z'), "{path}");
    }

    #[test]
    fn a_ring_is_two_paths() {
        let mask: Vec<bool> = (0..49).map(|i| i != 24).collect();
        let path = path(&outline(&mask, Size::new(7, 7)), [2.0, 2.0]);
        assert_eq!(path.matches('Z').count(), 2, "{path}");
    }

    #[test]
    fn a_slice_carries_its_description_and_the_colours_of_its_layers() {
        let section = Section {
            n_rows: 20,
            n_columns: 30,
            row_mm: 4.0,
            column_mm: 4.0,
        };
        let image_hu = vec![0_i16; 600];
        let mask: Vec<bool> = (0..600).map(|i| (100..400).contains(&i)).collect();
        let panel = SlicePanel {
            section,
            image_hu: &image_hu,
            layers: vec![Layer::truth(&mask), Layer::predicted(&mask)],
            caption: "",
        };
        let svg = slice_svg(&panel, Window::default(), "case <1> & \"2\"").unwrap();
        assert!(
            svg.contains("<title>case &lt;1&gt; &amp; &quot;2&quot;</title>"),
            "{svg}"
        );
        assert!(
            svg.contains("stroke=\"#2b9dff\"") && svg.contains("stroke=\"#ff6a13\""),
            "{svg}"
        );
        assert!(
            svg.contains("data:image/png;base64,iVBOR"),
            "the scan is in it"
        );
        assert!(
            !svg.contains("http:") || svg.matches("http:").count() == 1,
            "only the namespace"
        );
    }
}
