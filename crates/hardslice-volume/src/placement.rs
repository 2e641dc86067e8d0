//! How the canonical voxels of a scan came from the file's own order.

use serde::{Deserialize, Serialize};

use crate::orientation::{inverse, linear_part, product};
use crate::reorder::{permuted, reverse_in_place};
use crate::{Grid, Note, Orientation, PerAxis, SingularAffine, Volume, VoxelCount};

/// The voxel grid of a file beside the canonical grid of the same voxels.
///
/// The two differ by a permutation of the axes and by reversals, so no value changes on the way.
/// `native.shape` names the file's fastest axis `x`, its slowest `z`, wherever they run in the
/// patient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The grid in the file's own axis order.
    pub native: Grid,
    /// The same voxels on canonical axes (RAS+).
    pub canonical: Grid,
    /// Where the canonical axes come from.
    pub orientation: Orientation,
}

/// A volume on canonical axes and the way back to its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan<T> {
    /// The voxels, canonical `[z, y, x]`.
    pub volume: Volume<T>,
    /// How they lay in the file.
    pub placement: Placement,
    /// The DICOM frame of reference that the patient's axes belong to; `None` where the file's
    /// format knows none.
    pub frame_of_reference: Option<String>,
    /// What was read by a rule and not by the letter.
    pub notes: Vec<Note>,
}

/// The voxels that labels belong to: where they lie, and in which of DICOM's frames of reference.
///
/// Made from a [`Scan`], or from a [`Placement`] alone where the frame is not known.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// Where the voxels lie.
    pub placement: &'a Placement,
    /// The UID of the frame of reference; `None` where it is not known, so that segmentations are
    /// not held to it.
    pub frame_of_reference: Option<&'a str>,
}

impl<'a> From<&'a Placement> for Reference<'a> {
    fn from(placement: &'a Placement) -> Self {
        Self {
            placement,
            frame_of_reference: None,
        }
    }
}

impl<'a, T> From<&'a Scan<T>> for Reference<'a> {
    fn from(scan: &'a Scan<T>) -> Self {
        Self {
            placement: &scan.placement,
            frame_of_reference: scan.frame_of_reference.as_deref(),
        }
    }
}

impl Placement {
    /// Places a file's grid on the nearest canonical axes.
    ///
    /// # Errors
    ///
    /// [`SingularAffine`] when the affine has no inverse.
    pub fn new(native: Grid) -> Result<Self, SingularAffine> {
        let orientation = Orientation::nearest(&native.world_from_voxel)?;
        Ok(Self::oriented(native, orientation))
    }

    /// Places a file's grid on the axes of another canonical grid, which may be oblique.
    ///
    /// Labels are brought to the axes of their scan this way: rounding in the header of a scan
    /// turned by nearly 45° cannot send the two to different axes.
    ///
    /// # Errors
    ///
    /// [`SingularAffine`] when either affine has no inverse.
    pub fn on_axes_of(native: Grid, reference: &Grid) -> Result<Self, SingularAffine> {
        let singular = |grid: &Grid| SingularAffine::new(&grid.world_from_voxel);
        let reference_from_world = inverse(&linear_part(&reference.world_from_voxel))
            .ok_or_else(|| singular(reference))?;
        // Checks for NaN and for singularity, which a product could hide.
        Orientation::nearest(&native.world_from_voxel)?;
        let axes = product(
            &reference_from_world,
            &linear_part(&native.world_from_voxel),
        );
        let orientation = Orientation::nearest_to_axes(&axes).ok_or_else(|| singular(&native))?;
        Ok(Self::oriented(native, orientation))
    }

    /// The canonical grid of a file's grid whose axes run as `orientation` says.
    pub(crate) fn oriented(native: Grid, orientation: Orientation) -> Self {
        let lengths = native.shape.xyz();
        let sources = orientation.sources_xyz();
        let mut world_from_voxel = [[0.0; 4]; 3];
        for (to, from) in world_from_voxel.iter_mut().zip(&native.world_from_voxel) {
            to[3] = from[3];
            for (axis, source) in sources.into_iter().enumerate() {
                let step = from[source.axis];
                // Not `-step`, which would leave zeros negative.
                to[axis] = if source.reversed { 0.0 - step } else { step };
                if source.reversed {
                    to[3] += step * lengths[source.axis].saturating_sub(1) as f64;
                }
            }
        }
        let shape = PerAxis::from_xyz(sources.map(|source| lengths[source.axis]));
        Self {
            native,
            canonical: Grid {
                shape,
                world_from_voxel,
            },
            orientation,
        }
    }

    /// Brings voxels in the file's order (first axis fastest) to canonical `[z, y, x]`.
    ///
    /// Where no axes change places the voxels are reversed in place; else a second buffer is
    /// filled tile by tile.
    ///
    /// # Errors
    ///
    /// [`VoxelCount`] when `native` is not as long as the grid.
    pub fn to_canonical<T: Copy + Send + Sync>(
        &self,
        mut native: Vec<T>,
    ) -> Result<Volume<T>, VoxelCount> {
        check(&self.native, native.len())?;
        if !self.orientation.keeps_axis_order() {
            let voxels = permuted(&native, self.canonical.shape, self.orientation);
            return Volume::new(self.canonical, voxels);
        }
        reverse_in_place(
            &mut native,
            self.canonical.shape,
            self.orientation.reversed(),
        );
        Volume::new(self.canonical, native)
    }

