//! Hard example mining on slices: which slices of A are hard, whoever scored them.
//!
//! ```text
//! a net (hardslice-train) ──────────┐
//! another program's label maps ─────┴─> ScoredSlice ──> mine ──> MinedSlices
//!   (ExternalPredictions)                                │          ├─ hard: HardSlices ─> balance
//!                                                        │          └─ write ─> plan.csv, ledger
//!            Tau::resolve: a threshold for each organ  <─┤
//!            Verdict: hard or easy, for each score     <─┤
//!            Findings: which hard slices look wrong    <─┘
//! ```
//!
//! [`mine`] is the one act; training and anybody's predictions both go through it. It stands above
//! the store, whose slices and labels the triage looks at, and above [`crate::balance`], which turns
//! what it found into plans. No net is known here.
//!
//! # Sources
//!
//! - Y. Zhang et al. (2019), Applied Sciences 9(9):1825, section 2.2: a pre-trained model classifies
//!   the slices of A by their Dice; section 3: the threshold is the baseline's lowest *test* Dice
//!   ([`Tau::Paper`], which leaks; the default is [`Tau::Validation`]).
//! - Y. Wang et al. (2018), "Training Multi-organ Segmentation Networks with Sample Selection by
//!   Relaxed Upper Confident Bound", MICCAI: the hardest samples may be wrongly annotated
//!   ([`triage`]).

mod candidates;
mod case_dice;
mod coarse_mask;
mod external;
mod mine;
mod mined_slices;
mod options;
mod prediction_folders;
mod probabilities;
mod score;
mod scored_slice;
mod tau;
mod verdict;
mod writing;

pub mod ledger;
pub mod review;
pub mod triage;

pub use candidates::{FoldCases, candidates};
pub use case_dice::case_dice;
pub use coarse_mask::CoarseMask;
pub use external::{ExternalCase, ExternalError, ExternalPredictions};
pub use mine::{JudgedSlices, judge, mine};
pub use mined_slices::MinedSlices;
pub use options::MiningOptions;
pub use prediction_folders::prediction_folders;
pub use probabilities::ProbabilitiesError;
pub use score::{ScoreRule, SliceScore};
pub use scored_slice::ScoredSlice;
pub use tau::{ResolvedTau, Tau, TauBasis, TauError, TauWarning};
pub use verdict::{Decision, Verdict};
pub use writing::{WriteError, read_plan};
