//! Trees of vessels.

use hardslice_data::random::Stream;

use crate::solid::{Node, Twigs};

/// A tree that grows from a root to each target, the nearest first, from whatever branch is nearest.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    nodes: Vec<[f64; 3]>,
    /// Of each node but the root.
    parents: Vec<usize>,
}

impl Tree {
    /// Grows a tree. Branches bend a little.
    pub(crate) fn grow(stream: &mut Stream, root: [f64; 3], mut targets: Vec<[f64; 3]>) -> Self {
        const PIECES: usize = 4;
        targets.sort_by(|a, b| distance2(*a, root).total_cmp(&distance2(*b, root)));
        let mut tree = Self {
            nodes: vec![root],
            parents: vec![0],
        };
        for target in targets {
            let from = tree.nearest(target);
            let start = tree.nodes[from];
            let length = distance2(start, target).sqrt();
            let bow: [f64; 3] = std::array::from_fn(|_| 0.10 * length * stream.normal());
            let mut parent = from;
            for piece in 1..=PIECES {
                let t = piece as f64 / PIECES as f64;
                let node = std::array::from_fn(|k| {
                    start[k] + (target[k] - start[k]) * t + bow[k] * t * (1.0 - t) * 2.0
                });
                tree.nodes.push(node);
                tree.parents.push(parent);
                parent = tree.nodes.len() - 1;
            }
        }
        tree
    }

    fn nearest(&self, target: [f64; 3]) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (i, node) in self.nodes.iter().enumerate() {
            let d = distance2(*node, target);
            if d < best.0 {
                best = (d, i);
            }
        }
        best.1
    }

    /// The tree's vessels: a twig has radius `twig_mm`, a branch the more the more twigs it feeds
    /// (Murray 1926: the cubes of the radii add up).
    pub(crate) fn twigs(&self, twig_mm: f64) -> Twigs {
        let mut n_fed = vec![0_u32; self.nodes.len()];
        let mut is_parent = vec![false; self.nodes.len()];
        for &parent in &self.parents[1..] {
            is_parent[parent] = true;
        }
        for node in (1..self.nodes.len()).rev() {
            if !is_parent[node] {
                n_fed[node] += 1;
            }
            n_fed[self.parents[node]] += n_fed[node];
        }
        let radius = |node: usize| twig_mm * libm::cbrt(f64::from(n_fed[node]));
        let piece = |node: usize| -> [Node; 2] {
            let parent = self.parents[node];
            let start = if parent == 0 {
                radius(node)
            } else {
                radius(parent).min(radius(node) * 1.3)
            };
            [
                (self.nodes[parent], start),
                (self.nodes[node], radius(node)),
            ]
        };
        Twigs::new((1..self.nodes.len()).map(piece).collect())
    }
}

fn distance2(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|k| (a[k] - b[k]).powi(2)).sum()
}
