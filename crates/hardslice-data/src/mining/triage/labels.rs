//! Label error detection: labels that look wrong.

use std::collections::BTreeMap;

use super::organ_stack::OrganStack;
use crate::mining::CoarseMask;

/// How far labels below and above are asked, millimetres, and at least this many slices.
const REACH_MM: f64 = 15.0;
const REACH_SLICES: usize = 2;

/// The neighbours' labels resemble the prediction by this much more than the label (Dice).
const LEAST_LEAD: f64 = 0.15;

/// And by at least this much (Dice).
const LEAST_LIKENESS: f64 = 0.6;

/// A part of a label whose last slice has this share of the largest area of any part ends too soon.
const LARGE_END: f64 = 0.3;

/// And it has ended where at most this share of it is labelled in the next slice.
const ENDED: f64 = 0.2;

impl OrganStack<'_> {
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

    /// The slices beyond an end of the label that it seems to be missing from: one of the label's
    /// parts (a kidney of two) ends large, and the prediction goes on from it.
    pub(super) fn past_the_end(&self) -> BTreeMap<usize, String> {
        let parts = self.truth.iter().flat_map(CoarseMask::components);
        let largest = parts.map(|part| part.n()).max().unwrap_or(0);
        let mut found = BTreeMap::new();
        let n = self.truth.len();
        self.follow(0..n, largest, &mut found);
        self.follow((0..n).rev(), largest, &mut found);
        found
    }

    /// Follows, slice by slice, what is predicted and not labelled since a part of the label ended.
    fn follow(
        &self,
        slices: impl Iterator<Item = usize>,
        largest_part: u32,
        found: &mut BTreeMap<usize, String>,
    ) {
        // What the slice before shows of the part that is followed, and how it ended.
        let mut followed: Option<(CoarseMask, String)> = None;
        let mut before: Option<usize> = None;
        for z in slices {
            let unlabelled = self.predicted[z].without(&self.truth[z]);
            let unlabelled = unlabelled
                .components()
                .into_iter()
                .max_by_key(CoarseMask::n);
            let goes_on = |from: &CoarseMask| {
                let part = unlabelled.as_ref();
                part.filter(|part| part.dice(from) >= LEAST_LIKENESS)
            };
            let ended = || {
                let end = before?;
                let ended = self.truth[end].components().into_iter().find(|part| {
                    let is_large = f64::from(part.n()) >= LARGE_END * f64::from(largest_part);
                    let n_left = part.n() - part.without(&self.truth[z]).n();
                    is_large && f64::from(n_left) <= ENDED * f64::from(part.n())
                })?;
                let share = 100.0 * f64::from(ended.n()) / f64::from(largest_part.max(1));
                let words = format!(
                    "the label, or a part of it, ends at slice {end} with {share:.0} % of its \
                     largest area, and the prediction goes on"
                );
                Some((ended, words))
            };
            followed = followed
                .filter(|(from, _)| goes_on(from).is_some())
                .or_else(ended)
                .and_then(|(from, words)| Some((goes_on(&from)?.clone(), words)));
            if let Some((_, words)) = &followed {
                found.insert(z, words.clone());
            }
            before = Some(z);
        }
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
