//! The surface of a mask as triangles.

use fast_surface_nets::ndshape::RuntimeShape;
use fast_surface_nets::{SurfaceNetsBuffer, surface_nets};
use hardslice_volume::PerAxis;

use super::occupancy::{Occupancy, extent};

/// Cells along the longest side of what is shown: some ten thousand triangles for a liver.
const N_CELLS: f64 = 48.0;

/// A closed surface, its triangles seen counter-clockwise from outside.
///
/// Places are in millimetres along the scan's canonical axes, `x` to the patient's right, `y` to
/// the front, `z` to the head, from the centre of the scan's first voxel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Surface {
    /// Places, `[x, y, z]`.
    pub vertices_mm: Vec<[f32; 3]>,
    /// Three places in `vertices_mm` each.
    pub triangles: Vec<[u32; 3]>,
}

/// The cell that shows these masks in 48 cells along their longest side; never finer than the
/// voxels' shortest side. Masks of one picture share it, so that they are equally smooth.
pub fn cell_mm(masks: &[&[bool]], shape: PerAxis<usize>, spacing_mm: PerAxis<f64>) -> f64 {
    let finest = spacing_mm.zyx().into_iter().fold(f64::INFINITY, f64::min);
    let sides = masks.iter().filter_map(|mask| extent(mask, shape));
    let longest = sides.flat_map(|extent| {
        let sides = extent.into_iter().zip(spacing_mm.zyx());
        sides.map(|(side, spacing)| (side.end() - side.start() + 1) as f64 * spacing)
    });
    (longest.fold(0.0, f64::max) / N_CELLS).max(finest)
}

impl Surface {
    /// The surface of a mask `[z, y, x]`, sampled every `cell_mm` after smoothing over one and a
    /// half cells (or voxels, where those are larger). Specks smaller than that vanish; an empty
    /// mask has no triangles.
    ///
    /// # Panics
    ///
    /// When the mask does not fill `shape`.
    ///
    /// # Sources
    ///
    /// S. F. F. Gibson (1998), "Constrained elastic surface nets", MICCAI, without the relaxation:
    /// each cell that the surface crosses gives one vertex, the mean of the crossings of its edges.
    pub fn of_mask(
        mask: &[bool],
        shape: PerAxis<usize>,
        spacing_mm: PerAxis<f64>,
        cell_mm: f64,
    ) -> Self {
        assert_eq!(mask.len(), shape.n_voxels(), "a mask of {shape} voxels");
        let Some(occupancy) = Occupancy::of_mask(mask, shape, spacing_mm, cell_mm) else {
            return Self::default();
        };
        let outside: Vec<f32> = occupancy.levels.iter().map(|level| 0.5 - level).collect();
        let side = |n: usize| {
            u32::try_from(n).expect("a side of more than 2^32 cells does not fit into memory")
        };
        let [z, y, x] = occupancy.shape.zyx().map(side);
        let mut found = SurfaceNetsBuffer::default();
        surface_nets(
            &outside,
            &RuntimeShape::<u32, 3>::new([x, y, z]),
            [0; 3],
            [x - 1, y - 1, z - 1],
            &mut found,
        );
        let PerAxis { z, y, x } = occupancy.first_mm;
        let place = |at: &[f32; 3]| {
            let [at_x, at_y, at_z] = at.map(|cells| f64::from(cells) * cell_mm);
            [x + at_x, y + at_y, z + at_z].map(|mm| {
                #[expect(clippy::cast_possible_truncation, reason = "micrometres are lost")]
                let mm = mm as f32;
                mm
            })
        };
        let corners = found.indices.chunks_exact(3);
        Self {
            vertices_mm: found.positions.iter().map(place).collect(),
            triangles: corners
                .map(|corner| [corner[0], corner[1], corner[2]])
                .collect(),
        }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.triangles.is_empty()
    }

    /// Area in square centimetres.
    pub fn area_cm2(&self) -> f64 {
        let doubled = self.corners().map(|corners| length(doubled_area(corners)));
        doubled.sum::<f64>() / 2.0 / 100.0
    }

    /// Volume enclosed, in millilitres; above 0 where triangles face outwards.
    pub fn volume_ml(&self) -> f64 {
        let sixfold = self.corners().map(|[a, b, c]| dot(a, cross(b, c)));
        sixfold.sum::<f64>() / 6.0 / 1000.0
    }

    /// Outward direction at each vertex, of length 1: the mean of its triangles, weighted by area.
    pub fn normals(&self) -> Vec<[f32; 3]> {
        let mut sums = vec![[0.0; 3]; self.vertices_mm.len()];
        for (triangle, corners) in self.triangles.iter().zip(self.corners()) {
            let normal = doubled_area(corners);
            for vertex in triangle {
                let sum: &mut [f64; 3] = &mut sums[*vertex as usize];
                for axis in 0..3 {
                    sum[axis] += normal[axis];
                }
            }
        }
        let unit = |sum: [f64; 3]| {
            let length = length(sum).max(f64::MIN_POSITIVE);
            #[expect(clippy::cast_possible_truncation, reason = "a direction for shading")]
            let unit = sum.map(|part| (part / length) as f32);
            unit
        };
        sums.into_iter().map(unit).collect()
    }

