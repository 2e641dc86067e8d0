//! How many patients and trainings a conclusion takes.

/// Trainings of each arm without which nothing is concluded.
pub const LEAST_TRAININGS: usize = 3;

/// Patients from which on intervals hold the truth as often as they say, however few fail.
pub const RELIABLE_PATIENTS: usize = 60;

/// Trainings from which on they do.
pub const RELIABLE_TRAININGS: usize = 5;
