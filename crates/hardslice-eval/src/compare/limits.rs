//! How much evidence a conclusion takes.

use super::phrase::counted;

/// Fewer patients have no interval and no test: of five the worst of five is the lowest.
pub const LEAST_PATIENTS: usize = 6;

/// Trainings of each arm without which nothing is concluded.
pub const LEAST_TRAININGS: usize = 3;

/// Patients from which on intervals hold the truth as often as they say where one in ten of them fails, six:
/// what they know of rarer failures takes as many more patients
/// (`benches/results/2026-11-28-verdict.md`).
pub const RELIABLE_PATIENTS: usize = 60;

/// Trainings from which on they do.
pub const RELIABLE_TRAININGS: usize = 5;

/// A|B splits from which on they do, where there is more than one: two tell little of how splits vary.
pub const RELIABLE_SPLITS: usize = 5;

/// Whether an interval that rests on so many holds the truth as often as it says. Of one split nothing
/// is in it, and nothing is claimed.
pub(super) fn is_reliable(n_patients: usize, n_trainings: usize, n_splits: usize) -> bool {
    n_patients >= RELIABLE_PATIENTS
        && n_trainings >= RELIABLE_TRAININGS
        && (n_splits == 1 || n_splits >= RELIABLE_SPLITS)
}

/// Why the intervals that rest on so many are marked unreliable, in sentences; none where they are not.
/// `patient` is what a patient is called.
pub(crate) fn unreliable_notes(
    n_patients: usize,
    n_trainings: usize,
    n_splits: usize,
    patient: &str,
) -> Vec<String> {
    let mut notes = Vec::new();
    if n_patients < RELIABLE_PATIENTS || n_trainings < RELIABLE_TRAININGS {
        notes.push(format!(
            "With {} and {} the intervals are marked unreliable: from {RELIABLE_PATIENTS} patients \
             and {RELIABLE_TRAININGS} trainings on they hold the truth as often as they say, where about one \
             in ten of those patients fails.",
            counted(n_patients, patient),
            counted(n_trainings, "training"),
        ));
    }
    if n_splits > 1 && n_splits < RELIABLE_SPLITS {
        notes.push(format!(
            "With {} into A and B the intervals are marked unreliable: so few tell little of how \
             splits vary, from {RELIABLE_SPLITS} on they hold the truth as often as they say.",
            counted(n_splits, "split"),
        ));
    }
    notes
}

/// Why nothing is concluded from so many; `None` where something is.
pub(crate) fn what_is_missing(
    n_patients: usize,
    n_trainings: usize,
    patient: &str,
) -> Option<String> {
    let missing = |n: usize, least: usize, what: &str| {
        (n < least).then(|| {
            format!(
                "With {} nothing can be concluded: it takes {least}.",
                counted(n, what)
            )
        })
    };
    missing(n_patients, LEAST_PATIENTS, patient)
        .or_else(|| missing(n_trainings, LEAST_TRAININGS, "training"))
}

/// When an interval is called wider than it need be.
pub(super) struct Wide {
    /// Of the intervals that are held against each other.
    pub(super) alpha: f64,
    /// At most so many times as much as luck with single patients makes of it may the trainings'
    /// means vary: about what 5 % of experiments with five trainings exceed whose nets are alike.
    pub(super) unseen: f64,
    /// More than so many times the interval of patients alone.
    pub(super) beyond: f64,
}

/// Found by simulation: where intervals hold the truth in more than 97 %, most are called so, and
/// where they do not, few.
pub(super) const WIDE: Wide = Wide {
    alpha: 0.05,
    unseen: 2.0,
    beyond: 1.05,
};
