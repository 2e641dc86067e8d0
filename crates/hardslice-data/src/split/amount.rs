//! How many patients: a number or a share.

use serde::{Deserialize, Serialize};

/// How many patients: a whole number (`40`) or a share of them (`0.15`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// This many.
    Patients(usize),
    /// This fraction, in [0, 1): rounded to the nearest number, but at least one where it is not 0.
    Share(f64),
}

impl Amount {
    /// The number of `n_patients` that is meant; `None` when a share is not in [0, 1).
    pub fn of(self, n_patients: usize) -> Option<usize> {
        match self {
            Self::Patients(n) => Some(n),
            Self::Share(share) if (0.0..1.0).contains(&share) => {
                let least = usize::from(share > 0.0);
                Some(rounded(share, n_patients).max(least))
            }
            Self::Share(_) => None,
        }
    }
}

/// `share` of `n`, to the nearest whole number.
pub(super) fn rounded(share: f64, n: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share in [0, 1] of a count of patients"
    )]
    let rounded = (share * n as f64).round() as usize;
    rounded.min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_but_never_to_none() {
        assert_eq!(Amount::Share(0.1).of(26), Some(3), "2.6");
        assert_eq!(Amount::Share(0.1).of(3), Some(1), "0.3, but not nobody");
        assert_eq!(Amount::Share(0.0).of(3), Some(0), "nobody was asked for");
        assert_eq!(Amount::Share(1.0).of(3), None, "all");
        assert_eq!(Amount::Share(f64::NAN).of(3), None, "no number");
        assert_eq!(
            Amount::Patients(40).of(3),
            Some(40),
            "checked by the caller"
        );
    }

    #[test]
    fn numbers_and_shares_are_told_apart_when_read() {
        let read = |json| serde_json::from_str::<Amount>(json).unwrap();
        assert_eq!(read("40"), Amount::Patients(40), "a whole number");
        assert_eq!(read("0.15"), Amount::Share(0.15), "a fraction");
    }
}
