//! Reading scans and label maps.

use std::fs;
use std::path::{Path, PathBuf};

use super::NiftiError;
use super::header::{Header, SIZE_2, recognised};
use crate::native::Native;
use crate::stored::{Source, Voxel, read_slices, read_voxels};
use crate::{Action, Ending, Grid, Note, ReadError, Scan};

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
    read_native(path)?.placed(path)
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
    read_native(path)?.placed(path)
}

/// A label map in the file's own order, with the file's own grid.
pub(crate) fn read_nifti_label_voxels(path: &Path) -> Result<Native<u16>, ReadError> {
    read_native(path)
}

/// Whether a file begins as NIfTI headers do, behind gzip or not.
pub(crate) fn starts_like_nifti(path: &Path) -> Result<bool, ReadError> {
    let mut first_bytes = [0; 4];
    let n = Source::open(path)?.fill(&mut first_bytes)?;
    Ok(n == 4 && recognised(first_bytes).is_some())
}

fn read_native<T: Voxel>(path: &Path) -> Result<Native<T>, ReadError> {
    let file = NiftiVoxels::open(path)?;
    let (grid, mut notes) = (file.native(), file.notes().to_vec());
    let (voxels, about_voxels) = file.read()?;
    notes.extend(about_voxels);
    Ok(Native {
        grid,
        voxels,
        notes,
    })
}

/// A file whose header is read and whose voxels come next.
#[derive(Debug)]
pub(crate) struct NiftiVoxels {
    source: Source,
    header: Header,
    notes: Vec<Note>,
}

impl NiftiVoxels {
    /// The grid in the file's own order.
    pub(crate) fn native(&self) -> Grid {
        self.header.native
    }

    /// What there is to say about the header.
    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// All voxels in the file's order, with what there is to say about them.
    pub(crate) fn read<T: Voxel>(self) -> Result<(Vec<T>, Vec<Note>), ReadError> {
        read_voxels(self.source, &self.header.layout)
    }

    /// Hands over the slices across the file's slowest axis, in the file's order.
    pub(crate) fn for_each_slice<T: Voxel>(
        self,
        each: impl FnMut(usize, &mut [T]),
    ) -> Result<Vec<Note>, ReadError> {
        read_slices(self.source, &self.header.layout, each)
    }

    /// Reads the header and goes to the first voxel.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let header_path = if Ending::of(path) == Some(Ending::NiftiVoxels) {
            sibling(path, Ending::NiftiHeader)?
        } else {
            path.to_path_buf()
        };
        let mut source = Source::open(&header_path)?;
        let mut bytes = [0; SIZE_2];
        // A NIfTI-1 header is shorter; what follows it is skipped voxels or padding at this stage.
        let n = source.fill(&mut bytes)?;
        let (header, notes) = Header::parse(&bytes[..n], &header_path)?;
        let mut source = if header.is_pair {
            if Ending::of(&header_path) != Some(Ending::NiftiHeader) {
                return Err(NiftiError::PairName { path: header_path }.into());
            }
            Source::open(&sibling(&header_path, Ending::NiftiVoxels)?)?
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
        Ok(Self {
            source,
            header,
            notes,
        })
    }
}

/// The other file of a pair; `None` where a single file is only called like one of a pair.
pub(crate) fn nifti_pair(path: &Path) -> Result<Option<PathBuf>, ReadError> {
    let wanted = match Ending::of(path) {
        Some(Ending::NiftiVoxels) => Ending::NiftiHeader,
        _ => Ending::NiftiVoxels,
    };
    let other = sibling(path, wanted)?;
    Ok(other.exists().then_some(other))
}

/// The other file of a pair: of the same name up to the ending, whose letters may be of any case.
/// Of several, the one that is compressed as this one is and written in the same case.
fn sibling(path: &Path, wanted: Ending) -> Result<PathBuf, ReadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, _) = Ending::split(&name);
    let ending = &name[stem.len()..];
    let (from, to) = match wanted {
        Ending::NiftiVoxels => ("hdr", "img"),
        _ => ("img", "hdr"),
    };
    let same_case = if ending.contains(&from.to_uppercase()) {
        ending.replace(&from.to_uppercase(), &to.to_uppercase())
    } else {
        ending.to_lowercase().replace(from, to)
    };
    let likely = path.with_file_name(format!("{stem}{same_case}"));
    if likely.exists() {
        return Ok(likely);
    }
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut others = Vec::new();
    for entry in fs::read_dir(folder).map_err(Action::List.on(folder))? {
        let other = entry.map_err(Action::List.on(folder))?.file_name();
        let other = other.to_string_lossy().into_owned();
        if Ending::split(&other) == (stem, Some(wanted)) {
            others.push(other);
        }
    }
    let is_gzip = |name: &String| name.to_lowercase().ends_with(".gz");
    // A name that is compressed as this one is comes first.
    others.sort_by_key(|other| (is_gzip(other) != is_gzip(&ending.to_owned()), other.clone()));
    Ok(others
        .first()
        .map_or(likely, |other| path.with_file_name(other)))
}
