//! How much of each pixel a shape covers.

/// The share of each pixel, 0 to 1, that a shape covers.
///
/// Shapes that touch are joined (the larger share counts), so that a path of many segments has no
/// darker joints. Coordinates are in pixels from the upper left corner; the centre of the first
/// pixel lies at (0.5, 0.5).
#[derive(Debug, Clone)]
pub struct Coverage {
    // Invariant: `shares.len() == width * height`.
    width: usize,
    height: usize,
    shares: Vec<f32>,
}

impl Coverage {
    /// Nothing covered yet.
    pub fn empty(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            shares: vec![0.0; width * height],
        }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Share of a pixel that is covered; 0 beyond the edge.
    pub fn share(&self, x: usize, y: usize) -> f32 {
        if x < self.width && y < self.height {
            self.shares[y * self.width + x]
        } else {
            0.0
        }
    }

    /// Raises the share of a pixel to at least `share`; beyond the edge nothing happens.
    pub fn raise(&mut self, x: usize, y: usize, share: f32) {
        if x < self.width && y < self.height {
            let here = &mut self.shares[y * self.width + x];
            *here = here.max(share.clamp(0.0, 1.0));
        }
    }

    /// Adds a straight line with round ends, `line_width` pixels wide. A line whose ends meet is a
    /// dot of that diameter.
    ///
    /// The share of a pixel falls from 1 to 0 over one pixel around the line's edge.
    pub fn add_line(&mut self, from: [f32; 2], to: [f32; 2], line_width: f32) {
        let reach = line_width / 2.0 + 0.5;
        let x_range = pixels_between(from[0].min(to[0]) - reach, from[0].max(to[0]) + reach);
        let y_range = pixels_between(from[1].min(to[1]) - reach, from[1].max(to[1]) + reach);
        for y in y_range.start..y_range.end.min(self.height) {
            for x in x_range.start..x_range.end.min(self.width) {
                let centre = [x as f32 + 0.5, y as f32 + 0.5];
                let share = reach - distance_to_line(centre, from, to);
                self.raise(x, y, share);
            }
        }
    }
}

/// The pixels that touch an interval; those left of the first pixel are left out.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates: what lies left of the picture becomes its first pixel"
)]
fn pixels_between(low: f32, high: f32) -> std::ops::Range<usize> {
    low.floor() as usize..high.ceil() as usize
}

fn distance_to_line(point: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let offset = [point[0] - from[0], point[1] - from[1]];
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let share = if length_squared > 0.0 {
        ((offset[0] * along[0] + offset[1] * along[1]) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (offset[0] - share * along[0]).hypot(offset[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_pixel_centres_covers_its_pixels_and_not_their_neighbours() {
        let mut coverage = Coverage::empty(5, 3);
        coverage.add_line([0.5, 1.5], [4.5, 1.5], 1.0);
        for x in 0..5 {
            assert!(
                (coverage.share(x, 1) - 1.0).abs() < 1e-6,
                "on the line at {x}"
            );
            assert!(coverage.share(x, 0) < 1e-6, "above the line at {x}");
        }
    }

    #[test]
    fn a_line_between_two_rows_is_shared_by_both() {
        let mut coverage = Coverage::empty(3, 2);
        coverage.add_line([0.5, 1.0], [2.5, 1.0], 1.0);
        for y in 0..2 {
            assert!((coverage.share(1, y) - 0.5).abs() < 1e-6, "row {y}");
        }
    }

    #[test]
    fn two_lines_that_meet_do_not_add_up() {
        let mut coverage = Coverage::empty(3, 2);
        for _ in 0..2 {
            coverage.add_line([0.5, 1.0], [2.5, 1.0], 1.0);
        }
        assert!(
            (coverage.share(1, 0) - 0.5).abs() < 1e-6,
            "drawn twice, covered once"
        );
    }

    #[test]
    fn a_line_beyond_the_edge_is_cut() {
        let mut coverage = Coverage::empty(2, 2);
        coverage.add_line([-9.0, -9.0], [9.0, 9.0], 1.0);
        assert!(
            (coverage.share(1, 1) - 1.0).abs() < 1e-6,
            "the diagonal is covered"
        );
        assert!(coverage.share(9, 9) < 1e-6, "beyond the edge nothing is");
    }
}
