//! Great vessels, their branches, and the muscles beside the spine.

use hardslice_data::random::Stream;

use crate::contrast::Contrast;
use crate::kidneys::Kidney;
use crate::layer::{Layer, Tissue};
use crate::solid::Tube;
use crate::tree::Tree;

/// Vessels of the mesentery: dots and lines in the fat of the belly.
pub(crate) fn mesentery(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    [contrast.portal_vein, contrast.aorta]
        .into_iter()
        .map(|hu| {
            let targets = (0..26)
                .map(|_| {
                    [
                        stream.uniform_in(-95.0, 90.0),
                        stream.uniform_in(34.0, 96.0),
                        stream.uniform_in(-110.0, 45.0),
                    ]
                })
                .collect();
            let tree = Tree::grow(stream, [0.0, 48.0, 6.0], targets);
            Layer::new(tree.twigs(1.0), Tissue::even(hu))
        })
        .collect()
}

/// The muscles on both sides of the spine, and the diaphragm's crura.
pub(crate) fn muscles(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    let tissue = Tissue::Even {
        hu: contrast.muscle,
        texture: 10.0,
        grain_mm: 5.0,
    };
    let strong = stream.uniform_in(0.85, 1.15);
    let mut layers = Vec::new();
    for side in [-1.0, 1.0] {
        let psoas = Tube::smooth(
            &[
                ([side * 25.0, -8.0, 42.0], 5.0 * strong),
                ([side * 29.0, -7.0, 10.0], 10.0 * strong),
                ([side * 34.0, -5.0, -30.0], 15.0 * strong),
                ([side * 40.0, 0.0, -80.0], 19.0 * strong),
                ([side * 50.0, 12.0, -130.0], 22.0 * strong),
            ],
            3,
        );
        layers.push(Layer::new(psoas, tissue).in_fat(1.5));
        let crus = Tube::smooth(
            &[
                ([side * 12.0 - 3.0, 20.0, -8.0], 2.5),
                ([side * 17.0 - 3.0, 24.0, 40.0], 4.0),
                ([side * 18.0 - 4.0, 30.0, 80.0], 4.5),
                ([side * 10.0 - 5.0, 44.0, 105.0], 3.5),
            ],
            3,
        );
        layers.push(Layer::new(crus, tissue).in_fat(1.0));
        // Adrenals: an inverted Y above each kidney.
        for tip in [[10.0, -14.0], [17.0, -10.0]] {
            let adrenal = Tube::straight(&[
                ([side * 30.0, 18.0, 54.0], 2.6),
                ([side * (22.0 + tip[0]), 18.0 + tip[1], 42.0], 2.0),
            ]);
            layers.push(Layer::new(adrenal, Tissue::even(0.7 * contrast.pancreas)));
        }
    }
    layers
}

/// Aorta and vena cava with their branches, and the gullet beside them.
pub(crate) fn great(
    stream: &mut Stream,
    contrast: &Contrast,
    right: &Kidney,
    left: &Kidney,
) -> Vec<Layer> {
    let gullet = Tube::smooth(
        &[
            ([-10.0, 36.0, 210.0], 7.0),
            ([-14.0, 40.0, 120.0], 8.0),
            ([-30.0, 36.0, 104.0], 9.0),
        ],
        3,
    );
    let mut layers = vec![Layer::new(gullet, Tissue::even(contrast.gut_wall * 0.8)).in_fat(1.0)];
    layers.extend(veins(contrast, right, left));
    layers.extend(arteries(stream, contrast, right, left));
    layers
}

