//! Synthetic abdominal CT to learn, test and demonstrate on, with known difficulty.

mod options;
mod truth;
mod waves;
mod texture;
mod solid;
mod layer;
mod contrast;
mod body;
mod wall;
mod spine;
mod chest;
mod tree;
mod liver;
mod kidneys;
mod spleen;
mod gut;
mod vessels;
mod oddities;
mod scene;
mod plan;
mod plant;
mod render;
mod table;
mod noise;
mod artefacts;
mod case;

pub use case::{PhantomCase, generate};
pub use options::{PhantomOptions, PhantomOptionsError, Phase, PhaseWeights};
pub use truth::{Difficulty, SliceTruth};

use crate::Organ;

/// Label values in a phantom's label map.
pub(crate) const LABELS: [u8; 4] = [
    liver::LIVER,
    kidneys::KIDNEY_RIGHT,
    kidneys::KIDNEY_LEFT,
    spleen::SPLEEN,
];

/// Names of the labelled organs, in the order of their values 1 to 4.
///
/// # Panics
///
/// Never: the names are plain.
pub fn organ_names() -> [Organ; 4] {
    ["liver", "kidney_right", "kidney_left", "spleen"]
        .map(|name| Organ::new(name).expect("a plain name"))
}
