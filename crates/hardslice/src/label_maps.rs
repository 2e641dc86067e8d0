//! The scores of two label maps of one grid, organ by organ.

use std::collections::BTreeSet;

use anyhow::anyhow;
use hardslice_data::mining::SliceScore;
use hardslice_data::{Organ, OrganMap, OutputIdx, SliceRef};
use hardslice_eval::{CaseScores, Mask, ScoreOptions, score_masks};
use hardslice_volume::PerAxis;
use rayon::prelude::*;

use crate::label_doubts::Outside;

/// A type that label maps are made of.
pub trait LabelValue: Copy + PartialEq + Ord + Send + Sync + std::fmt::Display {
    /// The background.
    const BACKGROUND: Self;

    /// The value as that of a label, 0 to 65535; `None` where it is beyond.
    fn label(self) -> Option<u16>;

    /// A label as a value of this type; `None` where the type is too narrow, so that no voxel can
    /// have it.
    fn of_label(label: u16) -> Option<Self>;
}

macro_rules! label_values {
    ($($integer:ty),*) => {$(
        impl LabelValue for $integer {
            const BACKGROUND: Self = 0;

            #[expect(clippy::allow_attributes, reason = "not of every type")]
            #[allow(irrefutable_let_patterns, clippy::useless_conversion, reason = "the same for u16")]
            fn label(self) -> Option<u16> {
                u16::try_from(self).ok()
            }

            #[expect(clippy::allow_attributes, reason = "not of every type")]
            #[allow(clippy::useless_conversion, reason = "the same for u16")]
            fn of_label(label: u16) -> Option<Self> {
                Self::try_from(label).ok()
            }
        }
    )*};
}

label_values!(u8, i8, u16, i16, u32, i32, u64, i64);

/// The truth and a prediction of it, voxel by voxel.
///
/// # Shapes
///
/// `truth` and `predicted`: `[z, y, x]` of `shape`, `x` fastest. `spacing_mm` belongs to the same axes.
#[derive(Debug, Clone, Copy)]
pub struct LabelMaps<'a, T> {
    /// What is true.
    pub truth: &'a [T],
    /// What is to be scored.
    pub predicted: &'a [T],
    /// Voxels along each axis.
    pub shape: PerAxis<usize>,
    /// Their distances, millimetres.
    pub spacing_mm: PerAxis<f64>,
}

/// Which label values are which organ.
#[derive(Debug, Clone, Copy, Default)]
pub struct Meaning<'a> {
    /// The organs; each value found where absent.
    pub organs: Option<&'a OrganMap>,
    /// The same organs as the predictions have them, where that is another map
    /// ([`OrganMap::with_labels`]).
    pub predicted_organs: Option<&'a OrganMap>,
    /// Values of the truth whose voxels nobody has judged.
    pub ignored: &'a [u16],
}

impl<'a> Meaning<'a> {
    /// The organs as the predictions have them.
    pub fn of_predictions(&self) -> Option<&'a OrganMap> {
        self.predicted_organs.or(self.organs)
    }
}

