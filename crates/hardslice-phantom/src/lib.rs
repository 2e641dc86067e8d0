//! Synthetic abdominal CT to learn, test and demonstrate on, with known difficulty.
//!
//! A patient is a list of solids (ellipsoids, tubes, their smooth unions), each a signed distance
//! in millimetres with a tissue, painted one over the other into thin planes: wall, ribs and spine,
//! lungs under the dome of the diaphragm, liver with its vessels, kidneys in their fat, spleen,
//! stomach with its fluid level, bowel, great vessels. Pixels at an edge are shared by the distance
//! (partial volume in the plane), slices are means of planes (partial volume across). Sizes, pose,
//! fat and HU are drawn for each patient; smooth fields bend everything a few millimetres. Noise is
//! correlated as a reconstruction's is, and grows with thinner slices.
//!
//! A share of the liver's slices, 0.12 by default, carries planted difficulty over contiguous
//! stretches: lesions at the rim, a neighbour as bright as the organ, artefacts, odd anatomy.
//! [`SliceTruth`] names each such slice, so that a way to find hard slices can be checked against
//! what is known to be hard. The ends of the organ are hard as well, as in life, and not named.
//!
//! On request labels are drawn wrong and slices damaged ([`PlantedError`]), to check what looks for
//! such errors.
//!
//! The same seed gives the same bytes on every machine and for any number of threads: each part of
//! a patient and the noise of each slice has a [`Stream`](hardslice_data::random::Stream) of its
//! own, and only arithmetic that IEEE 754 fixes and `libm`'s functions are used.
//!
//! ```
//! use hardslice_phantom::{PhantomOptions, generate};
//!
//! let options = PhantomOptions { size: 32, n_slices: [4, 4], ..PhantomOptions::default() };
//! let case = generate(0, &options)?;
//! assert_eq!(case.image.shape(), case.labels.shape());
//! assert!(case.labels.voxels().contains(&1), "a short scan is cut around the liver");
//! # Ok::<(), hardslice_phantom::PhantomOptionsError>(())
//! ```
//!
//! It looks like CT and is none: no ray was traced, so streaks and dark bands are drawn, not
//! reconstructed, and what a net learns here says nothing about patients.
//!
//! # Sources
//!
//! - W. P. Segars et al. (2010), "4D XCAT phantom for multimodality imaging research", Medical
//!   Physics 37(9), 4902–4915, for the idea of a body made of parametric solids.

mod options;
mod truth;
mod waves;
mod texture;
mod point;
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
mod image_grid;
mod render;
mod table;
mod noise;
mod artefacts;
mod scanner;
mod errors;
mod control;
mod case;
mod nnunet;
mod cohort;

pub use case::{PhantomCase, generate};
pub use cohort::{PhantomCohortError, write_cohort};
pub use control::Control;
pub use errors::{ErrorKind, PlantedError};
pub use options::{PhantomOptions, PhantomOptionsError, Phase, PhaseWeights};
pub use truth::{Difficulty, SliceTruth};

use hardslice_data::Organ;

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
