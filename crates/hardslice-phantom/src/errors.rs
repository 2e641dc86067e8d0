//! Plants errors in a finished patient: labels drawn wrong and slices that were damaged.
//!
//! A way to tell wrong labels from hard slices can be checked against what is known to be wrong.

use std::collections::BTreeSet;
use std::ops::Range;

use hardslice_data::random::Stream;
use hardslice_volume::{PerAxis, Volume};
use serde::{Deserialize, Serialize};

use crate::LABELS;
use crate::options::PhantomOptions;

/// What is wrong with a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The organ is not labelled in one to three slices in its middle.
    Missing,
    /// The label ends 10 to 25 % of the organ's height before the organ does.
    CutShort,
    /// One side of the organ is not labelled in one to three slices.
    Half,
    /// The label runs 10 to 16 mm over the organ's edge in one to three slices.
    Spilled,
    /// The label lies 20 to 35 mm beside the organ in one to three slices.
    Shifted,
    /// The label is mirrored, left for right, in one slice.
    Mirrored,
    /// The slice of the scan is empty.
    Blank,
    /// The slice of the scan is 120 to 300 HU too bright or too dark.
    Offset,
    /// The slice of the scan was taken from elsewhere in the body.
    Misplaced,
    /// Slice and label are those of the slice below: nothing wrong, and nothing new.
    Repeated,
}

impl ErrorKind {
    const OF_LABELS: [Self; 6] = [
        Self::Missing,
        Self::CutShort,
        Self::Half,
        Self::Spilled,
        Self::Shifted,
        Self::Mirrored,
    ];
    const OF_IMAGES: [Self; 4] = [Self::Blank, Self::Offset, Self::Misplaced, Self::Repeated];

    /// The name in files, `cut_short`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::CutShort => "cut_short",
            Self::Half => "half",
            Self::Spilled => "spilled",
            Self::Shifted => "shifted",
            Self::Mirrored => "mirrored",
            Self::Blank => "blank",
            Self::Offset => "offset",
            Self::Misplaced => "misplaced",
            Self::Repeated => "repeated",
        }
    }
}

/// One slice with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlantedError {
    /// The slice, counted from the feet on canonical axes.
    pub z: usize,
    /// The label that is wrong; absent where the slice itself is.
    pub label: Option<u8>,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// Changes labels and slices of a patient as the options ask for, and says which; by slice.
pub(crate) fn plant(
    stream: &mut Stream,
    image: &mut Volume<i16>,
    labels: &mut Volume<u8>,
    options: &PhantomOptions,
) -> Vec<PlantedError> {
    let mut planted = BTreeSet::new();
    for label in LABELS {
        let extent = extent(labels, label);
        let n_wanted = wanted(stream, options.label_error_share, extent.len());
        plant_in_labels(stream, labels, label, n_wanted, &mut planted);
    }
    let n_slices = image.shape().z;
    let n_wanted = wanted(stream, options.image_error_share, n_slices);
    plant_in_slices(stream, image, labels, n_wanted, &mut planted);
    planted.into_iter().collect()
}

/// Leaves one half of an organ unlabelled, in each slice of its middle third another one.
pub(crate) fn plant_unlearnable(
    stream: &mut Stream,
    labels: &mut Volume<u8>,
    label: u8,
) -> Vec<PlantedError> {
    let whole = extent(labels, label);
    let third = whole.len() / 3;
    (whole.start + third..whole.end - third)
        .filter(|&z| Change::draw(stream, ErrorKind::Half, labels).apply(labels, z, label))
        .map(|z| PlantedError {
            z,
            label: Some(label),
            kind: ErrorKind::Half,
        })
        .collect()
}

/// A share of `n`, its fraction as a chance.
fn wanted(stream: &mut Stream, share: f64, n: usize) -> usize {
    let exact = share * n as f64;
    let whole = exact.floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to n"
    )]
    let whole_slices = whole as usize;
    whole_slices + usize::from(stream.chance(exact - whole))
}

/// From the first slice with a label to the last.
fn extent(labels: &Volume<u8>, label: u8) -> Range<usize> {
    let shows = |z: &usize| labels.slice(*z).contains(&label);
    let n = labels.shape().z;
    match ((0..n).find(shows), (0..n).rfind(shows)) {
        (Some(first), Some(last)) => first..last + 1,
        _ => 0..0,
    }
}

