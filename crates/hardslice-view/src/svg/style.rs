//! How the classes of a drawing look: one table, which browsers get as CSS and the rasteriser reads.

use crate::palette::{FAINT_INK, INK, PAPER, Rgb};

/// Colours of series and kinds of things, in order of use; `fill3` and `line3` are the fourth.
///
/// From Okabe and Ito (2008), lightened for dark paper.
pub(crate) const SERIES: [Ink; 7] = [
    Ink::new([0x00, 0x72, 0xb2], [0x56, 0xb4, 0xe9]), // blue
    Ink::new([0xd5, 0x5e, 0x00], [0xff, 0x8a, 0x3d]), // vermilion
    Ink::new([0x00, 0x9e, 0x73], [0x2c, 0xc2, 0x95]), // bluish green
    Ink::new([0xb0, 0x57, 0x8d], [0xe2, 0x9a, 0xc2]), // reddish purple
    Ink::new([0xb6, 0x7d, 0x00], [0xf0, 0xb4, 0x29]), // orange
    Ink::new([0x4b, 0x55, 0x63], [0xaa, 0xb4, 0xc0]), // grey
    Ink::new([0x7a, 0x5c, 0xff], [0xb3, 0xa1, 0xff]), // violet
];

/// A colour on light and on dark paper.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink {
    light: Rgb,
    dark: Rgb,
}

impl Ink {
    const fn new(light: [u8; 3], dark: [u8; 3]) -> Self {
        Self {
            light: Rgb(light),
            dark: Rgb(dark),
        }
    }
}

/// One declaration of a rule.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// For browsers; in pixels text has strokes of its own.
    FontFamily(&'static str),
    FontPx(f64),
    FontWeight(u16),
    NoFill,
    FillOpacity(f64),
    StrokeWidth(f64),
    /// Lengths of a dash and of the gap behind it.
    Dash([f64; 2]),
    /// Round corners and ends.
    RoundStroke,
    Fill(Ink),
    Stroke(Ink),
}

const FONTS: &str = "system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif";

/// Selectors, and what holds for each of them. Of two rules for one property the later holds, so
/// the rule for all text comes before those for some.
const RULES: [(&str, &[Look]); 20] = [
    ("text", &[Look::FontFamily(FONTS), Look::FontPx(12.0)]),
    (".title", &[Look::FontPx(15.0), Look::FontWeight(600)]),
    (".small", &[Look::FontPx(10.5)]),
    (
        ".grid,.axis,.mark,.skip,.flow",
        &[Look::NoFill, Look::StrokeWidth(1.0)],
    ),
    (".axis", &[Look::StrokeWidth(1.2)]),
    (".mark", &[Look::Dash([5.0, 4.0]), Look::StrokeWidth(1.4)]),
    (
        ".curve",
        &[Look::NoFill, Look::StrokeWidth(1.8), Look::RoundStroke],
    ),
    (".skip", &[Look::StrokeWidth(1.4), Look::Dash([4.0, 3.0])]),
    (".band", &[Look::FillOpacity(0.2)]),
    (".layer", &[Look::StrokeWidth(1.0)]),
    (".link", &[Look::StrokeWidth(1.6)]),
    (".paper", &[Look::Fill(PAPERS)]),
    ("text", &[Look::Fill(INKS)]),
    (".quiet", &[Look::Fill(FAINT_INKS)]),
    (
        ".grid",
        &[Look::Stroke(Ink::new(
            [0xe4, 0xe8, 0xec],
            [0x2a, 0x30, 0x38],
        ))],
    ),
    (
        ".axis",
        &[Look::Stroke(Ink::new(
            [0x6b, 0x76, 0x81],
            [0x8d, 0x98, 0xa5],
        ))],
    ),
    (
        ".link",
        &[Look::Stroke(Ink::new(
            [0xae, 0xb6, 0xbf],
            [0x4a, 0x53, 0x5e],
        ))],
    ),
    (".mark,.skip,.flow", &[Look::Stroke(FAINT_INKS)]),
    (".arrow", &[Look::Fill(FAINT_INKS)]),
    (".layer", &[Look::Stroke(PAPERS)]),
];

