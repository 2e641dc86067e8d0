//! Labels that look wrong.

use std::collections::BTreeMap;

use super::Column;

/// How far labels below and above are asked, millimetres, and at least this many slices.
const REACH_MM: f64 = 15.0;
const REACH_SLICES: usize = 2;

/// The neighbours' labels resemble the prediction by this much more than the label (Dice).
const LEAST_LEAD: f64 = 0.15;

/// And by at least this much (Dice).
const LEAST_LIKENESS: f64 = 0.6;

/// A label whose last slice has this share of its largest area ends too soon.
const LARGE_END: f64 = 0.3;

impl Column<'_> {
    /// Whether the labels around a slice resemble its prediction and not its label.
    ///
    /// All distances up to [`REACH_MM`] are tried, since errors may run over several slices: the
    /// neighbours of one within a wrong stretch are wrong as well.
    pub(super) fn out_of_line(&self, z: usize) -> Option<String> {
        let (label, prediction) = (&self.truth[z], &self.predicted[z]);
        let mut best: Option<(f64, f64, usize)> = None;
        for way in 1..=self.reach() {
            let Some(neighbours) = self.around(z, way) else {
                break;
            };
            let neighbours = neighbours.map(|z| &self.truth[z]);
            if neighbours.iter().any(|mask| mask.is_empty()) {
                continue;
            }
            let [below, above] = neighbours;
            let of_label = label.dice(below).min(label.dice(above));
            let of_prediction = prediction.dice(below).min(prediction.dice(above));
            let lead = of_prediction - of_label;
            if of_prediction >= LEAST_LIKENESS
                && lead >= LEAST_LEAD
                && best.is_none_or(|(label, prediction, _)| lead > prediction - label)
            {
                best = Some((of_label, of_prediction, way));
            }
        }
        let (of_label, of_prediction, way) = best?;
        let distance_mm = way as f64 * self.spacing_mm;
        Some(format!(
            "the labels {distance_mm:.1} mm below and above are like the prediction here (Dice \
             {of_prediction:.2}), not like the label ({of_label:.2})"
        ))
    }

    /// The slices beyond an end of the label that it seems to be missing from: the label ends
    /// large, and the prediction goes on from it.
    pub(super) fn past_the_end(&self) -> BTreeMap<usize, String> {
        let shows = |z: &usize| !self.truth[*z].is_empty();
        let n = self.truth.len();
        let (Some(first), Some(last)) = ((0..n).find(shows), (0..n).rfind(shows)) else {
            return BTreeMap::new();
        };
        let largest = self.truth.iter().map(|mask| mask.n()).max().unwrap_or(0);
        let mut found = BTreeMap::new();
        let ends: [(usize, Box<dyn Iterator<Item = usize>>); 2] = [
            (first, Box::new((0..first).rev())),
            (last, Box::new(last + 1..n)),
        ];
        for (end, beyond) in ends {
            let share = f64::from(self.truth[end].n()) / f64::from(largest.max(1));
            if share < LARGE_END {
                continue;
            }
            let mut before = &self.truth[end];
            for z in beyond {
                let prediction = &self.predicted[z];
                if prediction.is_empty() || prediction.dice(before) < LEAST_LIKENESS {
                    break;
                }
                found.insert(
                    z,
                    format!(
                        "the label ends at slice {end} with {:.0} % of its largest area, and the \
                         prediction goes on",
                        100.0 * share
                    ),
                );
                before = prediction;
            }
        }
        found
    }

    fn reach(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "few"
        )]
        let reach = (REACH_MM / self.spacing_mm).floor() as usize;
        reach.max(REACH_SLICES)
    }

    /// The slices `way` below and above one, if there are both.
    pub(super) fn around(&self, z: usize, way: usize) -> Option<[usize; 2]> {
        let above = z + way;
        (above < self.truth.len()).then_some([z.checked_sub(way)?, above])
    }
}
