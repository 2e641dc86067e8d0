//! Masks small enough to keep all of a cohort's in memory.

use serde::{Deserialize, Serialize};

/// Rows and columns of a [`CoarseMask`].
const MASK: usize = 64;

/// One bit a pixel; the first column is the lowest bit.
type Rows = [u64; MASK];

/// A mask of one slice at 64 × 64 pixels, one bit each: 512 bytes, and 8 where it is empty, as most are.
/// In files it is a text, sixteen hexadecimal digits a row, and an empty text where it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CoarseMask {
    /// `None` where no pixel is in the mask.
    rows: Option<Box<Rows>>,
}

/// Hexadecimal digits of a row.
const DIGITS: usize = MASK / 4;

impl From<CoarseMask> for String {
    fn from(mask: CoarseMask) -> Self {
        let rows = mask.rows.iter().flat_map(|rows| rows.iter());
        let rows: Vec<Self> = rows.map(|row| format!("{row:0DIGITS$x}")).collect();
        rows.concat()
    }
}

impl TryFrom<String> for CoarseMask {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let is_digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
        if text.len() != MASK * DIGITS || !is_digits {
            return Err(format!(
                "a mask of {MASK} rows of {DIGITS} hexadecimal digits"
            ));
        }
        Ok(Self::of(&std::array::from_fn(|y| {
            let digits = &text[y * DIGITS..][..DIGITS];
            u64::from_str_radix(digits, 16).expect("hexadecimal digits were checked")
        })))
    }
}

impl CoarseMask {
    fn of(rows: &Rows) -> Self {
        let is_empty = rows.iter().all(|row| *row == 0);
        Self {
            rows: (!is_empty).then(|| Box::new(*rows)),
        }
    }

    fn rows(&self) -> &Rows {
        self.rows.as_deref().unwrap_or(&[0; MASK])
    }

    /// Samples a mask of `size` by `size` pixels, given as whether a pixel is in it.
    ///
    /// ```
    /// use hardslice_data::mining::CoarseMask;
    ///
    /// let left_half = CoarseMask::sampled(512, |pixel| pixel % 512 < 256);
    /// assert_eq!(left_half.n(), 64 * 64 / 2);
    /// assert!(CoarseMask::default().is_empty());
    /// ```
    pub fn sampled(size: usize, is_in: impl Fn(usize) -> bool) -> Self {
        Self::of(&std::array::from_fn(|y| {
            let at = |x| sample(y, size) * size + sample(x, size);
            (0..MASK).fold(0, |row, x| row | u64::from(is_in(at(x))) << x)
        }))
    }

    /// Sampled pixels in the mask.
    pub fn n(&self) -> u32 {
        self.rows().iter().map(|row| row.count_ones()).sum()
    }

    /// Whether no sampled pixel is in the mask.
    pub fn is_empty(&self) -> bool {
        self.rows.is_none()
    }

    /// What is in this mask and not in the other.
    pub(in crate::mining) fn without(&self, other: &Self) -> Self {
        Self::of(&without(self.rows(), other.rows()))
    }

    /// The parts that do not touch one another, by their first pixels; pixels touch along an edge.
    pub(in crate::mining) fn components(&self) -> Vec<Self> {
        let mut left = *self.rows();
        let mut components = Vec::new();
        while let Some(y) = left.iter().position(|row| *row != 0) {
            let mut component = [0; MASK];
            component[y] = 1 << left[y].trailing_zeros();
            while let Some(grown) = grown_within(&component, &left) {
                component = grown;
            }
            left = without(&left, &component);
            components.push(Self::of(&component));
        }
        components
    }

    /// Dice of two masks; 1 where both are empty.
    pub(in crate::mining) fn dice(&self, other: &Self) -> f64 {
        let rows = self.rows().iter().zip(other.rows());
        let n_shared: u32 = rows.map(|(a, b)| (a & b).count_ones()).sum();
        match self.n() + other.n() {
            0 => 1.0,
            n => 2.0 * f64::from(n_shared) / f64::from(n),
        }
    }
}

fn without(rows: &Rows, other: &Rows) -> Rows {
    std::array::from_fn(|y| rows[y] & !other[y])
}

/// A mask and its neighbours as far as they are in another; `None` where that adds nothing.
fn grown_within(rows: &Rows, bounds: &Rows) -> Option<Rows> {
    let grown: Rows = std::array::from_fn(|y| {
        let mut row = rows[y] | rows[y] << 1 | rows[y] >> 1;
        if y > 0 {
            row |= rows[y - 1];
        }
        if y + 1 < MASK {
            row |= rows[y + 1];
        }
        row & bounds[y]
    });
    (grown != *rows).then_some(grown)
}

/// The middle of coarse pixel `at`.
fn sample(at: usize, size: usize) -> usize {
    (2 * at + 1) * size / (2 * MASK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_any_size_keep_their_shape() {
        for size in [16, 64, 100, 512] {
            let left = CoarseMask::sampled(size, |at| at % size < size / 2);
            let top = CoarseMask::sampled(size, |at| at / size < size / 2);
            assert_eq!(left.n(), 64 * 32, "half of the pixels at {size}");
            assert!(
                (left.dice(&top) - 0.5).abs() < 1e-12,
                "a quarter of two halves"
            );
        }
        let empty = CoarseMask::default();
        assert!(
            empty.is_empty() && (empty.dice(&empty) - 1.0).abs() < 1e-12,
            "the same"
        );
        assert_eq!(
            CoarseMask::sampled(100, |_| false),
            empty,
            "there is one empty mask"
        );
        for mask in [empty, CoarseMask::sampled(100, |at| at % 7 == 0)] {
            let text = String::from(mask.clone());
            assert_eq!(CoarseMask::try_from(text), Ok(mask));
        }
    }

    #[test]
    fn parts_of_a_mask_that_touch_at_no_edge_are_told_apart() {
        // Two rows joined by a column, and a pixel that touches them at a corner only.
        let is_in = |at: usize| {
            let (y, x) = (at / 64, at % 64);
            (y == 3 || y == 9) && x < 20 || (3..9).contains(&y) && x == 5 || (y, x) == (10, 20)
        };
        let mask = CoarseMask::sampled(64, is_in);
        let parts = mask.components();
        let n: Vec<u32> = parts.iter().map(CoarseMask::n).collect();
        assert_eq!(n, [45, 1], "20 + 20 + 5, and the corner");
        assert_eq!(mask.without(&parts[1]), parts[0], "nothing is lost");
        assert_eq!(
            CoarseMask::default().components(),
            [],
            "nothing has no parts"
        );
    }
}
