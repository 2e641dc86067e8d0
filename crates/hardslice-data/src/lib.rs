//! Which slices exist, which are hard, and how often each is shown: manifest, audit, slice store,
//! split, balance, mining.
//!
//! ```text
//! manifest ─ audit                 which scans, whose, which organs; what is wrong with them
//!     └──── store::prepare         every slice, preprocessed, mapped into memory
//!               └──── split        test | validation | A | B, by patient
//!                        └──── mining      scored slices: which are hard, which look wrong, and
//!                                 │        what is written down of it (triage, ledger)
//!                                 └── balance   how often each slice is shown: arms, plans, sampler
//! ```
//!
//! Nothing here knows a neural network: mining takes scores, whoever made them.

mod bounded_parallel_map;
mod fingerprint;
mod identity;
mod ids;
mod names;
mod organs;
mod progress;
mod setting;
mod share;
mod slice;

pub mod audit;
pub mod balance;
pub mod manifest;
pub mod mining;
pub mod npz;
pub mod preprocess;
pub mod random;
pub mod split;
pub mod store;
pub mod text;

pub use bounded_parallel_map::{bounded_parallel_map, compute_on};
pub use fingerprint::voxels_blake3;
pub use identity::identity;
pub use ids::{CaseId, NameError, Organ, PatientId};
pub use names::UnknownName;
pub use organs::{
    MOST_ORGANS, Mirror, OrganLabels, OrganMap, OrganMapError, OutputIdx, StoreOrgan,
};
pub use progress::{Progress, Step};
pub use setting::SettingError;
pub use share::{Left, Missing, Share, ShareError};
pub use slice::{SliceKind, SliceRef};
