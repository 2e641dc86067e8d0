//! A scan in evenly spaced slices.

use hardslice_volume::Volume;

use super::panel::check_length;
use super::{
    Layer, LegendEntry, PanelError, PanelGroup, PanelStyle, Sheet, SlicePanel, slice_panel,
};
use crate::frame::{Frame, Plane, evenly_spaced, fullest_row};
use crate::palette::organ_colour;
use crate::picture::Picture;

/// A scan to be shown in evenly spaced slices.
#[derive(Debug, Clone)]
pub struct Montage<'a, T, L> {
    /// Title of the sheet; empty for none.
    pub title: &'a str,
    /// The scan in Hounsfield units.
    pub image_hu: &'a Volume<T>,
    /// A label map of the scan's size, `[z, y, x]`; `None` to show the scan alone.
    pub labels: Option<&'a [L]>,
    /// Labels to show and their names, in the order of the legend.
    pub organs: &'a [(u16, &'a str)],
    /// Axial slices to show, from the feet to the head.
    pub n_slices: usize,
    /// Panels in a row.
    pub columns: usize,
}

/// Draws evenly spaced axial slices of a scan with its organs laid over them, and a coronal section
/// through the organs (through the middle where there are none). Air around the body is left out.
///
/// # Errors
///
/// [`PanelError`] when the label map is not of the scan's size or the scan is empty.
pub fn montage<T, L>(scan: &Montage<'_, T, L>, style: &PanelStyle) -> Result<Picture, PanelError>
where
    T: Copy + Into<f32>,
    L: Copy + Into<u16>,
{
    let shape = scan.image_hu.shape();
    if let Some(labels) = scan.labels {
        check_length("label map", "voxels", shape.n_voxels(), labels.len())?;
    }
    let organs = if scan.labels.is_some() {
        scan.organs
    } else {
        &[]
    };
    let is_shown = |&label: &L| organs.iter().any(|(organ, _)| label.into() == *organ);
    let any_organ: Option<Vec<bool>> = scan
        .labels
        .map(|labels| labels.iter().map(is_shown).collect());
    let frame = Frame::around_body(scan.image_hu, any_organ.as_deref().as_slice());
    let mut planes: Vec<Plane> = evenly_spaced(shape.z, scan.n_slices)
        .into_iter()
        .map(Plane::Axial)
        .collect();
    if shape.n_voxels() > 0 {
        let y = any_organ.map_or(shape.y / 2, |mask| fullest_row(&mask, shape));
        planes.push(Plane::Coronal(y));
    }
    let mut panels = Vec::new();
    for plane in planes {
        let labels = scan
            .labels
            .map(|labels| frame.cut(labels, plane))
            .unwrap_or_default();
        let mut layers = Vec::new();
        for (i, &(organ, name)) in organs.iter().enumerate() {
            let mask: Vec<bool> = labels.iter().map(|&label| label.into() == organ).collect();
            layers.push(Layer::organ(name, i, mask));
        }
        let panel = SlicePanel {
            section: frame.section(plane),
            image_hu: &frame.cut(scan.image_hu.voxels(), plane),
            layers,
            caption: &plane.title(shape),
        };
        panels.push(slice_panel(&panel, style)?);
    }
    let legend = organs.iter().enumerate();
    let sheet = Sheet {
        title: scan.title.to_owned(),
        columns: scan.columns,
        groups: vec![PanelGroup {
            heading: String::new(),
            panels,
        }],
        legend: legend
            .map(|(i, (_, name))| LegendEntry::new(organ_colour(i), *name))
            .collect(),
    };
    Ok(sheet.draw())
}

#[cfg(test)]
mod tests {
    use hardslice_volume::{Grid, PerAxis};

    use super::*;

    #[test]
    fn labels_of_another_size_are_refused() {
        let shape = PerAxis::new(6, 20, 30);
        let grid = Grid {
            shape,
            world_from_voxel: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 3.0, 0.0],
            ],
        };
        let image = Volume::new(grid, vec![0.0_f32; shape.n_voxels()]).unwrap();
        let scan = Montage {
            title: "",
            image_hu: &image,
            labels: Some(&[0_u8; 4]),
            organs: &[(1, "liver")],
            n_slices: 3,
            columns: 2,
        };
        let err = montage(&scan, &PanelStyle::of_width(60)).unwrap_err();
        assert_eq!(
            err.to_string(),
            "the scan has 3600 voxels, the label map has 4",
            "both sizes"
        );
        let alone = Montage {
            labels: None,
            ..scan
        };
        let sheet = montage(&alone, &PanelStyle::of_width(60)).unwrap();
        assert!(sheet.width() > 120, "two columns without labels");
    }
}
