//! Text on a picture.

use super::font::{BASELINE_UNITS, CAP_UNITS, glyph};
use super::{Corner, Coverage, Picture};
use crate::palette::{INK, Rgb};

/// Letters are drawn a little narrower than their grid.
const CONDENSED: f32 = 0.82;

/// Room between two letters, in font units.
const LETTER_GAP_UNITS: f32 = 2.1;

/// Straight pieces that make one bend of a smooth stroke.
const PIECES_PER_BEND: usize = 8;

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Height of a capital letter in pixels.
    pub cap_height_px: f32,
    /// Colour of the strokes.
    pub colour: Rgb,
    /// Width of the strokes as a share of the height of a capital letter.
    pub weight: f32,
    /// Colour of a rim around the strokes, so that text can be read on any picture.
    pub halo: Option<Rgb>,
}

impl TextStyle {
    /// Dark regular text for captions.
    pub const fn caption(cap_height_px: f32) -> Self {
        Self {
            cap_height_px,
            colour: INK,
            weight: 0.135,
            halo: None,
        }
    }

    /// Dark heavy text for headings.
    pub const fn heading(cap_height_px: f32) -> Self {
        Self {
            cap_height_px,
            colour: INK,
            weight: 0.19,
            halo: None,
        }
    }

    fn unit_px(self) -> f32 {
        self.cap_height_px / CAP_UNITS
    }
}

/// Width of one line of text in pixels.
pub fn text_width(text: &str, style: TextStyle) -> f32 {
    let units: f32 = text.chars().map(advance_units).sum();
    (units - LETTER_GAP_UNITS).max(0.0) * CONDENSED * style.unit_px()
}

/// Height of one line in pixels, with room for descenders and to the next line.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of pixels, rounded up"
)]
pub fn text_height(style: TextStyle) -> usize {
    (style.cap_height_px * 1.75).ceil() as usize
}

/// Breaks text into lines that fit a width; words longer than a line stay whole. Line ends in the
/// text are kept.
pub fn wrap(text: &str, width_px: f32, style: TextStyle) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if !line.is_empty() && text_width(&longer, style) > width_px {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}

impl Picture {
    /// Draws one line of text with its upper left corner at `at`.
    ///
    /// Latin letters, digits, the signs of ASCII and – ± × ° · … τ ≥ ≤ exist; any other character
    /// is drawn as a crossed box. Text beyond the edge is cut.
    pub fn draw_text(&mut self, at: Corner, text: &str, style: TextStyle) {
        let line_width = (style.cap_height_px * style.weight).max(1.0);
        if let Some(halo) = style.halo {
            let rim = text_coverage(text, style, 3.0 * line_width);
            self.blend_coverage(at, &rim, halo, 0.9);
        }
        let strokes = text_coverage(text, style, line_width);
        self.blend_coverage(at, &strokes, style.colour, 1.0);
    }
}

/// What strokes of some width cover, from the upper left corner of the text.
fn text_coverage(text: &str, style: TextStyle, line_width: f32) -> Coverage {
    let margin = (style.cap_height_px * style.weight).max(1.0) / 2.0 + 0.5;
    let baseline = margin + style.cap_height_px;
    let mut coverage = Coverage::empty(
        whole_pixels(text_width(text, style) + 2.0 * margin),
        whole_pixels(baseline + BASELINE_UNITS * style.unit_px() + margin),
    );
    for stroke in text_strokes(text, style, [margin, baseline]) {
        for pair in stroke.windows(2) {
            coverage.add_line(pair[0], pair[1], line_width);
        }
        if let [dot] = stroke[..] {
            coverage.add_line(dot, dot, line_width * 1.35);
        }
    }
    coverage
}

/// The strokes of one line of text as polylines in pixels, y downwards; a dot is a single point.
///
/// `start` is where the pen begins, on the baseline.
pub(crate) fn text_strokes(text: &str, style: TextStyle, start: [f32; 2]) -> Vec<Vec<[f32; 2]>> {
    let unit = style.unit_px();
    let [mut pen, baseline] = start;
    let mut strokes = Vec::new();
    for character in text.chars() {
        let place = |[x, y]: [f32; 2]| {
            [
                pen + x * CONDENSED * unit,
                baseline - (y - BASELINE_UNITS) * unit,
            ]
        };
        let of_glyph = glyph(character).split_ascii_whitespace();
        strokes.extend(of_glyph.map(|stroke| stroke_path(stroke).into_iter().map(place).collect()));
        pen += advance_units(character) * CONDENSED * unit;
    }
    strokes
}

