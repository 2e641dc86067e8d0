//! The review desk: people look at hard slices and say whether their labels are right.
//!
//! ```text
//! ledgers, or a store alone ── items ── desk ── server ── page (a browser on this machine)
//!                    store, nets ── pictures ─────┤
//!                    store, nets ── surfaces ─────┤
//!           review/verdicts.csv ── verdicts ──────┴── tally
//! ```

mod ahead;
mod desk;
mod items;
mod kept;
mod nets;
mod pictures;
mod said;
mod server;
mod surfaces;
mod tally;

pub(crate) use desk::Desk;
pub(crate) use said::{verdicts_in_words, verdicts_on};
pub(crate) use server::serve;
