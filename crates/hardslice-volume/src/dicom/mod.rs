//! DICOM: a series of CT images as a scan, a segmentation object or a structure set as labels.
//!
//! ```text
//! folder -> headers -> series by UID -> slices by position -> grid, LPS to RAS+
//!                                           \-> decode in parallel -> Hounsfield units -> canonical axes
//! ```
//!
//! # What is read
//!
//! **Folders** are searched with their subfolders; a single file will do, too. Files without the
//! `DICM` mark that do not begin as data sets do, `DICOMDIR`, and objects that are no scans (SEG, RTSTRUCT, RTDOSE, SR, ...) are left
//! out. Where more than one CT volume is found, one has to be named by its `SeriesInstanceUID`;
//! localizers and images without a position (dose reports) do not count. Files whose UID an
//! anonymiser removed make one series. A file that could be a slice and cannot be read (empty, cut
//! short, damaged, packed by gzip; by its ending, also before `.part` or `.gz`, or by a name like those
//! of the images; or hidden, as rsync leaves it when interrupted: `.IM11.dcm.Xy12Zw`) is an error, never a shorter volume, unless it is called after an image that is
//! there (`IM1.png` beside `IM1.dcm`); where only images of other series lie beside it, it is named in a note.
//!
//! **Images**: classic CT, one slice a file, and enhanced or legacy-converted multi-frame CT
//! (position, orientation, spacing and rescaling from the shared or per-frame functional groups).
//! Whole-number values of 8, 16 or 32 bits, signed or not, with any `BitsStored` and `HighBit`;
//! one sample a pixel. `MONOCHROME1` says how grey is shown, not what it means: such values are
//! read like others. Each frame is rescaled by its own slope and intercept. `PixelPaddingValue` is
//! left as it is, and rescaled with the rest.
//!
//! **Transfer syntaxes**
//!
//! | syntax | UID 1.2.840.10008.1.2 + | decoder |
//! |---|---|---|
//! | implicit and explicit little endian, explicit big endian, deflated | none, `.1`, `.2`, `.1.99` | own |
//! | encapsulated uncompressed, deflated frames | `.1.98`, `.8.1` | own, flate2 |
//! | RLE lossless | `.5` | own |
//! | JPEG baseline and extended of 8 bits | `.4.50`, `.4.51` | jpeg-decoder |
//! | JPEG lossless of up to 16 bits, without restart markers | `.4.57`, `.4.70` | jpeg-decoder |
//! | JPEG-LS lossless and near-lossless | `.4.80`, `.4.81` | `CharLS`, with the feature `jpeg-ls` |
//! | JPEG 2000 lossless and lossy | `.4.90`, `.4.91` | jpeg2k on openjp2, a Rust port of OpenJPEG |
//!
//! **Segmentations** ([`read_seg`]): binary, fractional (at least one half is in) and label-map
//! objects, whatever the order and the direction of their frames, cropped or complete. **Structure
//! sets** ([`read_rtstruct`]): closed contours on the scan's own slices, with holes.
//!
//! Both are written, too ([`write_seg`], [`write_rtstruct`]).
//!
//! # What is refused, with the files named
//!
//! - another modality than CT; values that the header says are no Hounsfield units
//!   (`RescaleType`); unsigned values without slope and intercept; colour; lookup tables instead
//!   of slope and intercept; floating-point pixels;
//! - a slice that is missing or there twice, slices spaced unevenly by more than 0.1 mm and 5 %;
//! - a tilted gantry, by the header or because the slices are not stacked along their normal;
//!   slices shifted in their plane by more than a quarter of a pixel;
//! - images of another size, spacing or orientation within the series, such as a localizer;
//! - JPEG of 12 bits lossy, High-Throughput JPEG 2000, JPEG XL, video;
//! - contours (RTSTRUCT) that do not lie on the scan's slices.
//!
//! # Axes
//!
//! DICOM's axes are LPS (left, posterior, superior), millimetres. With the direction cosines `r`
//! and `c` of `ImageOrientationPatient`, the `PixelSpacing` (between rows, between columns)
//! `(p, q)`, the distance `d` between slices and the position `o` of the first slice along the
//! normal `n = r × c`, the native grid has columns along `x`, rows along `y`, slices along `z`:
//!
//! ```text
//!                    [-1       ]
//! world_from_voxel = [   -1    ] · [ q·r  p·c  d·n  o ]
//!                    [       1 ]
//! ```
//!
//! # Sources
//!
//! DICOM PS3.3 (C.7.6.2 planes, C.7.6.16 functional groups, C.8.20 segmentation), PS3.5 (8 and
//! annex A, encodings; annex G, RLE).

mod attributes;
mod data_set;
mod data_set_error;
mod decode;
mod decode_error;
mod derived;
mod error;
mod files;
mod frame;
mod labels;
mod pixel_format;
mod read;
mod rtstruct;
mod seg;
mod series;
mod series_info;
mod slice_names;
mod stack;
mod uid;
mod vector;

use std::path::Path;

use self::labels::Wanted;
use crate::{LabelNames, Reference, Scan};

pub(crate) use data_set::begins_like_dicom;
pub use data_set_error::DataSetError;
pub use decode_error::DecodeError;
pub use derived::{DerivedError, Maker, SourceSeries, write_rtstruct, write_seg};
pub use error::{DicomError, FileList};
pub use series_info::{SeriesInfo, SeriesList};

