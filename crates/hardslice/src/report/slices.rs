//! Hard and easy slices of A, and the same hard slices of test patients under the arms.

use std::fs;

use hardslice_data::balance::Arm;
use hardslice_data::ledger::LedgerRow;
use hardslice_data::store::Store;
use hardslice_data::triage::Triage;
use hardslice_data::{Organ, SliceKind, SliceRef};
use hardslice_view::frame::{Frame, Plane};
use hardslice_view::overlay::{Layer, LegendEntry};
use hardslice_view::palette::{PREDICTED, TRUTH};
use hardslice_view::report::{Block, Gallery, Section, SliceGroup, SliceView};
use hardslice_volume::Volume;

use super::found::RoundDir;
use super::gathered::Gathered;
use super::mining;
use super::pretrained::Pretrained;
use crate::scans;

/// Hard slices of A shown: with the organ, at its ends, and without it.
const N_HARD: [(&str, usize); 3] = [("positive", 5), ("end_of_organ", 2), ("negative", 1)];

/// Easy slices of A shown.
const N_EASY: usize = 4;

/// Suspects shown.
const N_SUSPECTS: usize = 8;

/// Slices shown under each arm.
const N_PAIRS: usize = 6;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("slices", "Hard and easy slices");
    let store = match &gathered.store {
        Ok(store) => store,
        Err(why) => {
            section.push(Err(why.clone()));
            return section;
        }
    };
    for name in gathered.organs() {
        let (Some(round), Ok(organ)) = (gathered.shown_round(&name), Organ::new(name.clone()))
        else {
            continue;
        };
        section
            .blocks
            .push(Block::Heading(format!("{name}: what the mining saw")));
        section.push(of_a(gathered, round, store, &organ));
        if let Some(suspects) = suspects(gathered, round, store, &organ) {
            section
                .blocks
                .push(Block::Heading(format!("{name}: labels that look wrong")));
            section.push(suspects);
        }
        section.blocks.push(Block::Heading(format!(
            "{name}: the same hard slices under the arms"
        )));
        section.push(under_arms(gathered, round, store, &organ));
    }
    section
}

fn legend() -> Vec<LegendEntry> {
    vec![
        LegendEntry::new(TRUTH, "truth"),
        LegendEntry::new(PREDICTED, "prediction"),
    ]
}

/// Hard and easy slices of A with the pre-trained model's prediction.
fn of_a(
    gathered: &Gathered,
    round: &RoundDir,
    store: &Store,
    organ: &Organ,
) -> Result<Block, String> {
    let rows = mining::read(round)?;
    let rows: Vec<&LedgerRow> = rows
        .iter()
        .filter(|row| row.organ == organ.as_str())
        .collect();
    let model = Pretrained::read(&round.dir, store)?;
    let view = |row: &&LedgerRow| slice_of_a(row, store, &model, organ);
    let groups = [("hard", hardest(&rows)), ("easy", easiest(&rows))];
    let mut shown = Vec::new();
    for (heading, rows) in groups.iter().filter(|(_, rows)| !rows.is_empty()) {
        let slices: anyhow::Result<Vec<SliceView>> = rows.iter().map(view).collect();
        shown.push(SliceGroup {
            heading: (*heading).to_owned(),
            slices: slices.map_err(|error| sentence("The slices of A cannot be drawn", &error))?,
        });
    }
    if shown.is_empty() {
        return Err(format!("No slice of A has a score for the {organ}."));
    }
    let gallery = Gallery {
        stem: format!("slices-of-a-{organ}"),
        title: format!("Hard and easy slices of A, {organ}"),
        caption: format!(
            "Hard and easy slices of A for the {organ}: truth in blue, prediction of the \
             pre-trained model in red. Hard: those with the lowest Dice of slices with the organ, of \
             slices at its ends, and without it, two of a scan at most. Easy: the best of each of \
             some scans.{}",
            gathered.shown_words()
        ),
        groups: shown,
        columns: 4,
        legend: legend(),
        is_paired: false,
    };
    figure(&gallery)
}

