//! How many slices have which Dice, and where tau cuts.

use crate::axis::{Area, Axis, Span, nice_range};
use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, text_width};

/// How counts grow along their axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountAxis {
    /// Equal steps are equal counts.
    #[default]
    Linear,
    /// Equal steps are equal ratios: the few hard slices stay in sight beside many easy ones.
    Logarithmic,
}

/// The distribution of slice Dice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DiceHistogram {
    /// The title.
    pub title: String,
    /// Dice of the slices that have one, 0 to 1; others are left out.
    pub dice: Vec<f64>,
    /// Slices below this Dice are hard; `None` when nothing cuts.
    pub tau: Option<f64>,
    /// Slices without a score because truth and prediction are both empty; they are easy.
    pub n_without_score: usize,
    /// How counts grow.
    pub counts: CountAxis,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = HEIGHT - 56.0;
const N_BINS: usize = 40;

impl DiceHistogram {
    /// Draws bins of 0.025, hard slices in vermilion, easy ones in blue; the bin that tau cuts is
    /// drawn in two parts side by side.
    pub fn to_svg(&self) -> String {
        self.to_chart().to_svg()
    }

    /// The drawing of [`DiceHistogram::to_svg`].
    pub fn to_chart(&self) -> Chart {
        let (hard, easy) = self.bins();
        let most = hard
            .iter()
            .zip(&easy)
            .map(|(h, e)| h + e)
            .fold(1, usize::max) as f64;
        let upright = Span::new(BOTTOM, TOP);
        let y = match self.counts {
            CountAxis::Linear => Axis::linear(nice_range([0.0, most].into_iter()), upright),
            CountAxis::Logarithmic => Axis {
                is_logarithmic: true,
                ..Axis::linear(Span::new(0.7, most.max(10.0) * 1.2), upright)
            },
        };
        let area = Area {
            x: Axis::linear(Span::new(0.0, 1.0), Span::new(LEFT, RIGHT)),
            y,
        };
        let mut drawing = Drawing::new(WIDTH, HEIGHT);
        drawing.text("title", [LEFT, 26.0], Anchor::Start, &self.title);
        area.draw(&mut drawing, "slices");
        for i in 0..N_BINS {
            let (low, high) = (i as f64 / N_BINS as f64, (i + 1) as f64 / N_BINS as f64);
            let cut = self.tau_within().map_or(low, |tau| tau.clamp(low, high));
            draw_bar(&mut drawing, &area, [low, cut, high], [hard[i], easy[i]]);
        }
        self.draw_tau(&mut drawing, &area);
        area.draw_x_labels(&mut drawing, "slice Dice");
        let (n_hard, n_easy) = (hard.iter().sum(), easy.iter().sum());
        self.draw_legend(&mut drawing, n_hard, n_easy);
        let description = format!(
            "{n_hard} slices below tau, {n_easy} at or above, {} without a score.",
            self.n_without_score
        );
        Chart {
            drawing,
            title: self.title.clone(),
            description,
        }
    }

