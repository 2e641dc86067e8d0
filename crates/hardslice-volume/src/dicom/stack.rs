//! Puts the frames of a series in the order of their positions and checks that they make a volume.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::files::{CtContent, Source};
use super::frame::{CtFrame, FramePlace};
use super::vector::{Vector, dot, length, lps_to_ras, minus, scaled};
use super::{DicomError, FileList};
use crate::{Grid, PerAxis};

/// Two slices nearer than this lie at one position, millimetres.
const SAME_POSITION_MM: f64 = 0.01;
/// A slice may lie this far off an even spacing, millimetres: positions are written with one or
/// two decimals by some scanners.
const UNEVEN_MM: f64 = 0.1;
/// Or this far, as a share of the spacing.
const UNEVEN_SHARE: f64 = 0.05;
/// A slice may be shifted in its plane against the first by this share of a pixel.
const SHIFT_SHARE: f64 = 0.25;
/// A gantry tilted by less is not tilted, degrees.
const TILT_DEGREES: f64 = 0.1;
/// Slices of an acquisition that is a volume of its own, on average.
const LEAST_OF_ACQUISITION: usize = 3;
/// Directions that differ by less in any component are the same.
const SAME_DIRECTION: f64 = 1e-4;
/// Spacings that differ by less, millimetres, are the same.
const SAME_SPACING_MM: f64 = 1e-4;

/// How far what was drawn on a slice may lie off it, as a share of the distance of slices: its `own`
/// share, and as far as the slices of a scan themselves may lie off an even spacing; but never so far
/// that another slice could be meant.
pub(super) fn off_slice(own: f64, spacing_mm: f64) -> f64 {
    const AT_MOST: f64 = 0.4;
    (own + UNEVEN_SHARE.max(UNEVEN_MM / spacing_mm)).min(AT_MOST)
}

/// One slice of a volume: which frame of which file it is.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    /// Index of the file among the series' files.
    pub(super) file: usize,
    pub(super) frame: CtFrame,
    /// Along the normal, from the first slice, millimetres.
    distance_mm: f64,
}

/// The slices of a volume, in order, and the grid they make: columns along `x`, rows along `y`,
/// slices along `z`.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) slices: Vec<Slice>,
    pub(super) grid: Grid,
}

impl Stack {
    /// Orders the frames of `files`, whose contents are `contents`.
    pub(super) fn new(files: &[Source], contents: &[CtContent]) -> Result<Self, DicomError> {
        let checks = Checks { files };
        let mut slices = Vec::new();
        for (file, content) in contents.iter().enumerate() {
            let frames = content.frames.iter().cloned();
            slices.extend(frames.map(|frame| Slice {
                file,
                frame,
                distance_mm: 0.0,
            }));
        }
        checks.one_kind(&slices, contents)?;
        checks.gantry_upright(&slices)?;
        let place = slices[0].frame.place;
        let normal = place.normal();
        for slice in &mut slices {
            slice.distance_mm = dot(minus(slice.frame.place.position, place.position), normal);
        }
        // A stable sort: frames at one position stay in the order of their files.
        slices.sort_by(|a, b| a.distance_mm.total_cmp(&b.distance_mm));
        let start_mm = slices[0].distance_mm;
        for slice in &mut slices {
            slice.distance_mm -= start_mm;
        }
        let spacing_mm = checks.spacing_mm(&slices)?;
        checks.acquired_in_turn(&slices)?;
        checks.stacked_straight(&slices, normal)?;
        let format = contents[slices[0].file].format;
        let shape = PerAxis::new(slices.len(), format.rows, format.columns);
        let grid = grid(&slices[0].frame.place, spacing_mm, shape);
        Ok(Self { slices, grid })
    }
}

/// The grid whose first slice lies at `place`.
fn grid(place: &FramePlace, spacing_mm: f64, shape: PerAxis<usize>) -> Grid {
    let columns = [
        scaled(place.along_row, place.column_spacing_mm),
        scaled(place.along_column, place.row_spacing_mm),
        scaled(place.normal(), spacing_mm),
        place.position,
    ]
    .map(lps_to_ras);
    Grid {
        shape,
        world_from_voxel: std::array::from_fn(|row| columns.map(|column| column[row])),
    }
}

/// The checks, each with the names of the files it complains about.
struct Checks<'a> {
    files: &'a [Source],
}

