//! Whole scans and predictions on one sheet.

use hardslice_volume::Volume;

use super::{
    Layer, LegendEntry, PanelError, PanelGroup, PanelStyle, Sheet, SlicePanel, slice_panel,
};
use crate::palette::{PREDICTED, TRUTH, organ_colour};
use crate::picture::Picture;
use crate::section::{Section, coronal_cut};

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
/// through the organs (through the middle where there are none).
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
    let layers = |labels: &[L]| -> Vec<Layer<'_>> {
        let organs = scan.organs.iter().enumerate();
        let layer = |(i, &(label, name))| {
            let mask: Vec<bool> = labels.iter().map(|&here| here.into() == label).collect();
            Layer::organ(name, i, mask)
        };
        organs.map(layer).collect()
    };
    let mut panels = Vec::new();
    for z in evenly_spaced(shape.z, scan.n_slices) {
        let n_pixels = shape.n_pixels();
        let labels = scan
            .labels
            .map(|labels| &labels[z * n_pixels..(z + 1) * n_pixels]);
        let panel = SlicePanel {
            section: Section::axial(scan.image_hu.grid()),
            image_hu: scan.image_hu.slice(z),
            layers: labels.map(layers).unwrap_or_default(),
            caption: &format!("slice {} of {}", z + 1, shape.z),
        };
        panels.push(slice_panel(&panel, style)?);
    }
    if shape.n_voxels() > 0 {
        let any_organ = |label: L| scan.organs.iter().any(|&(organ, _)| label.into() == organ);
        let y = scan.labels.map_or(shape.y / 2, |labels| {
            let mask: Vec<bool> = labels.iter().map(|&label| any_organ(label)).collect();
            fullest_row(&mask, scan.image_hu)
        });
        let labels = scan
            .labels
            .map(|labels| coronal_cut(labels, shape, y))
            .unwrap_or_default();
        let panel = SlicePanel {
            section: Section::coronal(scan.image_hu.grid()),
            image_hu: &coronal_cut(scan.image_hu.voxels(), shape, y),
            layers: if labels.is_empty() {
                Vec::new()
            } else {
                layers(&labels)
            },
            caption: &format!("coronal, row {} of {}", y + 1, shape.y),
        };
        panels.push(slice_panel(&panel, style)?);
    }
    let shown = if scan.labels.is_some() {
        scan.organs
    } else {
        &[]
    };
    let legend = shown.iter().enumerate();
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

/// A prediction to be shown beside its truth.
#[derive(Debug, Clone, Copy)]
pub struct CasePictures<'a, T> {
    /// Title of the sheet, for example case, arm and organ.
    pub title: &'a str,
    /// The scan in Hounsfield units.
    pub image_hu: &'a Volume<T>,
    /// The organ, `[z, y, x]`; `None` where nobody annotated it.
    pub truth: Option<&'a [bool]>,
    /// The prediction, `[z, y, x]`.
    pub predicted: &'a [bool],
    /// Dice of each slice as the evaluation computed it; absent where truth and prediction are both
    /// empty. An empty list when there is no truth.
    pub slice_dice: &'a [Option<f64>],
}

