//! A prediction beside its truth.

use hardslice_volume::{PerAxis, Volume};

use super::panel::check_length;
use super::{
    Layer, LegendEntry, PanelError, PanelGroup, PanelStyle, Sheet, SlicePanel, slice_panel,
};
use crate::frame::{Frame, Plane, evenly_spaced, fullest_row};
use crate::palette::{PREDICTED, TRUTH};
use crate::picture::Picture;

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
/// Without truth, or where no slice has a score, three slices spread over the prediction's extent.
/// The coronal section is the one with most of the truth (of the prediction where there is none).
/// Air around the body is left out unless truth or prediction reach into it on a section shown.
///
/// # Errors
///
/// [`PanelError`] when truth, prediction or scores have another size than the scan.
pub fn case_sheet<T: Copy + Into<f32>>(
    case: &CasePictures<'_, T>,
    style: &PanelStyle,
) -> Result<Picture, PanelError> {
    let shape = case.image_hu.shape();
    let masks: Vec<&[bool]> = case.truth.into_iter().chain([case.predicted]).collect();
    for mask in &masks {
        check_length(
            "truth or prediction",
            "voxels",
            shape.n_voxels(),
            mask.len(),
        )?;
    }
    if !case.slice_dice.is_empty() {
        check_length(
            "list of slice scores",
            "slices",
            shape.z,
            case.slice_dice.len(),
        )?;
    }
    let mut views = chosen_slices(case);
    if shape.n_voxels() > 0 {
        views.push((Plane::Coronal(fullest_row(masks[0], shape)), String::new()));
    }
    let shown = shown_voxels(&masks, &views, shape);
    let frame = Frame::around_body(case.image_hu, &[&shown]);
    let mut panels = Vec::new();
    for (plane, reason) in views {
        let truth = case.truth.map(|truth| frame.cut(truth, plane));
        let predicted = frame.cut(case.predicted, plane);
        let mut layers: Vec<Layer<'_>> = truth.as_deref().map(Layer::truth).into_iter().collect();
        layers.push(Layer::predicted(&predicted));
        let panel = SlicePanel {
            section: frame.section(plane),
            image_hu: &frame.cut(case.image_hu.voxels(), plane),
            layers,
            caption: &format!("{reason}{}", plane.title(shape)),
        };
        panels.push(slice_panel(&panel, style)?);
    }
    let mut legend = vec![LegendEntry::new(PREDICTED, "prediction")];
    if case.truth.is_some() {
        legend.insert(0, LegendEntry::new(TRUTH, "truth"));
    }
    let sheet = Sheet {
        title: case.title.to_owned(),
        columns: 4,
        groups: vec![PanelGroup {
            heading: String::new(),
            panels,
        }],
        legend,
    };
    Ok(sheet.draw())
}

/// What the masks hold on the planes that are shown.
fn shown_voxels(masks: &[&[bool]], views: &[(Plane, String)], shape: PerAxis<usize>) -> Vec<bool> {
    let is_shown = |i: usize| {
        let (z, y) = (i / shape.n_pixels(), i / shape.x % shape.y);
        views.iter().any(|(plane, _)| match plane {
            Plane::Axial(shown) => z == *shown,
            Plane::Coronal(shown) => y == *shown,
            Plane::Sagittal(shown) => i % shape.x == *shown,
        })
    };
    let inside = |i: usize| masks.iter().any(|mask| mask[i]);
    (0..shape.n_voxels())
        .map(|i| inside(i) && is_shown(i))
        .collect()
}

