//! A score against the number of patients that were trained on.

use crate::axis::{Area, Axis, Span, nice_range};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, text_width};

/// The trainings on one number of patients.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LearningPoint {
    /// Patients that they were trained on, above 0.
    pub n_patients: usize,
    /// The score of each training.
    pub values: Vec<f64>,
}

/// A place on the line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LearningLine {
    /// Number of patients, above 0.
    pub n_patients: f64,
    /// Its height.
    pub value: f64,
    /// Ends of its interval.
    pub interval: Option<[f64; 2]>,
}

/// One score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LearningPanel {
    /// Name of the score.
    pub y_name: String,
    /// What the line is drawn through.
    pub points: Vec<LearningPoint>,
    /// What was trained in another way, beside the line.
    pub beside: Vec<LearningPoint>,
    /// The line, by the number of patients.
    pub line: Vec<LearningLine>,
}

/// Learning curves of several scores, one below the other, over the same numbers of patients on a
/// logarithmic axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LearningCurves {
    /// The title.
    pub title: String,
    /// What stands beside the line, in the legend.
    pub beside_name: String,
    /// Most patients that were trained on: the line is dashed beyond.
    pub n_trained: usize,
    /// Whether the intervals may hold the truth more or less often than they say: the band is drawn by
    /// dashed lines then.
    pub is_unreliable: bool,
    /// The scores.
    pub panels: Vec<LearningPanel>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 84.0;
const PANEL_HEIGHT: f64 = 210.0;
const GAP: f64 = 34.0;

/// What stands beside the line is moved so far to the right, off the points of as many patients.
const ASIDE: f64 = 11.0;

impl LearningCurves {
    /// Draws a dot a training, a square their mean, the line in its band, and a diamond for each
    /// training beside it.
    pub fn to_chart(&self) -> Chart {
        let n_panels = self.panels.len().max(1) as f64;
        let bottom_of = |place: usize| TOP + PANEL_HEIGHT + place as f64 * (PANEL_HEIGHT + GAP);
        let height = TOP + n_panels * PANEL_HEIGHT + (n_panels - 1.0) * GAP + 56.0;
        let mut drawing = Drawing::new(WIDTH, height);
        drawing.text("title", [LEFT, 26.0], Anchor::Start, &self.title);
        self.draw_legend(&mut drawing);
        let x = self.x_axis();
        let ticks = self.ticks(&x);
        for (place, panel) in self.panels.iter().enumerate() {
            let bottom = bottom_of(place);
            let range = nice_range(panel.values());
            let area = Area {
                x,
                y: Axis::linear(range, Span::new(bottom, bottom - PANEL_HEIGHT)),
            };
            draw_frame(&mut drawing, &area, &ticks, &panel.y_name);
            self.draw_line(&mut drawing, &area, &panel.line);
            draw_points(&mut drawing, &area, panel);
        }
        let bottom = bottom_of(self.panels.len().max(1) - 1);
        for n in &ticks {
            let at = [x.px(*n as f64), bottom + 19.0];
            drawing.text("quiet", at, Anchor::Middle, &n.to_string());
        }
        let middle = [f64::midpoint(LEFT, RIGHT), bottom + 40.0];
        let name = "training patients (logarithmic)";
        drawing.text("label", middle, Anchor::Middle, name);
        Chart {
            drawing,
            title: self.title.clone(),
            description: self.description(),
        }
    }

    /// Wide enough for all points and the line, with some room at both ends.
    fn x_axis(&self) -> Axis {
        let panels = self.panels.iter();
        let numbers = panels.flat_map(|panel| {
            let points = panel.points.iter().chain(&panel.beside);
            let points = points.map(|point| point.n_patients as f64);
            points.chain(panel.line.iter().map(|place| place.n_patients))
        });
        let ends = numbers.fold(None, |ends: Option<[f64; 2]>, n| {
            let [low, high] = ends.unwrap_or([n; 2]);
            Some([low.min(n), high.max(n)])
        });
        let [low, high] = ends.unwrap_or([1.0, 10.0]);
        let room = (high / low).powf(0.04).max(1.02);
        Axis {
            is_logarithmic: true,
            ..Axis::linear(Span::new(low / room, high * room), Span::new(LEFT, RIGHT))
        }
    }

