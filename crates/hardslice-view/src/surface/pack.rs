//! A surface as few bytes.

use super::Surface;

/// The ball that the surfaces of one picture share: however they are turned, they stay in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceBounds {
    /// Its middle along `x`, `y` and `z`.
    pub middle_mm: [f32; 3],
    /// Its radius; above 0.
    pub radius_mm: f32,
}

impl SurfaceBounds {
    /// The ball in the middle of the box around all vertices; a millimetre at the origin where
    /// there are none.
    pub fn around(surfaces: &[&Surface]) -> Self {
        let vertices = || surfaces.iter().flat_map(|surface| &surface.vertices_mm);
        let ends = vertices().fold(None, |ends: Option<[[f32; 3]; 2]>, vertex| {
            let [low, high] = ends.unwrap_or([*vertex; 2]);
            Some([
                std::array::from_fn(|axis| low[axis].min(vertex[axis])),
                std::array::from_fn(|axis| high[axis].max(vertex[axis])),
            ])
        });
        let [low, high] = ends.unwrap_or_default();
        let middle_mm = std::array::from_fn(|axis| f32::midpoint(low[axis], high[axis]));
        let radius = vertices().map(|vertex| {
            let squared = (0..3).map(|axis| (vertex[axis] - middle_mm[axis]).powi(2));
            squared.sum::<f32>().sqrt()
        });
        Self {
            middle_mm,
            radius_mm: radius.fold(1.0, f32::max),
        }
    }

    /// A place as shares of the radius from the middle.
    pub(super) fn share(&self, place_mm: [f32; 3]) -> [f32; 3] {
        std::array::from_fn(|axis| (place_mm[axis] - self.middle_mm[axis]) / self.radius_mm)
    }
}

/// A surface for the page's own renderer, little-endian, one part after the other:
///
/// ```text
/// u16 × 3 × vertices     x, y, z: 0 is the ball's near end, 65535 its far end
/// u16 × 3 × triangles    the vertices of each
/// u8 × vertices          distance: 0 is minus the limit, 255 the limit
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The parts.
    pub bytes: Vec<u8>,
    /// How many vertices.
    pub n_vertices: usize,
    /// How many triangles.
    pub n_triangles: usize,
}

/// Packs a surface with the distance of each vertex; `None` for one of more than 65 535 vertices.
/// Without distances every vertex has distance 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of the ball and of the limit, clamped"
)]
pub fn pack(
    surface: &Surface,
    distances_mm: &[f32],
    limit_mm: f32,
    bounds: &SurfaceBounds,
) -> Option<Packed> {
    let n_vertices = surface.vertices_mm.len();
    u16::try_from(n_vertices).ok()?;
    let mut bytes = Vec::with_capacity(7 * n_vertices + 6 * surface.triangles.len());
    for vertex in &surface.vertices_mm {
        for share in bounds.share(*vertex) {
            let level = (share.clamp(-1.0, 1.0) + 1.0) * 32_767.5;
            bytes.extend((level.round() as u16).to_le_bytes());
        }
    }
    for vertex in surface.triangles.iter().flatten() {
        bytes.extend((*vertex as u16).to_le_bytes());
    }
    for i in 0..n_vertices {
        let distance = distances_mm.get(i).copied().unwrap_or(0.0);
        let share = (distance / limit_mm).clamp(-1.0, 1.0);
        bytes.push(((share + 1.0) * 127.5).round() as u8);
    }
    Some(Packed {
        bytes,
        n_vertices,
        n_triangles: surface.triangles.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_surface_holds_places_triangles_and_distances_in_order() {
        let surface = Surface {
            vertices_mm: vec![[10.0, 2.0, 5.0], [20.0, 2.0, 5.0], [15.0, 2.0, 5.0]],
            triangles: vec![[0, 1, 2]],
        };
        let bounds = SurfaceBounds::around(&[&surface]);
        assert!((bounds.radius_mm - 5.0).abs() < 1e-6, "{bounds:?}");
        let packed = pack(&surface, &[-5.0, 0.0, 99.0], 5.0, &bounds).unwrap();
        assert_eq!((packed.n_vertices, packed.n_triangles), (3, 1));
        assert_eq!(packed.bytes.len(), 3 * 6 + 6 + 3, "nothing else");
        assert_eq!(
            packed.bytes[..4],
            [0, 0, 0, 128],
            "the near end, and the middle"
        );
        assert_eq!(packed.bytes[6..8], [255, 255], "the far end");
        assert_eq!(packed.bytes[18..24], [0, 0, 1, 0, 2, 0], "the triangle");
        assert_eq!(packed.bytes[24..], [0, 128, 255], "the distances");
    }
}