    /// Hard and easy slices in each bin.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a Dice between 0 and 1 becomes a bin"
    )]
    fn bins(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut hard, mut easy) = (vec![0; N_BINS], vec![0; N_BINS]);
        for &dice in self.dice.iter().filter(|dice| (0.0..=1.0).contains(*dice)) {
            // The margin keeps a Dice that stands on an edge out of the bin below.
            let bin = ((dice * N_BINS as f64 + 1e-9) as usize).min(N_BINS - 1);
            let is_hard = self.tau_within().is_some_and(|tau| dice < tau);
            (if is_hard { &mut hard } else { &mut easy })[bin] += 1;
        }
        (hard, easy)
    }

    /// Tau where it lies on the axis; above 1 it is drawn at 1, since everything is hard.
    fn tau_within(&self) -> Option<f64> {
        self.tau.filter(|tau| *tau >= 0.0).map(|tau| tau.min(1.0))
    }

    fn draw_tau(&self, drawing: &mut Drawing, area: &Area) {
        let Some(tau) = self.tau.filter(|tau| (0.0..=1.0).contains(tau)) else {
            return;
        };
        let (x, label) = (area.x.px(tau), format!("τ = {tau:.3}"));
        drawing.line("mark", [x, BOTTOM], [x, TOP - 14.0]);
        let fits_right = x + 6.0 + text_width(&label, 12.0) < RIGHT;
        let (x, anchor) = if fits_right {
            (x + 6.0, Anchor::Start)
        } else {
            (x - 6.0, Anchor::End)
        };
        drawing.text("label", [x, TOP - 6.0], anchor, &label);
    }

    fn draw_legend(&self, drawing: &mut Drawing, n_hard: usize, n_easy: usize) {
        let n_all = (n_hard + n_easy + self.n_without_score).max(1) as f64;
        let share = |n: usize| format!("{} ({:.1} %)", thousands(n), 100.0 * n as f64 / n_all);
        let mut entries = vec![(Some(0), format!("easy: {}", share(n_easy)))];
        if self.tau.is_some() {
            entries.insert(0, (Some(1), format!("hard: {}", share(n_hard))));
        } else {
            entries[0].1 = format!("slices: {}", thousands(n_easy));
        }
        if self.n_without_score > 0 {
            let text = format!("in neither mask, no score: {}", share(self.n_without_score));
            entries.push((None, text));
        }
        let mut x = LEFT;
        for (colour, text) in entries {
            if let Some(colour) = colour {
                drawing.rect(&format!("fill{colour}"), [x, 41.0], [11.0, 11.0]);
                x += 17.0;
            }
            drawing.text("label", [x, 51.0], Anchor::Start, &text);
            x += text_width(&text, 12.0) + 22.0;
        }
    }
}

/// One bin: all hard, all easy, or split side by side where tau cuts it.
fn draw_bar(drawing: &mut Drawing, area: &Area, edges: [f64; 3], counts: [usize; 2]) {
    let [low, cut, high] = edges.map(|dice| area.x.px(dice));
    let parts = [
        ("fill1", low, cut, counts[0]),
        ("fill0", cut, high, counts[1]),
    ];
    for (class, left, right, n) in parts {
        if n > 0 {
            let top = area.y.px(n as f64);
            drawing.rect(
                class,
                [left + 0.75, top],
                [(right - left - 1.5).max(1.0), BOTTOM - top],
            );
        }
    }
}

/// A count with thin spaces between thousands.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(dice: &[f64], tau: Option<f64>) -> DiceHistogram {
        DiceHistogram {
            dice: dice.to_vec(),
            tau,
            ..DiceHistogram::default()
        }
    }

    #[test]
    fn every_score_falls_into_the_bin_that_begins_at_or_below_it() {
        let edges: Vec<f64> = (0..=40).map(|i| f64::from(i) / 40.0).collect();
        let (_, easy) = histogram(&edges, None).bins();
        let mut want = vec![1; 40];
        want[39] = 2; // A Dice of 1 joins the last bin.
        assert_eq!(easy, want, "one edge a bin");
    }

    #[test]
    fn a_score_at_tau_is_easy_and_odd_scores_are_left_out() {
        let (hard, easy) = histogram(&[0.5, 0.499, f64::NAN, 1.5, -0.1], Some(0.5)).bins();
        assert_eq!(
            (hard.iter().sum::<usize>(), easy.iter().sum::<usize>()),
            (1, 1),
            "0.499 and 0.5"
        );
    }

    #[test]
    fn nothing_to_count_and_no_tau_still_draw() {
        for counts in [CountAxis::Linear, CountAxis::Logarithmic] {
            for dice in [&[][..], &[0.5, 1.0]] {
                let svg = DiceHistogram {
                    counts,
                    ..histogram(dice, Some(f64::NAN))
                }
                .to_svg();
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1000, 35_984, 1_000_000].map(thousands);
        let want = [
            "0",
            "999",
            "1\u{2009}000",
            "35\u{2009}984",
            "1\u{2009}000\u{2009}000",
        ];
        assert_eq!(texts, want, "groups of three");
    }
}
