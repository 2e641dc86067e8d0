//! A number as it stands on a page: its value and how far rounding may have moved it.

use std::fmt;

use thiserror::Error;

/// A printed number, with half of one unit of its last place.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundedNumber {
    /// As printed.
    pub text: String,
    /// Its value.
    pub value: f64,
    /// Half of one unit of the last printed place: the number that was rounded lies within
    /// `value ± half_unit`.
    pub half_unit: f64,
    /// Digits behind the decimal point; 0 where there are none.
    pub n_decimals: usize,
}

/// A cell that is no number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no number")]
pub struct NoNumber {
    /// The cell.
    pub text: String,
}

impl RoundedNumber {
    /// A number that is printed with so many decimals.
    pub fn of(value: f64, n_decimals: usize) -> Self {
        Self {
            text: format!("{value:.n_decimals$}"),
            value,
            half_unit: 0.5 / 10_f64.powf(n_decimals as f64),
            n_decimals,
        }
    }

    /// Reads a number with a decimal point, as `0.9705`, `97.05 %`, `1.2e-3` or `-4`.
    ///
    /// A trailing zero that a spreadsheet dropped makes the number look rounded more than it was,
    /// so that fewer rows are found fault with, never more.
    ///
    /// # Errors
    ///
    /// [`NoNumber`] for other text, and for what is not finite.
    pub fn parse(text: &str) -> Result<Self, NoNumber> {
        let no_number = || NoNumber {
            text: text.to_owned(),
        };
        let plain = text.trim().trim_end_matches('%').trim_end();
        // A minus as typographers set it.
        let plain = plain.replace('\u{2212}', "-");
        let value: f64 = plain.parse().ok().ok_or_else(no_number)?;
        if !value.is_finite() {
            return Err(no_number());
        }
        let (digits, exponent) = plain.split_once(['e', 'E']).unwrap_or((&plain, "0"));
        let n_decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
        let exponent: i32 = exponent.parse().ok().ok_or_else(no_number)?;
        let n_decimals = i32::try_from(n_decimals).ok().ok_or_else(no_number)?;
        let last_place = exponent.saturating_sub(n_decimals);
        Ok(Self {
            text: text.trim().to_owned(),
            value,
            half_unit: 0.5 * 10_f64.powi(last_place),
            n_decimals: usize::try_from(-last_place).unwrap_or(0),
        })
    }

    /// The least number that would have been printed so.
    pub fn low(&self) -> f64 {
        self.value - self.half_unit
    }

    /// The greatest number that would have been printed so.
    pub fn high(&self) -> f64 {
        self.value + self.half_unit
    }
}

impl fmt::Display for RoundedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_printed_place_tells_how_far_a_number_was_rounded() {
        for (text, value, half_unit) in [
            ("0.9705", 0.9705, 0.000_05),
            (" 97.1 % ", 97.1, 0.05),
            ("97%", 97.0, 0.5),
            ("1.25e-3", 0.001_25, 0.000_005),
            ("-4", -4.0, 0.5),
            ("\u{2212}4.0", -4.0, 0.05),
            ("2e1", 20.0, 5.0),
            (".5", 0.5, 0.05),
        ] {
            let number = RoundedNumber::parse(text).expect(text);
            assert!((number.value - value).abs() < 1e-12, "{text}: {number:?}");
            let off = (number.half_unit / half_unit - 1.0).abs();
            assert!(off < 1e-12, "{text}: {number:?}");
        }
        for text in ["", "n/a", "0.97 ± 0.01", "NaN", "inf", "1,5", "0.97*"] {
            assert!(RoundedNumber::parse(text).is_err(), "`{text}`");
        }
    }
}