/// Hard slices of A whose labels look wrong; nothing where there is none.
fn suspects(
    gathered: &Gathered,
    round: &RoundDir,
    store: &Store,
    organ: &Organ,
) -> Option<Result<Block, String>> {
    let rows = mining::read(round).ok()?;
    let mut suspects: Vec<&LedgerRow> = Vec::new();
    let is_suspect = |row: &&LedgerRow| {
        row.organ == organ.as_str() && row.triage.as_deref() == Some(Triage::Suspect.name())
    };
    for row in rows.iter().filter(is_suspect) {
        // The first of a stretch, two of a scan.
        let of_case: Vec<_> = suspects
            .iter()
            .filter(|other| other.case == row.case)
            .collect();
        let is_apart = of_case.last().is_none_or(|other| row.z - other.z > 3);
        if is_apart && of_case.len() < 2 && suspects.len() < N_SUSPECTS {
            suspects.push(row);
        }
    }
    if suspects.is_empty() {
        return None;
    }
    let drawn = Pretrained::read(&round.dir, store).and_then(|model| {
        let view = |row: &&LedgerRow| slice_of_a(row, store, &model, organ);
        let slices: anyhow::Result<Vec<SliceView>> = suspects.iter().map(view).collect();
        let slices = slices.map_err(|error| sentence("The suspects cannot be drawn", &error))?;
        figure(&Gallery {
            stem: format!("suspects-{organ}"),
            title: format!("Labels that look wrong, {organ}"),
            caption: format!(
                "Hard slices of A whose labels look wrong, two of a scan at most: truth in blue, \
                 prediction of the pre-trained model, which did not see the patient, in red. There \
                 the labels around the slice are like the prediction and not like the label, or \
                 the label ends where it is still large. Look before you believe it.{}",
                gathered.shown_words()
            ),
            groups: vec![SliceGroup {
                heading: "suspect".to_owned(),
                slices,
            }],
            columns: 4,
            legend: legend(),
            is_paired: false,
        })
    });
    Some(drawn)
}

fn figure(gallery: &Gallery) -> Result<Block, String> {
    let figure = gallery.to_figure();
    figure
        .map(Block::Figure)
        .map_err(|error| format!("The slices cannot be drawn: {error}."))
}

fn sentence(what: &str, error: &anyhow::Error) -> String {
    format!("{what}: {}.", crate::causes(error.as_ref()))
}

/// The hardest slices of each kind, two of a case at most; where a kind has too few, more positive
/// ones stand in.
fn hardest<'a>(rows: &[&'a LedgerRow]) -> Vec<&'a LedgerRow> {
    let mut hard: Vec<&LedgerRow> = rows
        .iter()
        .copied()
        .filter(|row| row.decision == "hard")
        .collect();
    hard.sort_by(|a, b| {
        let dice = |row: &LedgerRow| row.dice.unwrap_or(f64::INFINITY);
        // Of equal Dice, as among the false positives, the largest area first.
        let area = |row: &LedgerRow| row.truth_px.max(row.predicted_px);
        dice(a)
            .total_cmp(&dice(b))
            .then(area(b).cmp(&area(a)))
            .then_with(|| (&a.case, a.z).cmp(&(&b.case, b.z)))
    });
    let mut picked: Vec<&LedgerRow> = Vec::new();
    let mut missing = 0;
    for (kind, n) in N_HARD.into_iter().rev() {
        let wanted = if kind == "positive" { n + missing } else { n };
        let mut of_kind: Vec<&LedgerRow> = Vec::new();
        for row in hard.iter().filter(|row| row.kind == kind) {
            let of_case = picked
                .iter()
                .chain(&of_kind)
                .filter(|other| other.case == row.case);
            if of_kind.len() < wanted && of_case.count() < 2 {
                of_kind.push(row);
            }
        }
        missing += n.saturating_sub(of_kind.len());
        picked.splice(0..0, of_kind);
    }
    picked
}

