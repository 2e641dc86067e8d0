//! Reliability diagram: what was expected against what came to pass.

use crate::axis::{Area, Axis, Span};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, SERIES};

/// One line of the diagram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReliabilityLine {
    /// What it is of, for the legend.
    pub name: String,
    /// Groups of slices: the mean that was expected, and the mean that was observed, 0 to 1.
    pub points: Vec<[f64; 2]>,
}

/// A reliability diagram: on the diagonal expectation and observation agree; below it too much was
/// expected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReliabilityDiagram {
    /// The title.
    pub title: String,
    /// Name of the score.
    pub score: String,
    /// The lines.
    pub lines: Vec<ReliabilityLine>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 74.0;
const SIDE: f64 = 360.0;
const TOP: f64 = 48.0;

impl ReliabilityDiagram {
    /// Draws the diagonal, and a line with a dot for each group.
    pub fn to_chart(&self) -> Chart {
        let bottom = TOP + SIDE;
        let mut drawing = Drawing::new(WIDTH, bottom + 56.0);
        drawing.text("title", [LEFT, 26.0], Anchor::Start, &self.title);
        let of_all = Span::new(0.0, 1.0);
        let area = Area {
            x: Axis::linear(of_all, Span::new(LEFT, LEFT + SIDE)),
            y: Axis::linear(of_all, Span::new(bottom, TOP)),
        };
        area.draw(&mut drawing, &format!("{} observed", self.score));
        area.draw_x_labels(&mut drawing, &format!("{} expected", self.score));
        drawing.line("mark", area.px([0.0, 0.0]), area.px([1.0, 1.0]));
        let legend = LEFT + SIDE + 36.0;
        for (place, line) in self.lines.iter().enumerate() {
            let colour = place % SERIES.len();
            let points: Vec<[f64; 2]> = line.points.iter().map(|point| area.px(*point)).collect();
            drawing.polyline(&format!("curve line{colour}"), &points);
            for point in points {
                drawing.dot(&format!("fill{colour}"), point, 3.2);
            }
            let y = TOP + 14.0 + 20.0 * place as f64;
            drawing.line(
                &format!("curve line{colour}"),
                [legend, y - 4.0],
                [legend + 18.0, y - 4.0],
            );
            let name = [legend + 26.0, y];
            drawing.text("label", name, Anchor::Start, &line.name);
        }
        let words = "too much expected below";
        let at = area.px([0.98, 0.03]);
        drawing.text("quiet", at, Anchor::End, words);
        Chart {
            drawing,
            title: self.title.clone(),
            description: self.description(),
        }
    }

    fn description(&self) -> String {
        let of_line = |line: &ReliabilityLine| {
            let points = line.points.iter();
            let points = points.map(|[expected, observed]| format!("{expected:.2}: {observed:.2}"));
            let points: Vec<String> = points.collect();
            format!(
                "{}, observed by expected: {}.",
                line.name,
                points.join(", ")
            )
        };
        let lines: Vec<String> = self.lines.iter().map(of_line).collect();
        lines.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_dot_for_each_group_and_says_its_numbers() {
        let diagram = ReliabilityDiagram {
            title: "liver".to_owned(),
            score: "Dice".to_owned(),
            lines: vec![ReliabilityLine {
                name: "hard".to_owned(),
                points: vec![[0.2, 0.1], [0.6, 0.65], [0.9, 0.9]],
            }],
        };
        let chart = diagram.to_chart();
        let svg = chart.to_svg();
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
        assert!(
            chart.description().contains("0.60: 0.65"),
            "{}",
            chart.description()
        );
        assert!(svg.contains("Dice expected") && svg.contains("Dice observed"));
    }
}
