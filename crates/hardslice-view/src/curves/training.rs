//! Loss and validation score over the iterations.

use crate::axis::{Area, Axis, Span, nice_range};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, SERIES, text_width};

/// One line of a chart, for example an arm's loss.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve {
    /// The name in the legend.
    pub name: String,
    /// `(iteration, value)` in order of the iteration. A value that is not finite breaks the line.
    pub points: Vec<(f64, f64)>,
}

/// An iteration at which something changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mark {
    /// The iteration.
    pub iteration: f64,
    /// What changed, for example `hard slices come in`.
    pub label: String,
}

/// Loss above, validation Dice below, over the same iterations.
///
/// Curves of one name have one colour in both charts. A curve with more points than pixels is drawn
/// as the mean of short stretches in a band from their least to their greatest value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingCurves {
    /// The title.
    pub title: String,
    /// Training loss.
    pub loss: Vec<Curve>,
    /// Validation Dice, 0 to 1.
    pub dice: Vec<Curve>,
    /// Iterations to mark in both charts.
    pub marks: Vec<Mark>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = WIDTH - 24.0;
const CHART_HEIGHT: f64 = 190.0;

/// Stretches that a long curve is drawn as.
const N_STRETCHES: usize = 300;

impl TrainingCurves {
    /// Draws the curves; a chart without points says so.
    pub fn to_svg(&self) -> String {
        self.to_chart().to_svg()
    }

    /// The drawing of [`TrainingCurves::to_svg`].
    pub fn to_chart(&self) -> Chart {
        let names = self.names();
        let mut legend = Drawing::new(WIDTH, 0.0);
        let legend_bottom = draw_legend(&mut legend, &names, 46.0);
        let tops = [
            legend_bottom + 24.0,
            legend_bottom + 24.0 + CHART_HEIGHT + 34.0,
        ];
        let mut drawing = Drawing::new(WIDTH, tops[1] + CHART_HEIGHT + 56.0);
        drawing.text("title", [LEFT, 26.0], Anchor::Start, &self.title);
        draw_legend(&mut drawing, &names, 46.0);
        let iterations = self
            .loss
            .iter()
            .chain(&self.dice)
            .flat_map(|curve| &curve.points);
        let last = iterations
            .map(|point| point.0)
            .filter(|x| x.is_finite())
            .fold(0.0, f64::max);
        let last = if last > 0.0 { last } else { 1.0 };
        let x = Axis::linear(Span::new(0.0, last), Span::new(LEFT, RIGHT));
        let charts = [
            (&self.loss, "training loss"),
            (&self.dice, "validation Dice"),
        ];
        for ((curves, name), top) in charts.into_iter().zip(tops) {
            let values = || {
                curves
                    .iter()
                    .flat_map(|curve| &curve.points)
                    .map(|point| point.1)
            };
            let mut range = nice_range(values());
            if name == "training loss" {
                range.from = range.from.min(0.0);
            }
            let y = Axis::linear(range, Span::new(top + CHART_HEIGHT, top));
            let area = Area { x, y };
            area.draw(&mut drawing, name);
            self.draw_marks(&mut drawing, &area, top < tops[1]);
            if !values().any(f64::is_finite) {
                let middle = [f64::midpoint(LEFT, RIGHT), top + CHART_HEIGHT / 2.0];
                drawing.text("quiet", middle, Anchor::Middle, "nothing recorded");
            }
            for curve in curves {
                let colour = colour_of(&curve.name, &names);
                draw_curve(&mut drawing, &area, curve, colour);
            }
            if top >= tops[1] {
                area.draw_x_labels(&mut drawing, "iteration");
            }
        }
        Chart {
            drawing,
            title: self.title.clone(),
            description: self.description(),
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for curve in self.loss.iter().chain(&self.dice) {
            if !names.contains(&curve.name.as_str()) {
                names.push(curve.name.as_str());
            }
        }
        names
    }

    fn description(&self) -> String {
        let last = self.dice.iter().filter_map(|curve| {
            let (iteration, dice) = curve.points.iter().rfind(|point| point.1.is_finite())?;
            Some(format!("{} {dice:.3} at iteration {iteration}", curve.name))
        });
        format!(
            "Last validation Dice: {}.",
            last.collect::<Vec<_>>().join(", ")
        )
    }

    /// Lines at the marks, named in the upper chart only.
    fn draw_marks(&self, drawing: &mut Drawing, area: &Area, is_labelled: bool) {
        let within = self
            .marks
            .iter()
            .filter(|mark| (area.x.low..=area.x.high).contains(&mark.iteration));
        for mark in within {
            let x = area.x.px(mark.iteration);
            drawing.line("mark", [x, area.y.from_px], [x, area.y.to_px - 6.0]);
            if !is_labelled {
                continue;
            }
            let fits_right = x + 6.0 + text_width(&mark.label, 10.5) < RIGHT;
            let (x, anchor) = if fits_right {
                (x + 5.0, Anchor::Start)
            } else {
                (x - 5.0, Anchor::End)
            };
            drawing.text("small quiet", [x, area.y.to_px - 1.0], anchor, &mark.label);
        }
    }
}

/// Place of a curve's colour in the order of use: curves of one name have one colour.
fn colour_of(name: &str, names: &[&str]) -> usize {
    let place = names.iter().position(|known| *known == name);
    place.expect("the names are those of all curves") % SERIES.len()
}

/// Swatches and names in rows; gives the lower edge of the last row.
fn draw_legend(drawing: &mut Drawing, names: &[&str], top: f64) -> f64 {
    let (mut x, mut y) = (LEFT, top);
    for (i, name) in names.iter().enumerate() {
        let width = 30.0 + text_width(name, 12.0);
        if x > LEFT && x + width > RIGHT {
            (x, y) = (LEFT, y + 18.0);
        }
        drawing.line(
            &format!("curve line{}", i % SERIES.len()),
            [x, y],
            [x + 18.0, y],
        );
        drawing.text("label", [x + 24.0, y + 4.0], Anchor::Start, name);
        x += width + 18.0;
    }
    y
}

/// Least, mean and greatest value around an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    iteration: f64,
    least: f64,
    mean: f64,
    greatest: f64,
}