fn plant_in_labels(
    stream: &mut Stream,
    labels: &mut Volume<u8>,
    label: u8,
    n_wanted: usize,
    planted: &mut BTreeSet<PlantedError>,
) {
    let whole = extent(labels, label);
    // An organ of a few slices has no middle to plant in.
    if whole.len() < 8 {
        return;
    }
    let mut n_planted = 0;
    // A draw that falls on another error is drawn again, a few times.
    for _ in 0..10 * n_wanted {
        if n_planted >= n_wanted {
            break;
        }
        let kind = ErrorKind::OF_LABELS[stream.below(ErrorKind::OF_LABELS.len())];
        let slices = stretch(stream, kind, &whole);
        let near = slices.start.saturating_sub(4)..slices.end + 4;
        let is_taken = |error: &PlantedError| error.label == Some(label) && near.contains(&error.z);
        if planted.iter().any(is_taken) {
            continue;
        }
        let mut change = Change::draw(stream, kind, labels);
        for z in slices {
            if change.apply(labels, z, label) {
                planted.insert(PlantedError {
                    z,
                    label: Some(label),
                    kind,
                });
                n_planted += 1;
            }
        }
    }
}

/// The slices that an error covers.
fn stretch(stream: &mut Stream, kind: ErrorKind, whole: &Range<usize>) -> Range<usize> {
    if kind == ErrorKind::CutShort {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part"
        )]
        let n = (stream.uniform_in(0.10, 0.25) * whole.len() as f64).ceil() as usize;
        return if stream.chance(0.5) {
            whole.start..whole.start + n
        } else {
            whole.end - n..whole.end
        };
    }
    let n = match kind {
        ErrorKind::Mirrored => 1,
        _ => 1 + stream.below(3),
    };
    // Away from the ends, where an organ may look like anything.
    let margin = whole.len() / 5;
    let start = whole.start + margin + stream.below(whole.len() - 2 * margin - n + 1);
    start..start + n
}

/// How a label is changed in each slice of a stretch.
enum Change {
    Erase,
    /// Keep the side of the label's centre that this direction points away from.
    EraseSide([f64; 2]),
    Grow(f64),
    Move([isize; 2]),
    Mirror,
}

impl Change {
    fn draw(stream: &mut Stream, kind: ErrorKind, labels: &Volume<u8>) -> Self {
        let spacing_mm = labels.grid().spacing_mm();
        let turn = std::f64::consts::TAU * stream.uniform();
        let direction = [libm::sin(turn), libm::cos(turn)];
        let way_mm = stream.uniform();
        match kind {
            ErrorKind::Half => Self::EraseSide(direction),
            ErrorKind::Spilled => Self::Grow((10.0 + 6.0 * way_mm) / spacing_mm.x),
            ErrorKind::Shifted => {
                let pixels = (20.0 + 15.0 * way_mm) / spacing_mm.x;
                #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
                let by = direction.map(|part| (part * pixels).round() as isize);
                Self::Move(by)
            }
            ErrorKind::Mirrored => Self::Mirror,
            _ => Self::Erase,
        }
    }

    /// Changes one slice; says whether anything changed.
    fn apply(&mut self, labels: &mut Volume<u8>, z: usize, label: u8) -> bool {
        let PerAxis {
            y: rows,
            x: columns,
            ..
        } = labels.shape();
        let n = rows * columns;
        let slice = &mut labels.voxels_mut()[z * n..(z + 1) * n];
        let before = slice.to_vec();
        let shown: Vec<[usize; 2]> = (0..n)
            .filter(|at| before[*at] == label)
            .map(|at| [at / columns, at % columns])
            .collect();
        if shown.is_empty() {
            return false;
        }
        let centre = [0, 1].map(|axis| {
            let sum: usize = shown.iter().map(|at| at[axis]).sum();
            sum as f64 / shown.len() as f64
        });
        if !matches!(self, Self::Grow(_)) {
            for [y, x] in &shown {
                slice[y * columns + x] = 0;
            }
        }
        // What belongs to another organ stays its own.
        let mut set = |y: isize, x: isize| {
            let (Ok(y), Ok(x)) = (usize::try_from(y), usize::try_from(x)) else {
                return;
            };
            if y < rows && x < columns && slice[y * columns + x] == 0 {
                slice[y * columns + x] = label;
            }
        };
        let signed = |at: usize| at.cast_signed();
        for &[y, x] in &shown {
            match *self {
                Self::Erase => {}
                Self::EraseSide(direction) => {
                    let side = (y as f64 - centre[0]) * direction[0]
                        + (x as f64 - centre[1]) * direction[1];
                    if side <= 0.0 {
                        set(signed(y), signed(x));
                    }
                }
                Self::Grow(pixels) => {
                    #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
                    let reach = pixels.ceil() as isize;
                    for dy in -reach..=reach {
                        for dx in -reach..=reach {
                            let square = (dy * dy + dx * dx) as f64;
                            if square <= pixels * pixels {
                                set(signed(y) + dy, signed(x) + dx);
                            }
                        }
                    }
                }
                Self::Move([dy, dx]) => set(signed(y) + dy, signed(x) + dx),
                Self::Mirror => set(signed(y), signed(columns - 1 - x)),
            }
        }
        slice != before.as_slice()
    }
}

