//! Which patient gets which difficulty.

use hardslice_data::random::Stream;

use crate::control::{self, Control};
use crate::oddities::{Ascites, Oddities, Stretch};
use crate::options::PhantomOptions;

/// What is planted in one patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Trouble {
    /// Metastases at the liver's rim.
    LiverMetastases,
    /// Large cysts of the liver.
    LiverCysts,
    /// What lies left of the liver is as bright as the liver, no fat between.
    GutLikeLiver,
    /// Fluid or collapsed lung on the dome is as bright as the liver.
    LungLikeLiver,
    /// Streaks from metal.
    Metal,
    /// Dark bands between dense bones and arms.
    BeamHardening,
    /// The patient breathed: everything twice.
    Motion,
    /// Too little dose for a stretch of slices.
    NoiseBurst,
    /// See [`Oddities`].
    RiedelLobe,
    /// See [`Oddities`].
    LeftLobeToSpleen,
    /// See [`Oddities`].
    LiverInAscites,
    /// Cysts of one kidney: -1 the left, 1 the right.
    KidneyCysts(f64),
    /// See [`Oddities`].
    AtrophicKidney(f64),
    /// See [`Oddities`].
    HorseshoeKidney,
    /// Infarcts of the spleen.
    SplenicInfarcts,
    /// A stretch of the liver full of iodised oil.
    IodisedOil,
}

/// Difficulties that touch the liver, in one patient after the other; common ones stand twice.
const LIVER_DECK: [Trouble; 14] = [
    Trouble::LiverMetastases,
    Trouble::LiverMetastases,
    Trouble::LiverMetastases,
    Trouble::LiverCysts,
    Trouble::GutLikeLiver,
    Trouble::GutLikeLiver,
    Trouble::LungLikeLiver,
    Trouble::Metal,
    Trouble::BeamHardening,
    Trouble::Motion,
    Trouble::NoiseBurst,
    Trouble::RiedelLobe,
    Trouble::LeftLobeToSpleen,
    Trouble::LiverInAscites,
];

/// Difficulties of the other organs.
const OTHER_DECK: [Trouble; 6] = [
    Trouble::KidneyCysts(1.0),
    Trouble::KidneyCysts(-1.0),
    Trouble::AtrophicKidney(1.0),
    Trouble::AtrophicKidney(-1.0),
    Trouble::HorseshoeKidney,
    Trouble::SplenicInfarcts,
];

/// Share of a liver's slices that one trouble touches, on average: what turns a share of slices
/// into a share of patients.
const TOUCHED: f64 = 0.22;
/// Other organs' troubles for each of the liver.
const OTHERS: f64 = 0.35;

/// The troubles of a patient.
///
/// Over the cohort they are dealt like cards: a share of 0.12 of the slices is a bit more than one
/// patient in two, evenly spread, and each kind comes before any comes again. Which patient, and
/// which card first, is up to the seed.
pub(crate) fn troubles(index: usize, options: &PhantomOptions) -> Vec<Trouble> {
    if let Some(kind) = options.control {
        let oil = kind == Control::Learnable
            && control::role(index, options.n_patients, options.seed).difficult;
        return oil.then_some(Trouble::IodisedOil).into_iter().collect();
    }
    let per_patient = options.difficulty_share / TOUCHED;
    let mut troubles = dealt(index, options.seed, "liver", per_patient, &LIVER_DECK);
    troubles.extend(dealt(
        index,
        options.seed,
        "other",
        per_patient * OTHERS,
        &OTHER_DECK,
    ));
    troubles
}

fn dealt(index: usize, seed: u64, name: &str, per_patient: f64, deck: &[Trouble]) -> Vec<Trouble> {
    let start = Stream::new(seed, &format!("phantom/deal/{name}")).uniform();
    let dealt_before = |patient: usize| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most three a patient"
        )]
        let n = (patient as f64 * per_patient + start).floor() as usize;
        n
    };
    (dealt_before(index)..dealt_before(index + 1))
        .map(|card| {
            let round = card / deck.len();
            let mut stream = Stream::new(seed, &format!("phantom/deck/{name}/{round}"));
            deck[stream.permutation(deck.len())[card % deck.len()]]
        })
        .collect()
}

/// The odd anatomy among a patient's troubles.
pub(crate) fn oddities(stream: &mut Stream, troubles: &[Trouble]) -> Oddities {
    let mut odd = Oddities::default();
    for trouble in troubles {
        match *trouble {
            Trouble::RiedelLobe => odd.riedel = true,
            Trouble::LeftLobeToSpleen => odd.left_to_spleen = true,
            Trouble::LiverInAscites => {
                odd.ascites = Some(Ascites {
                    stretch: Stretch {
                        middle_z: stream.uniform_in(25.0, 75.0),
                        half_mm: stream.uniform_in(24.0, 32.0),
                    },
                    most_mm: stream.uniform_in(14.0, 22.0),
                });
            }
            Trouble::AtrophicKidney(side) => odd.atrophic_kidney = Some(side),
            Trouble::HorseshoeKidney => odd.horseshoe = true,
            _ => {}
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_dealt_evenly_and_every_kind_comes() {
        let options = PhantomOptions {
            n_patients: 300,
            ..PhantomOptions::default()
        };
        let all: Vec<Vec<Trouble>> = (0..300).map(|i| troubles(i, &options)).collect();
        let count = |wanted: &dyn Fn(&Trouble) -> bool, range: std::ops::Range<usize>| {
            all[range].iter().flatten().filter(|t| wanted(t)).count()
        };
        let of_liver = |t: &Trouble| LIVER_DECK.contains(t);
        let per_patient = options.difficulty_share / TOUCHED;
        // Of any stretch of patients, not only of all.
        for (from, to) in [(0, 300), (0, 30), (30, 60), (141, 171), (270, 300)] {
            let n = count(&of_liver, from..to) as f64;
            let fair = (to - from) as f64 * per_patient;
            assert!(
                (n - fair).abs() <= 1.0,
                "{n} of patients {from} to {to}, fair are {fair}"
            );
        }
        for kind in LIVER_DECK.iter().chain(&OTHER_DECK) {
            assert!(count(&|t| t == kind, 0..300) > 0, "{kind:?} never comes");
        }
    }

    #[test]
    fn a_share_of_nothing_plants_nothing() {
        let options = PhantomOptions {
            difficulty_share: 0.0,
            ..PhantomOptions::default()
        };
        assert!(
            (0..100).all(|i| troubles(i, &options).is_empty()),
            "no trouble at all"
        );
    }
}
