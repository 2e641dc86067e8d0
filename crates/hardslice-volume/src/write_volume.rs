//! Scans and label maps into whatever format the name says.

use std::path::{Path, PathBuf};

use crate::nifti::{self, Stored};
use crate::{Action, Ending, Grid, Placement, Structure, Volume, WriteError, meta_image, nrrd};

/// Writes a label map of `u8` on the scan's own grid and in its own axis order, in the format that
/// the name's ending says, in letters of any case.
///
/// | ending | format |
/// |---|---|
/// | `.nii`, `.nii.gz` | NIfTI-1; the affine stands in the sform and, unless it is sheared, in the qform too |
/// | `.nrrd` | NRRD, compressed |
/// | `.mha`, `.mhd` | MetaImage, compressed; `.mhd` with its voxels in a `.zraw` beside it |
///
/// The same labels give the same bytes.
///
/// ```
/// use hardslice_volume::{read_nifti_labels, read_scan, write_label_map};
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
/// let scan = read_scan(&path)?;
/// let mask = scan.volume.map(|hu| u8::from(hu > 0.0));
/// let out = dir.path().join("liver.nii.gz");
/// write_label_map(&out, &mask, &scan.placement)?;
///
/// let read = read_nifti_labels(&out)?;
/// assert_eq!(read.placement, scan.placement, "on the scan's own grid");
/// assert_eq!(read.volume.voxels(), [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`WriteError`]: the labels do not lie on the placement's canonical grid, the name has another
/// ending, an axis is too long for NIfTI-1 or the grid is sheared, which MetaImage cannot say, or
/// the file system refuses.
pub fn write_label_map(
    path: &Path,
    labels: &Volume<u8>,
    placement: &Placement,
) -> Result<(), WriteError> {
    let voxels = native(path, labels, placement)?;
    write_bytes(path, &placement.native, Scalar::U8, &voxels)
}

/// Writes a label map as [`write_label_map`] does, and as a segmentation with names where the name
/// ends with `.seg.nrrd`: one layer whose header lists each structure as 3D Slicer does, also those
/// that have no voxel.
///
/// ```
/// use hardslice_volume::{LabelNames, Structure, read_labels, read_scan, write_structures};
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
/// let scan = read_scan(&path)?;
/// let mask = scan.volume.clone().map(|hu| u8::from(hu > 0.0));
/// let liver = Structure {
///     name: "liver".into(),
///     value: 1,
///     color: [221, 130, 101],
///     anatomy: None,
/// };
/// let out = dir.path().join("liver.seg.nrrd");
/// write_structures(&out, &mask, &scan.placement, &[liver])?;
///
/// let read = read_labels(&out, &scan, &LabelNames::new([("Liver", 7)])?)?;
/// assert_eq!(read.volume.voxels(), [7, 0], "found by its name");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`write_label_map`].
pub fn write_structures(
    path: &Path,
    labels: &Volume<u8>,
    placement: &Placement,
    structures: &[Structure],
) -> Result<(), WriteError> {
    if Ending::of(path) != Some(Ending::SegNrrd) {
        return write_label_map(path, labels, placement);
    }
    let voxels = native(path, labels, placement)?;
    nrrd::write_segments(path, &placement.native, &voxels, structures)
        .map_err(Action::Write.on(path))?;
    Ok(())
}

/// The voxels in the file's own order.
fn native(path: &Path, labels: &Volume<u8>, placement: &Placement) -> Result<Vec<u8>, WriteError> {
    placement
        .to_native(labels)
        .map_err(|_shape| WriteError::Shape {
            got: labels.shape(),
            wanted: placement.canonical.shape,
            path: path.to_path_buf(),
        })
}

/// The files that [`write_label_map`] and [`write_scan`] write for a name: beside a `.mhd` its voxels.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::files_written;
///
/// let files = files_written(Path::new("out/liver.mhd"));
/// assert_eq!(files, ["out/liver.mhd", "out/liver.zraw"].map(Path::new));
/// assert_eq!(files_written(Path::new("liver.nii")), [Path::new("liver.nii")]);
/// ```
pub fn files_written(path: &Path) -> Vec<PathBuf> {
    let voxels = (Ending::of(path) == Some(Ending::MetaImageHeader))
        .then(|| path.with_file_name(meta_image::data_file_name(path)));
    std::iter::once(path.to_path_buf()).chain(voxels).collect()
}

/// Writes a scan of `i16` on its canonical grid, in the format that the name's ending says, as
/// [`write_label_map`] does.
///
/// The same scan gives the same bytes.
///
/// ```
/// use hardslice_volume::{Grid, PerAxis, Volume, read_scan, write_scan};
///
/// let grid = Grid {
///     shape: PerAxis::new(2, 1, 2),
///     world_from_voxel: [[0.8, 0.0, 0.0, 0.0], [0.0, 0.8, 0.0, 0.0], [0.0, 0.0, 2.5, 0.0]],
/// };
/// let scan = Volume::new(grid, vec![-1000, 40, 60, 300])?;
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("ct.nii.gz");
/// write_scan(&path, &scan)?;
/// assert_eq!(read_scan(&path)?.volume.voxels(), [-1000.0, 40.0, 60.0, 300.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`write_label_map`].
pub fn write_scan(path: &Path, scan: &Volume<i16>) -> Result<(), WriteError> {
    let bytes: Vec<u8> = scan.voxels().iter().flat_map(|v| v.to_le_bytes()).collect();
    write_bytes(path, scan.grid(), Scalar::I16, &bytes)
}

/// The number types that are written.
#[derive(Debug, Clone, Copy)]
enum Scalar {
    U8,
    I16,
}

/// Writes little-endian voxels in the grid's order.
fn write_bytes(path: &Path, grid: &Grid, scalar: Scalar, voxels: &[u8]) -> Result<(), WriteError> {
    let (stored, nrrd_type, met_type) = match scalar {
        Scalar::U8 => (
            Stored {
                datatype: 2,
                bits: 8,
            },
            "unsigned char",
            "MET_UCHAR",
        ),
        Scalar::I16 => (
            Stored {
                datatype: 4,
                bits: 16,
            },
            "short",
            "MET_SHORT",
        ),
    };
    let written = match Ending::of(path) {
        Some(Ending::Nifti) => return nifti::write(path, grid, stored, false, voxels),
        Some(Ending::NiftiGz) => return nifti::write(path, grid, stored, true, voxels),
        Some(Ending::Nrrd) => nrrd::write(path, grid, nrrd_type, voxels),
        Some(ending @ (Ending::MetaImage | Ending::MetaImageHeader)) => {
            // A direction and a spacing for each axis say any affine, and ITK wants the directions
            // to be perpendicular.
            grid.measured_spacing_mm()
                .map_err(|source| WriteError::Sheared {
                    source,
                    path: path.to_path_buf(),
                })?;
            if ending == Ending::MetaImage {
                meta_image::write_attached(path, grid, met_type, voxels)
            } else {
                meta_image::write_detached(path, grid, met_type, voxels)
            }
        }
        _ => {
            return Err(WriteError::Suffix {
                path: path.to_path_buf(),
            });
        }
    };
    written.map_err(Action::Write.on(path))?;
    Ok(())
}