fn plant_in_slices(
    stream: &mut Stream,
    image: &mut Volume<i16>,
    labels: &mut Volume<u8>,
    n_wanted: usize,
    planted: &mut BTreeSet<PlantedError>,
) {
    let PerAxis { z: n_slices, y, x } = image.shape();
    let n = y * x;
    if n_slices < 12 {
        return;
    }
    let mut damaged: BTreeSet<usize> = BTreeSet::new();
    for _ in 0..10 * n_wanted {
        if damaged.len() >= n_wanted {
            break;
        }
        let z = 1 + stream.below(n_slices - 2);
        let kind = ErrorKind::OF_IMAGES[stream.below(ErrorKind::OF_IMAGES.len())];
        let brighter = stream.chance(0.5);
        let size = stream.uniform();
        // Damage stands alone, and never where a label is wrong, too.
        let is_near = damaged.range(z.saturating_sub(3)..z + 4).next().is_some();
        if is_near || planted.iter().any(|error| error.z.abs_diff(z) < 2) {
            continue;
        }
        let voxels = image.voxels_mut();
        match kind {
            ErrorKind::Offset => {
                #[expect(clippy::cast_possible_truncation, reason = "120 to 300")]
                let by = (120.0 + 180.0 * size) as i16;
                let by = if brighter { by } else { -by };
                for hu in &mut voxels[z * n..(z + 1) * n] {
                    *hu = hu.saturating_add(by);
                }
            }
            ErrorKind::Misplaced => {
                let far = (z + n_slices / 2) % n_slices;
                voxels.copy_within(far * n..(far + 1) * n, z * n);
            }
            ErrorKind::Repeated => {
                voxels.copy_within((z - 1) * n..z * n, z * n);
                labels.voxels_mut().copy_within((z - 1) * n..z * n, z * n);
            }
            _ => voxels[z * n..(z + 1) * n].fill(-1000),
        }
        damaged.insert(z);
        planted.insert(PlantedError {
            z,
            label: None,
            kind,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    fn case(label_error_share: f64, image_error_share: f64) -> crate::PhantomCase {
        let options = PhantomOptions {
            size: 48,
            n_slices: [60, 60],
            label_error_share,
            image_error_share,
            ..PhantomOptions::default()
        };
        generate(0, &options).unwrap()
    }

    #[test]
    fn only_what_is_named_was_changed_and_what_is_named_was() {
        let (right, wrong) = (case(0.0, 0.0), case(0.2, 0.1));
        assert!(right.errors.is_empty(), "none were asked for");
        let kinds: BTreeSet<ErrorKind> = wrong.errors.iter().map(|error| error.kind).collect();
        assert!(kinds.len() >= 5, "many kinds at once: {kinds:?}");
        for z in 0..60 {
            let of_slice = |is_label: bool| {
                let mut errors = wrong.errors.iter();
                errors.any(|e| e.z == z && (e.label.is_some() == is_label))
            };
            let repeated = wrong
                .errors
                .iter()
                .any(|e| e.z == z && e.kind == ErrorKind::Repeated);
            let labels_differ = right.labels.slice(z) != wrong.labels.slice(z);
            assert_eq!(
                labels_differ && !repeated,
                of_slice(true),
                "labels of slice {z}: {:?}",
                wrong.errors
            );
            let images_differ = right.image.slice(z) != wrong.image.slice(z);
            assert_eq!(images_differ, of_slice(false), "image of slice {z}");
        }
    }

    #[test]
    fn a_label_cut_short_ends_before_the_organ() {
        let (right, wrong) = (case(0.0, 0.0), case(0.3, 0.0));
        let cut: Vec<&PlantedError> = wrong
            .errors
            .iter()
            .filter(|error| error.kind == ErrorKind::CutShort)
            .collect();
        assert!(
            !cut.is_empty(),
            "a third of the slices hold one: {:?}",
            wrong.errors
        );
        for error in cut {
            let label = error.label.unwrap();
            assert!(right.labels.slice(error.z).contains(&label), "there");
            assert!(!wrong.labels.slice(error.z).contains(&label), "erased");
        }
    }
}
