//! Pictures of slices, drawn when they are asked for and kept while there is room.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use hardslice_data::Organ;
use hardslice_data::store::Store;
use hardslice_train::layout::RoundDir;
use hardslice_view::overlay::{Layer, PanelStyle, SlicePanel, Window, slice_panel};
use hardslice_view::palette::Rgb;
use hardslice_view::section::Section;
use serde::Deserialize;

use crate::pretrained::Pretrained;
use crate::scans;

/// Room for pictures that were drawn, bytes.
const PICTURES_ROOM: usize = 96 << 20;

/// Room for predictions of slices, bytes.
const PREDICTIONS_ROOM: usize = 128 << 20;

/// Room for whole scans, whose planes are cut: a few of them.
const SCANS_ROOM: usize = 512 << 20;

/// Side of what is shown around an organ, millimetres.
const ZOOM_MM: f64 = 120.0;

/// Widest picture, pixels.
const WIDEST: usize = 1600;

/// Voxels that only one of truth and prediction has.
const ONLY_TRUTH: Rgb = hardslice_view::palette::TRUTH;
const ONLY_PREDICTED: Rgb = hardslice_view::palette::PREDICTED;

/// How a slice is asked for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is shown is switched on and off one by one"
)]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Asked {
    /// Width in pixels.
    pub(crate) w: usize,
    /// Slices above the item's own.
    pub(crate) dz: i64,
    /// Window, Hounsfield units.
    pub(crate) lo: f32,
    pub(crate) hi: f32,
    pub(crate) truth: bool,
    pub(crate) predicted: bool,
    pub(crate) fill: bool,
    /// Only where truth and prediction differ, filled.
    pub(crate) difference: bool,
    /// Only the surroundings of the organ, of an axial slice.
    pub(crate) zoom: bool,
    pub(crate) plane: Plane,
}

/// How a scan is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plane {
    Axial,
    Coronal,
    Sagittal,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            w: 176,
            dz: 0,
            lo: -150.0,
            hi: 250.0,
            truth: true,
            predicted: true,
            fill: false,
            difference: false,
            zoom: false,
            plane: Plane::Axial,
        }
    }
}

impl Asked {
    /// What tells it from other pictures of its slice.
    fn key(&self) -> String {
        format!("{self:?}")
    }
}

/// A slice of an organ, and which round's model scored it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) case_idx: usize,
    pub(crate) z: usize,
    pub(crate) organ: &'a Organ,
    pub(crate) round: Option<usize>,
}

/// Case, slice, organ, and how it was asked for.
type PictureKey = (usize, u32, String, String);

/// Case, slice, organ, and round whose model predicts.
type PredictionKey = (usize, usize, String, usize);

/// Draws pictures.
pub(crate) struct Pictures {
    store: Arc<Store>,
    /// The model of each round, read when it is first asked for; `None` where it cannot be read.
    models: Vec<Mutex<Model>>,
    rounds: Vec<RoundDir>,
    drawn: Mutex<Kept<PictureKey, Vec<u8>>>,
    predicted: Mutex<Kept<PredictionKey, Vec<bool>>>,
    scans: Mutex<Kept<usize, Vec<f32>>>,
}

enum Model {
    Unread,
    Read(Box<Pretrained>),
    Missing,
}

impl Pictures {
    pub(crate) fn new(store: Arc<Store>, rounds: Vec<RoundDir>) -> Self {
        Self {
            store,
            models: rounds.iter().map(|_| Mutex::new(Model::Unread)).collect(),
            rounds,
            drawn: Mutex::new(Kept::new(PICTURES_ROOM)),
            predicted: Mutex::new(Kept::new(PREDICTIONS_ROOM)),
            scans: Mutex::new(Kept::new(SCANS_ROOM)),
        }
    }

