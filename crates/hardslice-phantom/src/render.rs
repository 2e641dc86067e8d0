//! From a scene to slices: noise-free HU, labels, and what the planted layers cover.

use crate::body::{BEND_MM, Bent, Columns};
use crate::contrast::AIR;
use crate::image_grid::ImageGrid;
use crate::layer::{Brush, Layer, Pixel};
use crate::point::Point;
use crate::scene::Scene;
use crate::solid::{Rect, Section};

/// One slice before noise.
#[derive(Debug, Clone)]
pub(crate) struct CleanSlice {
    /// `[y, x]`.
    pub(crate) hu: Vec<f64>,
    /// `[y, x]`.
    pub(crate) labels: Vec<u8>,
    /// Pixels that each planted event covers.
    pub(crate) covered: Vec<usize>,
}

impl CleanSlice {
    fn of_air(n_pixels: usize, n_events: usize) -> Self {
        Self {
            hu: vec![AIR; n_pixels],
            labels: vec![0; n_pixels],
            covered: vec![0; n_events],
        }
    }
}

/// A scene seen through an image grid; only the part of the image that holds the body is painted.
pub(crate) struct View<'a> {
    scene: &'a Scene,
    grid: &'a ImageGrid,
    n_events: usize,
    /// First and one-past-last column of the body.
    columns: [usize; 2],
    rows: [usize; 2],
    waves: Columns,
    ys: Vec<f64>,
}

impl<'a> View<'a> {
    pub(crate) fn new(scene: &'a Scene, grid: &'a ImageGrid, n_events: usize) -> Self {
        let [columns, rows] = pixel_box(scene, grid, scene.frame.build.rect());
        let xs = (columns[0]..columns[1]).map(|i| grid.world_mm(i)).collect();
        let ys = (rows[0]..rows[1]).map(|i| grid.world_mm(i)).collect();
        let waves = scene.frame.columns(xs);
        Self {
            scene,
            grid,
            n_events,
            columns,
            rows,
            waves,
            ys,
        }
    }

    /// Paints one slice: the mean of thin planes through its thickness, so that edges that run
    /// slantwise through a thick slice are blurred as in a scanner; labels are the middle plane's.
    pub(crate) fn slice(&self, k: usize) -> CleanSlice {
        let offsets: &[f64] = if self.grid.spacing_z_mm > 1.8 {
            &[-1.0 / 3.0, 1.0 / 3.0, 0.0]
        } else {
            &[0.0]
        };
        let n_pixels = self.grid.size * self.grid.size;
        let z_mm = self.grid.z_mm(k);
        // The bend changes over centimetres: one for the whole slice.
        let bent = self.scene.frame.bent(&self.waves, &self.ys, z_mm);
        let mut sum = vec![0.0; n_pixels];
        let mut plane = CleanSlice::of_air(n_pixels, self.n_events);
        // The middle comes last: its labels and counts stay.
        for offset in offsets {
            plane.hu.fill(AIR);
            plane.labels.fill(0);
            plane.covered.fill(0);
            self.plane(z_mm + offset * self.grid.spacing_z_mm, &bent, &mut plane);
            for (sum, hu) in sum.iter_mut().zip(&plane.hu) {
                *sum += hu / offsets.len() as f64;
            }
        }
        plane.hu = sum;
        plane
    }

    /// Paints one thin plane: the wall, then layer over layer.
    fn plane(&self, z_mm: f64, bent: &[Bent], plane: &mut CleanSlice) {
        let z = self.scene.frame.body_z(z_mm);
        let points: Vec<Point> = bent.iter().map(|b| self.scene.frame.point(b, z)).collect();
        let brush = Brush {
            pixel_mm: self.grid.edge_mm(),
            texture: &self.scene.texture,
        };
        let width = self.columns[1] - self.columns[0];
        for (row, points) in points.chunks(width.max(1)).enumerate() {
            let start = (self.rows[0] + row) * self.grid.size + self.columns[0];
            for (hu, at) in plane.hu[start..].iter_mut().zip(points) {
                *hu = self.scene.wall.hu(at, &brush);
            }
        }
        self.layers(z, &points, &brush, plane);
    }

    fn layers(&self, z: f64, points: &[Point], brush: &Brush<'_>, plane: &mut CleanSlice) {
        for layer in &self.scene.layers {
            for section in layer.solid.sections(z, reach(layer, brush)) {
                self.paint(layer, &section, points, brush, plane);
            }
        }
    }

    /// Columns and rows of the body that may hold a rectangle of the body's frame.
    fn pixels(&self, rect: Rect) -> [[usize; 2]; 2] {
        let [columns, rows] = pixel_box(self.scene, self.grid, rect);
        [clip(columns, self.columns), clip(rows, self.rows)]
    }

    fn paint(
        &self,
        layer: &Layer,
        section: &Section<'_>,
        points: &[Point],
        brush: &Brush<'_>,
        plane: &mut CleanSlice,
    ) {
        let [columns, rows] = self.pixels(section.rect.grown(reach(layer, brush)));
        let width = self.columns[1] - self.columns[0];
        // The area allows for the bend; where each pixel really lies is known by now.
        let near = section.rect.grown(layer.fat_mm + brush.pixel_mm);
        for y in rows[0]..rows[1] {
            let points = &points[(y - self.rows[0]) * width..][..width];
            for x in columns[0]..columns[1] {
                let at = &points[x - self.columns[0]];
                // Nothing but the wall is outside the muscles.
                if at.muscle_mm > 0.0 || !near.holds(at.p) {
                    continue;
                }
                let i = y * self.grid.size + x;
                let mut pixel = Pixel {
                    hu: &mut plane.hu[i],
                    label: &mut plane.labels[i],
                };
                let covers = layer.paint(section, at, &mut pixel, brush);
                if let (true, Some(event)) = (covers, layer.event) {
                    plane.covered[event] += 1;
                }
            }
        }
    }
}

/// How far beyond its solid a layer may be seen, in millimetres: its fat, the bend of the body, the
/// edge of a pixel.
fn reach(layer: &Layer, brush: &Brush<'_>) -> f64 {
    BEND_MM + layer.fat_mm + brush.pixel_mm
}

/// Columns and rows of the pixels that may hold a rectangle of the body's frame.
fn pixel_box(scene: &Scene, grid: &ImageGrid, rect: Rect) -> [[usize; 2]; 2] {
    let corners =
        [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(i, j)| scene.frame.world([rect.x[i], rect.y[j]]));
    [0, 1].map(|axis| {
        let values = corners.map(|corner| corner[axis]);
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        grid.pixels([low, high])
    })
}

fn clip(range: [usize; 2], within: [usize; 2]) -> [usize; 2] {
    let low = range[0].clamp(within[0], within[1]);
    [low, range[1].clamp(low, within[1])]
}
