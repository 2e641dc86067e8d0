//! From a stream of stored numbers to voxels.

use crate::scalar::Scalar;
use crate::scalar::{ByteOrder, ScalarType};
use crate::stored::Source;
use crate::{Note, PerAxis, ReadError};

/// Bytes decoded at a time: small enough to stay in the cache between the decompressor and us.
const CHUNK_BYTES: usize = 1 << 17;

/// `value = slope · stored + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

/// How voxels are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub(crate) scalar: ScalarType,
    pub(crate) order: ByteOrder,
    pub(crate) scale: Option<Scale>,
    /// Voxels along the file's own axes, `x` fastest.
    pub(crate) shape: PerAxis<usize>,
}

impl Layout {
    /// Bytes of all voxels; `None` when no machine could hold them.
    pub(crate) fn n_bytes(&self) -> Option<usize> {
        let [x, y, z] = self.shape.xyz();
        let n_bytes = x
            .checked_mul(y)?
            .checked_mul(z)?
            .checked_mul(self.scalar.n_bytes())?;
        // Voxels become `f32` or `u16`; the largest allocation of Rust is `isize::MAX`.
        (n_bytes <= isize::MAX.unsigned_abs() / 8).then_some(n_bytes)
    }
}

/// What a voxel of a scan or of a label map can be.
pub(crate) trait Voxel: Copy + Default + Send + Sync {
    /// The voxel; `None` when the value has none.
    fn from_value(value: f64) -> Option<Self>;

    /// How far the voxel is from the value it stands for, where that matters.
    fn off(self, value: f64) -> f64;

    /// The error when values had no voxel.
    fn refused(faults: &Faults, shape: PerAxis<usize>, source: &Source) -> ReadError;
}

/// A label may be this far from a whole number: what is lost when whole numbers go through a slope
/// and through numbers of 32 bits is less, and nobody writes probabilities this near to 0 and 1.
const LABEL_ROUNDING: f64 = 1e-3;

/// Values that have no voxel, or one that is not quite the value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Voxels before those that are being decoded.
    n_before: usize,
    count: usize,
    first: usize,
    value: f64,
    n_rounded: usize,
    largest_off: f64,
}

impl Faults {
    /// What there is to say of voxels that are not quite their values.
    fn note(&self, path: &std::path::Path) -> Option<Note> {
        (self.n_rounded > 0).then(|| Note::Rounded {
            n_voxels: self.n_rounded,
            largest_off: self.largest_off,
            path: path.to_path_buf(),
        })
    }
}

impl Voxel for f32 {
    fn from_value(value: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "rounding to f32 is the purpose"
        )]
        let voxel = value as Self;
        voxel.is_finite().then_some(voxel)
    }

    fn off(self, _value: f64) -> f64 {
        0.0
    }

    fn refused(faults: &Faults, shape: PerAxis<usize>, source: &Source) -> ReadError {
        ReadError::NotFinite {
            count: faults.count,
            first_xyz: position(faults.first, shape),
            path: source.path().to_path_buf(),
        }
    }
}

impl Voxel for u16 {
    fn from_value(value: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "checked on the next line")]
        #[expect(clippy::cast_sign_loss, reason = "checked on the next line")]
        let voxel = value.round() as Self;
        // The cast saturates, so only what is a label is near to the value. NaN is near to nothing.
        (voxel.off(value) <= LABEL_ROUNDING).then_some(voxel)
    }

    fn off(self, value: f64) -> f64 {
        (f64::from(self) - value).abs()
    }

    fn refused(faults: &Faults, shape: PerAxis<usize>, source: &Source) -> ReadError {
        ReadError::NotALabel {
            value: faults.value,
            voxel_xyz: position(faults.first, shape),
            path: source.path().to_path_buf(),
        }
    }
}

/// Reads all voxels, in the file's own order, with what there is to say about them.
///
/// Holds the voxels and one chunk of stored bytes, never the file.
pub(crate) fn read_voxels<T: Voxel>(
    mut source: Source,
    layout: &Layout,
) -> Result<(Vec<T>, Vec<Note>), ReadError> {
    let wanted_bytes = layout.n_bytes().unwrap_or(usize::MAX);
    source.check_can_hold(wanted_bytes as u64)?;
    let mut voxels = vec_with_room(layout.shape.n_voxels(), source.path())?;
    let mut faults = Faults::default();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut found_bytes = 0;
    while found_bytes < wanted_bytes {
        let chunk = &mut buffer[..CHUNK_BYTES.min(wanted_bytes - found_bytes)];
        let n = source.fill(chunk)?;
        found_bytes += n;
        if n < chunk.len() {
            return Err(ReadError::Short {
                wanted_bytes: wanted_bytes as u64,
                found_bytes: found_bytes as u64,
                path: source.path().to_path_buf(),
            });
        }
        decode(chunk, layout, &mut voxels, &mut faults);
    }
    if faults.count > 0 {
        return Err(T::refused(&faults, layout.shape, &source));
    }
    let rounded = faults.note(source.path());
    Ok((
        voxels,
        rounded.into_iter().chain(source.finish()?).collect(),
    ))
}

