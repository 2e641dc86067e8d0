//! Hard and easy slices of A, and the same hard slices of test patients under the arms.

mod of_a;
mod under_arms;

use hardslice_data::Organ;
use hardslice_data::store::Store;
use hardslice_view::frame::{Frame, Plane};
use hardslice_view::overlay::{Layer, LegendEntry};
use hardslice_view::palette::{PREDICTED, TRUTH};
use hardslice_view::report::{Block, Gallery, Section, SliceView};
use hardslice_volume::Volume;

use super::gathered::Gathered;
use crate::scans;
use of_a::{Seen, of_a, suspects};
use under_arms::under_arms;

pub(super) use under_arms::shown_arms;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("slices", "Hard and easy slices");
    let Some(store) = gathered.store_for(&mut section) else {
        return section;
    };
    for organ in gathered.organs() {
        let Some(round) = gathered.shown_round(&organ) else {
            continue;
        };
        section
            .blocks
            .push(Block::Heading(format!("{organ}: what the mining saw")));
        match Seen::read(round) {
            Err(why) => section.push(Err(why)),
            Ok(seen) => {
                section.push(of_a(gathered, &seen, store, &organ));
                if let Some(suspects) = suspects(gathered, &seen, store, &organ) {
                    section
                        .blocks
                        .push(Block::Heading(format!("{organ}: labels that look wrong")));
                    section.push(suspects);
                }
            }
        }
        section.blocks.push(Block::Heading(format!(
            "{organ}: the same hard slices under the arms"
        )));
        section.push(under_arms(gathered, store, &organ));
    }
    section
}

fn legend() -> Vec<LegendEntry> {
    vec![
        LegendEntry::new(TRUTH, "truth"),
        LegendEntry::new(PREDICTED, "prediction"),
    ]
}

fn figure(gallery: &Gallery) -> Result<Block, String> {
    let figure = gallery.to_figure();
    figure
        .map(Block::Figure)
        .map_err(|error| format!("The slices cannot be drawn: {error}."))
}

fn sentence(what: &str, error: &anyhow::Error) -> String {
    format!("{what}: {}.", crate::causes::causes(error.as_ref()))
}

fn truth_slice(store: &Store, case_idx: usize, z: usize, organ: &Organ) -> Vec<bool> {
    let n_pixels = store.cases()[case_idx].placement.canonical.shape.n_pixels();
    let truth = scans::truth_slice(store, case_idx, z, organ);
    truth.unwrap_or_else(|| vec![false; n_pixels])
}

/// One slice with the truth and each of some predictions, all cut to the same frame.
fn views(
    store: &Store,
    case_idx: usize,
    z: usize,
    truth: &[bool],
    predictions: &[(Vec<bool>, String)],
) -> anyhow::Result<Vec<SliceView>> {
    let mut grid = store.cases()[case_idx].placement.canonical;
    grid.shape.z = 1;
    let image = Volume::new(grid, scans::slice_hu(store, case_idx, z)?)?;
    let masks: Vec<&[bool]> = std::iter::once(truth)
        .chain(predictions.iter().map(|(mask, _)| mask.as_slice()))
        .collect();
    let frame = Frame::around_body(&image, &masks);
    let plane = Plane::Axial(0);
    let view = |(predicted, caption): &(Vec<bool>, String)| SliceView {
        section: frame.section(plane),
        image_hu: frame.cut(image.voxels(), plane),
        layers: vec![
            Layer::truth(frame.cut(truth, plane)),
            Layer::predicted(frame.cut(predicted, plane)),
        ],
        caption: caption.clone(),
    };
    Ok(predictions.iter().map(view).collect())
}
