//! What the settings of an experiment do to a whole run, with values.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod arms;
mod confidence;
mod finished;
mod paper_preset;
mod partly_annotated;
mod sides;
