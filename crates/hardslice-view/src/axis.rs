//! Axes of charts: ranges, ticks and their labels.

use crate::svg::{Anchor, Drawing};

/// A range of values on a stretch of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    /// Value at the start.
    pub(crate) low: f64,
    /// Value at the end; above `low`.
    pub(crate) high: f64,
    /// Pixel of `low`.
    pub(crate) from_px: f64,
    /// Pixel of `high`; below `from_px` on an axis that points up.
    pub(crate) to_px: f64,
    /// Whether equal steps are equal ratios.
    pub(crate) is_logarithmic: bool,
}

/// From one place, or value, to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Span {
    pub(crate) const fn new(from: f64, to: f64) -> Self {
        Self { from, to }
    }
}

impl Axis {
    /// An axis on which the pixels `px` show the values `values`.
    pub(crate) fn linear(values: Span, px: Span) -> Self {
        Self {
            low: values.from,
            high: values.to,
            from_px: px.from,
            to_px: px.to,
            is_logarithmic: false,
        }
    }

    /// Pixel of a value; values beyond the range lie beyond the stretch.
    pub(crate) fn px(&self, value: f64) -> f64 {
        let share = if self.is_logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from_px + share * (self.to_px - self.from_px)
    }

    /// Values to mark, about `n_wanted` of them, with their labels.
    pub(crate) fn ticks(&self, n_wanted: usize) -> Vec<(f64, String)> {
        if self.is_logarithmic {
            let powers = (0..16).map(|exponent| 10_f64.powi(exponent));
            let within = powers.filter(|power| (self.low..=self.high).contains(power));
            return within
                .map(|power| (power, label(power, 1.0, power)))
                .collect();
        }
        let step = nice_step((self.high - self.low) / n_wanted.max(1) as f64);
        let greatest = self.low.abs().max(self.high.abs());
        let first = (self.low / step - 1e-9).ceil();
        (0..100)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|value| *value <= self.high + 1e-9 * step)
            .map(|value| (value, label(value, step, greatest)))
            .collect()
    }
}

/// The chart's area: a horizontal and a vertical axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Area {
    pub(crate) fn px(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.x.px(x), self.y.px(y)]
    }

    /// Grid lines, tick labels, axis lines and the name of the vertical axis.
    pub(crate) fn draw(&self, drawing: &mut Drawing, y_name: &str) {
        let (left, right) = (self.x.from_px, self.x.to_px);
        let (bottom, top) = (self.y.from_px, self.y.to_px);
        for (value, label) in self.y.ticks(5) {
            let y = self.y.px(value);
            drawing.line("grid", [left, y], [right, y]);
            drawing.text("quiet", [left - 8.0, y + 4.0], Anchor::End, &label);
        }
        drawing.line("axis", [left, bottom], [right, bottom]);
        for (value, _) in self.x.ticks(8) {
            let x = self.x.px(value);
            drawing.line("axis", [x, bottom], [x, bottom + 5.0]);
        }
        let middle = [left - 50.0, f64::midpoint(bottom, top)];
        drawing.turned_text("label", middle, Anchor::Middle, -90.0, y_name);
    }

    /// Labels below the horizontal axis and its name.
    pub(crate) fn draw_x_labels(&self, drawing: &mut Drawing, x_name: &str) {
        let bottom = self.y.from_px;
        for (value, label) in self.x.ticks(8) {
            drawing.text(
                "quiet",
                [self.x.px(value), bottom + 19.0],
                Anchor::Middle,
                &label,
            );
        }
        let middle = f64::midpoint(self.x.from_px, self.x.to_px);
        drawing.text("label", [middle, bottom + 40.0], Anchor::Middle, x_name);
    }
}