/// The best slice with the organ of each of some cases.
fn easiest<'a>(rows: &[&'a LedgerRow]) -> Vec<&'a LedgerRow> {
    let mut easy: Vec<&LedgerRow> = rows
        .iter()
        .copied()
        .filter(|row| row.decision == "easy" && row.kind == "positive" && row.dice.is_some())
        .collect();
    easy.sort_by(|a, b| {
        let dice = |row: &LedgerRow| row.dice.unwrap_or(0.0);
        dice(b)
            .total_cmp(&dice(a))
            .then_with(|| (&a.case, a.z).cmp(&(&b.case, b.z)))
    });
    let mut picked: Vec<&LedgerRow> = Vec::new();
    for row in easy {
        if picked.len() < N_EASY && picked.iter().all(|other| other.case != row.case) {
            picked.push(row);
        }
    }
    picked
}

fn slice_of_a(
    row: &LedgerRow,
    store: &Store,
    model: &Pretrained<'_>,
    organ: &Organ,
) -> anyhow::Result<SliceView> {
    let case_idx = scans::place_of(store, &row.case)?;
    let z = usize::try_from(row.z)?;
    let predicted = model.slice(case_idx, z, organ)?;
    let truth = truth_slice(store, case_idx, z, organ);
    let dice = row
        .dice
        .map_or("no score".to_owned(), |dice| format!("Dice {dice:.3}"));
    let kind = match row.kind.as_str() {
        "positive" => "with the organ",
        "end_of_organ" => "end of the organ",
        _ => "without the organ",
    };
    let caption = format!("{dice}\n{}, slice {z}\n{kind}", row.case);
    let mut views = views(store, case_idx, z, &truth, &[(predicted, caption)])?;
    Ok(views.remove(0))
}

fn truth_slice(store: &Store, case_idx: usize, z: usize, organ: &Organ) -> Vec<bool> {
    let n_pixels = store.cases()[case_idx].placement.canonical.shape.n_pixels();
    let truth = scans::truth(store, case_idx, organ);
    truth.map_or(vec![false; n_pixels], |truth| {
        truth[z * n_pixels..(z + 1) * n_pixels].to_vec()
    })
}

/// One slice with the truth and each of some predictions, all cut to the same frame.
fn views(
    store: &Store,
    case_idx: usize,
    z: usize,
    truth: &[bool],
    predictions: &[(Vec<bool>, String)],
) -> anyhow::Result<Vec<SliceView>> {
    let mut grid = store.cases()[case_idx].placement.canonical;
    grid.shape.z = 1;
    let image = Volume::new(grid, scans::slice_hu(store, case_idx, z)?)?;
    let masks: Vec<&[bool]> = std::iter::once(truth)
        .chain(predictions.iter().map(|(mask, _)| mask.as_slice()))
        .collect();
    let frame = Frame::around_body(&image, &masks);
    let plane = Plane::Axial(0);
    let view = |(predicted, caption): &(Vec<bool>, String)| SliceView {
        section: frame.section(plane),
        image_hu: frame.cut(image.voxels(), plane),
        layers: vec![
            Layer::truth(frame.cut(truth, plane)),
            Layer::predicted(frame.cut(predicted, plane)),
        ],
        caption: caption.clone(),
    };
    Ok(predictions.iter().map(view).collect())
}

/// A slice of a test scan and its Dice under the reference.
struct Worst {
    case_idx: usize,
    z: usize,
    dice: f64,
}

/// The test slices that the first arm gets most wrong, under it and under the other arms.
fn under_arms(
    gathered: &Gathered,
    round: &RoundDir,
    store: &Store,
    organ: &Organ,
) -> Result<Block, String> {
    let arms = shown_arms(round);
    let Some(reference) = arms.first().copied() else {
        return Err(format!(
            "No predictions of test scans were kept for the {organ}, so nothing can be shown side \
             by side."
        ));
    };
    let fail = |error: anyhow::Error| sentence("The test slices cannot be drawn", &error);
    let worst = worst_slices(gathered, round, store, organ, reference).map_err(fail)?;
    let mut groups = Vec::new();
    for Worst { case_idx, z, .. } in &worst {
        groups.push(pair(round, store, organ, &arms, (*case_idx, *z)).map_err(fail)?);
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
             in blue, prediction in red. They were chosen by {reference} alone, the worst of each \
             scan first, among slices away from the ends of the {organ}. A slice that is worst \
             under one arm tends to be better under any other: the verdict rests on all patients.{}",
            names.join(" and "),
            gathered.shown_words()
        ),
        groups,
        columns: arms.len(),
        legend: legend(),
        is_paired: true,
    };
    figure(&gallery)
}

