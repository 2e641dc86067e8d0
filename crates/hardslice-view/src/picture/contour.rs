//! The outline of a mask.

use super::{Coverage, Size};

/// The outline of a mask as straight pieces, in mask pixels from the upper left corner.
///
/// Marching squares at one half: the line runs midway between the centres of pixels inside and
/// outside, corners are cut, pixels that touch only at a corner stay apart. What lies beyond the
/// mask counts as outside, so every outline closes.
///
/// # Shapes
///
/// `mask` is `[size.height, size.width]`; pixels that are missing at the end count as outside.
///
/// # Sources
///
/// W. E. Lorensen and H. E. Cline (1987), "Marching cubes", SIGGRAPH, in two dimensions.
pub fn outline(mask: &[bool], size: Size) -> Vec<[[f32; 2]; 2]> {
    let Size { width, height } = size;
    // Coordinates here are shifted by one, so that the frame of outside pixels has index 0.
    let inside = |x: usize, y: usize| {
        (1..=width).contains(&x)
            && (1..=height).contains(&y)
            && mask.get((y - 1) * width + x - 1).copied().unwrap_or(false)
    };
    let mut pieces = Vec::new();
    for y in 0..=height {
        for x in 0..=width {
            let corners = [
                inside(x, y),
                inside(x + 1, y),
                inside(x + 1, y + 1),
                inside(x, y + 1),
            ];
            let case = corners
                .iter()
                .fold(0, |bits, &corner| bits << 1 | u8::from(corner));
            let (left, top) = (x as f32 - 0.5, y as f32 - 0.5);
            let north = [left + 0.5, top];
            let east = [left + 1.0, top + 0.5];
            let south = [left + 0.5, top + 1.0];
            let west = [left, top + 0.5];
            match case {
                0b0000 | 0b1111 => {}
                0b1000 | 0b0111 => pieces.push([west, north]),
                0b0100 | 0b1011 => pieces.push([north, east]),
                0b0010 | 0b1101 => pieces.push([east, south]),
                0b0001 | 0b1110 => pieces.push([south, west]),
                0b1100 | 0b0011 => pieces.push([west, east]),
                0b0110 | 0b1001 => pieces.push([north, south]),
                0b1010 => pieces.extend([[west, north], [east, south]]),
                _ => pieces.extend([[north, east], [south, west]]),
            }
        }
    }
    pieces
}

/// The outline of a mask of the size `from`, drawn `line_width` pixels wide on a picture of the
/// size `to`.
pub fn outline_coverage(mask: &[bool], from: Size, to: Size, line_width: f32) -> Coverage {
    let mut coverage = Coverage::empty(to.width, to.height);
    let scale = [
        to.width as f32 / from.width as f32,
        to.height as f32 / from.height as f32,
    ];
    for [start, end] in outline(mask, from) {
        let place = |point: [f32; 2]| [point[0] * scale[0], point[1] * scale[1]];
        coverage.add_line(place(start), place(end), line_width);
    }
    coverage
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(pieces: &[[[f32; 2]; 2]]) -> f32 {
        pieces
            .iter()
            .map(|[a, b]| (a[0] - b[0]).hypot(a[1] - b[1]))
            .sum()
    }

    #[test]
    fn one_pixel_is_outlined_by_a_diamond_around_its_centre() {
        let pieces = outline(&[true], Size::new(1, 1));
        assert_eq!(pieces.len(), 4, "four cut corners");
        for point in pieces.iter().flatten() {
            let distance = (point[0] - 0.5).abs() + (point[1] - 0.5).abs();
            assert!(
                (distance - 0.5).abs() < 1e-6,
                "{point:?} is not half a pixel away"
            );
        }
    }

    #[test]
    fn a_block_has_straight_sides_and_cut_corners() {
        let pieces = outline(&[true; 12], Size::new(4, 3));
        let want = 2.0 * (3.0 + 2.0) + 4.0 * 0.5_f32.sqrt();
        assert!(
            (length(&pieces) - want).abs() < 1e-5,
            "{} pixels long",
            length(&pieces)
        );
    }

    #[test]
    fn every_outline_closes_for_every_mask_of_nine_pixels() {
        for bits in 0..512_u32 {
            let mask: Vec<bool> = (0..9).map(|i| bits >> i & 1 == 1).collect();
            let mut ends: Vec<[u32; 2]> = outline(&mask, Size::new(3, 3))
                .iter()
                .flatten()
                .map(|point| point.map(f32::to_bits))
                .collect();
            ends.sort_unstable();
            let closed = ends
                .chunks(2)
                .all(|pair| pair.len() == 2 && pair[0] == pair[1]);
            assert!(
                closed,
                "a piece of the outline of {mask:?} ends in the open"
            );
        }
    }

    #[test]
    fn pixels_that_touch_at_a_corner_stay_apart() {
        let pieces = outline(&[true, false, false, true], Size::new(2, 2));
        assert_eq!(pieces.len(), 8, "two diamonds");
    }
}
