//! Components as scipy and SimpleITK find them.

use hardslice_volume::PerAxis;
use hardslice_volume::components::{Components, Connectivity, keep_largest};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

/// A mask and the sizes of its components, in the order of their first voxels.
#[derive(Deserialize)]
struct Case {
    shape_zyx: [usize; 3],
    mask: String,
    faces: Vec<usize>,
    corners: Vec<usize>,
    largest: String,
}

/// The first `n` bits of hexadecimal text.
fn bits(hex: &str, n: usize) -> Vec<bool> {
    let digits = hex.chars().filter_map(|c| c.to_digit(16));
    digits
        .flat_map(|digit| (0..4).rev().map(move |i| digit >> i & 1 == 1))
        .take(n)
        .collect()
}

#[test]
fn components_agree_with_scipy_and_simpleitk() {
    let golden: Golden = serde_json::from_str(include_str!("golden/components.json")).unwrap();
    for case in golden.cases {
        let [z, y, x] = case.shape_zyx;
        let shape = PerAxis::new(z, y, x);
        let mut mask = bits(&case.mask, shape.n_voxels());
        for (connectivity, want) in [
            (Connectivity::Faces, &case.faces),
            (Connectivity::Corners, &case.corners),
        ] {
            let components = Components::of(&mask, shape, connectivity);
            assert_eq!(components.sizes(), want, "{connectivity:?} on {shape}");
            let labels = components.labels();
            let n_set = labels.iter().filter(|label| **label > 0).count();
            assert_eq!(
                n_set,
                want.iter().sum::<usize>(),
                "every set voxel is labelled"
            );
        }
        keep_largest(&mut mask, shape);
        assert!(
            mask == bits(&case.largest, shape.n_voxels()),
            "the largest on {shape}"
        );
    }
}
