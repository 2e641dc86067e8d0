//! Vector drawings as plain SVG text.
//!
//! Every drawing carries its own style and follows the reader's light or dark scheme. Class names
//! are scoped to the drawing, so that several can stand in one page.

mod raster;
mod style;

pub(crate) use style::SERIES;
use style::StyleSheet;

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One element of a drawing; classes say how it looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Element {
    Line {
        class: String,
        ends: [[f64; 2]; 2],
    },
    Rect {
        class: String,
        at: [f64; 2],
        size: [f64; 2],
    },
    Polyline {
        class: String,
        points: Vec<[f64; 2]>,
    },
    Polygon {
        class: String,
        points: Vec<[f64; 2]>,
    },
    Dot {
        class: String,
        at: [f64; 2],
        radius: f64,
    },
    Text {
        class: String,
        at: [f64; 2],
        anchor: Anchor,
        /// Clockwise, around `at`.
        degrees: f64,
        text: String,
    },
}

/// A drawing that grows element by element.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) elements: Vec<Element>,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            elements: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, class: &str, from: [f64; 2], to: [f64; 2]) {
        self.elements.push(Element::Line {
            class: class.to_owned(),
            ends: [from, to],
        });
    }

    pub(crate) fn rect(&mut self, class: &str, at: [f64; 2], [width, height]: [f64; 2]) {
        self.elements.push(Element::Rect {
            class: class.to_owned(),
            at,
            size: [width.max(0.0), height.max(0.0)],
        });
    }

    /// A polyline through points; fewer than two draw nothing.
    pub(crate) fn polyline(&mut self, class: &str, points: &[[f64; 2]]) {
        if points.len() >= 2 {
            self.elements.push(Element::Polyline {
                class: class.to_owned(),
                points: points.to_vec(),
            });
        }
    }

    pub(crate) fn polygon(&mut self, class: &str, points: &[[f64; 2]]) {
        self.elements.push(Element::Polygon {
            class: class.to_owned(),
            points: points.to_vec(),
        });
    }

    pub(crate) fn dot(&mut self, class: &str, at: [f64; 2], radius: f64) {
        self.elements.push(Element::Dot {
            class: class.to_owned(),
            at,
            radius,
        });
    }

    pub(crate) fn text(&mut self, class: &str, at: [f64; 2], anchor: Anchor, text: &str) {
        self.turned_text(class, at, anchor, 0.0, text);
    }

    /// Text turned clockwise around its anchor, in degrees.
    pub(crate) fn turned_text(
        &mut self,
        class: &str,
        at: [f64; 2],
        anchor: Anchor,
        degrees: f64,
        text: &str,
    ) {
        self.elements.push(Element::Text {
            class: class.to_owned(),
            at,
            anchor,
            degrees,
            text: text.to_owned(),
        });
    }

    /// The whole document; title and description are read out by screen readers.
    pub(crate) fn finish(&self, title: &str, description: &str) -> String {
        let (width, height) = (number(self.width), number(self.height));
        let size = format!(r#"width="{width}" height="{height}" viewBox="0 0 {width} {height}""#);
        let (title, description, style) = (
            escaped(title),
            escaped(description),
            StyleSheet::new().css(),
        );
        let mut body = String::new();
        for element in &self.elements {
            body.push_str(&element.to_svg());
            body.push('\n');
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hardslice\" role=\"img\" {size}>\n\
             <title>{title}</title>\n<desc>{description}</desc>\n<style>\n{style}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
        )
    }
}

impl Element {
    fn to_svg(&self) -> String {
        match self {
            Self::Line { class, ends } => {
                let [[x1, y1], [x2, y2]] = ends.map(|end| end.map(number));
                format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#)
            }
            Self::Rect { class, at, size } => {
                let ([x, y], [width, height]) = (at.map(number), size.map(number));
                let place = format!(r#"x="{x}" y="{y}" width="{width}" height="{height}""#);
                format!(r#"<rect class="{class}" {place}/>"#)
            }
            Self::Polyline { class, points } => {
                format!(r#"<polyline class="{class}" points="{}"/>"#, listed(points))
            }
            Self::Polygon { class, points } => {
                format!(r#"<polygon class="{class}" points="{}"/>"#, listed(points))
            }
            Self::Dot { class, at, radius } => {
                let ([x, y], radius) = (at.map(number), number(*radius));
                format!(r#"<circle class="{class}" cx="{x}" cy="{y}" r="{radius}"/>"#)
            }
            Self::Text {
                class,
                at,
                anchor,
                degrees,
                text,
            } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let ([x, y], degrees) = (at.map(number), number(*degrees));
                let turn = if degrees == "0" {
                    String::new()
                } else {
                    format!(r#" transform="rotate({degrees} {x} {y})""#)
                };
                let place = format!(r#"x="{x}" y="{y}" text-anchor="{anchor}"{turn}"#);
                format!(r#"<text class="{class}" {place}>{}</text>"#, escaped(text))
            }
        }
    }
}

fn listed(points: &[[f64; 2]]) -> String {
    let points = points
        .iter()
        .map(|[x, y]| format!("{},{}", number(*x), number(*y)));
    points.collect::<Vec<_>>().join(" ")
}

/// Width of text in pixels, on the safe side for the fonts that browsers choose.
pub(crate) fn text_width(text: &str, font_px: f64) -> f64 {
    text.chars().count() as f64 * font_px * 0.66
}

/// A coordinate with at most two decimals.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.text("title", [1.0, 2.0], Anchor::Start, "a < b & \"c\"");
        let svg = drawing.finish("x > y", "");
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot;"), "{svg}");
        assert!(svg.contains("<title>x &gt; y</title>"), "{svg}");
    }

    #[test]
    fn coordinates_are_short() {
        let texts = [1.0, 0.1 + 0.2, -0.001, 12.345_678, -3.5].map(number);
        assert_eq!(
            texts,
            ["1", "0.3", "0", "12.35", "-3.5"],
            "two decimals at most"
        );
    }
}
