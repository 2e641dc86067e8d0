//! Scores of small masks against published tools; see `golden/make_scores.py`.

#![cfg(test)]

use std::fmt::Debug;

use hardslice_eval::{
    Convention, DistanceField, Mask, Overlap, ScoreOptions, Status, SurfaceDistances, score_case,
};
use hardslice_volume::PerAxis;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    tolerances_mm: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    shape_zyx: [usize; 3],
    spacing_zyx_mm: [f64; 3],
    truth: String,
    predicted: String,
    surface_distance: Option<Scores>,
    monai: Option<Scores>,
    simpleitk: SimpleItk,
    scipy_distances_to_truth: Option<Distances>,
}

#[derive(Deserialize)]
struct Scores {
    hd95_mm: f64,
    hd_mm: f64,
    assd_mm: f64,
    nsd: Vec<f64>,
    mean_truth_to_predicted_mm: Option<f64>,
    mean_predicted_to_truth_mm: Option<f64>,
}

#[derive(Deserialize)]
struct SimpleItk {
    dice: Option<f64>,
    hausdorff_of_voxels_mm: Option<f64>,
}

#[derive(Deserialize)]
struct Distances {
    sum: f64,
    max: f64,
    every_37th: Vec<f64>,
}

impl Case {
    fn shape(&self) -> PerAxis<usize> {
        let [z, y, x] = self.shape_zyx;
        PerAxis::new(z, y, x)
    }

    fn spacing_mm(&self) -> PerAxis<f64> {
        let [z, y, x] = self.spacing_zyx_mm;
        PerAxis::new(z, y, x)
    }

