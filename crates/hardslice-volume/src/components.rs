//! Connected components of a mask in three dimensions.
//!
//! Rows are cut into runs of set voxels; runs that touch are joined in a union-find forest whose
//! roots are always the earlier run. Work grows with the number of runs, not of voxels, once the
//! rows have been scanned.
//!
//! # Sources
//!
//! - L. He, Y. Chao, K. Suzuki (2008), "A run-based two-scan labeling algorithm", IEEE
//!   Transactions on Image Processing 17(5), 749–756; here in three dimensions.

use rayon::prelude::*;

use crate::PerAxis;

/// Which voxels touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// Voxels that share a face: 6 neighbours.
    Faces,
    /// Voxels that share a face, an edge or a corner: 26 neighbours.
    Corners,
}

/// The components of a mask, in the order in which their first voxels are stored.
#[derive(Debug, Clone)]
pub struct Components {
    shape: PerAxis<usize>,
    runs: Vec<Run>,
    /// Component of each run, counted from 0.
    of_run: Vec<usize>,
    sizes: Vec<usize>,
}

/// Set voxels that are neighbours in a row.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Row `z · ny + y`.
    row: usize,
    /// First voxel along `x`.
    start: usize,
    /// One behind the last.
    end: usize,
}

impl Components {
    /// Finds the components of a mask `[z, y, x]`.
    ///
    /// # Panics
    ///
    /// When `mask` is not as long as `shape` says.
    pub fn of(mask: &[bool], shape: PerAxis<usize>, connectivity: Connectivity) -> Self {
        assert_eq!(mask.len(), shape.n_voxels(), "a mask of {shape} voxels");
        let runs = runs(mask, shape);
        let mut forest = Forest::new(runs.len());
        join_neighbours(&runs, shape, connectivity, &mut forest);
        let mut sizes = Vec::new();
        let mut of_run: Vec<usize> = Vec::with_capacity(runs.len());
        for (i, run) in runs.iter().enumerate() {
            let root = forest.root(i);
            // A root is never later than its runs, so its component is known by now.
            let component = if root == i {
                sizes.push(0);
                sizes.len() - 1
            } else {
                of_run[root]
            };
            sizes[component] += run.end - run.start;
            of_run.push(component);
        }
        Self {
            shape,
            runs,
            of_run,
            sizes,
        }
    }

    /// Voxels of each component.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The component with the most voxels, of several the one whose first voxel is stored first;
    /// `None` for an empty mask.
    pub fn largest(&self) -> Option<usize> {
        // `max_by_key` keeps the last of equals; walked backwards, that is the first.
        (0..self.sizes.len())
            .rev()
            .max_by_key(|component| self.sizes[*component])
    }

    /// Component of each voxel `[z, y, x]`, counted from 1; 0 outside the mask.
    pub fn labels(&self) -> Vec<usize> {
        let mut labels = vec![0; self.shape.n_voxels()];
        for (run, component) in self.runs.iter().zip(&self.of_run) {
            labels[run.voxels(self.shape)].fill(component + 1);
        }
        labels
    }

    /// Clears the voxels of every component that is not kept.
    ///
    /// # Panics
    ///
    /// When `mask` is not the mask that the components are of.
    pub fn retain(&self, mask: &mut [bool], keep: impl Fn(usize) -> bool) {
        for (run, component) in self.runs.iter().zip(&self.of_run) {
            if !keep(*component) {
                mask[run.voxels(self.shape)].fill(false);
            }
        }
    }
}

/// Clears everything but the largest component (26 neighbours) of a mask `[z, y, x]`.
///
/// Of several that are equally large the one whose first voxel is stored first stays. An empty mask
/// stays empty.
///
/// ```
/// use hardslice_volume::PerAxis;
/// use hardslice_volume::components::keep_largest;
///
/// let mut mask = [true, false, true, true];
/// keep_largest(&mut mask, PerAxis::new(1, 1, 4));
/// assert_eq!(mask, [false, false, true, true]);
/// ```
///
/// # Panics
///
/// When `mask` is not as long as `shape` says.
pub fn keep_largest(mask: &mut [bool], shape: PerAxis<usize>) {
    let components = Components::of(mask, shape, Connectivity::Corners);
    if let Some(largest) = components.largest() {
        components.retain(mask, |component| component == largest);
    }
}

