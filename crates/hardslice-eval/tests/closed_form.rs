//! Surface scores worked by hand, on voxels of 3 × 0.8 × 0.7 mm (z, y, x).

#![cfg(test)]

use std::ops::Range;

use hardslice_eval::{
    CaseScores, Convention, Mask, ScoreOptions, Status, SurfaceDistances, score_case,
};
use hardslice_volume::PerAxis;

const SHAPE: PerAxis<usize> = PerAxis::new(6, 7, 8);
const SPACING_MM: PerAxis<f64> = PerAxis::new(3.0, 0.8, 0.7);

fn block(z: Range<usize>, y: Range<usize>, x: Range<usize>) -> Vec<bool> {
    (0..SHAPE.n_voxels())
        .map(|i| {
            let (of_z, of_y, of_x) = (i / SHAPE.n_pixels(), i / SHAPE.x % SHAPE.y, i % SHAPE.x);
            z.contains(&of_z) && y.contains(&of_y) && x.contains(&of_x)
        })
        .collect()
}

fn surfaces(truth: &[bool], predicted: &[bool], convention: Convention) -> SurfaceDistances {
    let truth = Mask::new(truth, true, SHAPE).unwrap();
    let predicted = Mask::new(predicted, true, SHAPE).unwrap();
    SurfaceDistances::between(&truth, &predicted, SPACING_MM, convention)
        .unwrap()
        .unwrap()
}

fn score(truth: &[bool], predicted: &[bool]) -> CaseScores {
    score_case(
        truth,
        predicted,
        SHAPE,
        SPACING_MM,
        &ScoreOptions::default(),
    )
}

fn assert_near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-12, "got {got}, expected {want}");
}

#[test]
fn border_voxels_of_two_single_voxels_are_their_shift_apart() {
    let one = block(1..2, 1..2, 1..2);
    let other = block(2..3, 3..4, 4..5);
    let found = surfaces(&one, &other, Convention::Monai);
    // One voxel up, two forward, three to the side, rounded to 32 bits.
    #[expect(clippy::cast_possible_truncation, reason = "MONAI rounds to 32 bits")]
    let shift_mm = f64::from((9.0_f64 + 1.6 * 1.6 + 2.1 * 2.1).sqrt() as f32);
    for got in [
        found.hausdorff_mm(95.0),
        found.hausdorff_mm(100.0),
        found.assd_mm(),
    ] {
        assert_near(got, shift_mm);
    }
    assert_eq!(
        (found.nsd(3.9), found.nsd(4.0)),
        (0.0, 1.0),
        "3.997 mm apart"
    );
    assert!(found.nsd(3.9).is_sign_positive(), "0, not -0");
}

#[test]
fn surfels_of_two_single_voxels_sit_at_their_corners() {
    let one = block(1..2, 1..2, 1..2);
    let other = block(2..3, 3..4, 4..5);
    let found = surfaces(&one, &other, Convention::SurfaceDistance);
    // Corners 0 and 1 against 1 and 2 along z, 2 and 3 along y, 3 and 4 along x: the steps to the
    // nearest are 1 or 0, 2 or 1, 3 or 2. All eight corners carry the same area.
    let mut sum = 0.0;
    for z_mm in [3.0_f64, 0.0] {
        for y_mm in [1.6_f64, 0.8] {
            for x_mm in [2.1_f64, 1.4] {
                sum += (z_mm * z_mm + y_mm * y_mm + x_mm * x_mm).sqrt();
            }
        }
    }
    assert_near(found.assd_mm(), sum / 8.0);
    assert_near(found.truth_to_predicted.mean_mm(), sum / 8.0);
    // Seven corners are 87.5 % of the area, so that the 95th percentile is the furthest.
    assert_near(
        found.hausdorff_mm(95.0),
        (9.0_f64 + 1.6 * 1.6 + 2.1 * 2.1).sqrt(),
    );
    // Four corners lie in the plane of the other's: 1.61, 2.13, 2.25 and 2.64 mm.
    assert_near(found.nsd(2.0), 1.0 / 8.0);
    assert_near(found.nsd(2.7), 4.0 / 8.0);
}