    /// The numbers of patients that were trained on, and the last of the line, as far as their labels
    /// have room: of two that have not, the larger stays.
    fn ticks(&self, x: &Axis) -> Vec<usize> {
        let of_points = |panel: &LearningPanel| {
            let numbers = panel.points.iter().map(|point| point.n_patients);
            numbers.collect::<Vec<_>>()
        };
        let mut numbers: Vec<usize> = self.panels.iter().flat_map(of_points).collect();
        let lines = self.panels.iter().filter_map(|panel| panel.line.last());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of patients, and whole"
        )]
        numbers.extend(lines.map(|place| place.n_patients.round() as usize));
        numbers.sort_unstable();
        numbers.dedup();
        let mut ticks: Vec<usize> = Vec::new();
        for n in numbers.into_iter().rev() {
            let has_room = ticks.last().is_none_or(|above| {
                let width = text_width(&above.to_string(), 12.0);
                x.px(*above as f64) - x.px(n as f64) > width + 6.0
            });
            if has_room {
                ticks.push(n);
            }
        }
        ticks.reverse();
        ticks
    }

    fn draw_line(&self, drawing: &mut Drawing, area: &Area, line: &[LearningLine]) {
        let edge = |end: usize| {
            let places = line
                .iter()
                .filter_map(move |place| Some(area.px([place.n_patients, place.interval?[end]])));
            places.collect::<Vec<_>>()
        };
        let (below, above) = (edge(0), edge(1));
        if self.is_unreliable {
            drawing.polyline("skip line0", &below);
            drawing.polyline("skip line0", &above);
        } else if below.len() >= 2 {
            let around = above.into_iter().chain(below.into_iter().rev());
            drawing.polygon("band fill0", &around.collect::<Vec<_>>());
        }
        let most = self.n_trained as f64;
        let px = |place: &LearningLine| area.px([place.n_patients, place.value]);
        let mut trained: Vec<[f64; 2]> = Vec::new();
        let mut beyond: Vec<[f64; 2]> = Vec::new();
        for (place, next) in line.iter().zip(line.iter().skip(1).map(Some).chain([None])) {
            let is_beyond = place.n_patients > most;
            if is_beyond {
                beyond.push(px(place));
            } else {
                trained.push(px(place));
            }
            // The line turns dashed at the last point, between two places of it.
            if let Some(next) = next
                && !is_beyond
                && next.n_patients > most
            {
                let share =
                    (most / place.n_patients).ln() / (next.n_patients / place.n_patients).ln();
                let value = place.value + share * (next.value - place.value);
                let at = area.px([most, value]);
                trained.push(at);
                beyond.push(at);
            }
        }
        drawing.polyline("curve line0", &trained);
        drawing.polyline("mark", &beyond);
    }

    fn draw_legend(&self, drawing: &mut Drawing) {
        let (mut x, mut y) = (LEFT, 48.0);
        let band = if self.is_unreliable {
            "line, 95 % interval dashed (unreliable)"
        } else {
            "line and 95 % interval"
        };
        let has_beside = self.panels.iter().any(|panel| !panel.beside.is_empty());
        let mut entries = vec![
            (Sign::Dot, "a training"),
            (Sign::Square, "mean of the trainings"),
            (Sign::Line, band),
        ];
        if has_beside {
            entries.push((Sign::Diamond, &self.beside_name));
        }
        for (sign, words) in entries {
            let width = 24.0 + text_width(words, 12.0);
            if x > LEFT && x + width > RIGHT {
                (x, y) = (LEFT, y + 18.0);
            }
            sign.draw(drawing, [x + 7.0, y - 4.0]);
            drawing.text("label", [x + 20.0, y], Anchor::Start, words);
            x += width + 16.0;
        }
    }

    fn description(&self) -> String {
        let of_panel = |panel: &LearningPanel| {
            let points = panel.points.iter().map(|point| {
                format!(
                    "{:.3} with {} patients",
                    mean(&point.values),
                    point.n_patients
                )
            });
            let beside = panel.beside.iter();
            let beside =
                beside.map(|point| format!("{}: {:.3}", self.beside_name, mean(&point.values)));
            let all: Vec<String> = points.chain(beside).collect();
            format!("{}: {}.", panel.y_name, all.join(", "))
        };
        let panels: Vec<String> = self.panels.iter().map(of_panel).collect();
        panels.join(" ")
    }
}