/// Reads all voxels slice by slice, in the file's own order: `each` gets the place of a slice along
/// the slowest axis and its voxels, which it may change.
///
/// Values that have no voxel are told at the end: what was handed over is worth nothing then.
pub(crate) fn read_slices<T: Voxel>(
    mut source: Source,
    layout: &Layout,
    mut each: impl FnMut(usize, &mut [T]),
) -> Result<Vec<Note>, ReadError> {
    let wanted_bytes = layout.n_bytes().unwrap_or(usize::MAX);
    source.check_can_hold(wanted_bytes as u64)?;
    let n_pixels = layout.shape.n_pixels();
    let slice_bytes = n_pixels * layout.scalar.n_bytes();
    let mut voxels = vec_with_room(n_pixels, source.path())?;
    let mut faults = Faults::default();
    let mut buffer = vec![0; CHUNK_BYTES.min(slice_bytes)];
    for at in 0..layout.shape.z {
        voxels.clear();
        faults.n_before = at * n_pixels;
        let mut left = slice_bytes;
        while left > 0 {
            let chunk_bytes = buffer.len().min(left);
            let chunk = &mut buffer[..chunk_bytes];
            let n = source.fill(chunk)?;
            left -= n;
            if n < chunk.len() {
                return Err(ReadError::Short {
                    wanted_bytes: wanted_bytes as u64,
                    found_bytes: ((at + 1) * slice_bytes - left) as u64,
                    path: source.path().to_path_buf(),
                });
            }
            decode(chunk, layout, &mut voxels, &mut faults);
        }
        each(at, &mut voxels);
    }
    if faults.count > 0 {
        return Err(T::refused(&faults, layout.shape, &source));
    }
    let rounded = faults.note(source.path());
    Ok(rounded.into_iter().chain(source.finish()?).collect())
}

/// An empty vector with room for `n` values, or an error where memory does not reach.
fn vec_with_room<T>(n: usize, path: &std::path::Path) -> Result<Vec<T>, ReadError> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(n)
        .map_err(|source| ReadError::OutOfMemory {
            wanted_bytes: n.saturating_mul(size_of::<T>()) as u64,
            source,
            path: path.to_path_buf(),
        })?;
    Ok(values)
}

fn decode<T: Voxel>(bytes: &[u8], layout: &Layout, voxels: &mut Vec<T>, faults: &mut Faults) {
    match layout.scalar {
        ScalarType::U8 => decode_as::<u8, T>(bytes, layout, voxels, faults),
        ScalarType::I8 => decode_as::<i8, T>(bytes, layout, voxels, faults),
        ScalarType::U16 => decode_as::<u16, T>(bytes, layout, voxels, faults),
        ScalarType::I16 => decode_as::<i16, T>(bytes, layout, voxels, faults),
        ScalarType::U32 => decode_as::<u32, T>(bytes, layout, voxels, faults),
        ScalarType::I32 => decode_as::<i32, T>(bytes, layout, voxels, faults),
        ScalarType::U64 => decode_as::<u64, T>(bytes, layout, voxels, faults),
        ScalarType::I64 => decode_as::<i64, T>(bytes, layout, voxels, faults),
        ScalarType::F32 => decode_as::<f32, T>(bytes, layout, voxels, faults),
        ScalarType::F64 => decode_as::<f64, T>(bytes, layout, voxels, faults),
    }
}

fn decode_as<S: Scalar, T: Voxel>(
    bytes: &[u8],
    layout: &Layout,
    voxels: &mut Vec<T>,
    faults: &mut Faults,
) {
    let mut push = |value: f64| {
        let voxel = T::from_value(value).unwrap_or_else(|| {
            if faults.count == 0 {
                faults.first = faults.n_before + voxels.len();
                faults.value = value;
            }
            faults.count += 1;
            T::default()
        });
        let off = voxel.off(value);
        if off > 0.0 && off <= LABEL_ROUNDING {
            faults.n_rounded += 1;
            faults.largest_off = faults.largest_off.max(off);
        }
        voxels.push(voxel);
    };
    match layout.scale {
        None => S::decode(bytes, layout.order, push),
        Some(Scale { slope, intercept }) => {
            S::decode(bytes, layout.order, |stored| {
                push(stored * slope + intercept);
            });
        }
    }
}

/// Index along the file's axes of the voxel stored at `at`.
fn position(at: usize, shape: PerAxis<usize>) -> [usize; 3] {
    [at % shape.x, at / shape.x % shape.y, at / shape.n_pixels()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_from_0_to_65535_are_labels_up_to_a_thousandth() {
        for (value, label) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (65535.0, Some(65535)),
            (65536.0, None),
            (-1.0, None),
            (0.5, None),
            (2.0009, Some(2)),
            (1.9991, Some(2)),
            (1.9989, None),
            (2.0011, None),
            (-0.0009, Some(0)),
            (-0.0011, None),
            (65535.0009, Some(65535)),
            (65535.0011, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(u16::from_value(value), label, "{value}");
        }
    }

    #[test]
    fn a_value_too_large_for_f32_is_not_finite() {
        assert_eq!(f32::from_value(1e300), None, "would be infinite");
        assert_eq!(f32::from_value(-1024.0), Some(-1024.0), "air is fine");
    }
}
