//! Surfaces of an organ as `NiiVue` reads them: MZ3, in millimetres from the scan's first voxel.

use hardslice_data::balance::Arm;
use hardslice_view::palette::Rgb;
use hardslice_view::surface::{
    Surface, SurfaceMasks, cell_mm, colour_of, crop, nice_limit_mm, signed_distances_mm,
};
use hardslice_volume::{Grid, PerAxis};

/// What the surface is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The ground truth.
    Truth,
    /// A net's prediction: an arm's, or that of the net which mined.
    Net(Option<Arm>),
}

const GREY: Rgb = Rgb([200, 200, 200]);

/// The plane of a slice, seen from both sides.
const PLANE: Rgb = Rgb([120, 160, 210]);

/// The ground truth's surface; `None` where there is none of it.
pub(super) fn of_truth(mask: &[bool], grid: &Grid) -> Option<Vec<u8>> {
    let spacing_mm = grid.spacing_mm();
    let cell = cell_mm(&[mask], grid.shape, spacing_mm);
    let surface = Surface::of_mask(mask, grid.shape, spacing_mm, cell);
    let colours = vec![GREY; surface.vertices_mm.len()];
    (!surface.is_empty()).then(|| mz3(&surface, &colours))
}

/// A prediction's surface, blue where it lies inside the truth and orange where it lies outside; grey
/// where there is no truth. `None` where nothing is predicted.
pub(super) fn of_prediction(mask: &[bool], truth: Option<&[bool]>, grid: &Grid) -> Option<Vec<u8>> {
    let spacing_mm = grid.spacing_mm();
    let nothing = vec![false; mask.len()];
    let truth = truth.unwrap_or(&nothing);
    let cropped = crop(&[truth, mask], grid.shape)?;
    let [truth, mask] = [&cropped.masks[0], &cropped.masks[1]];
    let cell = cell_mm(&[mask], cropped.shape, spacing_mm);
    let mut surface = Surface::of_mask(mask, cropped.shape, spacing_mm, cell);
    let masks = SurfaceMasks {
        truth,
        shape: cropped.shape,
        spacing_mm,
    };
    let distances = signed_distances_mm(&surface, &masks);
    let distances = distances.expect("the masks were cut to one shape, and a grid has spacings");
    let colours = match distances {
        None => vec![GREY; surface.vertices_mm.len()],
        Some(distances) => {
            let limit_mm = nice_limit_mm(&distances);
            let colour = |mm: &f32| colour_of(*mm, limit_mm);
            distances.iter().map(colour).collect()
        }
    };
    let first = cropped.first.zyx();
    let first_mm = [2, 1, 0].map(|axis| first[axis] as f64 * spacing_mm.zyx()[axis]);
    for vertex in &mut surface.vertices_mm {
        for (place, first_mm) in vertex.iter_mut().zip(first_mm) {
            *place += mm(first_mm);
        }
    }
    (!surface.is_empty()).then(|| mz3(&surface, &colours))
}

/// The plane of a slice, over the middle half of the scan, so that a surface shows where it is cut.
pub(super) fn of_slice(z: usize, grid: &Grid) -> Vec<u8> {
    let PerAxis {
        z: z_mm,
        y: y_mm,
        x: x_mm,
    } = grid.spacing_mm();
    let ends = |n: usize, spacing: f64| [0.25, 0.75].map(|share| mm(share * n as f64 * spacing));
    let ([x0, x1], [y0, y1]) = (ends(grid.shape.x, x_mm), ends(grid.shape.y, y_mm));
    let z = mm(z as f64 * z_mm);
    let surface = Surface {
        vertices_mm: vec![[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]],
        triangles: vec![[0, 1, 2], [0, 2, 3], [0, 2, 1], [0, 3, 2]],
    };
    mz3(&surface, &[PLANE; 4])
}

#[expect(clippy::cast_possible_truncation, reason = "micrometres are lost")]
fn mm(value: f64) -> f32 {
    value as f32
}