/// The arms shown side by side: the reference and the proposed, or the first two with predictions.
pub(super) fn shown_arms(round: &RoundDir) -> Vec<Arm> {
    let has_predictions = |arm: &Arm| {
        let dir = round.dir.join(arm.name()).join("predictions");
        fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
    };
    let mut arms: Vec<Arm> = [Arm::Baseline, Arm::Hard]
        .into_iter()
        .filter(has_predictions)
        .collect();
    for arm in Arm::ALL.into_iter().filter(has_predictions) {
        if arms.len() < 2 && !arms.contains(&arm) {
            arms.push(arm);
        }
    }
    arms
}

fn worst_slices(
    gathered: &Gathered,
    round: &RoundDir,
    store: &Store,
    organ: &Organ,
    reference: Arm,
) -> anyhow::Result<Vec<Worst>> {
    let dir = round.dir.join(reference.name());
    let mut by_case: Vec<Vec<Worst>> = Vec::new();
    for score in gathered.scores_of(round, reference, organ.as_str()) {
        let case_idx = scans::place_of(store, &score.case)?;
        let (Some(truth), Some(predicted)) = (
            scans::truth(store, case_idx, organ),
            scans::predicted(&dir, &score.case, organ)?,
        ) else {
            continue;
        };
        let shape = store.cases()[case_idx].placement.canonical.shape;
        let dice = scans::slice_dice(&truth, &predicted, shape);
        let mut slices: Vec<Worst> = dice
            .into_iter()
            .enumerate()
            .filter(|(z, _)| is_inside(store, organ, case_idx, *z))
            .filter_map(|(z, dice)| dice.map(|dice| Worst { case_idx, z, dice }))
            .collect();
        slices.sort_by(|a, b| a.dice.total_cmp(&b.dice).then(a.z.cmp(&b.z)));
        by_case.push(slices);
    }
    // The worst of each scan, then the next of each, away from those that are shown.
    let mut picked: Vec<Worst> = Vec::new();
    while picked.len() < N_PAIRS && by_case.iter().any(|slices| !slices.is_empty()) {
        by_case.sort_by(|a, b| {
            let dice =
                |slices: &Vec<Worst>| slices.first().map_or(f64::INFINITY, |worst| worst.dice);
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
    let slice = u32::try_from(case_idx).ok().zip(u32::try_from(z).ok());
    let kind = store.organs().index_of(organ).zip(slice);
    kind.is_some_and(|(organ_idx, (case_idx, z))| {
        store.slice_kind(organ_idx, SliceRef { case_idx, z }) == SliceKind::Positive
    })
}

/// One test slice under every shown arm.
fn pair(
    round: &RoundDir,
    store: &Store,
    organ: &Organ,
    arms: &[Arm],
    (case_idx, z): (usize, usize),
) -> anyhow::Result<SliceGroup> {
    let case = &store.cases()[case_idx];
    let shape = case.placement.canonical.shape;
    let truth = truth_slice(store, case_idx, z, organ);
    let mut predictions = Vec::new();
    for arm in arms {
        let dir = round.dir.join(arm.name());
        let Some(predicted) = scans::predicted(&dir, case.id.as_str(), organ)? else {
            continue;
        };
        let n = shape.n_pixels();
        let slice = predicted[z * n..(z + 1) * n].to_vec();
        let mut one = shape;
        one.z = 1;
        let dice = scans::slice_dice(&truth, &slice, one);
        let dice = dice.first().copied().flatten();
        let dice = dice.map_or("no score".to_owned(), |dice| format!("Dice {dice:.3}"));
        predictions.push((slice, format!("{arm}\n{dice}")));
    }
    Ok(SliceGroup {
        heading: format!("{}, slice {z}", case.id),
        slices: views(store, case_idx, z, &truth, &predictions)?,
    })
}
