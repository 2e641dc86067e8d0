//! How a file stores one sample, and what it means in Hounsfield units.

use dicom_dictionary_std::tags;

use super::DicomError;
use super::attributes::Attributes;

/// Images whose values are quantities. The two differ in how grey is shown, not in what the values
/// mean, so both are read alike (PS3.3 C.7.6.3.1.2).
pub(super) const GREY: &[&str] = &["MONOCHROME2", "MONOCHROME1"];

/// Images whose values are labels: a palette may say how to show them.
pub(super) const LABELS: &[&str] = &["MONOCHROME2", "PALETTE COLOR"];

/// The layout of the samples of every frame of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PixelFormat {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// 1, 8, 16 or 32.
    pub(super) bits_allocated: u32,
    bits_stored: u32,
    high_bit: u32,
    signed: bool,
}

impl PixelFormat {
    /// Reads the Image Pixel module of an image with one of the `colours` (values of
    /// `PhotometricInterpretation`), such as [`GREY`].
    pub(super) fn read(attributes: Attributes<'_>, colours: &[&str]) -> Result<Self, DicomError> {
        let samples = attributes.whole_opt(tags::SAMPLES_PER_PIXEL)?.unwrap_or(1);
        let photometric = attributes.text(tags::PHOTOMETRIC_INTERPRETATION);
        let grey = photometric
            .as_deref()
            .is_none_or(|found| colours.contains(&found));
        if samples != 1 || !grey {
            let photometric = photometric.unwrap_or_default();
            return Err(DicomError::Unsupported {
                found: format!("{samples} samples a pixel, {photometric}"),
                wanted: "one sample a pixel, MONOCHROME2",
                path: attributes.path.to_path_buf(),
            });
        }
        let bits_allocated = attributes.whole(tags::BITS_ALLOCATED)?;
        if !matches!(bits_allocated, 1 | 8 | 16 | 32) {
            let problem = format!("is {bits_allocated}; 1, 8, 16 and 32 are read");
            return Err(attributes.problem(tags::BITS_ALLOCATED, problem));
        }
        let bits_stored = attributes
            .whole_opt(tags::BITS_STORED)?
            .unwrap_or(bits_allocated);
        let high_bit = attributes
            .whole_opt(tags::HIGH_BIT)?
            .unwrap_or(bits_stored.max(1) - 1);
        let fits = (1..=bits_allocated).contains(&bits_stored)
            && (bits_stored - 1..bits_allocated).contains(&high_bit);
        if !fits {
            let problem = format!(
                "is {bits_stored} with HighBit {high_bit}, which does not fit {bits_allocated} \
                 bits allocated"
            );
            return Err(attributes.problem(tags::BITS_STORED, problem));
        }
        Ok(Self {
            rows: extent(attributes, tags::ROWS)?,
            columns: extent(attributes, tags::COLUMNS)?,
            bits_allocated,
            bits_stored,
            high_bit,
            signed: attributes
                .whole_opt(tags::PIXEL_REPRESENTATION)?
                .unwrap_or(0)
                == 1,
        })
    }

    /// Whether stored values can be negative.
    pub(super) fn is_signed(&self) -> bool {
        self.signed
    }

    /// Whether a sample is a single bit, eight of them to a byte.
    pub(super) fn is_single_bit(&self) -> bool {
        self.bits_allocated == 1
    }

    /// Pixels in one frame.
    pub(super) fn n_pixels(&self) -> usize {
        self.rows * self.columns
    }

    /// Bytes in one decoded frame; for single bits the bytes that the frame touches at least.
    pub(super) fn frame_bytes(&self) -> usize {
        match self.bits_allocated {
            1 => self.n_pixels().div_ceil(8),
            bits => self.n_pixels() * (bits as usize / 8),
        }
    }

    /// The stored values of a decoded frame of 8, 16 or 32 bits a sample, in the machine's byte
    /// order: bits above `HighBit` and below the value dropped, the sign extended.
    pub(super) fn stored_values<'a>(&'a self, frame: &'a [u8]) -> impl Iterator<Item = i64> + 'a {
        let bytes = (self.bits_allocated as usize / 8).max(1);
        let drop_low = self.high_bit + 1 - self.bits_stored;
        let drop_high = 64 - self.bits_stored;
        frame.chunks_exact(bytes).map(move |sample| {
            let word = match *sample {
                [a] => u64::from(a),
                [a, b] => u64::from(u16::from_ne_bytes([a, b])),
                [a, b, c, d] => u64::from(u32::from_ne_bytes([a, b, c, d])),
                _ => 0,
            };
            let aligned = (word >> drop_low) << drop_high;
            if self.signed {
                aligned.cast_signed() >> drop_high
            } else {
                (aligned >> drop_high).cast_signed()
            }
        })
    }
}