/// The smallest of 1, 2, 5, 10, 20, ... (any power of ten) that is not below `least`.
pub(crate) fn nice_step(least: f64) -> f64 {
    if !(least > 0.0 && least.is_finite()) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|digit| digit * power);
    steps
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// A range that holds all values and ends at ticks; 0 to 1 where there are none.
pub(crate) fn nice_range(values: impl Iterator<Item = f64>) -> Span {
    let values = values.filter(|value| value.is_finite());
    let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
        let (low, high) = ends.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    });
    let Some((low, high)) = ends else {
        return Span::new(0.0, 1.0);
    };
    let extent = if high > low {
        high - low
    } else {
        high.abs().max(1.0) * 0.1
    };
    let step = nice_step(extent / 5.0);
    let (low, high) = (
        (low / step + 1e-9).floor() * step,
        (high / step - 1e-9).ceil() * step,
    );
    if high > low {
        Span::new(low, high)
    } else {
        Span::new(low - step, high + step)
    }
}

/// A tick's label: as many decimals as the step has, thousands and millions shortened where the
/// axis' greatest value asks for it.
fn label(value: f64, step: f64, greatest: f64) -> String {
    let (scale, unit) = match greatest {
        big if big >= 1e6 => (1e6, "M"),
        big if big >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let (value, step) = (value / scale, step / scale);
    let decimals = (0..6).find(|decimals| {
        let scaled = step * 10_f64.powi(*decimals);
        (scaled - scaled.round()).abs() < 1e-6
    });
    let decimals = usize::try_from(decimals.unwrap_or(6)).expect("0 to 6");
    if value.abs() < step * 1e-6 {
        return if unit.is_empty() {
            format!("{:.decimals$}", 0.0)
        } else {
            "0".to_owned()
        };
    }
    format!("{value:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_values_within_the_range() {
        let labels = |range, n| -> Vec<String> {
            let ticks = Axis::linear(range, Span::new(0.0, 1.0)).ticks(n);
            ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(
            labels(Span::new(0.0, 1.0), 5),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
            "fifths"
        );
        assert_eq!(
            labels(Span::new(0.93, 1.0), 4),
            ["0.94", "0.96", "0.98", "1.00"],
            "hundredths"
        );
        assert_eq!(
            labels(Span::new(0.0, 25_000.0), 5),
            ["0", "5k", "10k", "15k", "20k", "25k"],
            "steps"
        );
        assert_eq!(
            labels(Span::new(-1.0, 1.0), 2),
            ["-1", "0", "1"],
            "zero has no sign"
        );
    }

    #[test]
    fn a_nice_range_holds_its_values() {
        let Span {
            from: low,
            to: high,
        } = nice_range([0.31, 0.52].into_iter());
        assert!(
            (low - 0.3).abs() < 1e-9 && (high - 0.55).abs() < 1e-9,
            "{low}..{high}"
        );
        let Span {
            from: low,
            to: high,
        } = nice_range(std::iter::empty());
        assert!(
            low.abs() < 1e-9 && (high - 1.0).abs() < 1e-9,
            "no values: {low}..{high}"
        );
        for value in [0.0, 1.0, -3.5, 1e-12, 1e9] {
            let Span {
                from: low,
                to: high,
            } = nice_range([value].into_iter());
            assert!(
                low < high && low <= value && value <= high,
                "{value} in {low}..{high}"
            );
        }
        let Span {
            from: low,
            to: high,
        } = nice_range([f64::NAN, 2.0, f64::INFINITY, 4.0].into_iter());
        assert!(
            low <= 2.0 && high >= 4.0 && high.is_finite(),
            "{low}..{high}"
        );
    }

    #[test]
    fn a_logarithmic_axis_gives_each_power_the_same_room() {
        let axis = Axis {
            is_logarithmic: true,
            ..Axis::linear(Span::new(1.0, 100.0), Span::new(0.0, 200.0))
        };
        assert!((axis.px(10.0) - 100.0).abs() < 1e-9, "ten lies midway");
        let labels: Vec<String> = axis.ticks(5).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["1", "10", "100"], "one tick a power");
    }
}