impl<T: LabelValue> LabelMaps<'_, T> {
    /// Hands on the two maps with the values of the truth in both, and gives what is made of them and the
    /// values that belong to no organ (none where all values are organs).
    ///
    /// # Errors
    ///
    /// A value is no label (0 to 65535), or what is made of them fails.
    pub fn with_one_meaning<R>(
        &self,
        meaning: &Meaning<'_>,
        made: impl FnOnce(&LabelMaps<'_, T>) -> anyhow::Result<R>,
    ) -> anyhow::Result<(R, Outside)> {
        let (Some(organs), Some(of_predictions)) = (meaning.organs, meaning.of_predictions())
        else {
            return Ok((made(self)?, Outside::default()));
        };
        let outside = Outside {
            truth: outside(self.truth, organs, meaning.ignored)?,
            predicted: outside(self.predicted, of_predictions, meaning.ignored)?,
        };
        if meaning.predicted_organs.is_none() {
            return Ok((made(self)?, outside));
        }
        let predicted = self.predicted_as_in_truth(of_predictions, organs)?;
        let maps = LabelMaps {
            predicted: &predicted,
            ..*self
        };
        Ok((made(&maps)?, outside))
    }

    /// Scores every organ, in the order of the map; without one, every value that is found, as
    /// `label_3`. Voxels whose truth is one of `ignored` belong to no organ, in truth and prediction
    /// alike.
    ///
    /// Nothing is copied where each organ has one value and nothing is ignored.
    ///
    /// ```
    /// use hardslice::eval::ScoreOptions;
    /// use hardslice::label_maps::LabelMaps;
    /// use hardslice::volume::PerAxis;
    ///
    /// let maps = LabelMaps {
    ///     truth: &[0_u8, 3, 3, 7],
    ///     predicted: &[0_u8, 0, 3, 7],
    ///     shape: PerAxis::new(1, 1, 4),
    ///     spacing_mm: PerAxis::new(5.0, 0.8, 0.8),
    /// };
    /// let scores = maps.score(None, &[], &ScoreOptions::default())?;
    /// assert_eq!(scores[0].0.as_str(), "label_3");
    /// assert_eq!(scores[0].1.dice, Some(2.0 / 3.0));
    /// let judged = maps.score(None, &[3], &ScoreOptions::default())?;
    /// assert_eq!(judged[0].0.as_str(), "label_7", "nobody has judged the others");
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A map does not fill the grid, the spacing is not above 0, no organ is given and none is found,
    /// or a value is no label (0 to 65535) where values must be told apart.
    pub fn score(
        &self,
        organs: Option<&OrganMap>,
        ignored: &[u16],
        options: &ScoreOptions,
    ) -> anyhow::Result<Vec<(Organ, CaseScores)>> {
        let found;
        let organs = if let Some(organs) = organs {
            organs
        } else {
            found = self.organs_found(ignored)?;
            &found
        };
        match one_value_each(organs).filter(|_| ignored.is_empty()) {
            Some(values) => {
                self.check_values()?;
                let organs = organs.organs().zip(values);
                organs
                    .map(|(organ, value)| Ok((organ.clone(), self.score_value(value, options)?)))
                    .collect()
            }
            None => self.mapped(organs, ignored)?.score(organs, options),
        }
    }

    /// The prediction with each organ's voxels at the value that the truth has for it; what belongs to no
    /// organ is background. `from` is the map of the prediction, `to` that of the truth.
    fn predicted_as_in_truth(&self, from: &OrganMap, to: &OrganMap) -> anyhow::Result<Vec<T>> {
        let places = from.store_values();
        let mut values = vec![T::BACKGROUND; to.len() + 1];
        for (label, place) in (0_u16..=u16::MAX).zip(to.store_values()) {
            let of_place = &mut values[usize::from(place)];
            if place > 0 && *of_place == T::BACKGROUND {
                *of_place = T::of_label(label).unwrap_or(T::BACKGROUND);
            }
        }
        if let Some(organ) = to
            .organs()
            .zip(&values[1..])
            .find(|(_, value)| **value == T::BACKGROUND)
        {
            return Err(anyhow!(
                "no label value of `{}` fits the type of the prediction",
                organ.0
            ));
        }
        let value = |voxel: &T| Ok(values[usize::from(places[usize::from(label_of(*voxel)?)])]);
        self.predicted.par_iter().map(value).collect()
    }

    /// The pixel counts of every slice for every organ, slice by slice, and the organs, whose places are
    /// those of the outputs. Slices lie along the first axis, `z`. Without organs, and with `ignored`,
    /// as [`LabelMaps::score`].
    ///
    /// # Errors
    ///
    /// As [`LabelMaps::score`].
    pub fn count_slices(
        &self,
        organs: Option<&OrganMap>,
        ignored: &[u16],
    ) -> anyhow::Result<(Vec<Organ>, Vec<SliceScore>)> {
        let organs = match organs {
            Some(organs) => organs.clone(),
            None => self.organs_found(ignored)?,
        };
        let maps = self.mapped(&organs, ignored)?;
        let n_pixels = self.shape.n_pixels().max(1);
        let slices = maps.truth.chunks_exact(n_pixels);
        let slices = slices.zip(maps.predicted.chunks_exact(n_pixels));
        let mut scores = Vec::new();
        for (z, (truth, predicted)) in slices.enumerate() {
            for output in OutputIdx::first(organs.len()) {
                let value = organs.store_value(output.idx());
                let pixels = truth.iter().zip(predicted);
                let pixels =
                    pixels.map(|(truth, predicted)| (*truth == value, *predicted == value));
                scores.push(SliceScore::counted(SliceRef::at(0, z), output, pixels));
            }
        }
        Ok((organs.organs().cloned().collect(), scores))
    }

    /// An organ for each value that either map holds.
    fn organs_found(&self, ignored: &[u16]) -> anyhow::Result<OrganMap> {
        organs_of(self.values(ignored)?)?.ok_or_else(|| {
            // Both are empty, and nothing says of what.
            anyhow!("neither truth nor prediction holds a label: name the organs (--label)")
        })
    }

    /// Refuses values that are no labels.
    fn check_values(&self) -> anyhow::Result<()> {
        for voxels in [self.truth, self.predicted] {
            if let Some(odd) = voxels.par_iter().find_any(|value| value.label().is_none()) {
                label_of(*odd)?;
            }
        }
        Ok(())
    }

    /// The scores of the voxels of one value.
    fn score_value(&self, value: u16, options: &ScoreOptions) -> anyhow::Result<CaseScores> {
        let inside = T::of_label(value);
        let Some(inside) = inside else {
            // The type is too narrow for the value: two empty masks, of the same grid.
            let empty = vec![false; self.shape.n_voxels()];
            let mask = Mask::new(&empty, true, self.shape)?;
            return Ok(score_masks(&mask, &mask, self.spacing_mm, options)?);
        };
        let truth = Mask::new(self.truth, inside, self.shape)?;
        let predicted = Mask::new(self.predicted, inside, self.shape)?;
        Ok(score_masks(&truth, &predicted, self.spacing_mm, options)?)
    }

    /// The maps in values of the organs' places.
    fn mapped(&self, organs: &OrganMap, ignored: &[u16]) -> anyhow::Result<Mapped> {
        // A voxel of one map that the other lacks would be left out of the pairs below.
        Mask::new(self.truth, T::BACKGROUND, self.shape)?;
        Mask::new(self.predicted, T::BACKGROUND, self.shape)?;
        let table = organs.store_values();
        let place = |value: T| Ok::<u8, anyhow::Error>(table[usize::from(label_of(value)?)]);
        let n_voxels = self.truth.len();
        let (mut truth, mut predicted) =
            (Vec::with_capacity(n_voxels), Vec::with_capacity(n_voxels));
        for (true_value, predicted_value) in self.truth.iter().zip(self.predicted) {
            let is_judged = ignored.is_empty() || !ignored.contains(&label_of(*true_value)?);
            truth.push(if is_judged { place(*true_value)? } else { 0 });
            let predicted_place = place(*predicted_value)?;
            predicted.push(if is_judged { predicted_place } else { 0 });
        }
        Ok(Mapped {
            truth,
            predicted,
            shape: self.shape,
            spacing_mm: self.spacing_mm,
        })
    }

    /// The values of both maps but the background, and but for what is to be ignored.
    fn values(&self, ignored: &[u16]) -> anyhow::Result<BTreeSet<u16>> {
        let judged = |truth: T| truth.label().is_none_or(|label| !ignored.contains(&label));
        let pairs = self.truth.iter().zip(self.predicted);
        let judged = pairs.filter(|(truth, _)| judged(**truth));
        values_of(judged.flat_map(|(truth, predicted)| [*truth, *predicted]))
    }
}

