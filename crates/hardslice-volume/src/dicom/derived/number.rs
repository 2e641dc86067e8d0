//! Numbers as text of at most 16 characters (VR DS).

/// A number as it is written down, exactly where 16 characters suffice, as they do for what was read
/// from text of 16; else with as many digits as fit.
///
/// # Panics
///
/// When the number is not finite.
pub(super) fn decimal(number: f64) -> String {
    assert!(
        number.is_finite(),
        "what was read or computed of a grid is finite"
    );
    // Not the sign of a zero.
    let number = number + 0.0;
    let plain = number.to_string();
    if plain.len() <= 16 {
        return plain;
    }
    let scientific = format!("{number:e}");
    if scientific.len() <= 16 {
        return scientific;
    }
    let is_plain = (1e-3..1e9).contains(&number.abs());
    // A sign, a digit, a point, and an exponent such as e-300 leave room for nine digits at least.
    let mut shorter = (0..15_usize).rev().map(|digits| {
        if is_plain {
            format!("{number:.digits$}")
        } else {
            format!("{number:.digits$e}")
        }
    });
    shorter
        .find(|text| text.len() <= 16)
        .expect("ten digits before the point fit, and so do one and an exponent")
}

/// Numbers parted by backslashes.
pub(super) fn decimals(numbers: impl IntoIterator<Item = f64>) -> String {
    let numbers: Vec<_> = numbers.into_iter().map(decimal).collect();
    numbers.join("\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_where_sixteen_characters_suffice() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (-12.5, "-12.5"),
            (0.819_152_044, "0.819152044"),
            (-0.573_576_436, "-0.573576436"),
            (1e-300, "1e-300"),
            (-1.234_567_890_1e-5, "-1.2345678901e-5"),
            (1.0 / 3.0, "0.33333333333333"),
            (-2000.0 / 3.0, "-666.66666666667"),
            (f64::MAX, "1.7976931349e308"),
            (-1e-5 / 3.0, "-3.3333333333e-6"),
        ] {
            assert_eq!(decimal(number), text);
            assert!(text.len() <= 16, "{text}");
        }
    }
}
