//! A drawing as pixels, as it looks on light paper.

use super::{Anchor, Drawing, Element, SERIES};
use crate::palette::{FAINT_INK, INK, PAPER, Rgb};
use crate::picture::{Coverage, Picture, TextStyle, text_coverage, text_width};

/// How an element looks: what the style sheet says of its classes.
#[derive(Debug, Clone, Copy)]
struct Paint {
    fill: Option<Rgb>,
    opacity: f32,
    stroke: Option<Rgb>,
    width: f64,
    dash: Option<[f64; 2]>,
    ink: Rgb,
    font_px: f64,
    is_heavy: bool,
}

const GRID: Rgb = Rgb([0xe4, 0xe8, 0xec]);
const AXIS: Rgb = Rgb([0x6b, 0x76, 0x81]);
const LINK: Rgb = Rgb([0xae, 0xb6, 0xbf]);

impl Paint {
    fn of(classes: &str) -> Self {
        let mut paint = Self {
            fill: None,
            opacity: 1.0,
            stroke: None,
            width: 1.0,
            dash: None,
            ink: INK,
            font_px: 12.0,
            is_heavy: false,
        };
        for class in classes.split_ascii_whitespace() {
            match class {
                "title" => (paint.font_px, paint.is_heavy) = (15.0, true),
                "small" => paint.font_px = 10.5,
                "quiet" => paint.ink = FAINT_INK,
                "grid" => paint.stroke = Some(GRID),
                "axis" => (paint.stroke, paint.width) = (Some(AXIS), 1.2),
                "mark" => {
                    (paint.stroke, paint.width) = (Some(FAINT_INK), 1.4);
                    paint.dash = Some([5.0, 4.0]);
                }
                "skip" => {
                    (paint.stroke, paint.width) = (Some(FAINT_INK), 1.4);
                    paint.dash = Some([4.0, 3.0]);
                }
                "flow" => paint.stroke = Some(FAINT_INK),
                "link" => (paint.stroke, paint.width) = (Some(LINK), 1.6),
                "arrow" => paint.fill = Some(FAINT_INK),
                "curve" => paint.width = 1.8,
                "band" => paint.opacity = 0.2,
                "layer" => paint.stroke = Some(PAPER),
                _ => paint.series(class),
            }
        }
        paint
    }

    /// `fill3` or `line3`.
    fn series(&mut self, class: &str) {
        let colour = |digits: &str| {
            let series = digits.parse::<usize>().ok()?;
            rgb(SERIES.get(series)?.0)
        };
        if let Some(digits) = class.strip_prefix("fill") {
            self.fill = colour(digits).or(self.fill);
        } else if let Some(digits) = class.strip_prefix("line") {
            self.stroke = colour(digits).or(self.stroke);
        }
    }
}

/// `#rrggbb` as a colour.
fn rgb(css: &str) -> Option<Rgb> {
    let value = u32::from_str_radix(css.strip_prefix('#')?, 16).ok()?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Rgb([r, g, b]))
}

impl Drawing {
    /// The drawing on light paper, `scale` pixels to its unit.
    pub(crate) fn to_picture(&self, scale: f64) -> Picture {
        let (width, height) = (pixels(self.width * scale), pixels(self.height * scale));
        let mut picture = Picture::filled(width, height, PAPER);
        let scaled = |points: &[[f64; 2]]| -> Vec<[f64; 2]> {
            points
                .iter()
                .map(|point| point.map(|c| c * scale))
                .collect()
        };
        for element in &self.elements {
            match element {
                Element::Line { class, ends } => {
                    stroke(&mut picture, &scaled(ends), &Paint::of(class), scale);
                }
                Element::Polyline { class, points } => {
                    stroke(&mut picture, &scaled(points), &Paint::of(class), scale);
                }
                Element::Polygon { class, points } => {
                    fill(&mut picture, &scaled(points), &Paint::of(class), scale);
                }
                Element::Rect { class, at, size } => {
                    let ([left, top], [width, height]) = (*at, *size);
                    let (right, bottom) = (left + width, top + height);
                    let corners = [[left, top], [right, top], [right, bottom], [left, bottom]];
                    fill(&mut picture, &scaled(&corners), &Paint::of(class), scale);
                }
                Element::Dot { class, at, radius } => {
                    let dot = Paint {
                        stroke: Paint::of(class).fill,
                        width: 2.0 * radius,
                        ..Paint::of(class)
                    };
                    stroke(&mut picture, &scaled(&[*at, *at]), &dot, scale);
                }
                Element::Text { .. } => write(&mut picture, element, scale),
            }
        }
        picture
    }
}

fn stroke(picture: &mut Picture, points: &[[f64; 2]], paint: &Paint, scale: f64) {
    let Some(colour) = paint.stroke else {
        return;
    };
    let dash = paint.dash.map(|dash| dash.map(|length| length * scale));
    let mut coverage = Coverage::empty(picture.width(), picture.height());
    let mut walked = 0.0;
    for pair in points.windows(2) {
        for [from, to] in dashes([pair[0], pair[1]], dash, &mut walked) {
            coverage.add_line(
                single(from),
                single(to),
                single([paint.width * scale; 2])[0],
            );
        }
    }
    picture.blend_coverage((0, 0), &coverage, colour, paint.opacity);
}