impl Run {
    /// Where the run lies among the voxels.
    fn voxels(self, shape: PerAxis<usize>) -> std::ops::Range<usize> {
        let row = self.row * shape.x;
        row + self.start..row + self.end
    }
}

/// The runs of all rows, in storage order.
fn runs(mask: &[bool], shape: PerAxis<usize>) -> Vec<Run> {
    if mask.is_empty() {
        return Vec::new();
    }
    let of_slice = |(z, slice): (usize, &[bool])| {
        let mut runs = Vec::new();
        for (y, row) in slice.chunks_exact(shape.x).enumerate() {
            let mut at = 0;
            while let Some(gap) = row[at..].iter().position(|set| *set) {
                let start = at + gap;
                let length = row[start..].iter().position(|set| !*set);
                let end = length.map_or(row.len(), |n| start + n);
                runs.push(Run {
                    row: z * shape.y + y,
                    start,
                    end,
                });
                at = end;
            }
        }
        runs
    };
    let slices: Vec<Vec<Run>> = mask
        .par_chunks(shape.n_pixels())
        .enumerate()
        .map(of_slice)
        .collect();
    slices.concat()
}

/// Joins every run with those that it touches in the rows before its own.
fn join_neighbours(
    runs: &[Run],
    shape: PerAxis<usize>,
    connectivity: Connectivity,
    forest: &mut Forest,
) {
    // Where the runs of each row begin.
    let n_rows = shape.z * shape.y;
    let mut first_of_row = vec![0; n_rows + 1];
    for run in runs {
        first_of_row[run.row + 1] += 1;
    }
    for row in 0..n_rows {
        first_of_row[row + 1] += first_of_row[row];
    }
    // Steps back in z and on in y to the rows before; a run touches another whose ends lie `reach` apart.
    let (steps, reach): (&[(usize, isize)], usize) = match connectivity {
        Connectivity::Faces => (&[(0, -1), (1, 0)], 0),
        Connectivity::Corners => (&[(0, -1), (1, -1), (1, 0), (1, 1)], 1),
    };
    for row in 0..n_rows {
        let here = first_of_row[row]..first_of_row[row + 1];
        if here.is_empty() {
            continue;
        }
        let (z, y) = (row / shape.y, row % shape.y);
        for &(dz, dy) in steps {
            let neighbour = y.checked_add_signed(dy).filter(|y| *y < shape.y);
            let (Some(y), Some(z)) = (neighbour, z.checked_sub(dz)) else {
                continue;
            };
            let other = z * shape.y + y;
            let there = first_of_row[other]..first_of_row[other + 1];
            join_rows(runs, here.clone(), there, reach, forest);
        }
    }
}

/// Joins the runs of two rows that touch, in one walk along both.
fn join_rows(
    runs: &[Run],
    here: std::ops::Range<usize>,
    there: std::ops::Range<usize>,
    reach: usize,
    forest: &mut Forest,
) {
    let (mut a, mut b) = (here.start, there.start);
    while a < here.end && b < there.end {
        let (run, other) = (runs[a], runs[b]);
        if run.start < other.end + reach && other.start < run.end + reach {
            forest.join(a, b);
        }
        // Runs of a row have a gap between them, so what follows the run that ends later begins
        // too far behind the run that ends first to touch it.
        if run.end < other.end {
            a += 1;
        } else {
            b += 1;
        }
    }
}

/// Union-find in which every root is the first of its tree.
#[derive(Debug)]
struct Forest {
    parent: Vec<usize>,
}

impl Forest {
    fn new(n: usize) -> Self {
        Self {
            parent: (0..n).collect(),
        }
    }