#[test]
fn cubes_shifted_by_one_slice_by_monais_convention() {
    let cube = block(0..3, 2..5, 2..5);
    let shifted = block(1..4, 2..5, 2..5);
    let found = surfaces(&cube, &shifted, Convention::Monai);
    // 26 border voxels each. The nine of the outer slice are 3 mm off, the middle of the inner end
    // is 0.7 mm from the ring around it, the other 16 lie on the other's border.
    let step_mm = f64::from(0.7_f32);
    assert_near(found.assd_mm(), (9.0 * 3.0 + step_mm) / 26.0);
    assert_near(found.hausdorff_mm(95.0), 3.0);
    assert_near(found.nsd(0.0), 16.0 / 26.0);
    assert_near(found.nsd(2.0), 17.0 / 26.0);
    // Rank 0.66 · 25 = 16.5 lies halfway between the voxel at 0.7 mm and the first at 3 mm.
    assert_near(found.hausdorff_mm(66.0), f64::midpoint(step_mm, 3.0));
}

#[test]
fn a_block_half_as_wide_has_two_thirds_dice_and_half_the_volume() {
    let truth = block(1..5, 1..5, 0..8);
    let scores = score(&truth, &block(1..5, 1..5, 0..4));
    assert_eq!(scores.status, Status::Scored, "both hold the organ");
    assert_near(scores.dice.unwrap(), 2.0 / 3.0);
    // 64 voxels of 1.68 mm³ too few.
    assert_near(scores.volume_difference_ml.unwrap(), -64.0 * 1.68 / 1000.0);
}

#[test]
fn equal_masks_score_perfectly_also_at_the_end_of_the_grid() {
    let whole = block(0..6, 0..7, 0..8);
    let scores = score(&whole, &whole);
    assert_eq!((scores.dice, scores.nsd), (Some(1.0), Some(1.0)), "equal");
    assert_eq!(
        (scores.hd95_mm, scores.assd_mm),
        (Some(0.0), Some(0.0)),
        "no distance"
    );
    assert_eq!(scores.volume_difference_ml, Some(0.0), "as large");
}

#[test]
fn a_missed_organ_is_a_failure_without_distances() {
    let (truth, nothing) = (block(1..5, 1..5, 0..8), block(0..0, 0..0, 0..0));
    let missed = score(&truth, &nothing);
    assert_eq!(missed.status, Status::PredictionEmpty, "the organ is there");
    assert_eq!(
        (missed.dice, missed.nsd),
        (Some(0.0), Some(0.0)),
        "nothing found"
    );
    assert_eq!(
        (missed.hd95_mm, missed.assd_mm),
        (None, None),
        "no surface to be far from"
    );
    assert_near(missed.volume_difference_ml.unwrap(), -128.0 * 1.68 / 1000.0);

    let invented = score(&nothing, &truth);
    assert_eq!(
        invented.status,
        Status::TruthEmpty,
        "the organ is not there"
    );
    assert_eq!(
        (invented.dice, invented.hd95_mm),
        (Some(0.0), None),
        "a failure too"
    );
    assert!(
        missed.status.is_failure() && invented.status.is_failure(),
        "both are counted"
    );
}

#[test]
fn two_empty_masks_have_no_score_at_all() {
    let nothing = vec![false; SHAPE.n_voxels()];
    let absent = CaseScores {
        dice: None,
        hd95_mm: None,
        assd_mm: None,
        nsd: None,
        volume_difference_ml: None,
        status: Status::BothEmpty,
    };
    assert_eq!(
        score(&nothing, &nothing),
        absent,
        "the case says nothing about the organ"
    );
}

#[test]
fn a_status_is_written_as_its_word() {
    use Status::{BothEmpty, PredictionEmpty, Scored, TruthEmpty};
    for status in [Scored, PredictionEmpty, TruthEmpty, BothEmpty] {
        let word = serde_json::to_string(&status).unwrap();
        assert_eq!(
            word,
            format!("\"{}\"", status.word()),
            "the same word everywhere"
        );
        assert_eq!(
            serde_json::from_str::<Status>(&word).unwrap(),
            status,
            "and back"
        );
    }
}