/// Two maps of places of organs plus one.
struct Mapped {
    truth: Vec<u8>,
    predicted: Vec<u8>,
    shape: PerAxis<usize>,
    spacing_mm: PerAxis<f64>,
}

impl Mapped {
    fn score(
        &self,
        organs: &OrganMap,
        options: &ScoreOptions,
    ) -> anyhow::Result<Vec<(Organ, CaseScores)>> {
        let maps = LabelMaps {
            truth: &self.truth,
            predicted: &self.predicted,
            shape: self.shape,
            spacing_mm: self.spacing_mm,
        };
        let scored = organs.organs().enumerate().map(|(organ_idx, organ)| {
            let value = organs.store_value(organ_idx);
            Ok((organ.clone(), maps.score_value(value.into(), options)?))
        });
        scored.collect()
    }
}

/// The values that belong to no organ and are not ignored.
fn outside<T: LabelValue>(
    voxels: &[T],
    organs: &OrganMap,
    ignored: &[u16],
) -> anyhow::Result<BTreeSet<u16>> {
    let places = organs.store_values();
    let parts = voxels.par_chunks(1 << 18);
    let parts = parts.map(|part| values_of(part.iter().copied()));
    let mut found = parts.try_reduce(BTreeSet::new, |mut one, mut other| {
        one.append(&mut other);
        Ok(one)
    })?;
    found.retain(|value| places[usize::from(*value)] == 0 && !ignored.contains(value));
    Ok(found)
}

/// The values but the background.
fn values_of<T: LabelValue>(voxels: impl Iterator<Item = T>) -> anyhow::Result<BTreeSet<u16>> {
    let mut found: BTreeSet<T> = BTreeSet::new();
    // Voxels come in runs of one value.
    let mut last = T::BACKGROUND;
    for value in voxels {
        if value != last {
            found.insert(value);
            last = value;
        }
    }
    found.remove(&T::BACKGROUND);
    found.into_iter().map(label_of).collect()
}

/// The value as a label.
fn label_of<T: LabelValue>(value: T) -> anyhow::Result<u16> {
    value
        .label()
        .ok_or_else(|| anyhow!("a label map holds the value {value}, wanted 0 to 65535"))
}

/// The value of each organ, where each has just one.
fn one_value_each(organs: &OrganMap) -> Option<Vec<u16>> {
    let table = organs.store_values();
    let mut values = vec![None; organs.len()];
    for (value, place) in (0_u16..).zip(table) {
        if place > 0 {
            let of_organ = &mut values[usize::from(place) - 1];
            if of_organ.replace(value).is_some() {
                return None;
            }
        }
    }
    values.into_iter().collect()
}

/// An organ for each of some values; `None` where there are none.
pub(crate) fn organs_of(values: BTreeSet<u16>) -> anyhow::Result<Option<OrganMap>> {
    if values.is_empty() {
        return Ok(None);
    }
    let named = values
        .into_iter()
        .map(|value| Ok((Organ::new(format!("label_{value}"))?, vec![value])));
    let named = named.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Some(OrganMap::new(named)?))
}