impl LearningPanel {
    /// Everything that is drawn at some height.
    fn values(&self) -> impl Iterator<Item = f64> {
        let points = self.points.iter().chain(&self.beside);
        let points = points.flat_map(|point| point.values.iter().copied());
        let line = self.line.iter().flat_map(|place| {
            let ends = place.interval.unwrap_or([place.value; 2]);
            [place.value, ends[0], ends[1]]
        });
        points.chain(line)
    }
}

/// A sign of the legend, as it is drawn in the chart.
#[derive(Debug, Clone, Copy)]
enum Sign {
    Dot,
    Square,
    Line,
    Diamond,
}

impl Sign {
    fn draw(self, drawing: &mut Drawing, [x, y]: [f64; 2]) {
        match self {
            Self::Dot => drawing.dot("fill0", [x, y], 2.8),
            Self::Square => drawing.rect("fill0", [x - 4.2, y - 4.2], [8.4, 8.4]),
            Self::Line => drawing.line("curve line0", [x - 8.0, y], [x + 8.0, y]),
            Self::Diamond => {
                let corners = [[x, y - 5.4], [x + 5.4, y], [x, y + 5.4], [x - 5.4, y]];
                drawing.polygon("fill1", &corners);
            }
        }
    }
}

fn draw_frame(drawing: &mut Drawing, area: &Area, ticks: &[usize], y_name: &str) {
    let (bottom, top) = (area.y.from_px, area.y.to_px);
    for (value, label) in area.y.ticks(5) {
        let y = area.y.px(value);
        drawing.line("grid", [LEFT, y], [RIGHT, y]);
        drawing.text("quiet", [LEFT - 8.0, y + 4.0], Anchor::End, &label);
    }
    drawing.line("axis", [LEFT, bottom], [RIGHT, bottom]);
    for n in ticks {
        let x = area.x.px(*n as f64);
        drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
    }
    let middle = [LEFT - 50.0, f64::midpoint(bottom, top)];
    drawing.turned_text("label", middle, Anchor::Middle, -90.0, y_name);
}

