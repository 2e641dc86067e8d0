//! What an experiment can show, before it is run.

use std::collections::BTreeSet;

use super::draws::splits;
use super::end_point::EndPoint;
use super::observed::{DrawnComparison, GAIN_OF_ALL, GAIN_OF_TENTH, ObservedSpread, Shown};
use super::simulation::{Gain, Patients, Simulation};

/// Repetitions of each simulation: a power of 80 % has a standard error of 1.8 %.
const N_REPETITIONS: usize = 500;

/// The power that is aimed at.
const WANTED: f64 = 0.8;

/// Seeds that are tried, at most.
const MOST_SEEDS: usize = 20;

/// Numbers of test patients that are tried, beside those at hand.
const PATIENTS: [usize; 9] = [20, 30, 40, 60, 80, 120, 160, 240, 320];

/// What is going to be compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// Test patients, at least [`LEAST_PATIENTS`](super::LEAST_PATIENTS).
    pub n_patients: usize,
    /// A|B splits.
    pub n_splits: usize,
    /// Seeds of each split.
    pub n_seeds: usize,
    /// What the arm is compared with: a baseline and a control, or a baseline alone.
    pub n_references: usize,
    /// The plan's claims.
    pub n_claims: usize,
    /// The plan's `alpha`.
    pub alpha: f64,
    /// The plan's primary end point.
    pub end_point: EndPoint,
}

/// A gain that an experiment might be made to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A tenth of the patients fails, at 0.50 to 0.75, and gains 0.10.
    FailingTenthGains,
    /// Every patient gains 0.01.
    AllGain,
}

/// What a design can show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// The gain.
    pub expected: Expected,
    /// The chance of the verdict that an arm helps: better than each of its references.
    pub power: f64,
    /// Seeds of each split that would give 80 %, with the same patients and splits; `None` where 20
    /// do not.
    pub n_seeds_for_80: Option<usize>,
    /// Test patients that would, with the same trainings; `None` where 320 do not, or nothing is
    /// concluded of so few trainings.
    pub n_patients_for_80: Option<usize>,
}

impl Expected {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FailingTenthGains, Self::AllGain];

    /// What is assumed, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::FailingTenthGains => {
                "a tenth of the patients fails (0.50 to 0.75) and gains 0.10"
            }
            Self::AllGain => "every patient gains 0.01",
        }
    }

    /// What [`Design::power_as_observed`] assumes, in words.
    pub fn words_as_observed(self) -> &'static str {
        match self {
            Self::FailingTenthGains => "the lowest tenth of the patients gains 0.10",
            Self::AllGain => self.words(),
        }
    }
}

impl Design {
    /// Standard deviation of nets that is assumed.
    pub const NET_SD: f64 = 0.005;

    /// Standard deviation of nets on single patients that is assumed.
    pub const NET_PATIENT_SD: f64 = 0.02;

    /// The power for a gain, by simulation, and what would be needed for 80 %. Nets are assumed to
    /// vary by [`Design::NET_SD`] and [`Design::NET_PATIENT_SD`], splits by nothing of their own.
    ///
    /// # Panics
    ///
    /// For fewer patients than a test takes, without trainings, and for other numbers of references
    /// than 1 and 2.
    pub fn power(&self, expected: Expected) -> Power {
        self.search(expected, |design| design.helps(expected))
    }

    /// As [`Design::power`], with patients and nets that vary as was observed before: the lowest tenth
    /// of the patients gains in place of a tenth that fails.
    ///
    /// # Panics
    ///
    /// As [`Design::power`].
    pub fn power_as_observed(&self, expected: Expected, observed: &ObservedSpread) -> Power {
        self.search(expected, |design| {
            design.helps_as_observed(expected, observed)
        })
    }

    /// Whether anything is concluded of so many trainings, [`LEAST_TRAININGS`](super::LEAST_TRAININGS).
    pub fn is_enough(&self) -> bool {
        self.n_splits * self.n_seeds >= super::LEAST_TRAININGS
    }

    fn search(&self, expected: Expected, helps: impl Fn(&Self) -> f64) -> Power {
        let n_least = super::LEAST_TRAININGS.div_ceil(self.n_splits);
        let seeds = |n_seeds: &usize| {
            let design = Self {
                n_seeds: *n_seeds,
                ..*self
            };
            helps(&design) >= WANTED
        };
        let patients = |n_patients: &usize| {
            let design = Self {
                n_patients: *n_patients,
                ..*self
            };
            helps(&design) >= WANTED
        };
        // Of patients at hand who are enough nobody is told that it takes more.
        let tried = PATIENTS.into_iter().chain([self.n_patients]);
        let tried: BTreeSet<usize> = tried.filter(|_| self.is_enough()).collect();
        Power {
            expected,
            power: helps(self),
            n_seeds_for_80: (n_least..=MOST_SEEDS).find(seeds),
            n_patients_for_80: tried.into_iter().find(|n_patients| patients(n_patients)),
        }
    }

    fn helps(&self, expected: Expected) -> f64 {
        let (patients, gain) = match expected {
            Expected::FailingTenthGains => (Patients::TenthFails, Gain::OfFailing(GAIN_OF_TENTH)),
            Expected::AllGain => (Patients::Normal, Gain::OfAll(GAIN_OF_ALL)),
        };
        let simulation = Simulation {
            n_patients: self.n_patients,
            n_splits: self.n_splits,
            n_seeds: self.n_seeds,
            patients,
            gain,
            split_sd: 0.0,
            net_sd: Self::NET_SD,
            net_patient_sd: Self::NET_PATIENT_SD,
            end_point: self.end_point,
            n_claims: self.n_claims,
            alpha: self.alpha,
        };
        let found = simulation.run(N_REPETITIONS, 0);
        match self.n_references {
            1 => found.over_baseline,
            2 => found.helps,
            n => panic!(
                "an arm is compared with a baseline, and a control or none, got {n} references"
            ),
        }
    }

    /// What every patient must gain to be found in 80 of 100 comparisons, with patients and nets that
    /// vary as was observed before; `None` where nothing is concluded, with fewer trainings than
    /// [`LEAST_TRAININGS`](super::LEAST_TRAININGS).
    ///
    /// # Panics
    ///
    /// For fewer patients than a test takes.
    pub fn least_gain_as_observed(&self, observed: &ObservedSpread) -> Option<f64> {
        Some(self.shown(observed)?.found_in_80)
    }

    fn helps_as_observed(&self, expected: Expected, observed: &ObservedSpread) -> f64 {
        // Of too few trainings nothing is concluded.
        self.shown(observed).map_or(0.0, |shown| match expected {
            Expected::FailingTenthGains => shown.lowest_tenth_gains,
            Expected::AllGain => shown.all_gain,
        })
    }

    fn shown(&self, observed: &ObservedSpread) -> Option<Shown> {
        assert!(
            self.n_patients >= super::LEAST_PATIENTS,
            "a test takes more patients"
        );
        if !self.is_enough() {
            return None;
        }
        let comparison = DrawnComparison {
            observed,
            n_patients: self.n_patients,
            splits: &splits(self.n_splits, self.n_seeds),
            n_references: self.n_references,
            end_point: self.end_point,
            alpha: self.alpha / self.n_claims as f64,
        };
        Some(comparison.shown(N_REPETITIONS))
    }
}
