//! Scans and label maps slice by slice.

use std::path::Path;

use crate::file_kind::{FileKind, file_kind};
use crate::labels::placed_on;
use crate::nifti::NiftiVoxels;
use crate::reorder::{each_permuted_slice, permuted, reverse_in_place};
use crate::stored::Voxel;
use crate::{
    LabelNames, Note, PerAxis, Placement, ReadError, Reference, Volume, read_labels_on,
    read_scan_series,
};

/// A volume whose canonical slices come one after the other.
///
/// They come straight from the file where its slowest axis runs along the body, as that of nearly
/// every NIfTI file does: then one slice is in memory. Of other files the whole volume is, once.
#[derive(Debug)]
pub struct Slices<T> {
    placement: Placement,
    frame_of_reference: Option<String>,
    notes: Vec<Note>,
    from: From<T>,
}

#[derive(Debug)]
enum From<T> {
    File(Box<NiftiVoxels>),
    Whole(Volume<T>),
}

impl Slices<f32> {
    /// Opens a scan, as [`read_scan_series`] does: Hounsfield units.
    ///
    /// ```
    /// use hardslice_volume::Slices;
    ///
    /// # use hardslice_volume::{Grid, PerAxis, Volume, write_scan};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("ct.nii.gz");
    /// # let grid = Grid {
    /// #     shape: PerAxis::from_xyz([2, 1, 1]),
    /// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
    /// # };
    /// # write_scan(&path, &Volume::new(grid, vec![-1000_i16, 40])?)?;
    /// let slices = Slices::of_scan(&path, None)?;
    /// assert_eq!(slices.placement().canonical.shape.z, 1);
    /// slices.for_each(|z, slice| {
    ///     assert_eq!((z, slice), (0, &[40.0, -1000.0][..]));
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`]: what is wrong with the file; of a NIfTI file, with its header.
    pub fn of_scan(path: &Path, series_uid: Option<&str>) -> Result<Self, ReadError> {
        if file_kind(path)? == FileKind::Nifti {
            let file = NiftiVoxels::open(path)?;
            let placement = Placement::new(file.native()).map_err(|source| ReadError::Affine {
                source,
                path: path.to_path_buf(),
            })?;
            return Ok(Self {
                placement,
                frame_of_reference: None,
                notes: file.notes().to_vec(),
                from: From::File(Box::new(file)),
            });
        }
        let scan = read_scan_series(path, series_uid)?;
        Ok(Self {
            placement: scan.placement,
            frame_of_reference: scan.frame_of_reference,
            notes: scan.notes,
            from: From::Whole(scan.volume),
        })
    }

    /// Where the voxels lie in the file and in the patient.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The DICOM frame of reference that the patient's axes belong to; `None` where the file's
    /// format knows none.
    pub fn frame_of_reference(&self) -> Option<&str> {
        self.frame_of_reference.as_deref()
    }

    /// Hands over every slice once, `[y, x]` with its z, in ascending or in descending order; gives
    /// what was read by a rule and not by the letter.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: what is wrong with the voxels; what was handed over is worth nothing then.
    pub fn for_each(self, each: impl FnMut(usize, &[f32])) -> Result<Vec<Note>, ReadError> {
        hand_over(self, each)
    }
}

impl Slices<u16> {
    /// Opens the labels of a scan, as [`read_labels_on`] does.
    ///
    /// ```
    /// use hardslice_volume::{LabelNames, PerAxis, Slices, Volume, write_label_map};
    ///
    /// # use hardslice_volume::{Grid, Placement, Scan};
    /// # let placement = Placement::new(Grid {
    /// #     shape: PerAxis::from_xyz([2, 1, 1]),
    /// #     world_from_voxel: [[-0.75, 0.0, 0.0, 10.0], [0.0, 0.75, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]],
    /// # })?;
    /// # let scan = Scan::from_native(placement, vec![-1000.0, 40.0])?;
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("liver.nii.gz");
    /// # write_label_map(&path, &Volume::new(*scan.volume.grid(), vec![1, 0])?, &placement)?;
    /// let labels = Slices::of_labels(&path, &placement, &LabelNames::default(), 0.1)?;
    /// labels.for_each(|z, slice| assert_eq!((z, slice), (0, &[1, 0][..])))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`read_labels_on`]; of a NIfTI file, what is wrong with its header.
    pub fn of_labels<'a>(
        path: &Path,
        scan: impl Into<Reference<'a>>,
        names: &LabelNames,
        tolerance_mm: f64,
    ) -> Result<Self, ReadError> {
        let scan = scan.into();
        if file_kind(path)? == FileKind::Nifti {
            let file = NiftiVoxels::open(path)?;
            let placement =
                placed_on(&scan.placement.canonical, tolerance_mm, file.native(), path)?;
            return Ok(Self {
                placement,
                frame_of_reference: None,
                notes: file.notes().to_vec(),
                from: From::File(Box::new(file)),
            });
        }
        let labels = read_labels_on(path, scan, names, tolerance_mm)?;
        Ok(Self {
            placement: labels.placement,
            frame_of_reference: labels.frame_of_reference,
            notes: labels.notes,
            from: From::Whole(labels.volume),
        })
    }

    /// As for a scan.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: what is wrong with the voxels; what was handed over is worth nothing then.
    pub fn for_each(self, each: impl FnMut(usize, &[u16])) -> Result<Vec<Note>, ReadError> {
        hand_over(self, each)
    }
}

