//! A drawing as pixels, as browsers show it on light paper.
//!
//! Paths, strokes and dashes are tiny-skia's, built without its SIMD, whose reciprocals differ from
//! one maker's processors to another's: a drawing gives the same bytes everywhere. Letters are the
//! strokes of [`text_strokes`], so that no font of the machine decides how a figure looks.

use tiny_skia::{
    FillRule, LineCap, LineJoin, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};

use super::style::{Paint, StyleSheet};
use super::{Anchor, Drawing, Element};
use crate::palette::{PAPER, Rgb};
use crate::picture::{Picture, TextStyle, text_strokes, text_width};

/// Height of a capital letter as a share of the font's size, as in the fonts that browsers choose.
const CAP_HEIGHT: f64 = 0.70;

/// A dot of a letter is a little wider than its strokes.
const DOT_WIDTH: f32 = 1.35;

impl Drawing {
    /// The drawing on light paper, `scale` pixels to its unit.
    ///
    /// # Panics
    ///
    /// When the picture does not fit into memory.
    pub(crate) fn to_picture(&self, scale: f64) -> Picture {
        let (width, height) = (pixels(self.width * scale), pixels(self.height * scale));
        let pixmap = Pixmap::new(width.max(1), height.max(1));
        let mut pixmap = pixmap.expect("a chart has at least one pixel and fits into memory");
        pixmap.fill(colour(PAPER, 1.0));
        let mut canvas = Canvas {
            pixmap,
            sheet: StyleSheet::new(),
            to_pixels: Transform::from_scale(single(scale), single(scale)),
        };
        for element in &self.elements {
            canvas.draw(element);
        }
        canvas.into_picture()
    }
}

/// What is drawn on, and how.
struct Canvas {
    pixmap: Pixmap,
    sheet: StyleSheet,
    to_pixels: Transform,
}

impl Canvas {
    fn draw(&mut self, element: &Element) {
        match element {
            Element::Line { class, ends } => {
                self.draw_path(polyline(ends), &self.sheet.shape(class));
            }
            Element::Polyline { class, points } => {
                self.draw_path(polyline(points), &self.sheet.shape(class));
            }
            Element::Polygon { class, points } => {
                self.draw_path(polygon(points), &self.sheet.shape(class));
            }
            Element::Rect { class, at, size } => {
                let ([x, y], [width, height]) = (at.map(single), size.map(single));
                let path = Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect);
                self.draw_path(path, &self.sheet.shape(class));
            }
            Element::Dot { class, at, radius } => {
                let [x, y] = at.map(single);
                let path = PathBuilder::from_circle(x, y, single(*radius));
                self.draw_path(path, &self.sheet.shape(class));
            }
            Element::Text {
                class,
                at,
                anchor,
                degrees,
                text,
            } => {
                let paint = self.sheet.text(class);
                self.write(text, *at, *anchor, *degrees, &paint);
            }
        }
    }

    /// Fills and strokes a path; one without extent, or with a point that is no number, has nothing
    /// to draw.
    fn draw_path(&mut self, path: Option<Path>, paint: &Paint) {
        let Some(path) = path else {
            return;
        };
        if let Some(rgb) = paint.fill {
            let fill = solid(rgb, paint.fill_opacity);
            self.pixmap
                .fill_path(&path, &fill, FillRule::Winding, self.to_pixels, None);
        }
        if let Some(rgb) = paint.stroke {
            let stroke = stroke_of(paint);
            self.pixmap
                .stroke_path(&path, &solid(rgb, 1.0), &stroke, self.to_pixels, None);
        }
    }

    /// Writes text from its anchor on the baseline; turned by a right angle where the drawing turns
    /// it.
    fn write(&mut self, text: &str, at: [f64; 2], anchor: Anchor, degrees: f64, paint: &Paint) {
        let Some(ink) = paint.fill else {
            return;
        };
        let cap = single(paint.font_px * CAP_HEIGHT);
        let style = if paint.is_heavy {
            TextStyle::heading(cap)
        } else {
            TextStyle::caption(cap)
        };
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => text_width(text, style) / 2.0,
            Anchor::End => text_width(text, style),
        };
        let [x, y] = at.map(single);
        // Exact for right angles; a sine of the machine's could differ in its last place.
        let [sine, cosine] = match degrees.round() {
            -90.0 => [-1.0, 0.0],
            90.0 => [1.0, 0.0],
            _ => [0.0, 1.0],
        };
        let turned = Transform::from_row(cosine, sine, -sine, cosine, x, y);
        let width = cap * style.weight;
        let mut lines = PathBuilder::new();
        let mut dots = PathBuilder::new();
        for stroke in text_strokes(text, style, [-before, 0.0]) {
            match stroke[..] {
                [[x, y]] => dots.push_circle(x, y, width * DOT_WIDTH / 2.0),
                _ => push_line(&mut lines, &stroke),
            }
        }
        let paint = solid(ink, 1.0);
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let to_pixels = self.to_pixels.pre_concat(turned);
        if let Some(path) = lines.finish() {
            self.pixmap
                .stroke_path(&path, &paint, &stroke, to_pixels, None);
        }
        if let Some(path) = dots.finish() {
            self.pixmap
                .fill_path(&path, &paint, FillRule::Winding, to_pixels, None);
        }
    }

    fn into_picture(self) -> Picture {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        // Nothing shines through the paper, so that premultiplied colours are the colours.
        let pixels = self.pixmap.pixels().iter();
        let pixels = pixels.map(|pixel| Rgb([pixel.red(), pixel.green(), pixel.blue()]));
        Picture::from_pixels(width as usize, height as usize, pixels.collect())
    }
}

