//! What organs become when a slice is mirrored.

use super::OrganMap;
use super::sides::other_side;
use crate::Organ;

/// What becomes of an organ when x is reversed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// It has no side.
    Itself,
    /// It becomes the organ of this index.
    Twin(usize),
    /// It becomes an organ that the map does not have, so that nothing is known of the result.
    Missing {
        /// Name of the other side, in lower case.
        twin: String,
    },
}

impl OrganMap {
    /// What becomes of the organ of this index when x is reversed.
    ///
    /// Organs whose names differ only by the side (`kidney_left` and `kidney_right`, `left_kidney`,
    /// `kidney_l`, `Left Kidney`) change places, all without a side stay. Reversing y swaps nothing: in
    /// the protocol it is a plain augmentation, not another anatomy.
    ///
    /// # Panics
    ///
    /// When the map has no such organ.
    pub fn mirror(&self, index: usize) -> Mirror {
        let lower = |organ: &Organ| organ.as_str().to_lowercase();
        let name = lower(&self.organs[index].organ);
        let twin = other_side(&name);
        if twin == name {
            return Mirror::Itself;
        }
        match self.organs().position(|other| lower(other) == twin) {
            Some(twin) => Mirror::Twin(twin),
            None => Mirror::Missing { twin },
        }
    }

    /// What each value of the store becomes when x is reversed: organs with a side change places. One
    /// whose twin is not in the map keeps its value; a slice that shows it must not be mirrored.
    pub fn mirror_table(&self) -> [u8; 256] {
        let mut table = [0; 256];
        for (value, entry) in (0..=u8::MAX).zip(&mut table) {
            *entry = value;
        }
        for index in 0..self.organs.len() {
            if let Mirror::Twin(twin) = self.mirror(index) {
                table[usize::from(self.store_value(index))] = self.store_value(twin);
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::map;
    use super::*;

    #[test]
    fn reversing_x_swaps_left_and_right_in_every_spelling() {
        for (left, right) in [
            ("kidney_left", "kidney_right"),
            ("L-Kidney", "r-kidney"),
            ("Left Kidney", "Right Kidney"),
        ] {
            let organs = map(&[("liver", &[1]), (left, &[2]), (right, &[3])]).unwrap();
            let table = organs.mirror_table();
            assert_eq!(table[..5], [0, 1, 3, 2, 4], "{left} and {right}");
        }
    }

    #[test]
    fn an_organ_with_a_side_and_no_twin_has_no_mirror_image() {
        let organs = map(&[
            ("liver", &[1]),
            ("Kidney_Left", &[2]),
            ("lung_l", &[3]),
            ("lung_r", &[4]),
        ]);
        let organs = organs.unwrap();
        let missing = Mirror::Missing {
            twin: "kidney_right".to_owned(),
        };
        let mirrors = [Mirror::Itself, missing, Mirror::Twin(3), Mirror::Twin(2)];
        assert_eq!([0, 1, 2, 3].map(|index| organs.mirror(index)), mirrors);
    }

    #[test]
    fn organs_without_a_twin_stay_where_they_are() {
        let organs = map(&[("kidney", &[2, 3]), ("lung_left", &[4]), ("liver", &[1])]).unwrap();
        let table = organs.mirror_table();
        for (value, mirrored) in table.into_iter().enumerate() {
            assert_eq!(value, usize::from(mirrored), "nothing to swap");
        }
    }

    #[test]
    fn a_mirrored_table_mirrored_is_the_identity() {
        let organs = map(&[
            ("a_l", &[1]),
            ("a_r", &[2]),
            ("left", &[3]),
            ("right", &[4]),
        ])
        .unwrap();
        let table = organs.mirror_table();
        for value in 0..=255_u8 {
            let twice = table[usize::from(table[usize::from(value)])];
            assert_eq!(twice, value, "value {value}");
        }
    }
}