    /// A picture as PNG.
    ///
    /// # Errors
    ///
    /// There is no such slice, or it cannot be drawn.
    pub(crate) fn png(&self, subject: Subject<'_>, asked: &Asked) -> anyhow::Result<Arc<Vec<u8>>> {
        let z = u32::try_from(subject.z)?;
        let key = (subject.case_idx, z, subject.organ.to_string(), asked.key());
        if let Some(kept) = held(&self.drawn).get(&key) {
            return Ok(kept);
        }
        if !(1..=WIDEST).contains(&asked.w) {
            return Err(anyhow!(
                "a picture is 1 to {WIDEST} pixels wide, not {}",
                asked.w
            ));
        }
        // A window that is not a range would be black or white.
        let width_hu = asked.hi - asked.lo;
        if !width_hu.is_finite() || width_hu <= 0.0 {
            return Err(anyhow!(
                "a window goes from less to more: {} to {}",
                asked.lo,
                asked.hi
            ));
        }
        let png = match asked.plane {
            Plane::Axial => self.axial(subject, asked)?,
            Plane::Coronal | Plane::Sagittal => self.cut(subject, asked)?,
        };
        let png = Arc::new(png);
        let size = png.len();
        held(&self.drawn).put(key, png.clone(), size);
        Ok(png)
    }

    fn axial(&self, subject: Subject<'_>, asked: &Asked) -> anyhow::Result<Vec<u8>> {
        let case = &self.store.cases()[subject.case_idx];
        let z = i64::try_from(subject.z)? + asked.dz;
        let z = usize::try_from(z).ok().filter(|z| *z < case.n_slices);
        let z = z.ok_or_else(|| anyhow!("the scan ends there"))?;
        let image = scans::slice_hu(&self.store, subject.case_idx, z)?;
        let n = image.len();
        let truth = self
            .truth_of(subject)
            .map(|truth| truth[z * n..(z + 1) * n].to_vec());
        let predicted = if asked.predicted || asked.difference {
            self.prediction(subject, z)?
        } else {
            None
        };
        let section = Section::axial(&case.placement.canonical);
        if asked.zoom {
            let predicted = predicted.as_deref().map(Vec::as_slice);
            let own = self.truth_of(subject);
            let own = own
                .as_deref()
                .map(|truth| &truth[subject.z * n..(subject.z + 1) * n]);
            // Around the item's own slice, so that the window stays where it is on its neighbours.
            let crop = Crop::around(section, own, predicted);
            let cut = |mask: &[bool]| crop.cut(mask);
            let (truth, predicted) = (truth.as_deref().map(cut), predicted.map(cut));
            let image = crop.cut(&image);
            return draw(
                crop.section,
                &image,
                truth.as_deref(),
                predicted.as_deref(),
                asked,
            );
        }
        draw(
            section,
            &image,
            truth.as_deref(),
            predicted.as_deref().map(Vec::as_slice),
            asked,
        )
    }

    /// A coronal or sagittal plane through the middle of the organ in the slice, with the truth alone:
    /// predictions are made slice by slice.
    fn cut(&self, subject: Subject<'_>, asked: &Asked) -> anyhow::Result<Vec<u8>> {
        let grid = self.store.cases()[subject.case_idx].placement.canonical;
        let (shape, mm) = (grid.shape, grid.spacing_mm());
        let image = self.scan(subject.case_idx)?;
        let truth = self.truth_of(subject);
        let is_coronal = asked.plane == Plane::Coronal;
        let n = if is_coronal { shape.y } else { shape.x };
        let at = middle(
            truth.as_deref(),
            shape.n_pixels(),
            shape.x,
            subject.z,
            is_coronal,
        );
        let at = at.unwrap_or(n / 2);
        let places = (0..shape.z).flat_map(|z| {
            let across = if is_coronal { shape.x } else { shape.y };
            (0..across).map(move |i| {
                let (y, x) = if is_coronal { (at, i) } else { (i, at) };
                (z * shape.y + y) * shape.x + x
            })
        });
        let places: Vec<usize> = places.collect();
        let image: Vec<f32> = places.iter().map(|at| image[*at]).collect();
        let truth: Option<Vec<bool>> =
            truth.map(|truth| places.iter().map(|at| truth[*at]).collect());
        let section = Section {
            n_rows: shape.z,
            n_columns: if is_coronal { shape.x } else { shape.y },
            row_mm: mm.z,
            column_mm: if is_coronal { mm.x } else { mm.y },
        };
        draw(section, &image, truth.as_deref(), None, asked)
    }

