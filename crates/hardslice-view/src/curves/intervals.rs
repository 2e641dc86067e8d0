//! Estimates with their intervals, one line each.

use crate::axis::{Area, Axis, Span, nice_range};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, text_width};

/// A number and how sure it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntervalRow {
    /// Its name, for example `hard less baseline`.
    pub name: String,
    /// The number.
    pub estimate: f64,
    /// Ends of its interval.
    pub interval: Option<[f64; 2]>,
    /// Whether the interval means little; its line is dashed.
    pub is_unreliable: bool,
    /// Position of its colour in the order of use.
    pub colour: usize,
}

/// Rows under one heading.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntervalGroup {
    /// The heading.
    pub heading: String,
    /// The rows, from the top.
    pub rows: Vec<IntervalRow>,
}

/// Estimates with intervals, as a forest plot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Intervals {
    /// The title.
    pub title: String,
    /// Name of the horizontal axis, with its unit where it has one.
    pub x_name: String,
    /// Rows under headings, from the top.
    pub groups: Vec<IntervalGroup>,
    /// Whether 0 is marked, and lies on the axis in any case: for differences.
    pub has_zero: bool,
}

const WIDTH: f64 = 760.0;
const RIGHT: f64 = WIDTH - 92.0;
const TOP: f64 = 44.0;
const ROW: f64 = 22.0;
const HEADING: f64 = 26.0;

impl Intervals {
    /// Draws a dot an estimate, a line its interval, and the number at the right.
    pub fn to_chart(&self) -> Chart {
        let rows = || self.groups.iter().flat_map(|group| &group.rows);
        let names = rows().map(|row| text_width(&row.name, 12.0));
        let left = (names.fold(60.0, f64::max) + 34.0).min(WIDTH / 2.0);
        let values = rows().flat_map(|row| {
            let ends = row.interval.unwrap_or([row.estimate; 2]);
            [row.estimate, ends[0], ends[1]]
        });
        let zero = self.has_zero.then_some(0.0);
        let range = nice_range(values.chain(zero));
        let n_rows = rows().count() as f64;
        let bottom = TOP + n_rows * ROW + self.groups.len() as f64 * HEADING + 8.0;
        let area = Area {
            x: Axis::linear(range, Span::new(left, RIGHT)),
            y: Axis::linear(Span::new(0.0, 1.0), Span::new(bottom, TOP)),
        };
        let mut drawing = Drawing::new(WIDTH, bottom + 56.0);
        drawing.text("title", [20.0, 26.0], Anchor::Start, &self.title);
        for (value, _) in area.x.ticks(8) {
            let x = area.x.px(value);
            drawing.line("grid", [x, TOP], [x, bottom]);
            drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
        }
        drawing.line("axis", [left, bottom], [RIGHT, bottom]);
        if self.has_zero {
            let x = area.x.px(0.0);
            drawing.line("mark", [x, bottom], [x, TOP - 4.0]);
        }
        let decimals = decimals(range.to - range.from);
        let mut y = TOP;
        for group in &self.groups {
            drawing.text("label", [20.0, y + 18.0], Anchor::Start, &group.heading);
            y += HEADING;
            for row in &group.rows {
                draw_row(&mut drawing, &area.x, row, y + ROW / 2.0, decimals);
                y += ROW;
            }
        }
        area.draw_x_labels(&mut drawing, &self.x_name);
        Chart {
            drawing,
            title: self.title.clone(),
            description: self.description(decimals),
        }
    }

    fn description(&self, decimals: usize) -> String {
        let of_group = |group: &IntervalGroup| {
            let rows = group.rows.iter().map(|row| {
                let interval = row.interval.map_or(String::new(), |[low, high]| {
                    format!(" ({low:.decimals$} to {high:.decimals$})")
                });
                format!("{} {:.decimals$}{interval}", row.name, row.estimate)
            });
            let rows: Vec<String> = rows.collect();
            format!("{}: {}.", group.heading, rows.join(", "))
        };
        let groups: Vec<String> = self.groups.iter().map(of_group).collect();
        groups.join(" ")
    }
}

fn draw_row(drawing: &mut Drawing, x: &Axis, row: &IntervalRow, y: f64, decimals: usize) {
    drawing.text("quiet", [34.0, y + 4.0], Anchor::Start, &row.name);
    let colour = row.colour % crate::svg::SERIES.len();
    if let Some(ends) = row.interval {
        let [low, high] = ends.map(|end| x.px(end));
        if row.is_unreliable {
            drawing.line("mark", [low, y], [high, y]);
        } else {
            drawing.line(&format!("curve line{colour}"), [low, y], [high, y]);
        }
        for end in [low, high] {
            let class = format!("curve line{colour}");
            drawing.line(&class, [end, y - 3.5], [end, y + 3.5]);
        }
    }
    drawing.dot(&format!("fill{colour}"), [x.px(row.estimate), y], 4.2);
    let number = format!("{:.decimals$}", row.estimate).replace('-', "\u{2212}");
    drawing.text("label", [RIGHT + 14.0, y + 4.0], Anchor::Start, &number);
}

/// Decimals that tell numbers within a range apart, at least three.
fn decimals(extent: f64) -> usize {
    if extent < 0.02 { 4 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_estimate_is_drawn_and_read_out_with_its_interval() {
        let row = |name: &str, estimate| IntervalRow {
            name: name.to_owned(),
            estimate,
            interval: Some([estimate - 0.01, estimate + 0.02]),
            ..IntervalRow::default()
        };
        let chart = Intervals {
            title: "Gain of <hard>".to_owned(),
            x_name: "Dice".to_owned(),
            groups: vec![IntervalGroup {
                heading: "worst tenth".to_owned(),
                rows: vec![
                    row("hard less baseline", 0.031),
                    row("hard less random", -0.004),
                ],
            }],
            has_zero: true,
        };
        let svg = chart.to_chart().to_svg();
        assert!(svg.contains("Gain of &lt;hard&gt;"), "{svg}");
        assert!(
            svg.contains("hard less baseline 0.031 (0.021 to 0.051)"),
            "{svg}"
        );
        assert!(svg.contains("\u{2212}0.004"), "a minus, not a hyphen");
        assert_eq!(svg.matches("<circle").count(), 2, "a dot each");
    }
}
