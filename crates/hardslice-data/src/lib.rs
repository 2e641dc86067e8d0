//! Which slices exist and how often each is shown: manifest, audit, slice store, split, balance, ledger.

mod ids;
mod organs;
mod slice;
mod few_at_once;
mod progress;

pub mod manifest;
pub mod audit;
pub mod store;
pub mod split;
pub mod balance;
pub mod ledger;

pub mod phantom;
pub mod random;

pub use ids::{CaseId, NameError, Organ, PatientId};
pub use organs::{MOST_ORGANS, OrganLabels, OrganMap, OrganMapError};
pub use progress::{Progress, Step};
pub use slice::{SliceKind, SliceRef};