/// A mesh with a colour for each vertex, uncompressed.
///
/// # Sources
///
/// The format's description in Surf Ice, <https://github.com/neurolabusc/surf-ice/tree/master/mz3>.
fn mz3(surface: &Surface, colours: &[Rgb]) -> Vec<u8> {
    const MAGIC: u16 = 0x5A4D;
    /// Faces, vertices and colours.
    const ATTRIBUTES: u16 = 1 + 2 + 4;
    let count = |n: usize| u32::try_from(n).expect("a surface has fewer triangles than 2^32");
    let mut bytes = Vec::new();
    bytes.extend(MAGIC.to_le_bytes());
    bytes.extend(ATTRIBUTES.to_le_bytes());
    bytes.extend(count(surface.triangles.len()).to_le_bytes());
    bytes.extend(count(surface.vertices_mm.len()).to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(
        surface
            .triangles
            .iter()
            .flatten()
            .flat_map(|n| n.to_le_bytes()),
    );
    bytes.extend(
        surface
            .vertices_mm
            .iter()
            .flatten()
            .flat_map(|mm| mm.to_le_bytes()),
    );
    bytes.extend(colours.iter().flat_map(|Rgb([r, g, b])| [*r, *g, *b, 255]));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid {
            shape: PerAxis::new(20, 24, 28),
            world_from_voxel: [
                [1.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 2.0, 0.0],
            ],
        }
    }

    /// A box of the grid.
    fn boxed(
        z: std::ops::Range<usize>,
        y: std::ops::Range<usize>,
        x: std::ops::Range<usize>,
    ) -> Vec<bool> {
        let PerAxis {
            z: n_z,
            y: n_y,
            x: n_x,
        } = grid().shape;
        let places = (0..n_z * n_y * n_x).map(|i| [i / (n_y * n_x), i / n_x % n_y, i % n_x]);
        places
            .map(|[at_z, at_y, at_x]| z.contains(&at_z) && y.contains(&at_y) && x.contains(&at_x))
            .collect()
    }

    /// Places and colours of a file's vertices.
    fn read(bytes: &[u8]) -> (Vec<[f32; 3]>, Vec<[u8; 4]>) {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!((&bytes[..2], bytes[2], number(12)), (&b"MZ"[..], 7, 0));
        let (n_triangles, n_vertices) = (number(4), number(8));
        let from = 16 + 12 * n_triangles;
        let colours = from + 12 * n_vertices;
        assert_eq!(bytes.len(), colours + 4 * n_vertices, "nothing behind");
        let float = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let vertex = |n: usize| [0, 1, 2].map(|axis| float(from + 12 * n + 4 * axis));
        let colour = |n: usize| bytes[colours + 4 * n..][..4].try_into().unwrap();
        (
            (0..n_vertices).map(vertex).collect(),
            (0..n_vertices).map(colour).collect(),
        )
    }

    fn ends(places: &[[f32; 3]], axis: usize) -> [f32; 2] {
        let values = places.iter().map(|place| place[axis]);
        [
            values.clone().fold(f32::MAX, f32::min),
            values.fold(f32::MIN, f32::max),
        ]
    }

    #[test]
    fn surfaces_of_truth_and_prediction_lie_where_their_masks_lie() {
        let truth = boxed(6..14, 6..18, 6..18);
        let shifted = boxed(6..14, 6..18, 10..22);
        let (of_truth, _) = read(&of_truth(&truth, &grid()).unwrap());
        let (predicted, colours) = read(&of_prediction(&shifted, Some(&truth), &grid()).unwrap());
        for (axis, from, to) in [(0, 5.5, 17.5), (1, 5.5, 17.5), (2, 11.0, 27.0)] {
            let [low, high] = ends(&of_truth, axis);
            assert!(
                (low - from).abs() < 1.5 && (high - to).abs() < 1.5,
                "{axis}: {low} {high}"
            );
        }
        let [low, high] = ends(&predicted, 0);
        assert!(
            (low - 9.5).abs() < 1.5 && (high - 21.5).abs() < 1.5,
            "{low} {high}"
        );
        let [low, high] = ends(&predicted, 2);
        assert!(
            (low - 11.0).abs() < 2.0 && (high - 27.0).abs() < 2.0,
            "{low} {high}"
        );
        // What sticks out is more red than blue, what lies within the other way round.
        for (place, [r, _, b, _]) in predicted.iter().zip(colours) {
            if place[0] > 20.5 {
                assert!(r > b, "{place:?}");
            }
            if place[0] < 10.5
                && (8.0..16.0).contains(&place[1])
                && (14.0..24.0).contains(&place[2])
            {
                assert!(b > r, "{place:?}");
            }
        }
    }

    #[test]
    fn nothing_has_no_surface_and_a_slice_is_a_plane_at_its_height() {
        let nothing = vec![false; grid().shape.n_voxels()];
        assert!(of_truth(&nothing, &grid()).is_none());
        assert!(of_prediction(&nothing, None, &grid()).is_none());
        let lone = boxed(6..14, 6..18, 6..18);
        let (_, colours) = read(&of_prediction(&lone, None, &grid()).unwrap());
        assert!(
            colours.iter().all(|[r, g, b, _]| r == g && g == b),
            "no truth, no distance"
        );
        let (plane, _) = read(&of_slice(7, &grid()));
        assert!(
            plane.iter().all(|place| (place[2] - 14.0).abs() < 1e-6),
            "{plane:?}"
        );
    }
}