impl Checks<'_> {
    fn paths<'s>(&self, slices: impl IntoIterator<Item = &'s Slice>) -> FileList {
        let mut paths: Vec<PathBuf> = Vec::new();
        for slice in slices {
            let path = &self.files[slice.file].path;
            if paths.last() != Some(path) {
                paths.push(path.clone());
            }
        }
        FileList(paths)
    }

    /// All frames have one size, spacing and orientation.
    fn one_kind(&self, slices: &[Slice], contents: &[CtContent]) -> Result<(), DicomError> {
        let size = |slice: &Slice| {
            let format = &contents[slice.file].format;
            (format.columns, format.rows)
        };
        let mut kinds: Vec<Vec<&Slice>> = Vec::new();
        for slice in slices {
            let same = |kind: &&mut Vec<&Slice>| {
                size(kind[0]) == size(slice) && same_plane(&kind[0].frame.place, &slice.frame.place)
            };
            match kinds.iter_mut().find(same) {
                Some(kind) => kind.push(slice),
                None => kinds.push(vec![slice]),
            }
        }
        if kinds.len() == 1 {
            return Ok(());
        }
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.len()));
        let described = kinds.iter().map(|kind| {
            let place = &kind[0].frame.place;
            let (columns, rows) = size(kind[0]);
            let localizer = if kind.iter().all(|s| s.frame.is_localizer) {
                ", localizer"
            } else {
                ""
            };
            let files = self.paths(kind.iter().copied());
            format!(
                "\n  {} images{localizer}, {columns} × {rows} pixels of {} × {} mm, rows along \
                 {:?}, columns along {:?}: {files}",
                kind.len(),
                place.column_spacing_mm,
                place.row_spacing_mm,
                place.along_row,
                place.along_column,
            )
        });
        Err(DicomError::Mixed {
            n_kinds: kinds.len(),
            kinds: described.collect(),
        })
    }

    /// No header says that the gantry was tilted.
    fn gantry_upright(&self, slices: &[Slice]) -> Result<(), DicomError> {
        let tilted = |slice: &&Slice| slice.frame.tilt_degrees.abs() > TILT_DEGREES;
        match slices.iter().find(tilted) {
            None => Ok(()),
            Some(first) => Err(DicomError::Tilted {
                evidence: "GantryDetectorTilt (0018,1120)",
                degrees: first.frame.tilt_degrees,
                files: self.paths(slices.iter().filter(tilted)),
            }),
        }
    }

    /// The distance between slices, which are sorted: even, none missing, none twice.
    fn spacing_mm(&self, slices: &[Slice]) -> Result<f64, DicomError> {
        let steps: Vec<_> = slices
            .windows(2)
            .map(|pair| pair[1].distance_mm - pair[0].distance_mm)
            .collect();
        let Some(typical) = typical_step(&steps) else {
            return self.doubled(slices, &steps, SAME_POSITION_MM).map_or_else(
                || {
                    slices[0]
                        .frame
                        .nominal_spacing_mm
                        .ok_or_else(|| self.no_spacing(slices))
                },
                Err,
            );
        };
        let same = SAME_POSITION_MM.max(UNEVEN_SHARE * typical);
        if let Some(doubled) = self.doubled(slices, &steps, same) {
            return Err(doubled);
        }
        let last = slices.len() - 1;
        let spacing_mm = slices[last].distance_mm / last as f64;
        let off_mm = |at: usize| (slices[at].distance_mm - at as f64 * spacing_mm).abs();
        let worst = (0..slices.len()).fold(0, |worst, at| {
            if off_mm(at) > off_mm(worst) {
                at
            } else {
                worst
            }
        });
        if off_mm(worst) <= UNEVEN_MM.max(UNEVEN_SHARE * spacing_mm) {
            return Ok(spacing_mm);
        }
        Err(self
            .gap(slices, &steps, typical)
            .unwrap_or_else(|| self.uneven(slices, &steps)))
    }

    /// Slices of several acquisitions (phases of a contrast agent, times) do not lie between one another.
    /// One acquisition may go on where another ends, and one that has a slice or two is a scanner's step.
    fn acquired_in_turn(&self, slices: &[Slice]) -> Result<(), DicomError> {
        let numbers = slices.iter().map(|slice| slice.frame.acquisition);
        let Some(numbers) = numbers.collect::<Option<Vec<u32>>>() else {
            return Ok(());
        };
        let acquisitions: BTreeSet<u32> = numbers.iter().copied().collect();
        let n_changes = numbers.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let are_volumes = numbers.len() >= LEAST_OF_ACQUISITION * acquisitions.len();
        if !are_volumes || 2 * n_changes < numbers.len() {
            return Ok(());
        }
        Err(DicomError::Interleaved {
            numbers: acquisitions.iter().map(u32::to_string).collect(),
            files: self.paths(slices),
        })
    }

    fn no_spacing(&self, slices: &[Slice]) -> DicomError {
        DicomError::Attribute {
            attribute: "SliceThickness (0018,0050)".into(),
            problem: "is missing, and a single slice has no neighbour to measure the distance to"
                .into(),
            path: self.files[slices[0].file].path.clone(),
        }
    }

    /// Slices that share a position.
    fn doubled(&self, slices: &[Slice], steps: &[f64], same_mm: f64) -> Option<DicomError> {
        let is_doubled = |at: &usize| steps[*at] < same_mm;
        let doubled: Vec<_> = (0..steps.len()).filter(is_doubled).collect();
        let first = *doubled.first()?;
        let instance = |at: usize| &self.files[slices[at].file].instance_uid;
        let files = doubled
            .iter()
            .flat_map(|&at| [&slices[at], &slices[at + 1]]);
        Some(DicomError::Doubled {
            n: doubled.len(),
            same_image: if !instance(first).is_empty()
                && instance(first) == instance(first + 1)
                && slices[first].frame.index == slices[first + 1].frame.index
            {
                " (the same image, copied)"
            } else {
                ""
            },
            position_mm: slices[first].frame.place.position,
            files: self.paths(files),
        })
    }

    /// Steps that are a whole number of typical steps, where all others are typical.
    fn gap(&self, slices: &[Slice], steps: &[f64], typical: f64) -> Option<DicomError> {
        let tolerance_mm = UNEVEN_MM.max(UNEVEN_SHARE * typical);
        let gaps: Vec<_> = (0..steps.len())
            .filter(|&at| (steps[at] - typical).abs() > tolerance_mm)
            .collect();
        let n_missing = |at: usize| (steps[at] / typical).round() - 1.0;
        let whole = gaps.iter().all(|&at| {
            let left_mm = (steps[at] - (n_missing(at) + 1.0) * typical).abs();
            n_missing(at) >= 1.0 && left_mm <= tolerance_mm
        });
        if !whole || gaps.is_empty() || gaps.len() * 2 > steps.len() {
            return None;
        }
        let files = gaps.iter().flat_map(|&at| [&slices[at], &slices[at + 1]]);
        Some(DicomError::Gap {
            n_missing: gaps.iter().map(|&at| n_missing(at)).sum(),
            typical_mm: typical,
            step_mm: steps[gaps[0]],
            files: self.paths(files),
        })
    }

    fn uneven(&self, slices: &[Slice], steps: &[f64]) -> DicomError {
        let at = |best: fn(f64, f64) -> bool| {
            (0..steps.len()).fold(0, |a, b| if best(steps[b], steps[a]) { b } else { a })
        };
        let (least, most) = (at(|a, b| a < b), at(|a, b| a > b));
        let ends = [least, least + 1, most, most + 1];
        DicomError::Uneven {
            least_mm: steps[least],
            most_mm: steps[most],
            files: self.paths(ends.map(|at| &slices[at])),
        }
    }

    /// The slices lie above one another, not sheared.
    fn stacked_straight(&self, slices: &[Slice], normal: Vector) -> Result<(), DicomError> {
        let first = &slices[0].frame.place;
        let allowed_mm = SHIFT_SHARE * first.column_spacing_mm.min(first.row_spacing_mm);
        let shift = |slice: &Slice| {
            let from_first = minus(slice.frame.place.position, first.position);
            minus(from_first, scaled(normal, slice.distance_mm))
        };
        let Some(shifted) = slices
            .iter()
            .find(|slice| length(shift(slice)) > allowed_mm)
        else {
            return Ok(());
        };
        let last = &slices[slices.len() - 1];
        let per_mm = scaled(shift(last), 1.0 / last.distance_mm);
        let sheared = slices.iter().all(|slice| {
            length(minus(shift(slice), scaled(per_mm, slice.distance_mm))) <= allowed_mm
        });
        if sheared {
            return Err(DicomError::Tilted {
                evidence: "the positions of the slices",
                degrees: length(per_mm).atan().to_degrees(),
                files: self.paths([&slices[0], last]),
            });
        }
        Err(DicomError::Shifted {
            shift_mm: length(shift(shifted)),
            allowed_mm,
            files: self.paths([&slices[0], shifted]),
        })
    }
}

/// The lower median of the steps that are none of zero; `None` where there are none.
fn typical_step(steps: &[f64]) -> Option<f64> {
    let mut steps: Vec<_> = steps
        .iter()
        .copied()
        .filter(|mm| *mm > SAME_POSITION_MM)
        .collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len().saturating_sub(1) / 2).copied()
}

/// Whether two frames lie in parallel planes with the same spacing.
fn same_plane(a: &FramePlace, b: &FramePlace) -> bool {
    let same = |u: Vector, v: Vector| minus(u, v).iter().all(|d| d.abs() <= SAME_DIRECTION);
    same(a.along_row, b.along_row)
        && same(a.along_column, b.along_column)
        && (a.column_spacing_mm - b.column_spacing_mm).abs() <= SAME_SPACING_MM
        && (a.row_spacing_mm - b.row_spacing_mm).abs() <= SAME_SPACING_MM
}