    fn corners(&self) -> impl Iterator<Item = [[f64; 3]; 3]> {
        let place = |vertex: u32| self.vertices_mm[vertex as usize].map(f64::from);
        self.triangles
            .iter()
            .map(move |triangle| triangle.map(place))
    }
}

fn doubled_area([a, b, c]: [[f64; 3]; 3]) -> [f64; 3] {
    let side = |to: [f64; 3]| std::array::from_fn(|axis| to[axis] - a[axis]);
    cross(side(b), side(c))
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn length(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A ball on a grid, its centre in millimetres from the first voxel.
    pub(in crate::surface) fn ball(
        shape: PerAxis<usize>,
        spacing_mm: PerAxis<f64>,
        centre_mm: PerAxis<f64>,
        radius_mm: f64,
    ) -> Vec<bool> {
        let inside = |i: usize| {
            let at = [i / shape.n_pixels(), i / shape.x % shape.y, i % shape.x];
            let squared = (0..3).map(|axis| {
                (at[axis] as f64 * spacing_mm.zyx()[axis] - centre_mm.zyx()[axis]).powi(2)
            });
            squared.sum::<f64>() <= radius_mm.powi(2)
        };
        (0..shape.n_voxels()).map(inside).collect()
    }

    #[test]
    fn a_balls_surface_has_its_area_and_volume_and_faces_outwards() {
        let shape = PerAxis::new(40, 70, 90);
        let spacing_mm = PerAxis::new(2.0, 1.0, 0.8);
        let centre_mm = PerAxis::new(38.0, 34.0, 35.0);
        let radius_mm: f64 = 28.0;
        let mask = ball(shape, spacing_mm, centre_mm, radius_mm);
        let surface = Surface::of_mask(&mask, shape, spacing_mm, 2.0);
        let (area, volume) = (
            4.0 * std::f64::consts::PI * radius_mm.powi(2) / 100.0,
            4.0 / 3.0 * std::f64::consts::PI * radius_mm.powi(3) / 1000.0,
        );
        let (found_area, found_volume) = (surface.area_cm2(), surface.volume_ml());
        assert!(
            (found_area / area - 1.0).abs() < 0.03,
            "{found_area} of {area} cm²"
        );
        assert!(
            (found_volume / volume - 1.0).abs() < 0.03,
            "{found_volume} of {volume} ml"
        );
        let centre = [35.0, 34.0, 38.0];
        for (vertex, normal) in surface.vertices_mm.iter().zip(surface.normals()) {
            let from_centre: [f64; 3] =
                std::array::from_fn(|axis| f64::from(vertex[axis]) - centre[axis]);
            let distance = length(from_centre);
            assert!(
                (distance - radius_mm).abs() < 1.2,
                "a vertex {distance} mm from the centre"
            );
            let along = dot(from_centre, normal.map(f64::from)) / distance;
            assert!(along > 0.9, "a normal leans away from outwards: {along}");
        }
    }

    #[test]
    fn every_edge_belongs_to_two_triangles_that_run_it_in_opposite_ways() {
        let shape = PerAxis::new(9, 12, 15);
        let spacing_mm = PerAxis::new(3.0, 1.0, 1.5);
        // A bent bar that touches the border of the scan.
        let inside = |i: usize| {
            let (z, y, x) = (i / 180, i / 15 % 12, i % 15);
            y < 6 && (z < 3 || x < 5)
        };
        let mask: Vec<bool> = (0..shape.n_voxels()).map(inside).collect();
        let surface = Surface::of_mask(&mask, shape, spacing_mm, 1.5);
        let mut edges: Vec<[u32; 2]> = surface
            .triangles
            .iter()
            .flat_map(|&[a, b, c]| [[a, b], [b, c], [c, a]])
            .collect();
        edges.sort_unstable();
        for [from, to] in &edges {
            let back = edges.binary_search(&[*to, *from]);
            assert!(back.is_ok(), "the edge {from} to {to} is open");
        }
        assert!(surface.volume_ml() > 0.0, "outwards");
    }

    #[test]
    fn an_empty_mask_has_no_surface_and_a_full_one_is_closed() {
        let shape = PerAxis::new(6, 7, 8);
        let spacing_mm = PerAxis::new(2.0, 2.0, 2.0);
        let empty = Surface::of_mask(&[false; 336], shape, spacing_mm, 2.0);
        assert!(
            empty.is_empty() && empty.area_cm2().abs() < 1e-12,
            "nothing"
        );
        let full = Surface::of_mask(&[true; 336], shape, spacing_mm, 2.0);
        let volume = full.volume_ml();
        assert!(
            (2.0..2.8).contains(&volume),
            "{volume} of 2.688 ml, corners rounded"
        );
    }

    #[test]
    fn cells_grow_with_what_is_shown_and_stay_above_the_voxels() {
        let shape = PerAxis::new(10, 100, 100);
        let spacing_mm = PerAxis::new(5.0, 1.0, 1.0);
        let large = cell_mm(&[&vec![true; shape.n_voxels()]], shape, spacing_mm);
        assert!((large - 100.0 / 48.0).abs() < 1e-9, "{large}");
        let none = cell_mm(&[&vec![false; shape.n_voxels()]], shape, spacing_mm);
        assert!((none - 1.0).abs() < 1e-9, "{none}");
    }
}