fn advance_units(character: char) -> f32 {
    match character {
        ' ' => return 2.6,
        // The thin space between thousands.
        '\u{2009}' => return 1.3,
        _ => {}
    }
    if character.is_ascii_digit() {
        // Figures stand in columns.
        return 4.0 + LETTER_GAP_UNITS;
    }
    let width = glyph(character)
        .split_ascii_whitespace()
        .flat_map(points)
        .map(|[x, _]| x)
        .fold(0.0, f32::max);
    width + LETTER_GAP_UNITS
}

/// The points of one stroke, in font units.
fn points(stroke: &str) -> impl Iterator<Item = [f32; 2]> {
    let digit = |byte: u8| f32::from(byte.saturating_sub(b'0'));
    stroke.as_bytes()[1..]
        .chunks_exact(2)
        .map(move |pair| [digit(pair[0]), digit(pair[1])])
}

/// The polyline that a stroke draws, in font units.
fn stroke_path(stroke: &str) -> Vec<[f32; 2]> {
    let points: Vec<[f32; 2]> = points(stroke).collect();
    let n = points.len();
    if n < 3 || !(stroke.starts_with('~') || stroke.starts_with('o')) {
        return points;
    }
    let middle = |a: [f32; 2], b: [f32; 2]| [f32::midpoint(a[0], b[0]), f32::midpoint(a[1], b[1])];
    let mut path = Vec::new();
    if stroke.starts_with('o') {
        for i in 0..n {
            let (before, pull, after) = (points[i], points[(i + 1) % n], points[(i + 2) % n]);
            bend(&mut path, [middle(before, pull), pull, middle(pull, after)]);
        }
    } else {
        for i in 1..n - 1 {
            let start = if i == 1 {
                points[0]
            } else {
                middle(points[i - 1], points[i])
            };
            let end = if i == n - 2 {
                points[n - 1]
            } else {
                middle(points[i], points[i + 1])
            };
            bend(&mut path, [start, points[i], end]);
        }
    }
    path
}

/// Adds a quadratic Bézier curve as short straight pieces.
fn bend(path: &mut Vec<[f32; 2]>, [start, pull, end]: [[f32; 2]; 3]) {
    for piece in 0..=PIECES_PER_BEND {
        let t = piece as f32 / PIECES_PER_BEND as f32;
        let s = 1.0 - t;
        path.push(std::array::from_fn(|axis| {
            s * s * start[axis] + 2.0 * s * t * pull[axis] + t * t * end[axis]
        }));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of pixels, rounded up"
)]
fn whole_pixels(length: f32) -> usize {
    length.ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::palette::PAPER;

    #[test]
    fn every_printable_ascii_character_has_strokes_of_its_own() {
        let unknown = glyph('\u{1F980}');
        for code in 33..127_u8 {
            let strokes = glyph(char::from(code));
            assert_ne!(strokes, unknown, "{:?} has no glyph", char::from(code));
            for stroke in strokes.split_ascii_whitespace() {
                assert!(
                    stroke.len() % 2 == 1,
                    "{stroke:?} of {:?}",
                    char::from(code)
                );
                assert!(
                    stroke[1..].bytes().all(|b| b.is_ascii_digit()),
                    "{stroke:?}"
                );
            }
        }
    }

    #[test]
    fn a_thin_space_between_thousands_is_narrow_and_has_no_ink() {
        let style = TextStyle::caption(12.0);
        assert_eq!(
            text_strokes("1\u{2009}0", style, [0.0, 0.0]).len(),
            text_strokes("10", style, [0.0, 0.0]).len(),
            "strokes of the figures alone"
        );
        let width = |text| text_width(text, style);
        assert!(width("10") < width("1\u{2009}0"), "apart");
        assert!(width("1\u{2009}0") < width("1 0"), "narrower than a space");
    }

    #[test]
    fn text_stays_within_its_width_and_height() {
        let style = TextStyle::caption(12.0);
        let text = "Wgj 0.923 |";
        let width = whole_pixels(text_width(text, style)) + 4;
        let mut picture = Picture::filled(width + 20, text_height(style) + 20, PAPER);
        picture.draw_text(Corner::ORIGIN, text, style);
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                let inside = x < width && y <= text_height(style);
                assert!(
                    inside || picture.pixel(x, y) == Some(PAPER),
                    "ink at {x}, {y}"
                );
            }
        }
    }

    #[test]
    fn wrapped_lines_fit_and_keep_every_word() {
        let style = TextStyle::caption(10.0);
        let text = "patient chaos_ct_set3, slice 41 of 95\nDice 0.912";
        let lines = wrap(text, 150.0, style);
        for line in &lines {
            assert!(text_width(line, style) <= 150.0, "{line:?} is too wide");
        }
        assert_eq!(lines.join(" "), text.replace('\n', " "), "no word is lost");
        assert_eq!(
            lines.last().map(String::as_str),
            Some("Dice 0.912"),
            "line ends are kept"
        );
    }
}