    /// The first run of the tree; halves the path on the way.
    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mask of 2 slices of 2 × 3 voxels from its set voxels `[z, y, x]`.
    fn mask(set: &[[usize; 3]]) -> (Vec<bool>, PerAxis<usize>) {
        let shape = PerAxis::new(2, 2, 3);
        let mut mask = vec![false; shape.n_voxels()];
        for [z, y, x] in set {
            mask[(z * shape.y + y) * shape.x + x] = true;
        }
        (mask, shape)
    }

    #[test]
    fn corners_join_only_with_26_neighbours() {
        let (corners, shape) = mask(&[[0, 0, 0], [1, 1, 1]]);
        let count = |c| Components::of(&corners, shape, c).sizes().to_vec();
        assert_eq!(count(Connectivity::Faces), [1, 1], "no face is shared");
        assert_eq!(count(Connectivity::Corners), [2], "a corner is shared");
        let (edges, shape) = mask(&[[0, 0, 2], [1, 1, 2]]);
        let count = |c| Components::of(&edges, shape, c).sizes().to_vec();
        assert_eq!(count(Connectivity::Faces), [1, 1], "only an edge is shared");
        assert_eq!(count(Connectivity::Corners), [2], "an edge is shared");
    }

    #[test]
    fn the_first_of_equally_large_components_is_kept() {
        let (mut two, shape) = mask(&[[0, 0, 0], [1, 1, 2]]);
        keep_largest(&mut two, shape);
        assert_eq!(two, mask(&[[0, 0, 0]]).0, "the one stored first");
        let (mut larger, shape) = mask(&[[0, 0, 0], [1, 1, 2], [1, 0, 2]]);
        keep_largest(&mut larger, shape);
        assert_eq!(larger, mask(&[[1, 1, 2], [1, 0, 2]]).0, "the larger one");
    }

    #[test]
    fn an_empty_mask_stays_empty() {
        let (mut empty, shape) = mask(&[]);
        keep_largest(&mut empty, shape);
        assert!(empty.iter().all(|set| !set), "nothing is made up");
        assert_eq!(
            Components::of(&[], PerAxis::new(0, 2, 3), Connectivity::Faces).largest(),
            None
        );
    }

    /// Labels by repeated spreading of the smallest label to all neighbours.
    fn spread(mask: &[bool], shape: PerAxis<usize>, connectivity: Connectivity) -> Vec<usize> {
        let mut labels: Vec<usize> = mask
            .iter()
            .enumerate()
            .map(|(i, set)| if *set { i + 1 } else { 0 })
            .collect();
        let position = |i: usize| [i / shape.n_pixels(), i / shape.x % shape.y, i % shape.x];
        let touch = |a: usize, b: usize| {
            let (a, b) = (position(a), position(b));
            let steps: [usize; 3] = std::array::from_fn(|axis| a[axis].abs_diff(b[axis]));
            match connectivity {
                Connectivity::Faces => steps.iter().sum::<usize>() <= 1,
                Connectivity::Corners => steps.iter().all(|step| *step <= 1),
            }
        };
        loop {
            let before = labels.clone();
            for a in 0..labels.len() {
                for b in 0..labels.len() {
                    if labels[a] > labels[b] && labels[b] > 0 && touch(a, b) {
                        labels[a] = labels[b];
                    }
                }
            }
            if before == labels {
                break;
            }
        }
        // Numbered by first appearance.
        let mut firsts: Vec<usize> = labels.iter().copied().filter(|l| *l > 0).collect();
        firsts.sort_unstable();
        firsts.dedup();
        labels
            .iter()
            .map(|l| firsts.binary_search(l).map_or(0, |i| i + 1))
            .collect()
    }

    #[test]
    fn every_mask_of_twelve_voxels_agrees_with_spreading_labels() {
        let shape = PerAxis::new(2, 2, 3);
        for bits in 0..1 << 12 {
            let mask: Vec<bool> = (0..12).map(|i| bits >> i & 1 == 1).collect();
            for connectivity in [Connectivity::Faces, Connectivity::Corners] {
                let got = Components::of(&mask, shape, connectivity).labels();
                assert_eq!(
                    got,
                    spread(&mask, shape, connectivity),
                    "{bits:012b}, {connectivity:?}"
                );
            }
        }
    }
}
