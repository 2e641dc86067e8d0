//! Contours along the edges of pixels.
//!
//! Each part of a structure on a slice (pixels that share an edge) is one closed contour; its holes are
//! cut out by keyholes, channels of no width along the edges of pixels, as PS3.3 C.8.8.6.3 has it. No
//! vertex, edge or channel comes nearer to a pixel's centre than half a pixel, so that every reader
//! which goes by centres finds the same pixels.

use std::collections::BTreeMap;

use crate::PerAxis;
use crate::components::{Components, Connectivity};

/// A corner of pixels: column and row, where pixel 0 reaches from 0 to 1.
type Corner = [usize; 2];

/// A closed contour, whose last corner is joined to the first.
type Ring = Vec<Corner>;

/// The contours of the pixels that are `inside`, `[row, column]` of rows of `columns` pixels, in the
/// order of their first pixels; none where none is.
pub(super) fn outlines(inside: &[bool], columns: usize) -> Vec<Ring> {
    let rows = inside.len().checked_div(columns).unwrap_or(0);
    let shape = PerAxis::new(1, rows, columns);
    let parts = Components::of(inside, shape, Connectivity::Faces).labels();
    let mut rings: BTreeMap<usize, Vec<Ring>> = BTreeMap::new();
    for (part, ring) in rings_of(inside, columns, &parts) {
        rings.entry(part).or_default().push(ring);
    }
    rings.into_values().map(joined).collect()
}

/// The four ways along an edge, clockwise: the inside lies on the right.
const WAYS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// The closed boundaries of all parts, with the part that each belongs to, which `parts` numbers from 1
/// for each pixel: the outer one of a part first, then those of its holes, by their uppermost, leftmost
/// corners.
fn rings_of(inside: &[bool], columns: usize, parts: &[usize]) -> Vec<(usize, Ring)> {
    let rows = inside.len().checked_div(columns).unwrap_or(0);
    let at = |column: isize, row: isize| {
        let (column, row) = (usize::try_from(column).ok()?, usize::try_from(row).ok()?);
        (column < columns && row < rows).then(|| row * columns + column)
    };
    let is_inside = |column, row| at(column, row).is_some_and(|pixel| inside[pixel]);
    // The pixels on the right and on the left of the edge that leads on from a corner.
    let sides = |[x, y]: [isize; 2], way: usize| match way {
        0 => ([x, y], [x, y - 1]),
        1 => ([x - 1, y], [x, y]),
        2 => ([x - 1, y - 1], [x - 1, y]),
        _ => ([x, y - 1], [x - 1, y - 1]),
    };
    let is_edge = |corner, way| {
        let ([rx, ry], [lx, ly]) = sides(corner, way);
        is_inside(rx, ry) && !is_inside(lx, ly)
    };
    // Upper edges, of which every ring has one, that were passed.
    let mut passed = vec![false; inside.len()];
    let mut rings = Vec::new();
    for pixel in 0..inside.len() {
        let start = [pixel % columns, pixel / columns].map(usize::cast_signed);
        if passed[pixel] || !is_edge(start, 0) {
            continue;
        }
        let (mut corner, mut way) = (start, 0);
        let mut ring = Ring::new();
        loop {
            if way == 0 {
                let pixel = at(corner[0], corner[1]).expect("the pixel below an upper edge");
                passed[pixel] = true;
            }
            corner = std::array::from_fn(|axis| corner[axis] + WAYS[way][axis]);
            // To the right first: parts that touch at a corner stay apart.
            let next = [1, 0, 3].map(|turn| (way + turn) % 4);
            let next = next.into_iter().find(|way| is_edge(corner, *way));
            let next = next.expect("a boundary goes on until it is closed");
            if next != way {
                ring.push(corner.map(isize::cast_unsigned));
            }
            way = next;
            if corner == start && way == 0 {
                break;
            }
        }
        rings.push((parts[pixel], ring));
    }
    rings
}

