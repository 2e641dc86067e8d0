//! What the procedure holds: experiments drawn from a known truth, and how often the verdict is right.
//!
//! A score is the patient's, plus the luck of the split, of the net, and of the net on the patient.
//! Three arms are drawn, `hard`, its baseline and its control; trainings of different arms share
//! nothing but the patients.

use rayon::prelude::*;

use super::crossed::Spread;
use super::draws::{DrawnPatient, DrawnTrainings, Normal, splits};
use super::end_point::EndPoint;
use super::jackknife::pseudo_values;
use super::limits::{LEAST_PATIENTS, LEAST_TRAININGS, is_reliable};
use super::mean::mean;

/// How Dice is spread over patients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Patients {
    /// Normal, 0.92 with a standard deviation of 0.03.
    Normal,
    /// The same, but each patient fails with a chance and lies between `low` and `high`: the number of
    /// failing patients is luck, too.
    Failing {
        /// The chance.
        share: f64,
        /// The lowest score of a patient who fails.
        low: f64,
        /// The highest.
        high: f64,
    },
    /// Exactly a tenth of the patients, rounded up, fails and lies at 0.5 to 0.75; the others at 0.92
    /// with a standard deviation of 0.02.
    TenthFails,
}

impl Patients {
    /// One in ten fails.
    pub const SKEWED: Self = Self::failing(0.1);

    /// Such a share fails, at 0.3 to 0.8.
    pub const fn failing(share: f64) -> Self {
        Self::Failing {
            share,
            low: 0.3,
            high: 0.8,
        }
    }
}

/// What `hard` gains over both other arms, which are the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gain {
    /// Nothing: all three arms are the same.
    Nothing,
    /// So much in every patient.
    OfAll(f64),
    /// So much in patients who fail.
    OfFailing(f64),
}

/// An experiment whose truth is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulation {
    /// Test patients, at least [`LEAST_PATIENTS`](super::LEAST_PATIENTS).
    pub n_patients: usize,
    /// A|B splits of each arm.
    pub n_splits: usize,
    /// Seeds of each split.
    pub n_seeds: usize,
    /// How Dice is spread over patients.
    pub patients: Patients,
    /// What `hard` gains.
    pub gain: Gain,
    /// Standard deviation of what a split adds to all nets of an arm.
    pub split_sd: f64,
    /// Standard deviation of what a net adds to all patients.
    pub net_sd: f64,
    /// Standard deviation of what a net adds to a single patient.
    pub net_patient_sd: f64,
    /// The end point that decides, one that is tested.
    pub end_point: EndPoint,
    /// Claims that are corrected for.
    pub n_claims: usize,
    /// The plan's `alpha`.
    pub alpha: f64,
}

/// How often something came out, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// `hard` was found better than both others.
    pub helps: f64,
    /// `hard` was found worse than one of the others.
    pub harms: f64,
    /// `hard` was found better than its baseline, whatever the control said.
    pub over_baseline: f64,
    /// The interval of the difference to the baseline held the truth; `None` for a gain of failing
    /// patients where exactly a tenth fails.
    pub difference_held: Option<f64>,
    /// The same among intervals that were not marked; `None` where all were.
    pub unmarked_difference_held: Option<f64>,
    /// That interval was marked, as unreliable or as wide.
    pub difference_marked: f64,
    /// The interval of the baseline held its end point in the population; `None` where exactly a
    /// tenth fails, which is no population to draw from.
    pub arm_held: Option<f64>,
    /// The same among intervals that were not marked; `None` where all were.
    pub unmarked_arm_held: Option<f64>,
    /// That interval was marked.
    pub arm_marked: f64,
}

impl Default for Simulation {
    /// Forty patients of whom a tenth fails, five seeds of one split, nets that vary by 0.005 and by
    /// 0.02 on a patient; nothing differs.
    fn default() -> Self {
        Self {
            n_patients: 40,
            n_splits: 1,
            n_seeds: 5,
            patients: Patients::TenthFails,
            gain: Gain::Nothing,
            split_sd: 0.0,
            net_sd: 0.005,
            net_patient_sd: 0.02,
            end_point: EndPoint::WorstOfFive,
            n_claims: 1,
            alpha: 0.05,
        }
    }
}

/// What one repetition found.
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
#[derive(Debug, Clone, Copy)]
struct Found {
    helps: bool,
    harms: bool,
    over_baseline: bool,
    difference_held: bool,
    difference_marked: bool,
    arm_held: bool,
    arm_marked: bool,
}

/// What is to be found, where there is a population.
#[derive(Debug, Clone, Copy)]
struct Truth {
    /// The baseline's end point.
    arm: f64,
    /// What `hard` gains in it.
    gain: f64,
}

impl Simulation {
    /// Repeats the experiment. The same seed gives the same rates on any number of threads.
    ///
    /// # Panics
    ///
    /// For fewer patients than a test takes, no training, and an end point that is not tested.
    pub fn run(&self, n_repetitions: usize, seed: u64) -> Rates {
        assert!(self.n_patients >= LEAST_PATIENTS, "a test takes more");
        let truth = self.of_population(seed);
        let found: Vec<Found> = (0..n_repetitions as u64)
            .into_par_iter()
            .map(|idx| self.repeat(&mut Normal::new(seed, idx), truth))
            .collect();
        let share = |is: fn(&Found) -> bool| {
            found.iter().filter(|found| is(found)).count() as f64 / n_repetitions as f64
        };
        let share_of_unmarked = |is_marked: fn(&Found) -> bool, is_held: fn(&Found) -> bool| {
            let unmarked = found.iter().filter(|found| !is_marked(found));
            let n_unmarked = unmarked.clone().count();
            let n_held = unmarked.filter(|found| is_held(found)).count();
            (n_unmarked > 0).then(|| n_held as f64 / n_unmarked as f64)
        };
        let is_known = truth.is_some() || !matches!(self.gain, Gain::OfFailing(_));
        let unmarked_difference = share_of_unmarked(
            |found| found.difference_marked,
            |found| found.difference_held,
        );
        let unmarked_arm = share_of_unmarked(|found| found.arm_marked, |found| found.arm_held);
        Rates {
            helps: share(|found| found.helps),
            harms: share(|found| found.harms),
            over_baseline: share(|found| found.over_baseline),
            difference_held: is_known.then(|| share(|found| found.difference_held)),
            unmarked_difference_held: unmarked_difference.filter(|_| is_known),
            difference_marked: share(|found| found.difference_marked),
            arm_held: truth.map(|_| share(|found| found.arm_held)),
            unmarked_arm_held: unmarked_arm.filter(|_| truth.is_some()),
            arm_marked: share(|found| found.arm_marked),
        }
    }

