//! A picture of a surface, as the page's own renderer draws it.

use super::Surface;
use super::pack::SurfaceBounds;
use crate::palette::{PAPER, Rgb};
use crate::picture::{Corner, Picture, Size};

/// From where a surface is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Turn around the body's long axis, in degrees; 0 looks at the patient's front.
    pub yaw_deg: f32,
    /// Tilt, in degrees; above 0 looks down from the head's side.
    pub pitch_deg: f32,
}

impl Default for View {
    /// From the front, a little from the patient's right and from above.
    fn default() -> Self {
        Self {
            yaw_deg: 30.0,
            pitch_deg: 15.0,
        }
    }
}

impl View {
    /// Axes of the picture, to the right, up and towards the viewer, in the patient's axes.
    fn axes(self) -> [[f32; 3]; 3] {
        let (yaw, pitch) = (self.yaw_deg.to_radians(), self.pitch_deg.to_radians());
        let right = [-yaw.cos(), yaw.sin(), 0.0];
        let front = [yaw.sin(), yaw.cos(), 0.0];
        let towards = [front[0] * pitch.cos(), front[1] * pitch.cos(), pitch.sin()];
        let up = [
            -front[0] * pitch.sin(),
            -front[1] * pitch.sin(),
            pitch.cos(),
        ];
        [right, up, towards]
    }
}

/// A vertex on its way to the picture.
#[derive(Debug, Clone, Copy)]
struct Seen {
    x: f32,
    y: f32,
    depth: f32,
    colour: [f32; 3],
}

/// Edges are drawn this many times finer and then averaged.
const FINER: usize = 2;

/// Draws a surface in parallel projection on a square of paper, lit from the viewer; `colours` are
/// those of the vertices, and the ball of the bounds fills the square.
pub fn render(
    surface: &Surface,
    colours: &[Rgb],
    bounds: &SurfaceBounds,
    view: View,
    side_px: usize,
) -> Picture {
    let axes = view.axes();
    let fine = side_px.max(1) * FINER;
    let scale = fine as f32 / 2.08;
    let vertices = surface
        .vertices_mm
        .iter()
        .zip(surface.normals())
        .zip(colours);
    let seen: Vec<Seen> = vertices
        .map(|((vertex, normal), Rgb(colour))| {
            let from_middle = bounds.share(*vertex);
            let [x, y, depth] = axes.map(|axis| dot(axis, from_middle) * scale);
            let light = 0.42 + 0.58 * dot(axes[2], normal).max(0.0);
            Seen {
                x: fine as f32 / 2.0 + x,
                y: fine as f32 / 2.0 - y,
                depth,
                colour: colour.map(|level| f32::from(level) * light),
            }
        })
        .collect();
    let mut canvas = Canvas::new(fine);
    for triangle in &surface.triangles {
        let corners = triangle.map(|vertex| seen.get(vertex as usize).copied());
        if let [Some(a), Some(b), Some(c)] = corners {
            canvas.fill([a, b, c]);
        }
    }
    canvas.averaged()
}

/// Pixels with the depth of what is nearest to the viewer.
struct Canvas {
    side: usize,
    pixels: Vec<(f32, [f32; 3])>,
}

impl Canvas {
    fn new(side: usize) -> Self {
        let paper = PAPER.0.map(f32::from);
        Self {
            side,
            pixels: vec![(f32::NEG_INFINITY, paper); side * side],
        }
    }

