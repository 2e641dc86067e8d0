//! hardslice trains CT organ segmentation and balances the training set with hard slices.
//!
//! This is the facade: the crates of the workspace under one name, the experiment's file, and the
//! program ([`program::main`]).

pub use hardslice_data as data;
pub use hardslice_eval as eval;
pub use hardslice_kernels as kernels;
pub use hardslice_phantom as phantom;
pub use hardslice_train as train;
pub use hardslice_view as view;
pub use hardslice_volume as volume;

pub mod causes;
pub mod evaluation;
pub mod experiment;
pub mod hard_slices;
pub mod host;
pub mod label_doubts;
pub mod label_maps;
pub mod program;

mod arms;
mod bars;
mod by_hand;
mod campaign;
mod cohort;
mod commands;
mod controls;
mod done;
mod export;
mod external;
mod folder_lock;
mod job_folder;
mod layout;
mod looks;
mod named_files;
mod notes;
mod outputs;
mod peak_memory;
mod pictures;
mod pipeline;
mod power;
mod slice_model;
mod provenance;
mod report;
mod reported_table;
mod results;
mod review;
mod scans;
mod scoring;
mod selection_ratios;
mod stop;
mod structures;
mod training;