fn solid(rgb: Rgb, opacity: f64) -> tiny_skia::Paint<'static> {
    let mut paint = tiny_skia::Paint::default();
    paint.set_color(colour(rgb, opacity));
    paint
}

fn colour(Rgb([red, green, blue]): Rgb, opacity: f64) -> tiny_skia::Color {
    let mut colour = tiny_skia::Color::from_rgba8(red, green, blue, 255);
    colour.apply_opacity(single(opacity));
    colour
}

fn stroke_of(paint: &Paint) -> Stroke {
    let dash = paint.dash.map(|lengths| lengths.map(single).to_vec());
    let (line_cap, line_join) = if paint.is_round {
        (LineCap::Round, LineJoin::Round)
    } else {
        (LineCap::Butt, LineJoin::Miter)
    };
    Stroke {
        width: single(paint.width),
        line_cap,
        line_join,
        dash: dash.and_then(|lengths| StrokeDash::new(lengths, 0.0)),
        ..Stroke::default()
    }
}

fn polyline(points: &[[f64; 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    let points: Vec<[f32; 2]> = points.iter().map(|point| point.map(single)).collect();
    push_line(&mut path, &points);
    path.finish()
}

fn polygon(corners: &[[f64; 2]]) -> Option<Path> {
    let mut path = PathBuilder::new();
    let corners: Vec<[f32; 2]> = corners.iter().map(|corner| corner.map(single)).collect();
    push_line(&mut path, &corners);
    path.close();
    path.finish()
}

fn push_line(path: &mut PathBuilder, points: &[[f32; 2]]) {
    for (i, [x, y]) in points.iter().enumerate() {
        if i == 0 {
            path.move_to(*x, *y);
        } else {
            path.line_to(*x, *y);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places and shares in pixels, to a thousandth at worst"
)]
fn single(value: f64) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length in pixels; what is below 0 saturates"
)]
fn pixels(length: f64) -> u32 {
    length.round() as u32
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn drawn(draw: impl Fn(&mut Drawing)) -> Picture {
        let mut drawing = Drawing::new(20.0, 10.0);
        draw(&mut drawing);
        drawing.to_picture(2.0)
    }

    const BLUE: Rgb = Rgb([0x00, 0x72, 0xb2]);

    #[test]
    fn a_rectangle_is_filled_to_its_edges() {
        let picture = drawn(|drawing| drawing.rect("fill0", [2.0, 1.0], [5.0, 4.0]));
        assert_eq!(
            (picture.width(), picture.height()),
            (40, 20),
            "twice the size"
        );
        assert_eq!(picture.pixel(4, 2), Some(BLUE), "the corner");
        assert_eq!(picture.pixel(13, 9), Some(BLUE), "the other corner");
        assert_eq!(picture.pixel(14, 9), Some(PAPER), "right of it");
        assert_eq!(picture.pixel(4, 10), Some(PAPER), "below it");
    }

    #[test]
    fn half_a_pixel_is_half_covered() {
        let picture = drawn(|drawing| drawing.rect("fill5", [0.0, 0.0], [0.25, 5.0]));
        let Rgb([level, ..]) = picture.pixel(0, 3).unwrap();
        assert!(
            (160..172).contains(&level),
            "{level} lies between grey and paper"
        );
    }

    #[test]
    fn a_dashed_line_has_gaps_that_go_on_around_a_corner() {
        // Two pixels a unit: dashes of eight pixels, gaps of six. Down the left and along below.
        let picture = drawn(|drawing| {
            drawing.polyline("skip", &[[5.0, 1.0], [5.0, 6.0], [15.0, 6.0]]);
        });
        let has_ink = |x: usize, y: usize| picture.pixel(x, y) != Some(PAPER);
        let down: Vec<bool> = (2..12).map(|y| has_ink(10, y)).collect();
        let expected = [[true; 8].as_slice(), &[false; 2]].concat();
        assert_eq!(down, expected, "eight pixels, and two of the gap");
        let along: Vec<bool> = (10..28).map(|x| has_ink(x, 12)).collect();
        let expected = [[false; 4].as_slice(), &[true; 8], &[false; 6]].concat();
        assert_eq!(
            along, expected,
            "four more of the gap, the next dash, a gap"
        );
    }

    #[test]
    fn a_drawing_gives_the_same_pixels_on_every_machine() {
        let picture = drawn(|drawing| {
            drawing.polygon("band fill1", &[[1.0, 1.0], [18.5, 3.3], [7.2, 9.1]]);
            drawing.polyline("curve line0", &[[0.5, 9.0], [6.1, 2.2], [13.7, 7.9]]);
            drawing.dot("fill2", [15.3, 2.6], 1.7);
            drawing.line("mark", [3.0, 0.0], [11.0, 10.0]);
            drawing.turned_text("small", [10.0, 6.0], Anchor::Middle, -90.0, "a%8");
        });
        let mut hash = Sha256::new();
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                hash.update(picture.pixel(x, y).unwrap().0);
            }
        }
        let hash = format!("{:x}", hash.finalize());
        assert_eq!(
            hash, "9aac0ff8fa981e7d0098503a92f9ebd9d6af5204d464656cf22e2516dc6e7044",
            "the pixels changed: look at a chart's PNG before this"
        );
    }

    #[test]
    fn text_stands_at_its_anchor_and_turns_with_it() {
        let ink = |picture: &Picture| {
            let mut found = Vec::new();
            for y in 0..picture.height() {
                found.extend((0..picture.width()).map(|x| (x, y)));
            }
            found.retain(|&(x, y)| picture.pixel(x, y) != Some(PAPER));
            found
        };
        let level = drawn(|drawing| drawing.text("quiet", [19.0, 9.0], Anchor::End, "I"));
        let places = ink(&level);
        assert!(!places.is_empty(), "something is written");
        assert!(places.iter().all(|&(x, y)| x > 32 && y < 20), "{places:?}");
        let turned = drawn(|drawing| {
            drawing.turned_text("small", [10.0, 5.0], Anchor::Middle, -90.0, "II");
        });
        let places = ink(&turned);
        let (columns, rows) = (
            places
                .iter()
                .map(|place| place.0)
                .collect::<std::collections::BTreeSet<_>>(),
            places
                .iter()
                .map(|place| place.1)
                .collect::<std::collections::BTreeSet<_>>(),
        );
        assert!(columns.len() > rows.len(), "strokes lie flat: {places:?}");
    }
}
