//! From contours to pixels.
//!
//! A pixel is inside a contour where its centre is, by the even-odd rule, or where the contour runs
//! through it, as programs have it that trace masks from centre to centre. Within a thousandth of a
//! pixel a contour runs through a centre: so far off are coordinates that were rounded to micrometres.

use crate::PerAxis;

/// Vertices of a closed contour, `[column, row]` in pixels; centres are whole numbers.
pub(in crate::dicom) type Polygon = Vec<[f64; 2]>;

/// What is nearer to a centre runs through it, pixels.
const THROUGH: f64 = 1e-3;

/// The places of the pixels inside, `row · columns + column`, ascending; `shape` is that of the slice.
/// What lies outside the slice has no pixels.
pub(in crate::dicom) fn pixels_inside(polygon: &Polygon, shape: PerAxis<usize>) -> Vec<usize> {
    let edges = || polygon.iter().zip(polygon.iter().cycle().skip(1));
    let rows = polygon.iter().map(|point| point[1]);
    let (low, high) = rows.fold((f64::MAX, f64::MIN), |(low, high), y| {
        (low.min(y), high.max(y))
    });
    let first_row = whole_from(low, shape.y);
    let n_rows = whole_from(high, shape.y).saturating_sub(first_row);
    // Where a row passes an edge; half open, so that of a vertex on the row one of its edges counts.
    let mut passes = vec![false; n_rows * shape.x];
    for (from, to) in edges() {
        let (upper, lower) = (from[1].min(to[1]), from[1].max(to[1]));
        for row in whole_from(upper, shape.y)..whole_from(lower, shape.y) {
            let share = (row as f64 - from[1]) / (to[1] - from[1]);
            let column = whole_from(from[0] + share * (to[0] - from[0]), shape.x);
            if column < shape.x {
                passes[(row - first_row) * shape.x + column] ^= true;
            }
        }
    }
    let mut inside = Vec::new();
    for (row, passes) in (first_row..).zip(passes.chunks_exact(shape.x.max(1))) {
        let mut is_inside = false;
        for (column, passes) in passes.iter().enumerate() {
            is_inside ^= passes;
            if is_inside {
                inside.push(row * shape.x + column);
            }
        }
    }
    for (from, to) in edges() {
        inside.extend(pixels_through(*from, *to, shape));
    }
    inside.sort_unstable();
    inside.dedup();
    inside
}

/// The pixels whose centres an edge runs through.
fn pixels_through(from: [f64; 2], to: [f64; 2], shape: PerAxis<usize>) -> Vec<usize> {
    let step = [to[0] - from[0], to[1] - from[1]];
    let length_squared = step[0] * step[0] + step[1] * step[1];
    // How far along the edge its point is that is nearest to another one, 0 to 1.
    let share = |point: [f64; 2]| {
        let along = (point[0] - from[0]) * step[0] + (point[1] - from[1]) * step[1];
        if length_squared > 0.0 {
            (along / length_squared).clamp(0.0, 1.0)
        } else {
            0.0
        }
    };
    let mut pixels = Vec::new();
    let rows = whole_from(from[1].min(to[1]) - THROUGH, shape.y)
        ..whole_from(from[1].max(to[1]) + THROUGH, shape.y);
    for row in rows {
        let y = row as f64;
        // The part of the edge that comes near the row.
        let at = |y: f64| {
            let share = if step[1] == 0.0 {
                0.0
            } else {
                (y - from[1]) / step[1]
            };
            from[0] + share.clamp(0.0, 1.0) * step[0]
        };
        let [a, b] = if step[1] == 0.0 {
            [from[0], to[0]]
        } else {
            [at(y - THROUGH), at(y + THROUGH)]
        };
        let columns =
            whole_from(a.min(b) - THROUGH, shape.x)..whole_from(a.max(b) + THROUGH, shape.x);
        for column in columns {
            let centre = [column as f64, y];
            let share = share(centre);
            let nearest = [from[0] + share * step[0], from[1] + share * step[1]];
            let off = (nearest[0] - centre[0]).hypot(nearest[1] - centre[1]);
            if off <= THROUGH {
                pixels.push(row * shape.x + column);
            }
        }
    }
    pixels
}

/// The first whole number that is not below `v`, of those from 0 to `n`.
fn whole_from(v: f64, n: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0 to n")]
    #[expect(clippy::cast_sign_loss, reason = "clamped to 0 to n")]
    let whole = v.ceil().clamp(0.0, n as f64) as usize;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(polygon: &[[f64; 2]], rows: usize, columns: usize) -> Vec<usize> {
        pixels_inside(&polygon.to_vec(), PerAxis::new(1, rows, columns))
    }

    #[test]
    fn a_square_between_the_centres_has_those_within() {
        let square = [[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]];
        assert_eq!(inside(&square, 4, 4), [5, 6, 9, 10]);
        let mut turned = square;
        turned.reverse();
        assert_eq!(inside(&turned, 4, 4), [5, 6, 9, 10], "either way round");
    }

    #[test]
    fn centres_on_the_contour_are_inside_whatever_the_rounding() {
        let square = [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]];
        let all = [0, 1, 2, 4, 5, 6, 8, 9, 10];
        assert_eq!(inside(&square, 4, 4), all);
        for noise in [-5e-4, 5e-4] {
            let noisy = square.map(|[x, y]| [x + noise, y - noise]);
            assert_eq!(inside(&noisy, 4, 4), all, "rounded to micrometres");
        }
        let smaller = [[0.1, 0.1], [1.9, 0.1], [1.9, 1.9], [0.1, 1.9]];
        assert_eq!(inside(&smaller, 4, 4), [5], "off the centres");
        // A diagonal through the centres 0, 5 and 10; and one that passes 5 by at 0.004 of a pixel.
        let triangle = [[0.0, 0.0], [3.0, 3.0], [3.0, 0.0]];
        assert_eq!(inside(&triangle, 4, 4), [0, 1, 2, 3, 5, 6, 7, 10, 11, 15]);
        let beside = [[0.006, 0.0], [3.006, 3.0], [3.006, 0.0]];
        assert_eq!(inside(&beside, 4, 4), [1, 2, 3, 6, 7, 11]);
        // A line, there and back: the pixels that it runs through.
        let line = [[0.5, 1.0], [2.5, 1.0], [1.5, 1.0]];
        assert_eq!(inside(&line, 4, 4), [5, 6]);
    }

    #[test]
    fn a_keyhole_cuts_its_hole_out() {
        // From (0.5, 0.5), over a channel along y = 1.5 to a hole of one pixel and back.
        let keyhole = [
            [-0.5, -0.5],
            [2.5, -0.5],
            [2.5, 2.5],
            [-0.5, 2.5],
            [-0.5, 0.5],
            [0.5, 0.5],
            [0.5, 1.5],
            [1.5, 1.5],
            [1.5, 0.5],
            [0.5, 0.5],
            [-0.5, 0.5],
        ];
        assert_eq!(inside(&keyhole, 3, 3), [0, 1, 2, 3, 5, 6, 7, 8]);
    }

    #[test]
    fn what_reaches_out_of_the_slice_is_cut_off() {
        let large = [[-9.0, -9.0], [9.0, -9.0], [9.0, 9.0], [-9.0, 9.0]];
        assert_eq!(inside(&large, 2, 2), [0, 1, 2, 3]);
        let outside = large.map(|[x, y]| [x + 50.0, y]);
        assert_eq!(inside(&outside, 2, 2), [] as [usize; 0]);
        assert_eq!(inside(&[], 2, 2), [] as [usize; 0]);
    }
}