    /// Whether the intervals of such an experiment are marked unreliable.
    pub fn is_unreliable(&self) -> bool {
        !is_reliable(self.n_patients, self.n_trainings(), self.n_splits)
    }

    fn n_trainings(&self) -> usize {
        self.n_splits * self.n_seeds
    }

    fn repeat(&self, draws: &mut Normal, of_population: Option<Truth>) -> Found {
        let splits = splits(self.n_splits, self.n_seeds);
        let patients: Vec<(f64, bool)> = (0..self.n_patients)
            .map(|idx| self.patient(idx, draws))
            .collect();
        let trainings = DrawnTrainings {
            splits: &splits,
            split_sd: self.split_sd,
            net_sd: self.net_sd,
        };
        let [hard, baseline, control] = [true, false, false].map(|gains| {
            let patient = |&(of_patient, fails): &(f64, bool)| {
                let gain = match self.gain {
                    Gain::OfAll(gain) if gains => gain,
                    Gain::OfFailing(gain) if gains && fails => gain,
                    _ => 0.0,
                };
                DrawnPatient {
                    score: of_patient + gain,
                    net_sd: self.net_patient_sd,
                }
            };
            let patients: Vec<DrawnPatient> = patients.iter().map(patient).collect();
            let scores = trainings.scores(&patients, draws);
            let of_training = |scores: &Vec<f64>| pseudo_values(self.end_point, scores);
            scores.iter().map(of_training).collect::<Vec<_>>()
        });
        let whole = |rows: &Vec<Vec<f64>>| {
            let means = rows.iter().map(|row| mean(row.iter().copied()));
            mean(means)
        };
        let corrected = self.alpha / self.n_claims as f64;
        let gain = match (self.gain, of_population) {
            (Gain::OfAll(gain), _) => gain,
            (Gain::OfFailing(_), Some(truth)) => truth.gain,
            (Gain::Nothing | Gain::OfFailing(_), _) => 0.0,
        };
        let is_enough = self.n_trainings() >= LEAST_TRAININGS;
        // Better, worse, whether the interval held the truth, and whether it was marked.
        let against = |other: &Vec<Vec<f64>>| {
            let difference = whole(&hard) - whole(other);
            let spread = Spread::of(&[&hard[..], &other[..]], &[1.0, -1.0], &splits);
            let is_shown = is_enough && spread.two_sided_p(difference) <= corrected;
            let held = spread.two_sided_p(difference - gain) > corrected;
            (
                is_shown && difference > 0.0,
                is_shown && difference < 0.0,
                held,
                self.is_unreliable() || spread.is_wide(),
            )
        };
        let (over_baseline, below_baseline, difference_held, difference_marked) =
            against(&baseline);
        let (over_control, below_control, ..) = against(&control);
        let spread = Spread::of(&[&baseline[..]], &[1.0], &splits);
        let [low, high] = spread.skewed_ends(whole(&baseline), self.alpha);
        let arm_held = of_population.is_some_and(|truth| low <= truth.arm && truth.arm <= high);
        let is_too_skewed = spread.is_too_skewed(self.alpha);
        Found {
            helps: over_baseline && over_control,
            harms: below_baseline || below_control,
            over_baseline,
            difference_held,
            difference_marked,
            arm_held,
            arm_marked: self.is_unreliable() || spread.is_wide() || is_too_skewed,
        }
    }

    /// A patient's score by an average net, and whether they fail.
    fn patient(&self, idx: usize, draws: &mut Normal) -> (f64, bool) {
        let (sd, fails, low, high) = match self.patients {
            Patients::Normal => (0.03, false, 0.0, 0.0),
            Patients::Failing { share, low, high } => (0.03, draws.uniform() < share, low, high),
            Patients::TenthFails => (0.02, idx < self.n_patients.div_ceil(10), 0.5, 0.75),
        };
        if fails {
            (low + (high - low) * draws.uniform(), true)
        } else {
            (0.92 + sd * draws.next(), false)
        }
    }

    /// The end points over very many patients.
    fn of_population(&self, seed: u64) -> Option<Truth> {
        const MANY: u64 = 200_000;
        if self.patients == Patients::TenthFails {
            return None;
        }
        let scores = |of_failing: f64| {
            let score = |idx| {
                let mut draws = Normal::new(!seed, idx);
                let (score, fails) = self.patient(0, &mut draws);
                let gain = if fails { of_failing } else { 0.0 };
                score + gain + self.net_patient_sd * draws.next()
            };
            let scores: Vec<f64> = (0..MANY).into_par_iter().map(score).collect();
            self.end_point.of(&scores)
        };
        let arm = scores(0.0)?;
        let gain = match self.gain {
            Gain::OfFailing(gain) => scores(gain)? - arm,
            _ => 0.0,
        };
        Some(Truth { arm, gain })
    }
}
