//! Reading scans and label maps.

use std::path::{Path, PathBuf};

use super::NiftiError;
use super::header::{Header, SIZE_2, recognised};
use crate::stored::{Source, Voxel, read_slices, read_voxels};
use crate::{Grid, Placement, ReadError, Scan};

/// Reads a scan; slope and intercept are applied, so a CT comes in Hounsfield units.
///
/// `path` is a `.nii` or either file of an `.hdr`/`.img` pair, each with `.gz` or without.
///
/// ```
/// use hardslice_volume::read_nifti_scan;
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
/// let scan = read_nifti_scan(&path)?;
/// assert_eq!(scan.volume.voxels(), [40.0, -1000.0], "brought from LAS to RAS");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: what is wrong with header or voxels, NaN and infinity included.
pub fn read_nifti_scan(path: &Path) -> Result<Scan<f32>, ReadError> {
    let (native, voxels) = read_native(path)?;
    placed(native, voxels, path)
}

/// Reads a label map of any number type; every value must be a whole number from 0 to 65535.
///
/// ```
/// use hardslice_volume::read_nifti_labels;
///
/// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("labels.nii.gz");
/// # let grid = Grid {
/// #     shape: PerAxis::from_xyz([2, 1, 1]),
/// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
/// # };
/// # write_scan(&path, &Volume::new(grid, vec![0_i16, 3])?)?;
/// let labels = read_nifti_labels(&path)?;
/// assert_eq!(labels.volume.voxels(), [3, 0], "on canonical axes");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: what is wrong with header or voxels, with value and index of a wrong label.
pub fn read_nifti_labels(path: &Path) -> Result<Scan<u16>, ReadError> {
    let (native, voxels) = read_native(path)?;
    placed(native, voxels, path)
}

/// A label map in the file's own order, with the file's own grid.
pub(crate) fn read_nifti_label_voxels(path: &Path) -> Result<(Grid, Vec<u16>), ReadError> {
    read_native(path)
}

/// Whether a file is named as NIfTI files are.
pub(crate) fn has_nifti_name(path: &Path) -> bool {
    let suffixes = [".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz"];
    let name = lower_name(path);
    suffixes.iter().any(|suffix| name.ends_with(suffix))
}

/// Whether a file begins as NIfTI headers do, behind gzip or not.
pub(crate) fn starts_like_nifti(path: &Path) -> Result<bool, ReadError> {
    let mut first_bytes = [0; 4];
    let n = Source::open(path)?.fill(&mut first_bytes)?;
    Ok(n == 4 && recognised(first_bytes).is_some())
}

fn placed<T: Voxel>(native: Grid, voxels: Vec<T>, path: &Path) -> Result<Scan<T>, ReadError> {
    let placement = Placement::new(native).map_err(|source| ReadError::Affine {
        source,
        path: path.to_path_buf(),
    })?;
    Scan::from_native(placement, voxels).map_err(|source| ReadError::VoxelCount {
        source,
        path: path.to_path_buf(),
    })
}

fn read_native<T: Voxel>(path: &Path) -> Result<(Grid, Vec<T>), ReadError> {
    let file = NiftiVoxels::open(path)?;
    Ok((file.native(), file.read()?))
}

/// A file whose header is read and whose voxels come next.
#[derive(Debug)]
pub(crate) struct NiftiVoxels {
    source: Source,
    header: Header,
}

impl NiftiVoxels {
    /// The grid in the file's own order.
    pub(crate) fn native(&self) -> Grid {
        self.header.native
    }

    /// All voxels in the file's order.
    pub(crate) fn read<T: Voxel>(self) -> Result<Vec<T>, ReadError> {
        read_voxels(self.source, &self.header.layout)
    }

    /// Hands over the slices across the file's slowest axis, in the file's order.
    pub(crate) fn for_each_slice<T: Voxel>(
        self,
        each: impl FnMut(usize, &mut [T]),
    ) -> Result<(), ReadError> {
        read_slices(self.source, &self.header.layout, each)
    }

    /// Reads the header and goes to the first voxel.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let header_path = if is_named(path, "img") {
            sibling(path, "hdr")
        } else {
            path.to_path_buf()
        };
        let mut source = Source::open(&header_path)?;
        let mut bytes = [0; SIZE_2];
        // A NIfTI-1 header is shorter; what follows it is skipped voxels or padding at this stage.
        let n = source.fill(&mut bytes)?;
        let header = Header::parse(&bytes[..n], &header_path)?;
        let mut source = if header.is_pair {
            if !is_named(&header_path, "hdr") {
                return Err(NiftiError::PairName { path: header_path }.into());
            }
            Source::open(&sibling(path, "img"))?
        } else {
            Source::open(&header_path)?
        };
        let n_bytes = header.layout.n_bytes().unwrap_or(usize::MAX);
        let skipped = source.skip(header.voxel_offset)?;
        if skipped < header.voxel_offset {
            return Err(ReadError::Short {
                wanted_bytes: header.voxel_offset.saturating_add(n_bytes as u64),
                found_bytes: skipped,
                path: source.path().to_path_buf(),
            });
        }
        Ok(Self { source, header })
    }
}

fn lower_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase()
}

/// Whether a file is named `*.SUFFIX` or `*.SUFFIX.gz`.
fn is_named(path: &Path, suffix: &str) -> bool {
    let name = lower_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(suffix)
        .is_some_and(|stem| stem.ends_with('.'))
}

/// The other file of a pair: the one of the same compression where it exists, else the other one.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, gz) = match name.strip_suffix(".gz") {
        Some(stem) => (stem, ".gz"),
        None => (&*name, ""),
    };
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let plain = path.with_file_name(format!("{stem}.{suffix}"));
    let compressed = path.with_file_name(format!("{stem}.{suffix}.gz"));
    let (first, second) = if gz.is_empty() {
        (plain, compressed)
    } else {
        (compressed, plain)
    };
    if !first.exists() && second.exists() {
        second
    } else {
        first
    }
}