fn veins(contrast: &Contrast, right: &Kidney, left: &Kidney) -> Vec<Layer> {
    let cava_hu = Tissue::even(contrast.vena_cava);
    let portal_hu = Tissue::even(contrast.portal_vein);
    let cava = Tube::smooth(
        &[
            ([16.0, 28.0, -140.0], 10.0),
            ([19.0, 27.0, -50.0], 10.5),
            ([22.0, 26.0, 20.0], 11.5),
            ([24.0, 24.0, 70.0], 12.5),
            ([24.0, 26.0, 112.0], 13.0),
            ([18.0, 36.0, 150.0], 14.0),
        ],
        3,
    );
    let mesenteric = Tube::smooth(
        &[
            ([10.0, 60.0, -110.0], 3.5),
            ([9.0, 52.0, -30.0], 5.2),
            ([10.0, 50.0, 14.0], 6.0),
            ([18.0, 46.0, 36.0], 7.0),
            ([32.0, 41.0, 56.0], 6.6),
        ],
        3,
    );
    let splenic = Tube::smooth(
        &[
            ([10.0, 47.0, 22.0], 5.0),
            ([-20.0, 44.0, 34.0], 4.4),
            ([-52.0, 22.0, 48.0], 4.2),
            ([-80.0, 6.0, 62.0], 3.2),
        ],
        3,
    );
    // The left renal vein crosses in front of the aorta.
    let z = left.hilum()[2] + 8.0;
    let left_renal = Tube::smooth(
        &[
            ([22.0, 30.0, z], 4.5),
            ([-5.0, 41.0, z + 2.0], 4.0),
            ([-30.0, 24.0, z - 2.0], 4.8),
            (left.hilum(), 3.6),
        ],
        4,
    );
    let right_renal = to_hilum([20.0, 24.0, right.hilum()[2] + 6.0], right, 4.6);
    vec![
        Layer::new(splenic, portal_hu).in_fat(1.0),
        Layer::new(mesenteric, portal_hu).in_fat(1.0),
        Layer::new(right_renal, cava_hu),
        Layer::new(left_renal, cava_hu),
        Layer::new(cava, cava_hu),
    ]
}

fn arteries(stream: &mut Stream, contrast: &Contrast, right: &Kidney, left: &Kidney) -> Vec<Layer> {
    let hu = Tissue::even(contrast.aorta);
    let wide = stream.uniform_in(0.88, 1.2);
    let bend = stream.uniform_in(-4.0, 5.0);
    let aorta = Tube::smooth(
        &[
            ([-15.0, 18.0, 210.0], 12.5 * wide),
            ([-10.0, 25.0, 120.0], 11.5 * wide),
            ([-6.0 + bend, 28.0, 50.0], 10.0 * wide),
            ([-7.0 + bend, 28.0, 0.0], 9.0 * wide),
            ([-4.0, 29.0, -70.0], 8.5 * wide),
            ([-4.0, 29.0, -140.0], 8.0 * wide),
        ],
        3,
    );
    let celiac = Tube::smooth(
        &[
            ([-6.0, 34.0, 44.0], 4.0),
            ([-6.0, 48.0, 44.0], 3.6),
            ([-34.0, 42.0, 46.0], 2.8),
            ([-66.0, 16.0, 58.0], 2.2),
        ],
        3,
    );
    let hepatic = Tube::smooth(
        &[
            ([-6.0, 48.0, 44.0], 3.0),
            ([12.0, 52.0, 42.0], 2.4),
            ([30.0, 44.0, 52.0], 1.8),
        ],
        3,
    );
    let mesenteric = Tube::smooth(
        &[
            ([-6.0, 34.0, 30.0], 4.0),
            ([-5.0, 46.0, 20.0], 3.8),
            ([-2.0, 52.0, -40.0], 3.2),
            ([4.0, 60.0, -110.0], 2.4),
        ],
        3,
    );
    let from = |kidney: &Kidney| [-6.0, 24.0, kidney.hilum()[2] + 3.0];
    vec![
        Layer::new(to_hilum(from(right), right, 2.7), hu),
        Layer::new(to_hilum(from(left), left, 2.7), hu),
        Layer::new(aorta, hu).in_fat(1.2),
        Layer::new(celiac, hu),
        Layer::new(hepatic, hu),
        Layer::new(mesenteric, hu).in_fat(2.0),
    ]
}

/// A vessel from its origin to a kidney, bowed to the front.
fn to_hilum(origin: [f64; 3], kidney: &Kidney, radius_mm: f64) -> Tube {
    let hilum = kidney.hilum();
    let mut middle: [f64; 3] = std::array::from_fn(|k| 0.5 * (origin[k] + hilum[k]));
    middle[1] += 3.0;
    Tube::smooth(
        &[
            (origin, radius_mm),
            (middle, radius_mm),
            (hilum, 0.8 * radius_mm),
        ],
        3,
    )
}