    fn truth_of(&self, subject: Subject<'_>) -> Option<Vec<bool>> {
        scans::truth(&self.store, subject.case_idx, subject.organ)
    }

    /// A whole scan, on its own grid.
    fn scan(&self, case_idx: usize) -> anyhow::Result<Arc<Vec<f32>>> {
        if let Some(kept) = held(&self.scans).get(&case_idx) {
            return Ok(kept);
        }
        let voxels = Arc::new(scans::image(&self.store, case_idx)?.into_voxels());
        let size = size_of::<f32>() * voxels.len();
        held(&self.scans).put(case_idx, voxels.clone(), size);
        Ok(voxels)
    }

    /// What the model that mined says of a slice; `None` where there is none.
    fn prediction(&self, subject: Subject<'_>, z: usize) -> anyhow::Result<Option<Arc<Vec<bool>>>> {
        let Some(round) = subject.round else {
            return Ok(None);
        };
        let key = (subject.case_idx, z, subject.organ.to_string(), round);
        if let Some(kept) = held(&self.predicted).get(&key) {
            return Ok(Some(kept));
        }
        let mut model = held(&self.models[round]);
        if matches!(*model, Model::Unread) {
            *model = match Pretrained::read(&self.rounds[round]) {
                Ok(read) => Model::Read(Box::new(read)),
                Err(_said) => Model::Missing,
            };
        }
        let Model::Read(model) = &*model else {
            return Ok(None);
        };
        let mask = Arc::new(model.slice(&self.store, subject.case_idx, z, subject.organ)?);
        let size = mask.len();
        held(&self.predicted).put(key, mask.clone(), size);
        Ok(Some(mask))
    }
}

/// A part of a section.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Crop {
    whole: Section,
    section: Section,
    first_row: usize,
    first_column: usize,
}

impl Crop {
    /// Around an organ; around the prediction where it is not there, else the section's middle.
    fn around(whole: Section, truth: Option<&[bool]>, predicted: Option<&[bool]>) -> Self {
        let n = whole.n_columns;
        let centre = |mask: &[bool]| {
            let places = mask.iter().enumerate().filter(|(_, is_in)| **is_in);
            let places: Vec<usize> = places.map(|(at, _)| at).collect();
            let mean = |of: fn(usize, usize) -> usize| {
                let sum: usize = places.iter().map(|at| of(*at, n)).sum();
                sum.checked_div(places.len())
            };
            Some((mean(|at, n| at / n)?, mean(|at, n| at % n)?))
        };
        let (row, column) = truth
            .and_then(centre)
            .or_else(|| predicted.and_then(centre))
            .unwrap_or((whole.n_rows / 2, n / 2));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive; what is too large is clamped"
        )]
        let side = |mm: f64, most: usize| ((ZOOM_MM / mm) as usize).clamp(1, most);
        let n_rows = side(whole.row_mm, whole.n_rows);
        let n_columns = side(whole.column_mm, n);
        let first = |centre: usize, side: usize, most: usize| {
            centre.saturating_sub(side / 2).min(most - side)
        };
        Self {
            whole,
            section: Section {
                n_rows,
                n_columns,
                ..whole
            },
            first_row: first(row, n_rows, whole.n_rows),
            first_column: first(column, n_columns, n),
        }
    }

    fn cut<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let rows = values.chunks_exact(self.whole.n_columns);
        let rows = rows.skip(self.first_row).take(self.section.n_rows);
        let columns = self.first_column..self.first_column + self.section.n_columns;
        rows.flat_map(|row| row[columns.clone()].iter().copied())
            .collect()
    }
}

/// The row or column through the middle of an organ's pixels in a slice.
fn middle(
    truth: Option<&[bool]>,
    n_pixels: usize,
    n_columns: usize,
    z: usize,
    is_row: bool,
) -> Option<usize> {
    let slice = &truth?[z * n_pixels..(z + 1) * n_pixels];
    let places = slice.iter().enumerate().filter(|(_, is_in)| **is_in);
    let along = |at: usize| {
        if is_row {
            at / n_columns
        } else {
            at % n_columns
        }
    };
    let places: Vec<usize> = places.map(|(at, _)| along(at)).collect();
    let sum: usize = places.iter().sum();
    sum.checked_div(places.len())
}