/// `Rows` or `Columns`, which have 16 bits.
fn extent(attributes: Attributes<'_>, tag: dicom_core::Tag) -> Result<usize, DicomError> {
    match attributes.whole(tag)? {
        n @ 1..=0xFFFF => Ok(n as usize),
        n => Err(attributes.problem(tag, format!("is {n}; 1 to 65535 pixels are read"))),
    }
}

/// From stored values to Hounsfield units: `value · slope + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rescale {
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Rescale {
    /// Reads slope and intercept from where they stand: the image itself, or the functional group
    /// of a frame.
    ///
    /// Where both are missing, signed values are taken for Hounsfield units as they are; unsigned
    /// ones cannot be, air being negative.
    pub(super) fn read(group: Attributes<'_>, signed: bool) -> Result<Self, DicomError> {
        let slope = group.numbers_opt::<1>(tags::RESCALE_SLOPE)?;
        let intercept = group.numbers_opt::<1>(tags::RESCALE_INTERCEPT)?;
        match (slope, intercept) {
            (Some([slope]), Some([intercept])) if slope != 0.0 => {
                check_unit(group)?;
                Ok(Self { slope, intercept })
            }
            (Some(_), Some(_)) => Err(group.problem(tags::RESCALE_SLOPE, "is 0".into())),
            (Some(_), None) => Err(group.missing(tags::RESCALE_INTERCEPT)),
            (None, Some(_)) => Err(group.missing(tags::RESCALE_SLOPE)),
            (None, None) if signed => Ok(Self {
                slope: 1.0,
                intercept: 0.0,
            }),
            (None, None) => {
                let problem = "is missing, and unsigned values cannot be Hounsfield units";
                Err(group.problem(tags::RESCALE_INTERCEPT, problem.into()))
            }
        }
    }

    /// One value in Hounsfield units.
    pub(super) fn hounsfield(self, stored: i64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "HU are kept as f32")]
        let hounsfield = (stored as f64 * self.slope + self.intercept) as f32;
        hounsfield
    }
}

/// Refuses values that the header says are something else than Hounsfield units (dual-energy maps).
fn check_unit(group: Attributes<'_>) -> Result<(), DicomError> {
    match group.text(tags::RESCALE_TYPE).as_deref() {
        None | Some("HU" | "HU_MOD" | "US") => Ok(()),
        Some(unit) => {
            let problem = format!("says that the values are `{unit}`, not Hounsfield units (HU)");
            Err(group.problem(tags::RESCALE_TYPE, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bits_stored: u32, high_bit: u32, signed: bool) -> PixelFormat {
        PixelFormat {
            rows: 1,
            columns: 2,
            bits_allocated: 16,
            bits_stored,
            high_bit,
            signed,
        }
    }

    fn values(format: PixelFormat, words: [u16; 2]) -> Vec<i64> {
        let bytes = words.map(u16::to_ne_bytes).concat();
        format.stored_values(&bytes).collect()
    }

    #[test]
    fn twelve_bits_in_sixteen_are_masked_and_their_sign_extended() {
        // The four high bits hold an overlay; 0xFFF is -1 in 12 bits, 0x800 is -2048.
        assert_eq!(
            values(format(12, 11, true), [0xAFFF, 0x5800]),
            [-1, -2048],
            "signed"
        );
        assert_eq!(
            values(format(12, 11, false), [0xAFFF, 0x5800]),
            [4095, 2048],
            "unsigned"
        );
    }

    #[test]
    fn a_value_that_stands_high_in_its_word_is_shifted_down() {
        assert_eq!(
            values(format(12, 15, false), [0xABCD, 0x0010]),
            [0xABC, 1],
            "4 low bits drop"
        );
        assert_eq!(
            values(format(12, 15, true), [0xFFF0, 0x7FF0]),
            [-1, 2047],
            "sign in bit 15"
        );
    }

    #[test]
    fn hounsfield_units_follow_slope_and_intercept() {
        let rescale = Rescale {
            slope: 0.5,
            intercept: -1024.0,
        };
        let hu = rescale.hounsfield(3);
        assert!((hu + 1022.5).abs() < 1e-6, "3 · 0.5 - 1024, got {hu}");
    }
}