/// The rings of one part as a single contour: the first is the outer one, each other is joined to what
/// there is by a channel to the left.
fn joined(rings: Vec<Ring>) -> Ring {
    let mut rings = rings.into_iter();
    let mut contour = rings.next().expect("a part has an outer boundary");
    for mut hole in rings {
        let first = (0..hole.len()).min_by_key(|at| [hole[*at][1], hole[*at][0]]);
        hole.rotate_left(first.expect("a ring has four corners at least"));
        let begin = hole[0];
        let n = contour.len();
        let ends = |at: usize| (contour[at], contour[(at + 1) % n]);
        let is_left = |at: &usize| {
            let (from, to) = ends(*at);
            let rows = from[1].min(to[1])..=from[1].max(to[1]);
            from[0] == to[0] && from[0] <= begin[0] && rows.contains(&begin[1])
        };
        let nearest = (0..n).filter(is_left).max_by_key(|at| contour[*at][0]);
        let nearest = nearest.expect("a hole lies within the outer boundary of its part");
        let door = [contour[nearest][0], begin[1]];
        let behind = contour.split_off(nearest + 1);
        contour.push(door);
        contour.extend(&hole);
        contour.extend([begin, door]);
        contour.extend(behind);
        contour.dedup();
        if contour.last() == contour.first() {
            contour.pop();
        }
    }
    contour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::rtstruct::pixels_inside;

    fn outlines_of(rows: &[&str]) -> Vec<Ring> {
        let inside: Vec<bool> = rows.concat().bytes().map(|b| b == b'#').collect();
        outlines(&inside, rows[0].len())
    }

    #[test]
    fn a_pixel_is_a_square_and_a_rectangle_has_four_corners() {
        assert_eq!(
            outlines_of(&["..", ".#"]),
            [[[2, 1], [2, 2], [1, 2], [1, 1]]]
        );
        let rectangle = outlines_of(&["###", "###"]);
        assert_eq!(rectangle, [[[3, 0], [3, 2], [0, 2], [0, 0]]]);
        assert!(outlines_of(&["..", ".."]).is_empty());
        assert!(outlines(&[], 0).is_empty());
    }

    #[test]
    fn pixels_that_touch_at_a_corner_are_two_contours() {
        assert_eq!(outlines_of(&["#.", ".#"]).len(), 2);
        assert_eq!(outlines_of(&[".#", "#."]).len(), 2);
    }

    /// The pixels whose centres are within an odd number of contours.
    fn filled(contours: &[Ring], rows: usize, columns: usize) -> Vec<bool> {
        let mut inside = vec![false; rows * columns];
        for contour in contours {
            let polygon = contour
                .iter()
                .map(|at| at.map(|v| v as f64 - 0.5))
                .collect();
            for pixel in pixels_inside(&polygon, PerAxis::new(1, rows, columns)) {
                inside[pixel] = !inside[pixel];
            }
        }
        inside
    }

    #[test]
    fn every_pattern_of_four_by_four_and_many_larger_ones_come_back() {
        let mut state = 1_u64;
        let mut random = || {
            // Knuth's MMIX generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let small = (0..1_u32 << 16).map(|bits| {
            let inside = (0..16).map(|at| bits >> at & 1 == 1).collect();
            (inside, 4, 4)
        });
        let large = (0..2000).map(|n| {
            // Mostly inside, so that there are holes, and parts within them.
            let inside = (0..9 * 11).map(|_| random() % 10 < 4 + n % 5).collect();
            (inside, 9, 11)
        });
        for (inside, rows, columns) in small.chain(large) {
            let inside: Vec<bool> = inside;
            let contours = outlines(&inside, columns);
            assert_eq!(filled(&contours, rows, columns), inside, "{contours:?}");
            for contour in &contours {
                let next = contour.iter().cycle().skip(1);
                let is_straight = |(a, b): (&Corner, &Corner)| (a[0] == b[0]) != (a[1] == b[1]);
                assert!(contour.iter().zip(next).all(is_straight), "{contour:?}");
            }
        }
    }

    #[test]
    fn a_hole_is_joined_by_a_channel_to_its_left() {
        let contour = outlines_of(&["###", "#.#", "###"]);
        let wanted = [
            [3, 0],
            [3, 3],
            [0, 3],
            [0, 1],
            [1, 1],
            [1, 2],
            [2, 2],
            [2, 1],
            [1, 1],
            [0, 1],
            [0, 0],
        ];
        assert_eq!(contour, [wanted]);
    }
}
