//! Several masks into one label map.

use std::path::Path;

use super::LabelError;

/// A label map that structures are painted into, one after the other.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    labels: Vec<u16>,
    painted: Vec<(String, u16)>,
    path: &'a Path,
}

impl<'a> Canvas<'a> {
    /// An empty map; `path` is what the errors name.
    pub(super) fn new(n_voxels: usize, path: &'a Path) -> Self {
        Self {
            labels: vec![0; n_voxels],
            painted: Vec::new(),
            path,
        }
    }

    /// Gives `value` to the voxels inside a structure.
    ///
    /// Structures that share a value may overlap: together they are one.
    pub(super) fn paint(
        &mut self,
        name: &str,
        value: u16,
        inside: impl Iterator<Item = bool>,
    ) -> Result<(), LabelError> {
        let mut n_voxels = 0;
        let mut first_value = 0;
        for (label, _) in self
            .labels
            .iter_mut()
            .zip(inside)
            .filter(|(_, inside)| *inside)
        {
            if *label != 0 && *label != value {
                if n_voxels == 0 {
                    first_value = *label;
                }
                n_voxels += usize::from(*label == first_value);
            }
            *label = value;
        }
        if n_voxels > 0 {
            let there = self.painted.iter().filter(|(_, v)| *v == first_value);
            return Err(LabelError::Overlap {
                first: there
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>()
                    .join(" or "),
                second: name.to_owned(),
                n_voxels,
                path: self.path.to_path_buf(),
            });
        }
        self.painted.push((name.to_owned(), value));
        Ok(())
    }

    /// How many structures have been painted.
    pub(super) fn n_painted(&self) -> usize {
        self.painted.len()
    }

    /// The finished map.
    pub(super) fn into_labels(self) -> Vec<u16> {
        self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: [bool; 4] = [true, true, false, false];
    const MIDDLE: [bool; 4] = [false, true, true, false];

    #[test]
    fn an_overlap_is_refused_with_both_names_and_the_count() {
        let mut canvas = Canvas::new(4, Path::new("masks"));
        canvas.paint("liver", 1, LEFT.into_iter()).unwrap();
        let err = canvas.paint("spleen", 4, MIDDLE.into_iter()).unwrap_err();
        assert_eq!(
            err.to_string(),
            "`liver` and `spleen` overlap in 1 voxels, but a voxel has one label: masks",
            "both are named"
        );
    }

    #[test]
    fn structures_of_one_value_may_overlap() {
        let mut canvas = Canvas::new(4, Path::new("masks"));
        canvas.paint("liver", 1, LEFT.into_iter()).unwrap();
        canvas.paint("liver_tumour", 1, MIDDLE.into_iter()).unwrap();
        assert_eq!(canvas.n_painted(), 2, "both are there");
        assert_eq!(canvas.into_labels(), [1, 1, 1, 0], "their union");
    }
}