fn draw_points(drawing: &mut Drawing, area: &Area, panel: &LearningPanel) {
    for point in &panel.points {
        let x = area.x.px(point.n_patients as f64);
        for value in &point.values {
            Sign::Dot.draw(drawing, [x, area.y.px(*value)]);
        }
        // One training is its own mean.
        if point.values.len() > 1 {
            Sign::Square.draw(drawing, [x, area.y.px(mean(&point.values))]);
        }
    }
    for point in &panel.beside {
        let x = area.x.px(point.n_patients as f64) + ASIDE;
        for value in &point.values {
            Sign::Diamond.draw(drawing, [x, area.y.px(*value)]);
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n_patients: usize, values: &[f64]) -> LearningPoint {
        LearningPoint {
            n_patients,
            values: values.to_vec(),
        }
    }

    fn curves(is_unreliable: bool) -> LearningCurves {
        let place = |n_patients: f64| LearningLine {
            n_patients,
            value: 0.8 + 0.02 * n_patients.log2(),
            interval: Some([
                0.79 + 0.02 * n_patients.log2(),
                0.82 + 0.02 * n_patients.log2(),
            ]),
        };
        LearningCurves {
            title: "Learning <curve>".to_owned(),
            beside_name: "proposed model".to_owned(),
            n_trained: 16,
            is_unreliable,
            panels: vec![LearningPanel {
                y_name: "mean Dice".to_owned(),
                points: vec![
                    point(4, &[0.83, 0.85]),
                    point(8, &[0.87, 0.86]),
                    point(16, &[0.88, 0.89]),
                ],
                beside: vec![point(16, &[0.9, 0.91])],
                line: [4.0, 6.0, 10.0, 14.0, 20.0].map(place).to_vec(),
            }],
        }
    }

    #[test]
    fn every_training_is_a_dot_and_what_is_beside_the_line_a_diamond() {
        let chart = curves(false).to_chart();
        let svg = chart.to_svg();
        assert_eq!(
            svg.matches("<circle").count(),
            6 + 1,
            "and one in the legend"
        );
        assert_eq!(svg.matches(r#"<polygon class="fill1""#).count(), 2 + 1);
        assert_eq!(svg.matches(r#"<polygon class="band fill0""#).count(), 1);
        assert_eq!(
            chart.description(),
            "mean Dice: 0.840 with 4 patients, 0.865 with 8 patients, 0.885 with 16 patients, proposed \
             model: 0.905."
        );
        assert!(svg.contains("Learning &lt;curve&gt;"), "{svg}");
        for n in ["4", "8", "16", "20"] {
            assert!(svg.contains(&format!(">{n}</text>")), "a tick at {n}");
        }
    }

    #[test]
    fn equal_ratios_of_patients_are_equally_far_apart() {
        let x = curves(false).x_axis();
        let [four, eight, sixteen] = [4.0, 8.0, 16.0].map(|n| x.px(n));
        assert!((eight - four - (sixteen - eight)).abs() < 1e-9);
    }

    #[test]
    fn an_unreliable_band_is_dashed() {
        let svg = curves(true).to_chart().to_svg();
        assert_eq!(svg.matches(r#"<polyline class="skip line0""#).count(), 2);
        assert!(!svg.contains(r#"class="band"#), "{svg}");
        assert!(svg.contains("dashed (unreliable)"), "{svg}");
    }

    #[test]
    fn the_line_is_dashed_from_the_last_point_on() {
        let svg = curves(false).to_chart().to_svg();
        let line = svg
            .lines()
            .find(|line| line.starts_with(r#"<polyline class="curve line0""#));
        let dashed = svg
            .lines()
            .find(|line| line.starts_with(r#"<polyline class="mark""#));
        let points = |line: &str| -> Vec<String> {
            let points = line.split("points=\"").nth(1).unwrap();
            let points = points.split('"').next().unwrap();
            points.split(' ').map(str::to_owned).collect()
        };
        let (line, dashed) = (points(line.unwrap()), points(dashed.unwrap()));
        assert_eq!((line.len(), dashed.len()), (5, 2));
        assert_eq!(line.last(), dashed.first(), "they meet");
        let x: f64 = dashed[0].split(',').next().unwrap().parse().unwrap();
        assert!(
            (x - curves(false).x_axis().px(16.0)).abs() < 0.01,
            "at 16 patients"
        );
    }

    #[test]
    fn labels_that_have_no_room_are_left_out_and_nothing_still_draws() {
        let mut many = curves(false);
        many.panels[0].points = (100..130).map(|n| point(n, &[0.9])).collect();
        many.panels[0].line.clear();
        let x = many.x_axis();
        let ticks = many.ticks(&x);
        assert!(ticks.len() < 30 && ticks.last() == Some(&129), "{ticks:?}");
        for empty in [
            LearningCurves::default(),
            LearningCurves {
                panels: vec![LearningPanel::default()],
                ..LearningCurves::default()
            },
        ] {
            let svg = empty.to_chart().to_svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn one_training_has_no_mean_beside_it() {
        let mut one = curves(false);
        for point in &mut one.panels[0].points {
            point.values.truncate(1);
        }
        let svg = one.to_chart().to_svg();
        assert_eq!(
            svg.matches(r#"<rect class="fill0""#).count(),
            1,
            "in the legend"
        );
    }
}