/// Draws the worst, the median and the best slice of a prediction and a coronal section.
///
/// Without truth, or where no slice has a score, the three slices lie at a quarter, the middle and
/// three quarters of the prediction's extent. The coronal section is the one with most of the truth
/// (of the prediction where there is none).
///
/// # Errors
///
/// [`PanelError`] when truth, prediction or scores have another size than the scan.
pub fn case_sheet<T: Copy + Into<f32>>(
    case: &CasePictures<'_, T>,
    style: &PanelStyle,
) -> Result<Picture, PanelError> {
    let shape = case.image_hu.shape();
    check_length(
        "prediction",
        "voxels",
        shape.n_voxels(),
        case.predicted.len(),
    )?;
    if let Some(truth) = case.truth {
        check_length("truth", "voxels", shape.n_voxels(), truth.len())?;
    }
    if !case.slice_dice.is_empty() {
        check_length(
            "list of slice scores",
            "slices",
            shape.z,
            case.slice_dice.len(),
        )?;
    }
    let mut panels = Vec::new();
    let n_pixels = shape.n_pixels();
    for (z, caption) in chosen_slices(case) {
        let slice = |mask: &'_ [bool]| mask[z * n_pixels..(z + 1) * n_pixels].to_vec();
        let truth = case.truth.map(slice);
        let section = Section::axial(case.image_hu.grid());
        let masks = (truth.as_deref(), slice(case.predicted));
        let caption = format!("{caption}\nslice {} of {}", z + 1, shape.z);
        let image_hu = case.image_hu.slice(z);
        panels.push(outlined(
            section,
            image_hu,
            (masks.0, &masks.1),
            &caption,
            style,
        )?);
    }
    if shape.n_voxels() > 0 {
        let y = fullest_row(case.truth.unwrap_or(case.predicted), case.image_hu);
        let truth = case.truth.map(|truth| coronal_cut(truth, shape, y));
        let predicted = coronal_cut(case.predicted, shape, y);
        let image_hu = coronal_cut(case.image_hu.voxels(), shape, y);
        let section = Section::coronal(case.image_hu.grid());
        let caption = format!("coronal\nrow {} of {}", y + 1, shape.y);
        panels.push(outlined(
            section,
            &image_hu,
            (truth.as_deref(), &predicted),
            &caption,
            style,
        )?);
    }
    let mut legend = vec![LegendEntry::new(PREDICTED, "prediction")];
    if case.truth.is_some() {
        legend.insert(0, LegendEntry::new(TRUTH, "truth"));
    }
    let group = PanelGroup {
        heading: String::new(),
        panels,
    };
    let sheet = Sheet {
        title: case.title.to_owned(),
        columns: 4,
        groups: vec![group],
        legend,
    };
    Ok(sheet.draw())
}

/// A panel with truth and prediction outlined.
fn outlined<T: Copy + Into<f32>>(
    section: Section,
    image_hu: &[T],
    (truth, predicted): (Option<&[bool]>, &[bool]),
    caption: &str,
    style: &PanelStyle,
) -> Result<Picture, PanelError> {
    let mut layers: Vec<Layer<'_>> = truth.map(Layer::truth).into_iter().collect();
    layers.push(Layer::predicted(predicted));
    let panel = SlicePanel {
        section,
        image_hu,
        layers,
        caption,
    };
    slice_panel(&panel, style)
}

/// The slices worth a look and why, worst first.
fn chosen_slices<T>(case: &CasePictures<'_, T>) -> Vec<(usize, String)> {
    let mut scored: Vec<(f64, usize)> = case
        .slice_dice
        .iter()
        .enumerate()
        .filter_map(|(z, dice)| dice.map(|dice| (dice, z)))
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let shape = case.image_hu.shape();
    let n = scored.len();
    if n == 0 {
        let filled = |z: &usize| {
            let n_pixels = shape.n_pixels();
            case.predicted[z * n_pixels..(z + 1) * n_pixels].contains(&true)
        };
        let within: Vec<usize> = (0..shape.z).filter(filled).collect();
        let within = if within.is_empty() {
            (0..shape.z).collect()
        } else {
            within
        };
        let picked = evenly_spaced(within.len(), 3).into_iter();
        return picked.map(|i| (within[i], "no score".to_owned())).collect();
    }
    let mut picked = vec![(0, "worst"), ((n - 1) / 2, "median"), (n - 1, "best")];
    picked.dedup_by_key(|(rank, _)| *rank);
    picked
        .into_iter()
        .map(|(rank, name)| {
            (
                scored[rank].1,
                format!("{name}: Dice {:.3}", scored[rank].0),
            )
        })
        .collect()
}

/// `n_wanted` of `n` positions, in the middles of equal parts.
fn evenly_spaced(n: usize, n_wanted: usize) -> Vec<usize> {
    let n_wanted = n_wanted.min(n);
    (0..n_wanted)
        .map(|i| (2 * i + 1) * n / (2 * n_wanted))
        .collect()
}

