//! What stands in one place of a table.

use super::ABSENT;

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Words(String),
    /// How many.
    Count(usize),
    /// A number that people see rounded.
    Number {
        /// The number. One that is not finite is shown as absent.
        value: f64,
        /// Decimals that people see.
        decimals: usize,
    },
    /// A probability: three decimals, and `< 0.001` below.
    Probability(f64),
    /// There is no value.
    Absent,
}

impl Cell {
    /// Words.
    pub fn words(words: &str) -> Self {
        Self::Words(words.to_owned())
    }

    /// A number, absent where it is not finite.
    pub fn number(value: f64, decimals: usize) -> Self {
        Self::some_number(Some(value), decimals)
    }

    /// A number where there is one.
    pub fn some_number(value: Option<f64>, decimals: usize) -> Self {
        match value {
            Some(value) if value.is_finite() => Self::Number { value, decimals },
            _ => Self::Absent,
        }
    }

    /// The cell for people: a dash where there is no value.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Count(n) => n.to_string(),
            Self::Number { value, decimals } if value.is_finite() => {
                without_zeros_sign(format!("{value:.decimals$}"))
            }
            Self::Probability(p) if *p < 0.001 => "< 0.001".to_owned(),
            Self::Probability(p) if p.is_finite() => format!("{p:.3}"),
            Self::Number { .. } | Self::Probability(_) | Self::Absent => ABSENT.to_owned(),
        }
    }

    /// The cell for programs: numbers in full, nothing where there is no value.
    pub(super) fn in_full(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Count(n) => n.to_string(),
            Self::Number { value, .. } | Self::Probability(value) if value.is_finite() => {
                value.to_string()
            }
            Self::Number { .. } | Self::Probability(_) | Self::Absent => String::new(),
        }
    }
}

/// Words on one line.
pub(super) fn on_one_line(words: &str) -> String {
    words.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

/// What is rounded to 0 has no sign.
fn without_zeros_sign(text: String) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| matches!(digit, '0' | '.')) => digits.to_owned(),
        _ => text,
    }
}