    /// Truth and prediction.
    fn masks(&self) -> [Vec<bool>; 2] {
        [&self.truth, &self.predicted].map(|hex| {
            let bits = hex.chars().flat_map(|digit| {
                let digit = digit.to_digit(16).unwrap();
                (0..4).rev().map(move |bit| digit >> bit & 1 == 1)
            });
            bits.take(self.shape().n_voxels()).collect()
        })
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/scores.json")).unwrap()
}

/// Checks that two numbers agree to a relative tolerance.
fn assert_near(got: f64, want: f64, relative: f64, what: &dyn Debug) {
    let slack = relative * want.abs().max(1e-3);
    assert!(
        (got - want).abs() <= slack,
        "{what:?}: got {got}, expected {want}"
    );
}

fn surface_scores(case: &Case, convention: Convention) -> Option<SurfaceDistances> {
    let [truth, predicted] = case.masks();
    let truth = Mask::new(&truth, true, case.shape()).unwrap();
    let predicted = Mask::new(&predicted, true, case.shape()).unwrap();
    SurfaceDistances::between(&truth, &predicted, case.spacing_mm(), convention).unwrap()
}

fn check_surface_scores(
    convention: Convention,
    relative: f64,
    wanted: impl Fn(&Case) -> Option<&Scores>,
) {
    let golden = golden();
    for case in &golden.cases {
        let got = surface_scores(case, convention);
        let Some(want) = wanted(case) else {
            assert_eq!(got, None, "{}: an empty mask has no distances", case.name);
            continue;
        };
        let got = got.unwrap();
        let near = |got, want, score: &str| assert_near(got, want, relative, &(&case.name, score));
        near(got.hausdorff_mm(95.0), want.hd95_mm, "HD95");
        near(got.hausdorff_mm(100.0), want.hd_mm, "HD");
        near(got.assd_mm(), want.assd_mm, "ASSD");
        for (tolerance_mm, nsd) in golden.tolerances_mm.iter().zip(&want.nsd) {
            near(
                got.nsd(*tolerance_mm),
                *nsd,
                &format!("NSD at {tolerance_mm} mm"),
            );
        }
        if let Some(mean) = want.mean_truth_to_predicted_mm {
            near(got.truth_to_predicted.mean_mm(), mean, "mean there");
        }
        if let Some(mean) = want.mean_predicted_to_truth_mm {
            near(got.predicted_to_truth.mean_mm(), mean, "mean back");
        }
    }
}

#[test]
fn surface_scores_are_those_of_surface_distance() {
    check_surface_scores(Convention::SurfaceDistance, 1e-12, |case| {
        case.surface_distance.as_ref()
    });
}

#[test]
fn surface_scores_by_monais_convention_are_those_of_monai() {
    // MONAI gives 32 bits.
    check_surface_scores(Convention::Monai, 1e-6, |case| case.monai.as_ref());
}

#[test]
fn dice_is_that_of_simpleitk() {
    for case in golden().cases {
        let [truth, predicted] = case.masks();
        let truth = Mask::new(&truth, true, case.shape()).unwrap();
        let predicted = Mask::new(&predicted, true, case.shape()).unwrap();
        let dice = Overlap::count(&truth, &predicted).unwrap().dice();
        assert_eq!(
            dice.is_some(),
            case.simpleitk.dice.is_some(),
            "{}",
            case.name
        );
        if let (Some(got), Some(want)) = (dice, case.simpleitk.dice) {
            assert_near(got, want, 1e-15, &case.name);
        }
    }
}

#[test]
fn the_largest_distance_between_two_sets_of_voxels_is_simpleitks_hausdorff_distance() {
    for case in golden().cases {
        let Some(want) = case.simpleitk.hausdorff_of_voxels_mm else {
            continue;
        };
        let masks = case.masks();
        let furthest = |from: &[bool], to: &[bool]| {
            let to = Mask::new(to, true, case.shape()).unwrap();
            let field = DistanceField::to_mask(&to, case.spacing_mm()).unwrap();
            let inside = voxels(case.shape())
                .zip(from)
                .filter(|(_, inside)| **inside);
            inside
                .map(|(voxel, _)| field.distance_mm(voxel).unwrap())
                .fold(0.0, f64::max)
        };
        let got = furthest(&masks[0], &masks[1]).max(furthest(&masks[1], &masks[0]));
        assert_near(got, want, 1e-6, &case.name);
    }
}

#[test]
fn distances_to_a_mask_are_those_of_scipy() {
    for case in golden().cases {
        let [truth, _] = case.masks();
        let truth = Mask::new(&truth, true, case.shape()).unwrap();
        let field = DistanceField::to_mask(&truth, case.spacing_mm()).unwrap();
        let got: Option<Vec<f64>> = voxels(case.shape())
            .map(|voxel| field.distance_mm(voxel))
            .collect();
        let Some(want) = case.scipy_distances_to_truth else {
            assert_eq!(got, None, "{}: nothing to be near to", case.name);
            continue;
        };
        let got = got.unwrap();
        assert_near(got.iter().sum(), want.sum, 1e-13, &case.name);
        assert_near(
            got.iter().copied().fold(0.0, f64::max),
            want.max,
            1e-15,
            &case.name,
        );
        assert_eq!(
            got.iter().step_by(37).count(),
            want.every_37th.len(),
            "{}",
            case.name
        );
        for (got, want) in got.iter().step_by(37).zip(want.every_37th) {
            assert_near(*got, want, 1e-15, &case.name);
        }
    }
}

#[test]
fn a_case_has_a_status_and_the_scores_that_go_with_it() {
    let golden = golden();
    for case in &golden.cases {
        let [truth, predicted] = case.masks();
        let options = ScoreOptions::default();
        let got = score_case(
            &truth,
            &predicted,
            case.shape(),
            case.spacing_mm(),
            &options,
        );
        let want = match case.name.as_str() {
            "prediction empty" => Status::PredictionEmpty,
            "truth empty" => Status::TruthEmpty,
            "both empty" => Status::BothEmpty,
            _ => Status::Scored,
        };
        assert_eq!(got.status, want, "{}", case.name);
        let scored = surface_scores(case, options.convention);
        assert_eq!(
            got.hd95_mm,
            scored.as_ref().map(|s| s.hausdorff_mm(95.0)),
            "{}",
            case.name
        );
        assert_eq!(
            got.assd_mm,
            scored.as_ref().map(SurfaceDistances::assd_mm),
            "{}",
            case.name
        );
        let nsd = if want.is_failure() {
            Some(0.0)
        } else {
            scored.map(|s| s.nsd(2.0))
        };
        assert_eq!(got.nsd, nsd, "{}", case.name);
    }
}

fn voxels(shape: PerAxis<usize>) -> impl Iterator<Item = PerAxis<usize>> {
    (0..shape.n_voxels())
        .map(move |i| PerAxis::new(i / shape.n_pixels(), i / shape.x % shape.y, i % shape.x))
}