    /// Fills a triangle that faces the viewer where nothing nearer is drawn.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and rows and columns are cut to the canvas"
    )]
    fn fill(&mut self, [a, b, c]: [Seen; 3]) {
        let doubled = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
        // The picture's rows run down, so that what faces the viewer runs clockwise.
        if doubled >= 0.0 {
            return;
        }
        let range = |values: [f32; 3]| {
            let low = values.into_iter().fold(f32::INFINITY, f32::min);
            let high = values.into_iter().fold(0.0, f32::max);
            (low - 0.5).ceil() as usize..((high + 0.5).ceil() as usize).min(self.side)
        };
        let (rows, columns) = (range([a.y, b.y, c.y]), range([a.x, b.x, c.x]));
        for row in rows {
            for column in columns.clone() {
                let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
                let share =
                    |p: Seen, q: Seen| ((p.x - x) * (q.y - y) - (q.x - x) * (p.y - y)) / doubled;
                let [of_a, of_b, of_c] = [share(b, c), share(c, a), share(a, b)];
                if of_a < 0.0 || of_b < 0.0 || of_c < 0.0 {
                    continue;
                }
                let depth = of_a * a.depth + of_b * b.depth + of_c * c.depth;
                let pixel = &mut self.pixels[row * self.side + column];
                if depth > pixel.0 {
                    let colour = std::array::from_fn(|channel| {
                        of_a * a.colour[channel]
                            + of_b * b.colour[channel]
                            + of_c * c.colour[channel]
                    });
                    *pixel = (depth, colour);
                }
            }
        }
    }

    fn averaged(&self) -> Picture {
        let side = self.side / FINER;
        let mut picture = Picture::filled(side, side, PAPER);
        for y in 0..side {
            for x in 0..side {
                let fine = (0..FINER * FINER).map(|i| {
                    let (row, column) = (y * FINER + i / FINER, x * FINER + i % FINER);
                    self.pixels[row * self.side + column].1
                });
                let sum = fine.fold([0.0; 3], |sum: [f32; 3], colour| {
                    std::array::from_fn(|channel| sum[channel] + colour[channel])
                });
                let colour = sum.map(|level| {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "the mean of levels between 0 and 255"
                    )]
                    let byte = (level / (FINER * FINER) as f32).round() as u8;
                    byte
                });
                picture.fill_rect(Corner::new(x, y), Size::new(1, 1), Rgb(colour));
            }
        }
        picture
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flat triangle in the plane of the body's front, its corners to the right, left and head.
    fn triangle(y_mm: f32) -> Surface {
        Surface {
            vertices_mm: vec![[100.0, y_mm, 0.0], [0.0, y_mm, 0.0], [100.0, y_mm, 100.0]],
            triangles: vec![[0, 1, 2]],
        }
    }

    const FRONT: View = View {
        yaw_deg: 0.0,
        pitch_deg: 0.0,
    };

    #[test]
    fn the_patients_right_is_on_the_viewers_left_and_the_head_is_up() {
        let surface = triangle(0.0);
        let bounds = SurfaceBounds::around(&[&surface]);
        let colours = [Rgb([200, 0, 0]); 3];
        let picture = render(&surface, &colours, &bounds, FRONT, 100);
        assert_eq!(
            picture.pixel(20, 30),
            Some(Rgb([200, 0, 0])),
            "upper left is filled"
        );
        assert_eq!(picture.pixel(80, 30), Some(PAPER), "upper right is not");
    }

    #[test]
    fn what_is_behind_or_faces_away_is_hidden() {
        let (near, far) = (triangle(10.0), triangle(0.0));
        let both = Surface {
            vertices_mm: [near.vertices_mm.clone(), far.vertices_mm].concat(),
            triangles: vec![[0, 1, 2], [3, 4, 5]],
        };
        let bounds = SurfaceBounds::around(&[&near]);
        let colours = [[Rgb([0, 0, 200]); 3], [Rgb([200, 0, 0]); 3]].concat();
        let picture = render(&both, &colours, &bounds, FRONT, 60);
        assert_eq!(
            picture.pixel(15, 25),
            Some(Rgb([0, 0, 200])),
            "the near one"
        );
        let behind = View {
            yaw_deg: 180.0,
            ..FRONT
        };
        let picture = render(&both, &colours, &bounds, behind, 60);
        assert_eq!(picture.pixel(45, 25), Some(PAPER), "seen from behind");
    }
}
