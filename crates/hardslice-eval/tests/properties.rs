//! What must hold for the scores of any two masks.

#![cfg(test)]
#![expect(clippy::float_cmp, reason = "these properties hold to the last bit")]

use hardslice_eval::{Convention, Mask, ScoreOptions, SurfaceDistances, score_case, score_masks};
use hardslice_volume::PerAxis;

const CONVENTIONS: [Convention; 2] = [Convention::SurfaceDistance, Convention::Monai];
const SPACING_MM: PerAxis<f64> = PerAxis::new(2.5, 0.75, 0.625);
const SHAPE: PerAxis<usize> = PerAxis::new(6, 9, 11);

/// Blobs and noise: pairs of masks from nearly empty to nearly full, none of them empty.
fn pairs() -> Vec<[Vec<bool>; 2]> {
    let mut state = 7_u64;
    let mut draw = move |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963);
        (state >> 33) % n
    };
    (0..60)
        .map(|round| {
            [0, 1].map(|_| {
                let share = 1 + draw(60) + round / 2;
                let mut mask: Vec<bool> =
                    (0..SHAPE.n_voxels()).map(|_| draw(100) < share).collect();
                mask[usize::try_from(draw(594)).unwrap()] = true;
                mask
            })
        })
        .collect()
}

fn between(
    [truth, predicted]: [&[bool]; 2],
    spacing_mm: PerAxis<f64>,
    convention: Convention,
) -> SurfaceDistances {
    let truth = Mask::new(truth, true, SHAPE).unwrap();
    let predicted = Mask::new(predicted, true, SHAPE).unwrap();
    SurfaceDistances::between(&truth, &predicted, spacing_mm, convention)
        .unwrap()
        .unwrap()
}

#[test]
fn surface_scores_do_not_change_when_truth_and_prediction_swap() {
    for convention in CONVENTIONS {
        for [a, b] in pairs() {
            let (ab, ba) = (
                between([&a, &b], SPACING_MM, convention),
                between([&b, &a], SPACING_MM, convention),
            );
            assert_eq!(ab.hausdorff_mm(95.0), ba.hausdorff_mm(95.0), "HD95");
            assert_eq!(ab.assd_mm(), ba.assd_mm(), "ASSD");
            assert_eq!(ab.nsd(1.5), ba.nsd(1.5), "NSD");
            assert_eq!(ab.truth_to_predicted, ba.predicted_to_truth, "one way");
        }
    }
}

#[test]
fn a_mask_is_at_no_distance_from_itself() {
    for convention in CONVENTIONS {
        for mask in pairs().iter().flatten() {
            let own = between([mask, mask], SPACING_MM, convention);
            assert_eq!(
                (own.hausdorff_mm(100.0), own.assd_mm(), own.nsd(0.0)),
                (0.0, 0.0, 1.0)
            );
        }
    }
}

#[test]
fn nsd_grows_with_its_tolerance_from_0_to_1_and_percentiles_with_their_share() {
    for convention in CONVENTIONS {
        for [a, b] in pairs() {
            let found = between([&a, &b], SPACING_MM, convention);
            let nsd: Vec<f64> = (0..12)
                .map(|step| found.nsd(f64::from(step) * 0.4))
                .collect();
            assert!(
                nsd.is_sorted() && nsd[0] >= 0.0 && nsd[11] <= 1.0,
                "{nsd:?}"
            );
            assert_eq!(
                found.nsd(found.hausdorff_mm(100.0)),
                1.0,
                "all is within the largest"
            );
            let percentiles = [0.0, 50.0, 90.0, 95.0, 100.0].map(|p| found.hausdorff_mm(p));
            assert!(percentiles.is_sorted(), "{percentiles:?}");
            assert!(
                found.assd_mm() <= percentiles[4],
                "a mean is no more than the largest"
            );
        }
    }
}

#[test]
fn distances_scale_with_the_spacing() {
    // A power of two, so that every product is exact.
    let larger = SPACING_MM.map(|mm| 4.0 * mm);
    for convention in CONVENTIONS {
        for [a, b] in pairs() {
            let (one, four) = (
                between([&a, &b], SPACING_MM, convention),
                between([&a, &b], larger, convention),
            );
            assert_eq!(
                4.0 * one.hausdorff_mm(95.0),
                four.hausdorff_mm(95.0),
                "HD95"
            );
            assert_eq!(4.0 * one.assd_mm(), four.assd_mm(), "ASSD");
            assert_eq!(
                one.nsd(1.5),
                four.nsd(6.0),
                "NSD at a tolerance that scales too"
            );
        }
    }
}

#[test]
fn scores_do_not_depend_on_how_much_empty_grid_lies_around() {
    let wide = PerAxis::new(SHAPE.z + 4, SHAPE.y + 7, SHAPE.x + 300);
    let options = ScoreOptions::default();
    for [a, b] in pairs() {
        let padded = [&a, &b].map(|mask| {
            let mut padded = vec![false; wide.n_voxels()];
            for (i, inside) in mask.iter().enumerate() {
                let (z, y, x) = (i / SHAPE.n_pixels(), i / SHAPE.x % SHAPE.y, i % SHAPE.x);
                padded[(z + 1) * wide.n_pixels() + (y + 5) * wide.x + x + 200] = *inside;
            }
            padded
        });
        assert_eq!(
            score_case(&a, &b, SHAPE, SPACING_MM, &options),
            score_case(&padded[0], &padded[1], wide, SPACING_MM, &options),
            "the grid around does not count"
        );
    }
}

#[test]
fn a_value_of_a_label_map_scores_as_the_mask_of_that_value() {
    let options = ScoreOptions {
        convention: Convention::Monai,
        ..ScoreOptions::default()
    };
    for [a, b] in pairs() {
        let labels: Vec<u16> = a.iter().map(|inside| if *inside { 3 } else { 1 }).collect();
        let predicted: Vec<u8> = b.iter().map(|inside| if *inside { 2 } else { 0 }).collect();
        let labels = Mask::new(&labels, 3, SHAPE).unwrap();
        let predicted = Mask::new(&predicted, 2, SHAPE).unwrap();
        assert_eq!(
            score_masks(&labels, &predicted, SPACING_MM, &options).unwrap(),
            score_case(&a, &b, SHAPE, SPACING_MM, &options),
            "no copy is needed"
        );
    }
}

#[test]
fn one_and_four_threads_give_the_same_bits() {
    let pool = |n| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap()
    };
    let (one, four) = (pool(1), pool(4));
    for convention in CONVENTIONS {
        for [a, b] in pairs() {
            let score = || between([&a, &b], SPACING_MM, convention);
            let (of_one, of_four) = (one.install(score), four.install(score));
            assert_eq!(of_one, of_four, "every element in the same place");
            assert_eq!(
                of_one.assd_mm().to_bits(),
                of_four.assd_mm().to_bits(),
                "ASSD"
            );
        }
    }
}
