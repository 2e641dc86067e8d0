//! What was planted where.

use std::collections::BTreeMap;

use hardslice_data::Organ;
use serde::{Deserialize, Serialize};

/// The four kinds of difficulty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// Metastases, cysts or infarcts in the organ, most at its rim. The label includes them.
    Lesion,
    /// The organ and its neighbour have the same HU and no fat between them.
    LowContrast,
    /// Metal streaks, beam hardening, motion or a burst of noise.
    Artefact,
    /// A shape that few patients have.
    OddAnatomy,
}

impl Difficulty {
    /// The name in files, `low_contrast`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lesion => "lesion",
            Self::LowContrast => "low_contrast",
            Self::Artefact => "artefact",
            Self::OddAnatomy => "odd_anatomy",
        }
    }
}

/// One slice of one organ that was made difficult.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceTruth {
    /// The organ; it is in this slice.
    pub organ: Organ,
    /// The slice, counted from the feet on canonical axes.
    pub z: usize,
    /// What makes it difficult, each kind once, in order.
    pub kinds: Vec<Difficulty>,
    /// How strongly, 0.2 to 1: the planted area over the organ's area in this slice (lesion, low
    /// contrast, odd anatomy) or the strength of the stretch (artefact, ascites, odd kidneys).
    pub severity: f64,
}

/// Weaker than this a planted difficulty does not count.
const LEAST_SEVERITY: f64 = 0.2;

/// Rows while they are collected, by slice and label.
#[derive(Debug, Default)]
pub(crate) struct TruthRows {
    rows: BTreeMap<(usize, u8), (Vec<Difficulty>, f64)>,
}

impl TruthRows {
    /// Notes a difficulty of a slice; several of one organ and slice share a row.
    pub(crate) fn add(&mut self, z: usize, label: u8, kind: Difficulty, severity: f64) {
        if severity < LEAST_SEVERITY {
            return;
        }
        let (kinds, most) = self.rows.entry((z, label)).or_default();
        if let Err(place) = kinds.binary_search(&kind) {
            kinds.insert(place, kind);
        }
        *most = most.max(severity.min(1.0));
    }

    /// The rows by slice, then label; `organs` names labels 1, 2, ...
    pub(crate) fn into_truth(self, organs: &[Organ]) -> Vec<SliceTruth> {
        self.rows
            .into_iter()
            .map(|((z, label), (kinds, severity))| SliceTruth {
                organ: organs[usize::from(label) - 1].clone(),
                z,
                kinds,
                severity,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_difficulties_of_one_slice_share_a_row_and_faint_ones_have_none() {
        let mut rows = TruthRows::default();
        rows.add(7, 1, Difficulty::Artefact, 0.4);
        rows.add(7, 1, Difficulty::Lesion, 1.3);
        rows.add(7, 1, Difficulty::Artefact, 0.3);
        rows.add(3, 2, Difficulty::OddAnatomy, 0.19);
        let organs = [
            Organ::new("liver").unwrap(),
            Organ::new("kidney_right").unwrap(),
        ];
        assert_eq!(
            rows.into_truth(&organs),
            [SliceTruth {
                organ: organs[0].clone(),
                z: 7,
                kinds: vec![Difficulty::Lesion, Difficulty::Artefact],
                severity: 1.0,
            }],
            "one row, kinds in order, severity at most 1"
        );
    }
}
