//! Reading scans and segmentations.

use std::path::{Path, PathBuf};

use super::NrrdError;
use super::header::{Axes, Header};
use super::segments::{Segment, segments};
use crate::native::Native;
use crate::stored::{Voxel, read_voxels};
use crate::{Grid, Note, ReadError, Scan};

/// Reads a scan.
///
/// ```
/// use hardslice_volume::read_nrrd_scan;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("ct.nrrd");
/// let header = "NRRD0004
/// type: int8
/// dimension: 3
/// space: left-posterior-superior
/// sizes: 2 1 1
/// space directions: (0.75,0,0) (0,0.75,0) (0,0,5)
/// space origin: (0,0,0)
/// encoding: raw
///
/// ";
/// std::fs::write(&path, [header.as_bytes(), &[100, 40]].concat())?;
/// let scan = read_nrrd_scan(&path)?;
/// assert_eq!(scan.volume.voxels(), [40.0, 100.0], "from left to right");
/// assert_eq!(scan.volume.grid().spacing_mm().zyx(), [5.0, 0.75, 0.75]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReadError`]: what is wrong with header or voxels, NaN and infinity included.
pub fn read_nrrd_scan(path: &Path) -> Result<Scan<f32>, ReadError> {
    let (_, axes, voxels, notes) = read(path)?;
    if axes.n_layers != 1 {
        return Err(NrrdError::Layers {
            n_layers: axes.n_layers,
            path: path.to_path_buf(),
        }
        .into());
    }
    let native = Native {
        grid: axes.native,
        voxels,
        notes,
    };
    native.placed(path)
}

/// A label map or segmentation in the file's own axis order.
#[derive(Debug)]
pub(crate) struct NrrdLabels {
    /// The file's own grid.
    pub(crate) native: Grid,
    /// The voxels of each layer.
    pub(crate) layers: Vec<Vec<u16>>,
    /// Slicer's segments; empty for a plain label map.
    pub(crate) segments: Vec<Segment>,
    /// What was read by a rule.
    pub(crate) notes: Vec<Note>,
}

/// Reads a label map or a `.seg.nrrd`.
pub(crate) fn read_nrrd_labels(path: &Path) -> Result<NrrdLabels, ReadError> {
    let (header, axes, voxels, notes) = read(path)?;
    Ok(NrrdLabels {
        native: axes.native,
        layers: parted(voxels, &axes),
        segments: segments(&header, axes.n_layers)?,
        notes,
    })
}

/// The file that a header leaves the voxels to.
pub(crate) fn nrrd_data_file(path: &Path) -> Result<Option<PathBuf>, ReadError> {
    let (header, _) = Header::open(path)?;
    Ok(header.data_file().map(|name| path.with_file_name(name)))
}

/// The grid in the file's own axis order, and whether the file lists segments.
pub(crate) fn read_nrrd_header(path: &Path) -> Result<(Grid, bool), ReadError> {
    let (header, _) = Header::open(path)?;
    let axes = header.axes()?;
    Ok((axes.native, !segments(&header, axes.n_layers)?.is_empty()))
}

fn read<T: Voxel>(path: &Path) -> Result<(Header, Axes, Vec<T>, Vec<Note>), ReadError> {
    let (header, reader) = Header::open(path)?;
    let axes = header.axes()?;
    let layout = header.layout(&axes)?;
    let (voxels, notes) = read_voxels(header.data(reader)?, &layout)?;
    Ok((header, axes, voxels, notes))
}

/// The layers, each with its own voxels.
fn parted(voxels: Vec<u16>, axes: &Axes) -> Vec<Vec<u16>> {
    if axes.n_layers == 1 {
        return vec![voxels];
    }
    let layer = |l: usize| {
        let blocks = voxels.chunks_exact(axes.layer_stride * axes.n_layers);
        blocks
            .flat_map(|block| &block[l * axes.layer_stride..(l + 1) * axes.layer_stride])
            .copied()
            .collect()
    };
    (0..axes.n_layers).map(layer).collect()
}
