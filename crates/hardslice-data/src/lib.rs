//! Which slices exist and how often each is shown: manifest, audit, slice store, split, balance, ledger.

mod ids;
mod organs;

pub mod random;

pub use ids::{CaseId, NameError, Organ, PatientId};
pub use organs::{MOST_ORGANS, OrganLabels, OrganMap, OrganMapError};