fn draw(
    section: Section,
    image_hu: &[f32],
    truth: Option<&[bool]>,
    predicted: Option<&[bool]>,
    asked: &Asked,
) -> anyhow::Result<Vec<u8>> {
    let mut layers = Vec::new();
    let empty = vec![false; section.n_pixels()];
    if asked.difference {
        let (truth, predicted) = (truth.unwrap_or(&empty), predicted.unwrap_or(&empty));
        let only = |a: &[bool], b: &[bool]| -> Vec<bool> {
            a.iter().zip(b).map(|(a, b)| *a && !*b).collect()
        };
        for (mask, colour) in [
            (only(truth, predicted), ONLY_TRUTH),
            (only(predicted, truth), ONLY_PREDICTED),
        ] {
            layers.push(Layer {
                name: "difference",
                mask: mask.into(),
                colour,
                line: 0.0,
                fill: 0.75,
            });
        }
    } else {
        let fill = if asked.fill { 0.35 } else { 0.0 };
        if let Some(truth) = truth.filter(|_| asked.truth) {
            layers.push(Layer {
                fill,
                ..Layer::truth(truth)
            });
        }
        if let Some(predicted) = predicted.filter(|_| asked.predicted) {
            layers.push(Layer {
                fill,
                ..Layer::predicted(predicted)
            });
        }
    }
    let panel = SlicePanel {
        section,
        image_hu,
        layers,
        caption: "",
    };
    let window = Window {
        lower_hu: asked.lo,
        upper_hu: asked.hi,
    };
    let style = PanelStyle {
        window,
        left: if asked.plane == Plane::Sagittal {
            "A"
        } else {
            "R"
        },
        ..PanelStyle::of_width(asked.w)
    };
    Ok(slice_panel(&panel, &style)?.to_png()?)
}

/// Values that were made, as many as there is room for; the oldest go first.
struct Kept<K, V> {
    values: HashMap<K, (Arc<V>, usize)>,
    order: VecDeque<K>,
    room: usize,
    taken: usize,
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    fn new(room: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
            room,
            taken: 0,
        }
    }

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.values.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps a value of a size in bytes.
    fn put(&mut self, key: K, value: Arc<V>, size: usize) {
        if self.values.contains_key(&key) {
            return;
        }
        while self.taken + size > self.room {
            let Some((_, gone)) = self
                .order
                .pop_front()
                .and_then(|old| self.values.remove(&old))
            else {
                break;
            };
            self.taken -= gone;
        }
        self.taken += size;
        self.order.push_back(key.clone());
        self.values.insert(key, (value, size));
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_holds_the_organ_and_stays_within_the_slice() {
        let whole = Section {
            n_rows: 200,
            n_columns: 300,
            row_mm: 2.0,
            column_mm: 1.0,
        };
        let mut mask = vec![false; whole.n_pixels()];
        mask[3 * 300 + 290] = true;
        let crop = Crop::around(whole, Some(&mask), None);
        assert_eq!((crop.section.n_rows, crop.section.n_columns), (60, 120));
        assert_eq!(
            (crop.first_row, crop.first_column),
            (0, 180),
            "at the corner"
        );
        let cut = crop.cut(&mask);
        assert_eq!(cut.iter().position(|is_in| *is_in), Some(3 * 120 + 110));
        let nowhere = Crop::around(whole, None, Some(&vec![false; whole.n_pixels()]));
        assert_eq!(
            (nowhere.first_row, nowhere.first_column),
            (70, 90),
            "the middle"
        );
    }

    #[test]
    fn what_is_kept_stays_within_its_room() {
        let mut kept = Kept::new(10);
        for n in 0..5_usize {
            kept.put(n, Arc::new(n), 4);
        }
        assert!(kept.taken <= 10);
        assert_eq!(kept.get(&4).as_deref(), Some(&4));
        assert_eq!(kept.get(&0), None, "the oldest went");
        kept.put(9, Arc::new(9), 100);
        kept.put(10, Arc::new(10), 4);
        assert_eq!(kept.get(&9), None, "what is too large goes next");
    }
}