/// The drawn pieces of a line that goes on where the one before it ended.
fn dashes(
    [from, to]: [[f64; 2]; 2],
    dash: Option<[f64; 2]>,
    walked: &mut f64,
) -> Vec<[[f64; 2]; 2]> {
    let length = (to[0] - from[0]).hypot(to[1] - from[1]);
    let Some([on, off]) = dash.filter(|_| length > 0.0) else {
        return vec![[from, to]];
    };
    let at = |along: f64| {
        let share = (along / length).clamp(0.0, 1.0);
        [0, 1].map(|axis| from[axis] + share * (to[axis] - from[axis]))
    };
    let mut pieces = Vec::new();
    let mut start = -(*walked % (on + off));
    while start < length {
        if start + on > 0.0 {
            pieces.push([at(start.max(0.0)), at(start + on)]);
        }
        start += on + off;
    }
    *walked += length;
    pieces
}

/// Rows of samples in a pixel.
const SAMPLES: usize = 4;

fn fill(picture: &mut Picture, corners: &[[f64; 2]], paint: &Paint, scale: f64) {
    if let Some(colour) = paint.fill {
        let coverage = polygon_coverage(corners, picture.width(), picture.height());
        picture.blend_coverage((0, 0), &coverage, colour, paint.opacity);
    }
    if paint.stroke.is_some()
        && let Some(first) = corners.first()
    {
        let closed = [corners, std::slice::from_ref(first)].concat();
        stroke(picture, &closed, paint, scale);
    }
}

/// What a polygon covers: the even-odd rule, exact along rows of samples.
fn polygon_coverage(corners: &[[f64; 2]], width: usize, height: usize) -> Coverage {
    let mut shares = vec![0.0_f32; width * height];
    for sample in 0..height * SAMPLES {
        let y = (sample as f64 + 0.5) / SAMPLES as f64;
        let mut crossings: Vec<f64> = (0..corners.len())
            .filter_map(|i| {
                let ([x1, y1], [x2, y2]) = (corners[i], corners[(i + 1) % corners.len()]);
                let crosses = (y1 <= y) != (y2 <= y);
                crosses.then(|| x1 + (y - y1) / (y2 - y1) * (x2 - x1))
            })
            .collect();
        crossings.sort_by(f64::total_cmp);
        let row = &mut shares[sample / SAMPLES * width..][..width];
        for span in crossings.chunks_exact(2) {
            let ends = [span[0], span[1]].map(|x| x.clamp(0.0, width as f64));
            let covered = pixels(ends[0].floor())..pixels(ends[1].ceil());
            for (share, x) in row[covered.clone()].iter_mut().zip(covered) {
                let part = ends[1].min(x as f64 + 1.0) - ends[0].max(x as f64);
                *share += single([part.max(0.0); 2])[0] / SAMPLES as f32;
            }
        }
    }
    let mut coverage = Coverage::empty(width, height);
    for (i, share) in shares
        .into_iter()
        .enumerate()
        .filter(|(_, share)| *share > 0.0)
    {
        coverage.raise(i % width, i / width, share);
    }
    coverage
}

/// Writes text; turned by a right angle where the drawing turns it.
fn write(picture: &mut Picture, element: &Element, scale: f64) {
    let Element::Text {
        class,
        at,
        anchor,
        degrees,
        text,
    } = element
    else {
        return;
    };
    let paint = Paint::of(class);
    let [cap, _] = single([paint.font_px * scale * 0.70, 0.0]);
    let style = TextStyle {
        colour: paint.ink,
        ..if paint.is_heavy {
            TextStyle::heading(cap)
        } else {
            TextStyle::caption(cap)
        }
    };
    let line_width = (cap * style.weight).max(1.0);
    let margin = line_width / 2.0 + 0.5;
    let coverage = text_coverage(text, style, line_width);
    let before = margin
        + match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => text_width(text, style) / 2.0,
            Anchor::End => text_width(text, style),
        };
    let [x, y] = single(at.map(|c| c * scale));
    // The anchor lies `before` pixels along the line and on the baseline, `cap` below its top.
    let above = margin + cap;
    let place = |column: usize, row: usize| -> [f32; 2] {
        let (along, down) = (column as f32 - before, row as f32 - above);
        match degrees.round() {
            -90.0 => [x + down, y - along],
            90.0 => [x - down, y + along],
            _ => [x + along, y + down],
        }
    };
    for row in 0..coverage.height() {
        for column in 0..coverage.width() {
            let share = coverage.share(column, row);
            let [x, y] = place(column, row).map(f32::round);
            if share > 0.0 && x >= 0.0 && y >= 0.0 {
                picture.blend(pixels(x.into()), pixels(y.into()), paint.ink, share);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places and shares in pixels, to a thousandth at worst"
)]
fn single(point: [f64; 2]) -> [f32; 2] {
    point.map(|c| c as f32)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a length in pixels; what is below 0 saturates"
)]
fn pixels(length: f64) -> usize {
    length.round() as usize
}

#[cfg(test)]
mod tests {
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
        let mut walked = 0.0;
        let first = dashes([[0.0, 0.0], [7.0, 0.0]], Some([5.0, 4.0]), &mut walked);
        assert_eq!(first, [[[0.0, 0.0], [5.0, 0.0]]], "five of seven");
        let second = dashes([[7.0, 0.0], [7.0, 4.0]], Some([5.0, 4.0]), &mut walked);
        assert_eq!(second, [[[7.0, 2.0], [7.0, 4.0]]], "two more of the gap");
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