/// The slices worth a look, worst first, and the beginning of their captions.
fn chosen_slices<T>(case: &CasePictures<'_, T>) -> Vec<(Plane, String)> {
    let mut scored: Vec<(f64, usize)> = case
        .slice_dice
        .iter()
        .enumerate()
        .filter_map(|(z, dice)| dice.map(|dice| (dice, z)))
        .collect();
    scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let n = scored.len();
    if n == 0 {
        let planes = spread_slices(case).into_iter().map(Plane::Axial);
        return planes.map(|plane| (plane, String::new())).collect();
    }
    let mut picked = vec![(0, "worst"), ((n - 1) / 2, "median"), (n - 1, "best")];
    picked.dedup_by_key(|(rank, _)| *rank);
    let view = |(rank, name): (usize, &str)| {
        let (dice, z) = scored[rank];
        (Plane::Axial(z), format!("{name}: Dice {dice:.3}\n"))
    };
    picked.into_iter().map(view).collect()
}

/// Three of the slices that hold the prediction, of all where none does.
fn spread_slices<T>(case: &CasePictures<'_, T>) -> Vec<usize> {
    let shape = case.image_hu.shape();
    let slices = case.predicted.chunks_exact(shape.n_pixels().max(1));
    let filled = slices
        .enumerate()
        .filter(|(_, slice)| slice.contains(&true));
    let mut within: Vec<usize> = filled.map(|(z, _)| z).collect();
    if within.is_empty() {
        within = (0..shape.z).collect();
    }
    evenly_spaced(within.len(), 3)
        .into_iter()
        .map(|i| within[i])
        .collect()
}

#[cfg(test)]
mod tests {
    use hardslice_volume::Grid;

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

    fn case<'a>(
        image_hu: &'a Volume<f32>,
        predicted: &'a [bool],
        slice_dice: &'a [Option<f64>],
    ) -> CasePictures<'a, f32> {
        CasePictures {
            title: "",
            image_hu,
            truth: None,
            predicted,
            slice_dice,
        }
    }

    #[test]
    fn worst_median_and_best_slices_are_picked_by_their_scores() {
        let (image, empty) = (scan(), vec![false; 3600]);
        let dice = [None, Some(0.9), Some(0.2), Some(0.95), Some(0.5), None];
        let picked = chosen_slices(&case(&image, &empty, &dice));
        let want = [
            (2, "worst: Dice 0.200"),
            (4, "median: Dice 0.500"),
            (3, "best: Dice 0.950"),
        ];
        let want = want.map(|(z, name)| (Plane::Axial(z), format!("{name}\n")));
        assert_eq!(picked, want, "absent scores are left out");
    }

    #[test]
    fn one_scored_slice_is_shown_once() {
        let (image, empty) = (scan(), vec![false; 3600]);
        let dice = [None, None, Some(0.2), None, None, None];
        let picked = chosen_slices(&case(&image, &empty, &dice));
        assert_eq!(picked.len(), 1, "worst, median and best are one slice");
    }

    #[test]
    fn without_truth_the_slices_spread_over_the_prediction() {
        let image = scan();
        let predicted: Vec<bool> = (0..3600).map(|i| (2..5).contains(&(i / 600))).collect();
        let case = case(&image, &predicted, &[]);
        assert_eq!(
            spread_slices(&case),
            [2, 3, 4],
            "the slices that hold the prediction"
        );
        case_sheet(&case, &PanelStyle::of_width(60)).unwrap();
    }

    #[test]
    fn only_what_is_shown_widens_the_frame() {
        let shape = scan().shape();
        let mask = vec![true; shape.n_voxels()];
        let views = [
            (Plane::Axial(2), String::new()),
            (Plane::Coronal(5), String::new()),
        ];
        let n_shown = shown_voxels(&[&mask], &views, shape)
            .iter()
            .filter(|v| **v)
            .count();
        assert_eq!(
            n_shown,
            600 + 6 * 30 - 30,
            "a slice, a row of each slice, less what they share"
        );
    }

    #[test]
    fn scores_for_another_number_of_slices_are_refused() {
        let (image, empty) = (scan(), vec![false; 3600]);
        let case = case(&image, &empty, &[Some(1.0)]);
        let err = case_sheet(&case, &PanelStyle::of_width(60)).unwrap_err();
        let want = "the scan has 6 slices, the list of slice scores has 1";
        assert_eq!(err.to_string(), want, "both numbers");
    }
}
