//! The same cases under several arms.

use crate::axis::{Area, Axis, Span, nice_range};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, SERIES, text_width};

/// A case and what each arm scored on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairedCase {
    /// The case.
    pub name: String,
    /// A score for each arm, in the order of [`PairedCases::arms`]; absent where it has none.
    pub scores: Vec<Option<f64>>,
}

/// Scores of the same cases under several arms, joined by a line a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairedCases {
    /// The title.
    pub title: String,
    /// Name of the scores, with their unit where they have one.
    pub x_name: String,
    /// The arms. The first is what the others are compared with.
    pub arms: Vec<String>,
    /// The cases.
    pub cases: Vec<PairedCase>,
}

/// Cases that one drawing shows; those with the lowest scores stay.
const MOST_CASES: usize = 60;

const WIDTH: f64 = 760.0;
const RIGHT: f64 = WIDTH - 24.0;
const ROW: f64 = 19.0;

impl PairedCases {
    /// Draws a line for each case from its lowest to its highest score, with a dot for each arm; the
    /// cases that score lowest under the first arm stand on top. Of more than 60 cases the lowest 60
    /// are drawn, and a sentence says so.
    pub fn to_chart(&self) -> Chart {
        let cases = self.in_order();
        let shown = &cases[..cases.len().min(MOST_CASES)];
        let names = shown.iter().map(|case| text_width(&case.name, 10.5));
        let left = (names.fold(40.0, f64::max) + 34.0).min(WIDTH / 3.0);
        let mut drawing = Drawing::new(WIDTH, 0.0);
        drawing.text("title", [20.0, 26.0], Anchor::Start, &self.title);
        let top = self.draw_legend(&mut drawing) + 22.0;
        let bottom = top + shown.len() as f64 * ROW + 6.0;
        let scores = shown
            .iter()
            .flat_map(|case| case.scores.iter().flatten().copied());
        let area = Area {
            x: Axis::linear(nice_range(scores), Span::new(left, RIGHT)),
            y: Axis::linear(Span::new(0.0, 1.0), Span::new(bottom, top)),
        };
        for (value, _) in area.x.ticks(8) {
            let x = area.x.px(value);
            drawing.line("grid", [x, top], [x, bottom]);
            drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
        }
        drawing.line("axis", [left, bottom], [RIGHT, bottom]);
        for (i, case) in shown.iter().enumerate() {
            let y = top + (i as f64 + 0.5) * ROW + 3.0;
            draw_case(&mut drawing, &area.x, case, [left, y]);
        }
        area.draw_x_labels(&mut drawing, &self.x_name);
        drawing.height = bottom + 54.0;
        let left_out = cases.len() - shown.len();
        if left_out > 0 {
            let note = format!("{left_out} cases with higher scores are not drawn");
            drawing.text("small quiet", [20.0, bottom + 46.0], Anchor::Start, &note);
        }
        Chart {
            drawing,
            title: self.title.clone(),
            description: self.description(),
        }
    }

    /// The lowest under the first arm first, those without a score there last.
    fn in_order(&self) -> Vec<&PairedCase> {
        let mut cases: Vec<&PairedCase> = self.cases.iter().collect();
        let first = |case: &PairedCase| {
            let score = case.scores.first().copied().flatten();
            score.unwrap_or(f64::INFINITY)
        };
        cases.sort_by(|a, b| first(a).total_cmp(&first(b)).then(a.name.cmp(&b.name)));
        cases
    }

    fn draw_legend(&self, drawing: &mut Drawing) -> f64 {
        let (mut x, mut y) = (20.0, 50.0);
        for (i, arm) in self.arms.iter().enumerate() {
            let width = 18.0 + text_width(arm, 12.0);
            if x > 20.0 && x + width > RIGHT {
                (x, y) = (20.0, y + 18.0);
            }
            draw_dot(drawing, i, [x + 5.0, y - 4.0]);
            drawing.text("label", [x + 16.0, y], Anchor::Start, arm);
            x += width + 20.0;
        }
        y
    }

