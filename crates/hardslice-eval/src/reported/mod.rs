//! Whether the statistics that somebody printed can be true: of any table, ours or another's.
//!
//! ```text
//! RoundedNumber of mean, SD, min, max ─ ReportedRow ─┬─ range.rs        mean, ends, limits
//!                                                    ├─ spread.rs       least and greatest SD
//!                                                    └─ granularity.rs  sums of counts
//!                                                            implausibilities ─ Implausibility
//! ```
//!
//! Printed numbers are rounded. A row is found fault with only when no set of values would have
//! been printed as this row: every rule looks at all numbers that round to the printed ones.

mod audit;
mod granularity;
mod number;
mod range;
mod row;
mod spread;

pub use audit::implausibilities;
pub use number::{NoNumber, RoundedNumber};
pub use row::{Denominator, Implausibility, ImplausibilityKind, ReportedRow};
pub use spread::{greatest_squares, least_squares};
