//! Several structures into one label map.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Note;
use crate::label_error::LabelError;
use crate::label_names::LabelNames;

/// A structure on a canvas, and its rank: where structures overlap the higher one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(u16);

/// A label map that structures are painted into.
///
/// A voxel has one label. Where structures of different values overlap, the one that was added
/// later has the voxel, and the voxels are counted. Structures that share a value may overlap:
/// together they are one.
#[derive(Debug)]
pub(crate) struct Canvas<'a> {
    /// Name and value; a structure's rank is its place here, from 1.
    structures: Vec<(String, u16)>,
    /// Ranks, 0 where there is no structure.
    owners: Vec<u16>,
    /// Voxels that a structure lost to a later one.
    overlaps: BTreeMap<(u16, u16), usize>,
    path: &'a Path,
}

impl<'a> Canvas<'a> {
    /// An empty map; `path` is what notes and errors name.
    pub(crate) fn new(n_voxels: usize, path: &'a Path) -> Self {
        Self {
            structures: Vec::new(),
            owners: vec![0; n_voxels],
            overlaps: BTreeMap::new(),
            path,
        }
    }

    /// Adds a structure, which gives `value` to its voxels.
    pub(crate) fn add(&mut self, name: &str, value: u16) -> Result<Rank, LabelError> {
        self.structures.push((name.to_owned(), value));
        let rank = u16::try_from(self.structures.len());
        rank.map(Rank).map_err(|_rank| LabelError::TooMany {
            path: self.path.to_path_buf(),
        })
    }

    /// Gives a voxel to a structure.
    pub(crate) fn paint(&mut self, at: usize, Rank(rank): Rank) {
        let owner = self.owners[at];
        let (first, second) = (owner.min(rank), owner.max(rank));
        if owner != 0 && self.value(first) != self.value(second) {
            *self.overlaps.entry((first, second)).or_default() += 1;
        }
        self.owners[at] = second;
    }

    /// Gives the voxels inside to a structure.
    pub(crate) fn paint_all(&mut self, rank: Rank, inside: impl Iterator<Item = bool>) {
        for (at, _) in inside.enumerate().filter(|(_, inside)| *inside) {
            self.paint(at, rank);
        }
    }

    /// Whether no structure has been added.
    pub(crate) fn is_empty(&self) -> bool {
        self.structures.is_empty()
    }

    /// The finished map, with a note for each two structures that overlap and one for the values
    /// that `names` lists and no structure has.
    pub(crate) fn finish(self, names: &LabelNames) -> (Vec<u16>, Vec<Note>) {
        let path = self.path.to_path_buf();
        let name = |rank: u16| self.structures[usize::from(rank) - 1].0.clone();
        let overlaps = self
            .overlaps
            .iter()
            .map(|(&(first, second), &n_voxels)| Note::Overlap {
                first: name(first),
                second: name(second),
                n_voxels,
                path: path.clone(),
            });
        let mut notes: Vec<_> = overlaps.collect();
        let mut absent = BTreeMap::<u16, Vec<&str>>::new();
        for (name, value) in names.iter() {
            if self.structures.iter().all(|(_, painted)| *painted != value) {
                absent.entry(value).or_default().push(name);
            }
        }
        if !absent.is_empty() {
            notes.push(Note::StructuresAbsent {
                names: absent.values().map(|names| names.join(" or ")).collect(),
                path,
            });
        }
        let values: Vec<u16> = std::iter::once(0)
            .chain(self.structures.iter().map(|(_, value)| *value))
            .collect();
        let labels = self.owners.into_iter();
        (
            labels.map(|rank| values[usize::from(rank)]).collect(),
            notes,
        )
    }

    fn value(&self, rank: u16) -> u16 {
        self.structures[usize::from(rank) - 1].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: [bool; 4] = [true, true, false, false];
    const MIDDLE: [bool; 4] = [false, true, true, false];

    fn names() -> LabelNames {
        LabelNames::new([("liver", 1), ("spleen", 4), ("milt", 4), ("kidney", 5)]).unwrap()
    }

    #[test]
    fn where_structures_overlap_the_later_one_wins_and_the_voxels_are_counted() {
        for is_late_first in [false, true] {
            let mut canvas = Canvas::new(4, Path::new("masks"));
            let liver = canvas.add("liver", 1).unwrap();
            let spleen = canvas.add("Spleen", 4).unwrap();
            let mut order = [(liver, LEFT), (spleen, MIDDLE)];
            if is_late_first {
                order.reverse();
            }
            for (rank, inside) in order {
                canvas.paint_all(rank, inside.into_iter());
            }
            let (labels, notes) = canvas.finish(&names());
            assert_eq!(labels, [1, 4, 4, 0], "whichever is painted first");
            let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
            let wanted = [
                "`liver` and `Spleen` overlap in 1 voxels, which count as `Spleen`, the later of \
                 the two: masks",
                "not there, so without a voxel: kidney: masks",
            ];
            assert_eq!(notes, wanted, "what was decided");
        }
    }

    #[test]
    fn structures_of_one_value_may_overlap() {
        let mut canvas = Canvas::new(4, Path::new("masks"));
        let liver = canvas.add("liver", 1).unwrap();
        let tumour = canvas.add("liver_tumour", 1).unwrap();
        canvas.paint_all(liver, LEFT.into_iter());
        canvas.paint_all(tumour, MIDDLE.into_iter());
        let (labels, notes) = canvas.finish(&LabelNames::default());
        assert_eq!((labels, notes), (vec![1, 1, 1, 0], vec![]), "their union");
    }

    #[test]
    fn names_of_one_absent_value_stand_together() {
        let mut canvas = Canvas::new(1, Path::new("masks"));
        canvas.add("liver", 1).unwrap();
        let (_, notes) = canvas.finish(&names());
        let wanted = "not there, so without a voxel: spleen or milt, kidney: masks";
        assert_eq!(notes[0].to_string(), wanted, "either would do");
    }
}
