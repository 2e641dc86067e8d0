//! Slices of A as the pre-trained model saw them: hard ones, easy ones, and those whose labels look
//! wrong.

use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::LedgerRow;
use hardslice_data::mining::triage::Triage;
use hardslice_data::store::Store;
use hardslice_data::{Organ, SliceKind};
use hardslice_view::report::{Block, Gallery, SliceGroup, SliceView};

use super::super::found::FoundRound;
use super::super::gathered::Gathered;
use super::super::mining;
use super::{figure, legend, sentence, truth_slice, views};
use crate::scans;
use crate::slice_model::SliceModel;

/// Hard slices of A shown: with the organ, at its ends, and without it.
const N_HARD: [(SliceKind, usize); 3] = [
    (SliceKind::Positive, 5),
    (SliceKind::EndOfOrgan, 2),
    (SliceKind::Negative, 1),
];

/// Easy slices of A shown.
const N_EASY: usize = 4;

/// Suspects shown.
const N_SUSPECTS: usize = 8;

/// What a round's mining left, read once.
pub(super) struct Seen {
    rows: Vec<LedgerRow>,
    model: SliceModel,
}

impl Seen {
    pub(super) fn read(round: &FoundRound) -> Result<Self, String> {
        Ok(Self {
            rows: mining::read(round)?,
            model: SliceModel::pretrained(&round.dir)?,
        })
    }
}

/// Hard and easy slices of A with the pre-trained model's prediction.
pub(super) fn of_a(
    gathered: &Gathered,
    seen: &Seen,
    store: &Store,
    organ: &Organ,
) -> Result<Block, String> {
    let rows: Vec<&LedgerRow> = seen.rows.iter().filter(|row| row.organ == *organ).collect();
    let view = |row: &&LedgerRow| slice_of_a(row, store, &seen.model, organ);
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
             pre-trained model in orange. Hard: those with the lowest Dice of slices with the organ, of \
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
pub(super) fn suspects(
    gathered: &Gathered,
    seen: &Seen,
    store: &Store,
    organ: &Organ,
) -> Option<Result<Block, String>> {
    let mut suspects: Vec<&LedgerRow> = Vec::new();
    let is_suspect = |row: &&LedgerRow| row.organ == *organ && row.triage == Some(Triage::Suspect);
    for row in seen.rows.iter().filter(is_suspect) {
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
    let view = |row: &&LedgerRow| slice_of_a(row, store, &seen.model, organ);
    let slices: anyhow::Result<Vec<SliceView>> = suspects.iter().map(view).collect();
    let slices = slices.map_err(|error| sentence("The suspects cannot be drawn", &error));
    Some(slices.and_then(|slices| {
        figure(&Gallery {
            stem: format!("suspects-{organ}"),
            title: format!("Labels that look wrong, {organ}"),
            caption: format!(
                "Hard slices of A whose labels look wrong, two of a scan at most: truth in blue, \
                 prediction of the pre-trained model, which did not see the patient, in orange. There \
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
    }))
}

/// The hardest slices of each kind, two of a case at most; where a kind has too few, more positive
/// ones stand in.
fn hardest<'a>(rows: &[&'a LedgerRow]) -> Vec<&'a LedgerRow> {
    let mut hard: Vec<&LedgerRow> = rows
        .iter()
        .copied()
        .filter(|row| row.decision == Decision::Hard)
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
        let wanted = if kind == SliceKind::Positive {
            n + missing
        } else {
            n
        };
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
        .filter(|row| {
            row.decision == Decision::Easy && row.kind == SliceKind::Positive && row.dice.is_some()
        })
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
    model: &SliceModel,
    organ: &Organ,
) -> anyhow::Result<SliceView> {
    let case_idx = scans::place_of(store, row.case.as_str())?;
    let z = row.z as usize;
    let predicted = model.slice(store, case_idx, z, organ)?;
    let truth = truth_slice(store, case_idx, z, organ);
    let dice = row
        .dice
        .map_or("no score".to_owned(), |dice| format!("Dice {dice:.3}"));
    let kind = match row.kind {
        SliceKind::Positive => "with the organ",
        SliceKind::EndOfOrgan => "end of the organ",
        SliceKind::Negative => "without the organ",
    };
    let caption = format!("{dice}\n{}, slice {z}\n{kind}", row.case);
    let mut views = views(store, case_idx, z, &truth, &[(predicted, caption)])?;
    Ok(views.remove(0))
}