/// Whether the slowest axis of the file is that from the feet to the head, or the other way.
fn runs_along_body(placement: &Placement) -> bool {
    placement.orientation.sources_xyz()[2].axis == 2
}

fn hand_over<T: Voxel>(
    slices: Slices<T>,
    mut each: impl FnMut(usize, &[T]),
) -> Result<Vec<Note>, ReadError> {
    let Slices {
        placement,
        mut notes,
        from,
        ..
    } = slices;
    let file = match from {
        From::File(file) => file,
        From::Whole(volume) => {
            (0..volume.shape().z).for_each(|z| each(z, volume.slice(z)));
            return Ok(notes);
        }
    };
    let (shape, orientation) = (placement.canonical.shape, placement.orientation);
    if !runs_along_body(&placement) {
        let (voxels, about_voxels) = file.read()?;
        each_permuted_slice(&voxels, shape, orientation, each);
        notes.extend(about_voxels);
        return Ok(notes);
    }
    let one_slice = PerAxis { z: 1, ..shape };
    let reversed = orientation.reversed();
    let about_voxels = file.for_each_slice(|at, voxels: &mut [T]| {
        let z = if reversed.z { shape.z - 1 - at } else { at };
        if orientation.keeps_axis_order() {
            reverse_in_place(voxels, one_slice, reversed);
            each(z, voxels);
        } else {
            each(z, &permuted(voxels, one_slice, orientation));
        }
    })?;
    notes.extend(about_voxels);
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grid, Orientation, read_labels_on, read_scan, write_label_map, write_scan};

    #[test]
    fn the_slices_are_those_of_the_whole_volume_in_all_48_orientations() {
        let dir = tempfile::tempdir().unwrap();
        let (image, labels) = (dir.path().join("ct.nii.gz"), dir.path().join("seg.nii.gz"));
        for orientation in Orientation::all() {
            let lengths = [3, 4, 5];
            let mut world_from_voxel = [[0.0; 4]; 3];
            for (world, source) in orientation.sources_xyz().iter().enumerate() {
                let sign = if source.reversed { -1.0 } else { 1.0 };
                world_from_voxel[world][source.axis] = sign * [0.5, 0.75, 2.0][source.axis];
            }
            let native = Grid {
                shape: PerAxis::from_xyz(lengths),
                world_from_voxel,
            };
            let scan = Volume::new(native, (0..60).map(|v| v - 30).collect()).unwrap();
            write_scan(&image, &scan).unwrap();
            let placement = Placement::new(native).unwrap();
            let map = Volume::new(placement.canonical, (0..60).collect()).unwrap();
            write_label_map(&labels, &map, &placement).unwrap();

            let whole = read_scan(&image).unwrap();
            let slices = Slices::of_scan(&image, None).unwrap();
            assert_eq!(slices.placement(), &whole.placement, "{orientation}");
            let mut seen = 0;
            let same = |z: usize, slice: &[f32]| {
                assert_eq!(slice, whole.volume.slice(z), "{orientation}, slice {z}");
                seen += 1;
            };
            slices.for_each(same).unwrap();
            assert_eq!(seen, whole.volume.shape().z, "each once");

            let names = LabelNames::default();
            let whole = read_labels_on(&labels, &whole.placement, &names, 0.1).unwrap();
            let slices = Slices::of_labels(&labels, &whole.placement, &names, 0.1).unwrap();
            let mut seen = 0;
            let same = |z: usize, slice: &[u16]| {
                assert_eq!(slice, whole.volume.slice(z), "{orientation}, labels of {z}");
                seen += 1;
            };
            slices.for_each(same).unwrap();
            assert_eq!(seen, whole.volume.shape().z, "each once");
        }
    }
}
