//! hardslice trains CT organ segmentation and balances the training set with hard slices.
//!
//! This is the facade: the crates of the workspace under one name, and the experiment's file. The
//! program of the same name is built on it.

pub use hardslice_data as data;
pub use hardslice_eval as eval;
pub use hardslice_kernels as kernels;
pub use hardslice_phantom as phantom;
pub use hardslice_train as train;
pub use hardslice_view as view;
pub use hardslice_volume as volume;

pub mod experiment;