fn draw_curve(drawing: &mut Drawing, area: &Area, curve: &Curve, colour: usize) {
    for run in finite_runs(&curve.points) {
        let stretches = stretches(run);
        let end = |value: fn(&Stretch) -> f64| move |s: &Stretch| area.px([s.iteration, value(s)]);
        if stretches.len() < run.len() {
            let above = stretches.iter().map(end(|s| s.greatest));
            let below = stretches.iter().rev().map(end(|s| s.least));
            let band: Vec<[f64; 2]> = above.chain(below).collect();
            drawing.polygon(&format!("band fill{colour}"), &band);
        }
        let line: Vec<[f64; 2]> = stretches.iter().map(end(|s| s.mean)).collect();
        drawing.polyline(&format!("curve line{colour}"), &line);
        if line.len() <= 40 {
            for point in line {
                drawing.dot(&format!("fill{colour}"), point, 2.4);
            }
        }
    }
}

/// The points between values that are not finite.
fn finite_runs(points: &[(f64, f64)]) -> impl Iterator<Item = &[(f64, f64)]> {
    let is_gap = |point: &(f64, f64)| !(point.0.is_finite() && point.1.is_finite());
    points.split(is_gap).filter(|run| !run.is_empty())
}

/// The points as they are, or gathered in equal numbers where there are too many to draw.
fn stretches(points: &[(f64, f64)]) -> Vec<Stretch> {
    let n_each = if points.len() > 2 * N_STRETCHES {
        points.len().div_ceil(N_STRETCHES)
    } else {
        1
    };
    let gather = |part: &[(f64, f64)]| {
        let values = || part.iter().map(|point| point.1);
        Stretch {
            iteration: part.iter().map(|point| point.0).sum::<f64>() / part.len() as f64,
            least: values().fold(f64::INFINITY, f64::min),
            mean: values().sum::<f64>() / part.len() as f64,
            greatest: values().fold(f64::NEG_INFINITY, f64::max),
        }
    };
    points.chunks(n_each).map(gather).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, points: &[(f64, f64)]) -> Curve {
        Curve {
            name: name.to_owned(),
            points: points.to_vec(),
        }
    }

    #[test]
    fn a_value_that_is_not_finite_breaks_the_line_and_is_never_written() {
        let loss = curve(
            "hard",
            &[
                (0.0, 1.0),
                (1.0, 0.9),
                (2.0, f64::NAN),
                (3.0, 0.8),
                (4.0, 0.7),
            ],
        );
        let curves = TrainingCurves {
            loss: vec![loss],
            ..TrainingCurves::default()
        };
        let svg = curves.to_svg();
        assert_eq!(
            svg.matches("<polyline").count(),
            2,
            "one line on each side of the gap"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn long_curves_are_gathered_and_keep_their_extremes() {
        let points: Vec<(f64, f64)> = (0..100_000)
            .map(|i| (f64::from(i), if i == 777 { 9.0 } else { 1.0 }))
            .collect();
        let stretches = stretches(&points);
        assert!(
            stretches.len() <= N_STRETCHES,
            "{} stretches",
            stretches.len()
        );
        let greatest = stretches.iter().map(|s| s.greatest).fold(0.0, f64::max);
        assert!(
            (greatest - 9.0).abs() < 1e-12,
            "the spike of one iteration is in the band"
        );
    }

    #[test]
    fn a_name_has_one_colour_in_both_charts() {
        let curves = TrainingCurves {
            loss: vec![
                curve("baseline", &[(0.0, 1.0), (1.0, 0.5)]),
                curve("hard", &[(0.0, 1.0), (1.0, 0.4)]),
            ],
            dice: vec![curve("hard", &[(0.0, 0.1), (1.0, 0.9)])],
            ..TrainingCurves::default()
        };
        let svg = curves.to_svg();
        assert_eq!(
            svg.matches(r#"<polyline class="curve line1""#).count(),
            2,
            "hard, twice"
        );
    }

    #[test]
    fn charts_without_points_say_so() {
        let svg = TrainingCurves::default().to_svg();
        assert_eq!(
            svg.matches("nothing recorded").count(),
            2,
            "both charts are empty"
        );
    }
}