const PAPERS: Ink = Ink::new(PAPER.0, [0x14, 0x18, 0x1d]);
const INKS: Ink = Ink::new(INK.0, [0xe6, 0xea, 0xef]);
const FAINT_INKS: Ink = Ink::new(FAINT_INK.0, [0x9a, 0xa5, 0xb1]);

/// The rules of every drawing.
#[derive(Debug)]
pub(super) struct StyleSheet {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// `text` or classes with their dots.
    selectors: Vec<String>,
    looks: Vec<Look>,
}

impl StyleSheet {
    pub(super) fn new() -> Self {
        let rule = |selectors: &str, looks: &[Look]| Rule {
            selectors: selectors.split(',').map(str::to_owned).collect(),
            looks: looks.to_vec(),
        };
        let fixed = RULES
            .iter()
            .map(|(selectors, looks)| rule(selectors, looks));
        let series = SERIES.iter().enumerate().flat_map(|(i, ink)| {
            [
                rule(&format!(".fill{i}"), &[Look::Fill(*ink)]),
                rule(&format!(".line{i}"), &[Look::Stroke(*ink)]),
            ]
        });
        Self {
            rules: fixed.chain(series).collect(),
        }
    }

    /// Rules for light paper, then those that change on dark paper; every selector within
    /// `.hardslice`, so that a page's own text keeps its look.
    pub(super) fn css(&self) -> String {
        let light = self.sheet(|look| Some(look.css(|ink| ink.light)));
        let dark = self.sheet(|look| {
            matches!(look, Look::Fill(_) | Look::Stroke(_)).then(|| look.css(|ink| ink.dark))
        });
        format!("{light}\n@media (prefers-color-scheme: dark){{{dark}}}\n")
    }

    /// Every rule with the declarations that `css_of` gives; rules without any are left out.
    fn sheet(&self, css_of: impl Fn(&Look) -> Option<String>) -> String {
        let of_rule = |rule: &Rule| {
            let looks: Vec<String> = rule.looks.iter().filter_map(&css_of).collect();
            let selectors = rule.selectors.iter();
            let selectors: Vec<String> = selectors.map(|own| format!(".hardslice {own}")).collect();
            (!looks.is_empty()).then(|| format!("{}{{{}}}", selectors.join(","), looks.join(";")))
        };
        self.rules.iter().filter_map(of_rule).collect()
    }

    /// How a shape of some classes looks on light paper.
    pub(super) fn shape(&self, classes: &str) -> Paint {
        self.paint(classes, false)
    }

    /// How text of some classes looks on light paper.
    pub(super) fn text(&self, classes: &str) -> Paint {
        self.paint(classes, true)
    }

    fn paint(&self, classes: &str, is_text: bool) -> Paint {
        let mut paint = Paint::default();
        let selects = |selector: &String| match selector.strip_prefix('.') {
            Some(class) => classes.split_ascii_whitespace().any(|own| own == class),
            None => is_text,
        };
        for rule in &self.rules {
            if rule.selectors.iter().any(selects) {
                for look in &rule.looks {
                    paint.take(look);
                }
            }
        }
        paint
    }
}

impl Look {
    fn css(&self, colour: impl Fn(&Ink) -> Rgb) -> String {
        match self {
            Self::FontFamily(fonts) => format!("font-family:{fonts}"),
            Self::FontPx(size) => format!("font-size:{size}px"),
            Self::FontWeight(weight) => format!("font-weight:{weight}"),
            Self::NoFill => "fill:none".to_owned(),
            Self::FillOpacity(share) => format!("fill-opacity:{share}"),
            Self::StrokeWidth(width) => format!("stroke-width:{width}"),
            Self::Dash([dash, gap]) => format!("stroke-dasharray:{dash} {gap}"),
            Self::RoundStroke => "stroke-linejoin:round;stroke-linecap:round".to_owned(),
            Self::Fill(ink) => format!("fill:{}", colour(ink).css()),
            Self::Stroke(ink) => format!("stroke:{}", colour(ink).css()),
        }
    }
}

