//! How large a piece of surface lies between eight neighbouring voxels.
//!
//! # Sources
//!
//! - W. E. Lorensen and H. E. Cline (1987), "Marching cubes: a high resolution 3D surface
//!   construction algorithm", SIGGRAPH Computer Graphics 21(4), 163–169.
//! - S. Nikolov et al. (2021), "Clinically applicable segmentation of head and neck anatomy for
//!   radiotherapy", J Med Internet Res 23(7), e26151, and its code, surface-distance
//!   (copyright 2018 Google Inc., Apache-2.0), whose table of triangle normals
//!   (`_NEIGHBOUR_CODE_TO_NORMALS`) the weights here were computed from.

use hardslice_volume::PerAxis;

/// Area in mm² of the surface at a corner, by its neighbour code, on a grid of this spacing.
///
/// A triangle's normal `n`, in units of the voxel, has the area
/// `‖(n_z·s_y·s_x, n_y·s_z·s_x, n_x·s_z·s_y)‖`; the triangles of one code add up. Codes 0 and 255,
/// all outside and all inside, have area 0.
pub(super) fn area_by_code_mm2(spacing_mm: PerAxis<f64>) -> [f64; 256] {
    let PerAxis { z, y, x } = spacing_mm;
    let faces = [y * x, z * x, z * y];
    let area_by_direction = DIRECTIONS.map(|direction| {
        let squares = std::array::from_fn::<f64, 3, _>(|i| (direction[i] * faces[i]).powi(2));
        (squares[0] + squares[1] + squares[2]).sqrt()
    });
    std::array::from_fn(|code| {
        // The surface does not depend on which side is inside.
        let weights = WEIGHTS_BY_CODE[code.min(255 - code)];
        let eighths = weights.iter().zip(area_by_direction);
        eighths
            .map(|(digit, area)| f64::from(digit - b'0') / 8.0 * area)
            .sum()
    })
}

/// The directions a triangle of the table can face, `[z, y, x]`, up to signs.
const DIRECTIONS: [[f64; 3]; 7] = [
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 1.0, 1.0],
    [1.0, 0.0, 1.0],
    [1.0, 1.0, 0.0],
    [1.0, 1.0, 1.0],
];

/// For each neighbour code up to 127, seven digits: in eighths of a voxel, how much of the surface
/// faces each of [`DIRECTIONS`].
#[rustfmt::skip]
const WEIGHTS_BY_CODE: [[u8; 7]; 128] = [
    *b"0000000", *b"0000001", *b"0000001", *b"0000040", *b"0000001", *b"0000400", *b"0000002", *b"4000003",
    *b"0000001", *b"0000002", *b"0000400", *b"4000003", *b"0000040", *b"4000003", *b"4000003", *b"8000000",
    *b"0000001", *b"0004000", *b"0000002", *b"0400003", *b"0000002", *b"0040003", *b"0000003", *b"0000006",
    *b"0000002", *b"0004001", *b"0000401", *b"0002204", *b"0000041", *b"0002024", *b"4000004", *b"4000003",
    *b"0000001", *b"0000002", *b"0004000", *b"0400003", *b"0000002", *b"0000401", *b"0004001", *b"0002204",
    *b"0000002", *b"0000003", *b"0040003", *b"0000006", *b"0000041", *b"4000004", *b"0002024", *b"4000003",
    *b"0000040", *b"0400003", *b"0400003", *b"0800000", *b"0000041", *b"0000224", *b"0400004", *b"0400003",
    *b"0000041", *b"0400004", *b"0000224", *b"0400003", *b"0000080", *b"0000041", *b"0000041", *b"0000040",
    *b"0000001", *b"0000002", *b"0000002", *b"0000041", *b"0004000", *b"0040003", *b"0004001", *b"0002024",
    *b"0000002", *b"0000003", *b"0000401", *b"4000004", *b"0400003", *b"0000006", *b"0002204", *b"4000003",
    *b"0000400", *b"0040003", *b"0000401", *b"0000224", *b"0040003", *b"0080000", *b"0040004", *b"0040003",
    *b"0000401", *b"0040004", *b"0000800", *b"0000401", *b"0000224", *b"0040003", *b"0000401", *b"0000400",
    *b"0000002", *b"0000003", *b"0004001", *b"0400004", *b"0004001", *b"0040004", *b"0008000", *b"0004001",
    *b"0000003", *b"0000004", *b"0040004", *b"0000003", *b"0400004", *b"0000003", *b"0004001", *b"0000002",
    *b"4000003", *b"0000006", *b"0002204", *b"0400003", *b"0002024", *b"0040003", *b"0004001", *b"0004000",
    *b"4000004", *b"0000003", *b"0000401", *b"0000002", *b"0000041", *b"0000002", *b"0000002", *b"0000001",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_wall_has_the_area_of_a_voxel_face() {
        let areas = area_by_code_mm2(PerAxis::new(3.0, 0.8, 0.7));
        let walls = [
            (0b1111_0000, 0.8 * 0.7),
            (0b1100_1100, 3.0 * 0.7),
            (0b1010_1010, 3.0 * 0.8),
        ];
        for (code, face) in walls {
            let area = areas[code];
            assert!(
                (area - face).abs() < 1e-12,
                "{area} mm² for {code:08b}, expected {face}"
            );
        }
    }

    #[test]
    fn a_lone_voxel_is_an_octahedron_of_eight_triangles() {
        // Triangles between the middles of three edges that meet at right angles, 1.5, 0.4, 0.35 mm.
        let (a, b, c) = (1.5_f64, 0.4, 0.35);
        let triangle = 0.5 * ((a * b).powi(2) + (b * c).powi(2) + (a * c).powi(2)).sqrt();
        let areas = area_by_code_mm2(PerAxis::new(3.0, 0.8, 0.7));
        for bit in 0..8 {
            let area = areas[1 << bit];
            assert!(
                (area - triangle).abs() < 1e-12,
                "{area} mm², expected {triangle} mm²"
            );
        }
    }

    #[test]
    fn no_surface_runs_where_all_eight_voxels_agree() {
        let areas = area_by_code_mm2(PerAxis::new(1.0, 1.0, 1.0));
        assert_eq!(
            (areas[0], areas[255]),
            (0.0, 0.0),
            "all outside, all inside"
        );
        assert!(
            areas[1..255].iter().all(|area| *area > 0.0),
            "a surface everywhere else"
        );
    }
}
