//! Pictures of slices, drawn when they are asked for and kept while there is room.

use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use hardslice_data::Organ;
use hardslice_data::balance::Arm;
use hardslice_data::store::Store;
use hardslice_view::frame::{self, Frame};
use hardslice_view::overlay::{Layer, PanelStyle, SlicePanel, Window, slice_panel};
use hardslice_view::palette::{PREDICTED, TRUTH};
use hardslice_view::section::Section;
use serde::Deserialize;

use super::kept::{Kept, held};
use super::nets::{NetKey, Nets};
use crate::scans;

/// Room for pictures that were drawn, bytes.
const PICTURES_ROOM: usize = 96 << 20;

/// Room for whole scans, whose planes are cut: a few of them.
const SCANS_ROOM: usize = 512 << 20;

/// Side of what is shown around an organ, millimetres.
const ZOOM_MM: f64 = 120.0;

/// Widest picture, pixels.
const WIDEST: usize = 1600;

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
    /// Whose prediction: an arm's; that of the net which mined where absent.
    pub(crate) net: Option<Arm>,
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
            net: None,
        }
    }
}

/// A slice of an organ, and which net predicts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) case_idx: usize,
    pub(crate) z: usize,
    pub(crate) organ: &'a Organ,
    pub(crate) net: Option<NetKey>,
}

/// Case, slice, organ, and how it was asked for.
type PictureKey = (usize, usize, String, String);

/// Draws pictures.
pub(crate) struct Pictures {
    store: Arc<Store>,
    nets: Arc<Nets>,
    drawn: Mutex<Kept<PictureKey, Vec<u8>>>,
    scans: Mutex<Kept<usize, Vec<f32>>>,
}

impl Pictures {
    pub(crate) fn new(store: Arc<Store>, nets: Arc<Nets>) -> Self {
        Self {
            store,
            nets,
            drawn: Mutex::new(Kept::new(PICTURES_ROOM)),
            scans: Mutex::new(Kept::new(SCANS_ROOM)),
        }
    }

    /// A picture as PNG.
    ///
    /// # Errors
    ///
    /// There is no such slice, or it cannot be drawn.
    pub(crate) fn png(&self, subject: Subject<'_>, asked: &Asked) -> anyhow::Result<Arc<Vec<u8>>> {
        let key = (
            subject.case_idx,
            subject.z,
            subject.organ.to_string(),
            format!("{asked:?}"),
        );
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
            Plane::Coronal | Plane::Sagittal => self.upright(subject, asked)?,
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
        let mut grid = case.placement.canonical;
        grid.shape.z = 1;
        let image = scans::slice_hu(&self.store, subject.case_idx, z)?;
        let truth = self.truth(subject, z);
        let net = subject.net.filter(|_| asked.predicted || asked.difference);
        let predicted = match net {
            Some(net) => self.nets.slice(net, subject.case_idx, z, subject.organ)?,
            None => None,
        };
        let predicted = predicted.as_deref();
        let frame = if asked.zoom {
            // Around the item's own slice, so that its neighbours are seen in the same place.
            let n_columns = grid.shape.x;
            let own = self.truth(subject, subject.z);
            let place = own.and_then(|own| middle(&own, n_columns));
            let place = place.or_else(|| middle(predicted?, n_columns));
            let place = place.unwrap_or([grid.shape.y / 2, n_columns / 2]);
            Frame::around_place(&grid, place, ZOOM_MM)
        } else {
            Frame::whole(&grid)
        };
        let plane = frame::Plane::Axial(0);
        let cut = |mask: &[bool]| frame.cut(mask, plane);
        draw(
            frame.section(plane),
            &frame.cut(&image, plane),
            truth.as_deref().map(cut).as_deref(),
            predicted.map(cut).as_deref(),
            asked,
        )
    }

    /// A coronal or sagittal plane through the middle of the organ in the slice, with the truth alone:
    /// predictions are made slice by slice.
    fn upright(&self, subject: Subject<'_>, asked: &Asked) -> anyhow::Result<Vec<u8>> {
        let grid = self.store.cases()[subject.case_idx].placement.canonical;
        let own = self.truth(subject, subject.z);
        let place = own.and_then(|own| middle(&own, grid.shape.x));
        let [y, x] = place.unwrap_or([grid.shape.y / 2, grid.shape.x / 2]);
        let plane = match asked.plane {
            Plane::Coronal => frame::Plane::Coronal(y),
            _ => frame::Plane::Sagittal(x),
        };
        let frame = Frame::whole(&grid);
        let image = frame.cut(&self.scan(subject.case_idx)?, plane);
        let truth = scans::labels(&self.store, subject.case_idx, subject.organ);
        let truth = truth.map(|(labels, value)| {
            let labels = frame.cut(labels, plane).into_iter();
            labels.map(|label| label == value).collect::<Vec<bool>>()
        });
        draw(frame.section(plane), &image, truth.as_deref(), None, asked)
    }

    fn truth(&self, subject: Subject<'_>, z: usize) -> Option<Vec<bool>> {
        scans::truth_slice(&self.store, subject.case_idx, z, subject.organ)
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
}

/// Row and column of the middle of a mask `[row, column]`; `None` where it is empty.
fn middle(mask: &[bool], n_columns: usize) -> Option<[usize; 2]> {
    let (mut n, mut sums) = (0, [0; 2]);
    for (at, _) in mask.iter().enumerate().filter(|(_, is_in)| **is_in) {
        n += 1;
        sums[0] += at / n_columns;
        sums[1] += at % n_columns;
    }
    (n > 0).then(|| sums.map(|sum| sum / n))
}

fn draw(
    section: Section,
    image_hu: &[f32],
    truth: Option<&[bool]>,
    predicted: Option<&[bool]>,
    asked: &Asked,
) -> anyhow::Result<Vec<u8>> {
    let mut layers = Vec::new();
    // Without one of the two there is no difference between them: what there is is outlined.
    if let (true, Some(truth), Some(predicted)) = (asked.difference, truth, predicted) {
        let only = |a: &[bool], b: &[bool]| -> Vec<bool> {
            a.iter().zip(b).map(|(a, b)| *a && !*b).collect()
        };
        for (mask, colour) in [
            (only(truth, predicted), TRUTH),
            (only(predicted, truth), PREDICTED),
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
        if let Some(truth) = truth.filter(|_| asked.truth || asked.difference) {
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