/// How an element looks, in units of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paint {
    pub(super) fill: Option<Rgb>,
    /// 0 (nothing is seen) to 1.
    pub(super) fill_opacity: f64,
    pub(super) stroke: Option<Rgb>,
    pub(super) width: f64,
    /// Lengths of a dash and of the gap behind it.
    pub(super) dash: Option<[f64; 2]>,
    /// Round corners and ends.
    pub(super) is_round: bool,
    pub(super) font_px: f64,
    pub(super) is_heavy: bool,
}

impl Default for Paint {
    /// SVG's own initial values.
    fn default() -> Self {
        Self {
            fill: Some(Rgb::grey(0)),
            fill_opacity: 1.0,
            stroke: None,
            width: 1.0,
            dash: None,
            is_round: false,
            font_px: 16.0,
            is_heavy: false,
        }
    }
}

impl Paint {
    fn take(&mut self, look: &Look) {
        match *look {
            Look::FontFamily(_) => {}
            Look::FontPx(size) => self.font_px = size,
            Look::FontWeight(weight) => self.is_heavy = weight >= 600,
            Look::NoFill => self.fill = None,
            Look::FillOpacity(share) => self.fill_opacity = share,
            Look::StrokeWidth(width) => self.width = width,
            Look::Dash(lengths) => self.dash = Some(lengths),
            Look::RoundStroke => self.is_round = true,
            Look::Fill(ink) => self.fill = Some(ink.light),
            Look::Stroke(ink) => self.stroke = Some(ink.light),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_scoped_to_the_drawing() {
        let css = StyleSheet::new().css();
        let style = css.replace("@media (prefers-color-scheme: dark){", "");
        for rule in style
            .split_terminator('}')
            .filter(|rule| rule.contains('{'))
        {
            for selector in rule.split_once('{').unwrap().0.split(',') {
                assert!(
                    selector.trim().starts_with(".hardslice "),
                    "{selector:?} is not scoped"
                );
            }
        }
    }

    #[test]
    fn browsers_and_pixels_read_the_same_table() {
        let sheet = StyleSheet::new();
        let css = sheet.css();
        let (light, dark) = css.split_once("@media").unwrap();
        for rule in [
            ".hardslice .axis{stroke-width:1.2}",
            ".hardslice .axis{stroke:#6b7681}",
            ".hardslice .line1{stroke:#d55e00}",
        ] {
            assert!(light.contains(rule), "{rule} is not in {light}");
        }
        assert!(dark.contains(".hardslice .axis{stroke:#8d98a5}"), "{dark}");
        assert!(!dark.contains("width"), "colours alone change: {dark}");
        let axis = sheet.shape("axis");
        assert_eq!(axis.fill, None, "a line has no area");
        assert_eq!(axis.stroke, Some(Rgb([0x6b, 0x76, 0x81])), "its colour");
        assert!((axis.width - 1.2).abs() < 1e-9, "wider than the grid");
    }

    #[test]
    fn of_two_rules_the_later_holds_and_classes_add_up() {
        let sheet = StyleSheet::new();
        assert_eq!(sheet.text("").fill, Some(INK), "text without a class");
        let text = sheet.text("small quiet");
        assert_eq!(text.fill, Some(FAINT_INK), "quiet after all text");
        assert!((text.font_px - 10.5).abs() < 1e-9, "and small");
        let band = sheet.shape("band fill1");
        assert_eq!(band.fill, Some(Rgb([0xd5, 0x5e, 0x00])), "vermilion");
        assert!(
            (band.fill_opacity - 0.2).abs() < 1e-9,
            "that shines through"
        );
        assert_eq!(
            sheet.shape("unknown"),
            Paint::default(),
            "a class without a rule changes nothing"
        );
    }
}