/// The row `y` whose coronal section holds most of a mask, the first of equals; the middle row for
/// an empty mask.
fn fullest_row<T>(mask: &[bool], image: &Volume<T>) -> usize {
    let shape = image.shape();
    let mut n_inside = vec![0_usize; shape.y];
    for (i, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        n_inside[i / shape.x % shape.y] += 1;
    }
    let most = n_inside.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return shape.y / 2;
    }
    n_inside
        .iter()
        .position(|&n| n == most)
        .unwrap_or(shape.y / 2)
}

fn check_length(
    what: &'static str,
    unit: &'static str,
    wanted: usize,
    got: usize,
) -> Result<(), PanelError> {
    if wanted == got {
        return Ok(());
    }
    Err(PanelError::Length {
        what,
        unit,
        wanted,
        got,
    })
}

#[cfg(test)]
mod tests {
    use hardslice_volume::{Grid, PerAxis};

    use super::*;

    fn scan() -> Volume<f32> {
        let shape = PerAxis::new(6, 20, 30);
        let grid = Grid {
            shape,
            world_from_voxel: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 3.0, 0.0],
            ],
        };
        Volume::new(grid, vec![0.0; shape.n_voxels()]).unwrap()
    }

    #[test]
    fn worst_median_and_best_slices_are_picked_by_their_scores() {
        let image = scan();
        let empty = vec![false; image.voxels().len()];
        let case = CasePictures {
            title: "",
            image_hu: &image,
            truth: Some(&empty),
            predicted: &empty,
            slice_dice: &[None, Some(0.9), Some(0.2), Some(0.95), Some(0.5), None],
        };
        let picked = chosen_slices(&case);
        let want = [
            (2, "worst: Dice 0.200"),
            (4, "median: Dice 0.500"),
            (3, "best: Dice 0.950"),
        ];
        assert_eq!(
            picked,
            want.map(|(z, name)| (z, name.to_owned())),
            "absent scores are left out"
        );
    }

    #[test]
    fn one_scored_slice_is_shown_once() {
        let image = scan();
        let empty = vec![false; image.voxels().len()];
        let case = CasePictures {
            title: "",
            image_hu: &image,
            truth: Some(&empty),
            predicted: &empty,
            slice_dice: &[None, None, Some(0.2), None, None, None],
        };
        assert_eq!(
            chosen_slices(&case).len(),
            1,
            "worst, median and best are one slice"
        );
    }

    #[test]
    fn without_truth_the_slices_spread_over_the_prediction() {
        let image = scan();
        let n_pixels = image.shape().n_pixels();
        let predicted: Vec<bool> = (0..6 * n_pixels)
            .map(|i| (2..5).contains(&(i / n_pixels)))
            .collect();
        let case = CasePictures {
            title: "",
            image_hu: &image,
            truth: None,
            predicted: &predicted,
            slice_dice: &[],
        };
        let slices: Vec<usize> = chosen_slices(&case).into_iter().map(|(z, _)| z).collect();
        assert_eq!(slices, [2, 3, 4], "the slices that hold the prediction");
        case_sheet(&case, &PanelStyle::of_width(60)).unwrap();
    }

    #[test]
    fn evenly_spaced_slices_lie_in_the_middles_of_equal_parts() {
        assert_eq!(evenly_spaced(100, 4), [12, 37, 62, 87], "quarters of 25");
        assert_eq!(evenly_spaced(2, 5), [0, 1], "never more than there are");
        assert_eq!(evenly_spaced(0, 5), [0; 0], "none of nothing");
    }

    #[test]
    fn the_fullest_row_is_the_one_with_most_of_the_mask() {
        let image = scan();
        let shape = image.shape();
        let inside = |i: usize| {
            let y = i / shape.x % shape.y;
            (y == 4 && i.is_multiple_of(7)) || y == 11
        };
        let mask: Vec<bool> = (0..shape.n_voxels()).map(inside).collect();
        assert_eq!(fullest_row(&mask, &image), 11, "row 11 is full");
        assert_eq!(
            fullest_row(&vec![false; mask.len()], &image),
            10,
            "the middle where empty"
        );
    }

    #[test]
    fn labels_of_another_size_are_refused() {
        let image = scan();
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
    }
}
