//! How much evidence a conclusion takes.

/// Fewer patients have no interval and no test: of five the worst of five is the lowest.
pub const LEAST_PATIENTS: usize = 6;

/// Trainings of each arm without which nothing is concluded.
pub const LEAST_TRAININGS: usize = 3;

/// Patients from which on intervals hold the truth as often as they say, however few fail.
pub const RELIABLE_PATIENTS: usize = 60;

/// Trainings from which on they do.
pub const RELIABLE_TRAININGS: usize = 5;