/// Reads a series of CT images as a scan in Hounsfield units.
///
/// `dir` is a folder, which may hold several series and other files, or a single file. Where it
/// holds more than one CT volume, `series_uid` has to name one; [`list_series`] tells which there
/// are. Slices are decoded in parallel; beside the volume itself, each thread holds one file.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::dicom::read_series;
///
/// # let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
/// # let folder = golden.join("explicit");
/// let scan = read_series(&folder, None)?;
/// assert_eq!(scan.volume.shape().zyx(), [5, 6, 7], "five files of 6 × 7 pixels");
/// assert!((scan.volume.grid().spacing_mm().z - 2.5).abs() < 1e-6);
/// # Ok::<(), hardslice_volume::dicom::DicomError>(())
/// ```
///
/// # Errors
///
/// [`DicomError`] with the files that are wrong; see the [module](self) for what is refused.
pub fn read_series(dir: &Path, series_uid: Option<&str>) -> Result<Scan<f32>, DicomError> {
    read::read_series(dir, series_uid)
}

/// Lists the series of images below a folder, whatever their modality, sorted by UID.
///
/// Only headers are read. Empty where there are none.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::dicom::list_series;
///
/// # let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
/// # let folder = golden.join("enhanced");
/// for series in list_series(&folder)? {
///     println!("{series}"); // 1.2.826.0.1.…  CT, 5 slices of 7 × 6 pixels in 1 file
///     assert_eq!((series.modality.as_str(), series.n_frames), ("CT", 5));
/// }
/// # Ok::<(), hardslice_volume::dicom::DicomError>(())
/// ```
///
/// # Errors
///
/// [`DicomError`] when the folder cannot be read or holds a damaged DICOM file.
pub fn list_series(dir: &Path) -> Result<Vec<SeriesInfo>, DicomError> {
    let mut found = files::find(dir)?;
    if let Some(error) = files::spoilt_error(std::mem::take(&mut found.spoilt)) {
        return Err(error);
    }
    let by_uid = series::by_series(found.images);
    Ok(by_uid
        .values()
        .filter_map(|files| series::describe(files))
        .collect())
}

/// Reads a DICOM segmentation onto the voxels of its scan, which lie where `reference` says.
///
/// `path` is the SEG file, or a folder that holds no other DICOM file. A segment gets the value
/// that `names` has for its `SegmentLabel`, or else for its number; segments that are not listed
/// are left out. Without names the value is the segment's number. Slices that the segmentation
/// does not mention are empty. Where segments of different values overlap, the one that `names`
/// lists later has the voxels (without names: the one of the higher number), and a note says how
/// many.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::LabelNames;
/// use hardslice_volume::dicom::{read_seg, read_series};
///
/// # let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom");
/// # let (ct, seg) = (golden.join("oblique"), golden.join("seg_binary"));
/// let scan = read_series(&ct, None)?;
/// let labels = read_seg(&seg, &scan.placement, &LabelNames::default())?;
/// assert_eq!(labels.volume.grid(), scan.volume.grid(), "voxel by voxel on the scan");
/// # Ok::<(), hardslice_volume::dicom::DicomError>(())
/// ```
///
/// # Errors
///
/// [`DicomError`] when frames do not lie on the scan's voxels (2 % of a voxel off in their plane;
/// along the slices 7 %, or more where these are thinner than 2 mm) or belong to another frame of
/// reference, when no segment is listed, or when the file holds something else.
pub fn read_seg<'a>(
    path: &Path,
    reference: impl Into<Reference<'a>>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    labels::read(path, Wanted::Segmentation, reference.into(), names)
}

/// Reads a structure set (RTSTRUCT) onto the voxels of its scan, which lie where `reference` says.
///
/// `path` is the file, or a folder that holds no other DICOM file. Regions get their values by
/// `ROIName` as the segments of [`read_seg`] do by their labels. A voxel is in a region where its
/// centre is within an odd number of the region's contours on its slice, so that a contour within
/// another cuts a hole, and so does a keyhole; a centre that a contour runs through is within that
/// contour. What was decided by this rule and could be meant otherwise is noted: contours that overlap, slices without a contour between others, contours
/// without an area.
///
/// ```
/// use std::path::Path;
///
/// use hardslice_volume::LabelNames;
/// use hardslice_volume::dicom::{Maker, SourceSeries, read_rtstruct, read_series, write_rtstruct};
///
/// # let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dicom/oblique");
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("bone.dcm");
/// let scan = read_series(&folder, None)?;
/// # let bone = scan.volume.clone().map(|hu| u8::from(hu > 300.0));
/// # let structure = hardslice_volume::Structure {
/// #     name: "bone".into(), value: 1, color: [241, 214, 145], anatomy: None,
/// # };
/// # let series = SourceSeries::read(&folder, None)?;
/// # let maker = Maker { version: "0.1.0", model: "a threshold" };
/// # write_rtstruct(&path, &bone, &series, &[structure], &maker)?;
/// let labels = read_rtstruct(&path, &scan, &LabelNames::new([("Bone", 1)])?)?;
/// assert_eq!(labels.volume.grid(), scan.volume.grid(), "voxel by voxel on the scan");
/// # assert!(labels.volume.voxels().iter().zip(bone.voxels()).all(|(a, b)| *a == u16::from(*b)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`DicomError`] when a contour lies off the scan's slices (by more than a tenth of their distance,
/// or more where they are thinner than 2 mm) or outside them, when a region belongs to another frame of reference, when no region is listed, or
/// when the file holds something else.
pub fn read_rtstruct<'a>(
    path: &Path,
    reference: impl Into<Reference<'a>>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    labels::read(path, Wanted::StructureSet, reference.into(), names)
}

/// Reads a segmentation or a structure set.
pub(crate) fn read_labels(
    path: &Path,
    reference: Reference<'_>,
    names: &LabelNames,
) -> Result<Scan<u16>, DicomError> {
    labels::read(path, Wanted::Either, reference, names)
}
