//! Label error detection: specks of a label, apart from the organ.

use std::collections::BTreeMap;

use hardslice_volume::PerAxis;
use hardslice_volume::components::{Components, Connectivity};

/// A part of a label is a speck where it has at most this share of the voxels of the largest part.
const SMALL: f64 = 0.05;

/// The slices whose label is nothing but specks, and what that rests on. `is_organ` is a scan's label
/// `[z, y, x]`.
///
/// Voxels that share a corner belong together: a part that goes through several slices is one.
pub(super) fn specks(mut is_organ: Vec<bool>, shape: PerAxis<usize>) -> BTreeMap<usize, String> {
    let components = Components::of(&is_organ, shape, Connectivity::Corners);
    let sizes = components.sizes();
    let largest = components.largest().map_or(0, |largest| sizes[largest]);
    let is_speck = |component: usize| sizes[component] as f64 <= SMALL * largest as f64;
    if !(0..sizes.len()).any(is_speck) {
        return BTreeMap::new();
    }
    let n_pixels = shape.n_pixels();
    let counts = |mask: &[bool]| -> Vec<usize> {
        let slices = mask.chunks_exact(n_pixels);
        slices
            .map(|slice| slice.iter().filter(|is_in| **is_in).count())
            .collect()
    };
    let all = counts(&is_organ);
    components.retain(&mut is_organ, is_speck);
    let of_specks = counts(&is_organ);
    let slices = all.into_iter().zip(of_specks).enumerate();
    let slices = slices.filter(|(_, (all, of_specks))| *all > 0 && all == of_specks);
    slices
        .map(|(z, (n, _))| {
            let words = format!(
                "all that is labelled here, {n} pixels, belongs to specks apart from the organ, whose \
                 largest part has {largest}"
            );
            (z, words)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 slices of 10 × 10 pixels.
    const SHAPE: PerAxis<usize> = PerAxis { z: 8, y: 10, x: 10 };

    fn specks_of(is_organ: impl Fn(usize, usize, usize) -> bool) -> Vec<usize> {
        let at = |at: usize| is_organ(at / 100, at / 10 % 10, at % 10);
        specks((0..800).map(at).collect(), SHAPE)
            .into_keys()
            .collect()
    }

    #[test]
    fn slices_of_specks_alone_are_found_and_ends_and_large_parts_of_an_organ_are_not() {
        // Slices 2 to 5, 25 pixels each: five are a twentieth.
        let organ = |z, y, x| (2..6).contains(&z) && y < 5 && x < 5;
        assert_eq!(specks_of(organ), [0_usize; 0], "in one piece");
        assert_eq!(specks_of(|_, _, _| false), [0_usize; 0], "no organ");
        // A pixel in a corner of five slices, of which 4 and 5 show the organ, too.
        let column = |z, y, x| organ(z, y, x) || z > 2 && y == 9 && x == 9;
        assert_eq!(specks_of(column), [6, 7]);
        let longer = |z, y, x| organ(z, y, x) || z > 1 && y == 9 && x == 9;
        assert_eq!(
            specks_of(longer),
            [0_usize; 0],
            "six of a hundred may be a part"
        );
        // An end that tapers to a pixel touches the organ, by a corner.
        let tapering = |z, y, x| organ(z, y, x) || z == 6 && y == 5 && x == 5;
        assert_eq!(specks_of(tapering), [0_usize; 0]);
        // The other one of two.
        let two = |z, y, x| organ(z, y, x) || z == 7 && y > 6 && x > 6;
        assert_eq!(specks_of(two), [0_usize; 0], "nine of a hundred");
    }
}