    fn description(&self) -> String {
        let Some(reference) = self.arms.first() else {
            return String::new();
        };
        let against = self.arms.iter().enumerate().skip(1).map(|(arm, name)| {
            let pairs = self.cases.iter().filter_map(|case| {
                Some((
                    case.scores.get(arm).copied()??,
                    case.scores.first().copied()??,
                ))
            });
            let (mut higher, mut lower) = (0, 0);
            for (score, other) in pairs {
                higher += usize::from(score > other);
                lower += usize::from(score < other);
            }
            format!("{name} higher than {reference} in {higher} and lower in {lower} cases")
        });
        let against: Vec<String> = against.collect();
        let n = self.cases.len();
        match against.as_slice() {
            [] => format!("{n} cases."),
            against => format!("{n} cases: {}.", against.join("; ")),
        }
    }
}

fn draw_case(drawing: &mut Drawing, x: &Axis, case: &PairedCase, [left, y]: [f64; 2]) {
    drawing.text(
        "small quiet",
        [left - 10.0, y + 3.5],
        Anchor::End,
        &case.name,
    );
    let scores = || case.scores.iter().enumerate();
    let found = scores().filter_map(|(_, score)| *score);
    let ends = found.fold(None, |ends: Option<[f64; 2]>, score| {
        let [low, high] = ends.unwrap_or([score; 2]);
        Some([low.min(score), high.max(score)])
    });
    let Some([low, high]) = ends else {
        drawing.text(
            "small quiet",
            [left + 6.0, y + 3.5],
            Anchor::Start,
            "no score",
        );
        return;
    };
    drawing.line("link", [x.px(low), y], [x.px(high), y]);
    // The reference is drawn last, so that it stays in sight.
    for (arm, score) in scores().rev() {
        if let Some(score) = score {
            draw_dot(drawing, arm, [x.px(*score), y]);
        }
    }
}

/// A dot, a square, a diamond or a triangle, so that colour is not all that tells arms apart.
fn draw_dot(drawing: &mut Drawing, arm: usize, [x, y]: [f64; 2]) {
    let class = format!("fill{}", arm % SERIES.len());
    match arm % 4 {
        0 => drawing.dot(&class, [x, y], 4.4),
        1 => drawing.rect(&class, [x - 3.9, y - 3.9], [7.8, 7.8]),
        2 => {
            let corners = [[x, y - 5.2], [x + 5.2, y], [x, y + 5.2], [x - 5.2, y]];
            drawing.polygon(&class, &corners);
        }
        _ => {
            let corners = [[x, y - 5.0], [x + 5.2, y + 4.2], [x - 5.2, y + 4.2]];
            drawing.polygon(&class, &corners);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(scores: &[[Option<f64>; 2]]) -> PairedCases {
        let cases = scores.iter().enumerate().map(|(i, scores)| PairedCase {
            name: format!("case {i}"),
            scores: scores.to_vec(),
        });
        PairedCases {
            title: "Dice by case".to_owned(),
            x_name: "Dice".to_owned(),
            arms: vec!["baseline".to_owned(), "hard".to_owned()],
            cases: cases.collect(),
        }
    }

    #[test]
    fn the_lowest_under_the_first_arm_stand_on_top_and_absent_ones_last() {
        let paired = cases(&[
            [Some(0.9), Some(0.8)],
            [None, Some(0.2)],
            [Some(0.5), Some(0.7)],
        ]);
        let names: Vec<&str> = paired
            .in_order()
            .iter()
            .map(|case| case.name.as_str())
            .collect();
        assert_eq!(names, ["case 2", "case 0", "case 1"]);
        let chart = paired.to_chart();
        assert_eq!(
            chart.description(),
            "3 cases: hard higher than baseline in 1 and lower in 1 cases."
        );
    }

    #[test]
    fn many_cases_are_cut_to_the_lowest_and_the_drawing_says_so() {
        let many: Vec<_> = (0..75)
            .map(|i| [Some(f64::from(i) / 80.0), Some(0.5)])
            .collect();
        let svg = cases(&many).to_chart().to_svg();
        assert!(
            svg.contains("15 cases with higher scores are not drawn"),
            "{svg}"
        );
        assert!(
            svg.contains(">case 59<") && !svg.contains(">case 60<"),
            "sixty"
        );
    }

    #[test]
    fn a_case_without_any_score_says_so() {
        let svg = cases(&[[None, None]]).to_chart().to_svg();
        assert!(svg.contains("no score"), "{svg}");
    }
}
