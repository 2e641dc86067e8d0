//! The organs of a scan laid over it.

use hardslice_data::store::Store;
use hardslice_view::frame::{Frame, Plane, evenly_spaced, fullest_row};
use hardslice_view::overlay::{Layer, LegendEntry};
use hardslice_view::palette::organ_colour;
use hardslice_view::report::{Block, Gallery, Section, SliceGroup, SliceView};

use super::gathered::Gathered;
use crate::scans;

/// Axial slices shown beside the coronal section.
const N_AXIAL: usize = 7;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("organs", "The organs");
    let block = match &gathered.store {
        Ok(store) => overlay(store).unwrap_or_else(|error| {
            Err(format!(
                "The organs cannot be drawn: {}.",
                crate::causes::causes(error.as_ref())
            ))
        }),
        Err(why) => Err(why.clone()),
    };
    section.push(block);
    section
}

/// The first scan with the most organs annotated.
fn overlay(store: &Store) -> anyhow::Result<Result<Block, String>> {
    let cases = store.cases().iter().enumerate();
    let annotated =
        cases.filter(|(_, case)| case.has_labels() && !case.organs_annotated.is_empty());
    let best =
        annotated.max_by_key(|(idx, case)| (case.organs_annotated.len(), std::cmp::Reverse(*idx)));
    let Some((case_idx, case)) = best else {
        return Ok(Err("No scan of the cohort has labels.".to_owned()));
    };
    let image = scans::image(store, case_idx)?;
    let shape = image.shape();
    let organs = store.organs().organs().enumerate();
    let masks: Vec<(usize, String, Vec<bool>)> = organs
        .filter_map(|(idx, organ)| {
            Some((
                idx,
                organ.to_string(),
                scans::truth(store, case_idx, organ)?,
            ))
        })
        .collect();
    let any: Vec<bool> = (0..shape.n_voxels())
        .map(|i| masks.iter().any(|(_, _, mask)| mask[i]))
        .collect();
    let filled: Vec<usize> = (0..shape.z)
        .filter(|z| any[z * shape.n_pixels()..(z + 1) * shape.n_pixels()].contains(&true))
        .collect();
    let axial = evenly_spaced(filled.len(), N_AXIAL);
    let mut planes: Vec<Plane> = axial.into_iter().map(|i| Plane::Axial(filled[i])).collect();
    planes.push(Plane::Coronal(fullest_row(&any, shape)));
    let frame = Frame::around_body(&image, &[&any]);
    let view = |plane: Plane| SliceView {
        section: frame.section(plane),
        image_hu: frame.cut(image.voxels(), plane),
        layers: masks
            .iter()
            .map(|(idx, _, mask)| Layer::organ("organ", *idx, frame.cut(mask, plane)))
            .collect(),
        caption: match plane {
            Plane::Axial(z) => format!("slice {z}"),
            Plane::Coronal(y) => format!("coronal, row {y}"),
            Plane::Sagittal(x) => format!("sagittal, column {x}"),
        },
    };
    let gallery = Gallery {
        stem: "organs".to_owned(),
        title: format!("The organs of {}", case.id),
        caption: format!(
            "The annotated organs of {}, evenly spaced slices from the feet up and the coronal \
             section through most of them. The patient's right is on the viewer's left.",
            case.id
        ),
        groups: vec![SliceGroup {
            heading: String::new(),
            slices: planes.into_iter().map(view).collect(),
        }],
        columns: 4,
        legend: masks
            .iter()
            .map(|(idx, name, _)| LegendEntry::new(organ_colour(*idx), name.clone()))
            .collect(),
        is_paired: false,
    };
    Ok(gallery
        .to_figure()
        .map(Block::Figure)
        .map_err(|error| format!("The organs cannot be drawn: {error}.")))
}
