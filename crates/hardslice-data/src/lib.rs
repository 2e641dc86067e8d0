//! Which slices exist and how often each is shown: manifest, audit, slice store, split, balance, ledger.
//!
//! ```text
//! manifest ─ audit                 which scans, whose, which organs; what is wrong with them
//!     └──── store::prepare         every slice, clipped, of one size, mapped into memory
//!               └──── split        test | validation | A | B, by patient
//!                        └──── balance, triage, ledger     how hard each slice is, how often it
//!                                                         is shown, and which look wrong
//! ```
//!
//! Nothing here knows a neural network.

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
pub mod triage;
pub mod ledger;

pub mod random;

pub use few_at_once::few_at_once;
pub use ids::{CaseId, NameError, Organ, PatientId};
pub use organs::{MOST_ORGANS, OrganLabels, OrganMap, OrganMapError};
pub use progress::{Progress, Step};
pub use slice::{SliceKind, SliceRef};