    /// Brings canonical voxels `[z, y, x]` back to the file's order (first axis fastest).
    ///
    /// # Errors
    ///
    /// [`VoxelCount`] when the volume has another shape than the canonical grid.
    pub fn to_native<T: Copy + Send + Sync>(
        &self,
        volume: &Volume<T>,
    ) -> Result<Vec<T>, VoxelCount> {
        if volume.shape() != self.canonical.shape {
            return Err(VoxelCount {
                shape: self.canonical.shape,
                got: volume.voxels().len(),
            });
        }
        if !self.orientation.keeps_axis_order() {
            return Ok(permuted(
                volume.voxels(),
                self.native.shape,
                self.orientation.inverse(),
            ));
        }
        let mut native = volume.voxels().to_vec();
        reverse_in_place(&mut native, self.native.shape, self.orientation.reversed());
        Ok(native)
    }

    /// Index in the file, `[i, j, k]`, of a canonical voxel `[x, y, z]`.
    pub fn native_index(&self, canonical_xyz: [usize; 3]) -> [usize; 3] {
        let lengths = self.native.shape.xyz();
        let mut ijk = [0; 3];
        for (source, at) in self
            .orientation
            .sources_xyz()
            .into_iter()
            .zip(canonical_xyz)
        {
            ijk[source.axis] = if source.reversed {
                lengths[source.axis] - 1 - at
            } else {
                at
            };
        }
        ijk
    }
}

impl<T: Copy + Send + Sync> Scan<T> {
    /// Puts voxels in a file's order on canonical axes; without notes.
    ///
    /// # Errors
    ///
    /// [`VoxelCount`] when `native` is not as long as the placement's native grid.
    pub fn from_native(placement: Placement, native: Vec<T>) -> Result<Self, VoxelCount> {
        let volume = placement.to_canonical(native)?;
        Ok(Self {
            volume,
            placement,
            frame_of_reference: None,
            notes: Vec::new(),
        })
    }
}

fn check(grid: &Grid, got: usize) -> Result<(), VoxelCount> {
    if grid.shape.n_voxels() == got {
        return Ok(());
    }
    Err(VoxelCount {
        shape: grid.shape,
        got,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 × 3 × 4 voxels of 0.7 × 0.9 × 5 mm, tilted, running as `orientation` says.
    fn native_grid(orientation: Orientation) -> Grid {
        let mut m = [[0.0; 4]; 3];
        for (world, source) in orientation.sources_xyz().iter().enumerate() {
            let sign = if source.reversed { -1.0 } else { 1.0 };
            m[world][source.axis] = sign * [0.7, 0.9, 5.0][source.axis];
            m[(world + 1) % 3][source.axis] += 0.1;
            m[world][3] = 10.0 * world as f64 - 7.0;
        }
        Grid {
            shape: PerAxis::from_xyz([2, 3, 4]),
            world_from_voxel: m,
        }
    }

    #[test]
    fn a_voxel_keeps_its_place_in_the_patient_in_all_48_orientations() {
        for orientation in Orientation::all() {
            let placement = Placement::new(native_grid(orientation)).unwrap();
            assert_eq!(placement.orientation, orientation, "found back");
            let native: Vec<u16> = (0..24).collect();
            let volume = placement.to_canonical(native.clone()).unwrap();
            let shape = volume.shape();
            for (at, &value) in volume.voxels().iter().enumerate() {
                let xyz = [at % shape.x, at / shape.x % shape.y, at / shape.n_pixels()];
                let ijk = placement.native_index(xyz);
                let stored = ijk[0] + 2 * (ijk[1] + 3 * ijk[2]);
                assert_eq!(value, native[stored], "{orientation} at {xyz:?}");
                let here = placement.canonical.world_mm(xyz.map(|v| v as f64));
                let there = placement.native.world_mm(ijk.map(|v| v as f64));
                for (a, b) in here.into_iter().zip(there) {
                    assert!(
                        (a - b).abs() < 1e-12,
                        "{orientation} at {xyz:?}: {a} mm, {b} mm"
                    );
                }
            }
            assert_eq!(
                placement.to_native(&volume).unwrap(),
                native,
                "{orientation} and back"
            );
        }
    }

    #[test]
    fn labels_follow_the_axes_of_their_scan() {
        for scan in Orientation::all() {
            let reference = Placement::new(native_grid(scan)).unwrap().canonical;
            for labels in Orientation::all() {
                // The labels' file holds the same voxels in another order.
                let file = Placement::oriented(reference, labels).canonical;
                let placement = Placement::on_axes_of(file, &reference).unwrap();
                assert_eq!(
                    placement.canonical.shape, reference.shape,
                    "{scan}, {labels}"
                );
                let distance = placement.canonical.corner_distance_mm(&reference);
                assert!(distance < 1e-12, "{scan}, {labels}: {distance} mm apart");
            }
        }
    }

    #[test]
    fn voxels_that_do_not_fill_the_grid_are_refused() {
        let placement = Placement::new(native_grid(Orientation::CANONICAL)).unwrap();
        let err = placement.to_canonical(vec![0_u8; 23]).unwrap_err();
        assert_eq!((err.got, err.shape.n_voxels()), (23, 24), "{err}");
        let flat = Grid {
            shape: PerAxis::new(1, 3, 2),
            ..placement.canonical
        };
        let volume = Volume::new(flat, vec![0_u8; 6]).unwrap();
        assert!(placement.to_native(&volume).is_err(), "another shape");
    }
}
