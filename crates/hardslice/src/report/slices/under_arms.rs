//! The same hard slices of test patients under the arms.

use hardslice_data::balance::Arm;
use hardslice_data::store::Store;
use hardslice_data::{Organ, SliceKind, SliceRef};
use hardslice_view::report::{Block, Gallery, SliceGroup};

use super::super::found::FoundRound;
use super::super::gathered::Gathered;
use super::{figure, legend, sentence, truth_slice, views};
use crate::scans;

/// Slices shown under each arm.
const N_PAIRS: usize = 6;

/// A slice of a test scan and its Dice under the reference.
struct Worst<'r> {
    round: &'r FoundRound,
    case_idx: usize,
    z: usize,
    dice: f64,
}

/// The test slices that the first arm gets most wrong, under it and under the other arms.
pub(super) fn under_arms(
    gathered: &Gathered,
    store: &Store,
    organ: &Organ,
) -> Result<Block, String> {
    let rounds = gathered.tested_rounds(organ);
    let arms = shown_arms(&rounds)?;
    let Some(reference) = arms.first().copied() else {
        return Err(format!(
            "No predictions of test scans were kept for the {organ}, so nothing can be shown side \
             by side."
        ));
    };
    let fail = |error: anyhow::Error| sentence("The test slices cannot be drawn", &error);
    let worst = worst_slices(gathered, &rounds, store, organ, reference).map_err(fail)?;
    let mut groups = Vec::new();
    for worst in &worst {
        groups.push(under_each(&arms, worst, store, organ).map_err(fail)?);
    }
    if groups.is_empty() {
        return Err(format!("No test scan has a prediction of the {organ}."));
    }
    let names: Vec<&str> = arms.iter().map(|arm| arm.name()).collect();
    let gallery = Gallery {
        stem: format!("same-slices-{organ}"),
        title: format!(
            "The same hard slices under {}, {organ}",
            names.join(" and ")
        ),
        caption: format!(
            "Slices of test scans on which {reference} has the lowest Dice, each under {}: truth \
             in blue, prediction in orange. They were chosen by {reference} alone, the worst of each \
             scan first, among slices away from the ends of the {organ}. A slice that is worst \
             under one arm tends to be better under any other: the verdict rests on all patients.{}",
            names.join(" and "),
            gathered.tested_words()
        ),
        groups,
        columns: arms.len(),
        legend: legend(),
        is_paired: true,
    };
    figure(&gallery)
}

/// The arms shown side by side: the reference and the proposed, or the first two with predictions.
/// Or why the folders of predictions cannot be looked into.
pub(in crate::report) fn shown_arms(rounds: &[&FoundRound]) -> Result<Vec<Arm>, String> {
    let mut arms: Vec<Arm> = Vec::new();
    for arm in [Arm::Baseline, Arm::Hard].into_iter().chain(Arm::ALL) {
        if arms.len() < 2 && !arms.contains(&arm) && has_predictions(arm, rounds)? {
            arms.push(arm);
        }
    }
    Ok(arms)
}

fn has_predictions(arm: Arm, rounds: &[&FoundRound]) -> Result<bool, String> {
    for round in rounds {
        let found = round.dir.arm(arm).has_predictions();
        if found.map_err(|error| format!("{}.", crate::causes::causes(&error)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn worst_slices<'r>(
    gathered: &Gathered,
    rounds: &[&'r FoundRound],
    store: &Store,
    organ: &Organ,
    reference: Arm,
) -> anyhow::Result<Vec<Worst<'r>>> {
    let mut by_case: Vec<Vec<Worst<'r>>> = Vec::new();
    for (round, score) in gathered.scores_in(rounds, reference, organ) {
        let dir = round.dir.arm(reference);
        let case_idx = scans::place_of(store, score.case.as_str())?;
        let (Some(truth), Some(predicted)) = (
            scans::truth(store, case_idx, organ),
            scans::predicted(&dir, store, case_idx, organ)?,
        ) else {
            continue;
        };
        let shape = store.cases()[case_idx].placement.canonical.shape;
        let dice = scans::slice_dice(&truth, &predicted, shape);
        let mut slices: Vec<Worst<'r>> = dice
            .into_iter()
            .enumerate()
            .filter(|(z, _)| is_inside(store, organ, case_idx, *z))
            .filter_map(|(z, dice)| {
                Some(Worst {
                    round,
                    case_idx,
                    z,
                    dice: dice?,
                })
            })
            .collect();
        slices.sort_by(|a, b| a.dice.total_cmp(&b.dice).then(a.z.cmp(&b.z)));
        by_case.push(slices);
    }
    // The worst of each scan, then the next of each, away from those that are shown.
    let mut picked: Vec<Worst<'r>> = Vec::new();
    while picked.len() < N_PAIRS && by_case.iter().any(|slices| !slices.is_empty()) {
        by_case.sort_by(|a, b| {
            let dice =
                |slices: &Vec<Worst<'_>>| slices.first().map_or(f64::INFINITY, |worst| worst.dice);
            dice(a).total_cmp(&dice(b))
        });
        for slices in &mut by_case {
            if picked.len() == N_PAIRS || slices.is_empty() {
                break;
            }
            let worst = slices.remove(0);
            slices.retain(|other| other.z.abs_diff(worst.z) > 3);
            picked.push(worst);
        }
    }
    picked.sort_by(|a, b| a.dice.total_cmp(&b.dice));
    Ok(picked)
}

/// Whether a slice shows the organ away from its ends.
fn is_inside(store: &Store, organ: &Organ, case_idx: usize, z: usize) -> bool {
    store.organ_of(organ).is_some_and(|organ| {
        store.slice_kind(organ, SliceRef::at(case_idx, z)) == SliceKind::Positive
    })
}

/// One test slice under every shown arm.
fn under_each(
    arms: &[Arm],
    &Worst {
        round, case_idx, z, ..
    }: &Worst<'_>,
    store: &Store,
    organ: &Organ,
) -> anyhow::Result<SliceGroup> {
    let case = &store.cases()[case_idx];
    let shape = case.placement.canonical.shape;
    let truth = truth_slice(store, case_idx, z, organ);
    let mut predictions = Vec::new();
    for arm in arms {
        let dir = round.dir.arm(*arm);
        let Some(predicted) = scans::predicted(&dir, store, case_idx, organ)? else {
            continue;
        };
        let n = shape.n_pixels();
        let slice = predicted[z * n..(z + 1) * n].to_vec();
        let mut one = shape;
        one.z = 1;
        let dice = scans::slice_dice(&truth, &slice, one);
        let dice = dice[0].map_or("no score".to_owned(), |dice| format!("Dice {dice:.3}"));
        predictions.push((slice, format!("{arm}\n{dice}")));
    }
    Ok(SliceGroup {
        heading: format!("{}, slice {z}", case.id),
        slices: views(store, case_idx, z, &truth, &predictions)?,
    })
}
