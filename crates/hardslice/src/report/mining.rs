//! What the mining found: the distribution of slice Dice, and every slice in a table.

use hardslice_data::Organ;
use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::mining::review::Verdicts;
use hardslice_data::mining::triage::Triage;
use hardslice_view::curves::{CountAxis, DiceHistogram};
use hardslice_view::report::{Block, Figure, Ledger, Section};
use hardslice_view::table::{Cell, Column, Table};

use super::found::FoundRound;
use super::gathered::{Gathered, in_order};
use crate::review::verdicts_in_words;

/// Rows that the page shows of a ledger.
const MOST_ROWS: usize = 3000;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("mining", "Hard slices and the ledger");
    section.blocks.push(Block::Text(format!(
        "Every slice of A with its score by the pre-trained model and the decision.{}",
        gathered.shown_words()
    )));
    match &gathered.store {
        Ok(store) => match verdicts_in_words(&gathered.dir, store) {
            Ok(words) => section.blocks.extend(words.map(Block::Text)),
            Err(error) => section.push(Err(format!(
                "The verdicts of reviewers cannot be read: {}.",
                crate::causes::causes(&error)
            ))),
        },
        Err(why) if Verdicts::path_in(&gathered.dir).exists() => section.push(Err(format!(
            "Which verdicts of reviewers still stand cannot be told: {why}"
        ))),
        Err(_) => {}
    }
    for round in gathered.shown_rounds() {
        match read(round) {
            Ok(rows) => section.blocks.extend(blocks(round, rows)),
            Err(why) => section.push(Err(why)),
        }
    }
    section
}

/// The ledger of a round, or why there is none.
pub(super) fn read(round: &FoundRound) -> Result<Vec<LedgerRow>, String> {
    let path = round.dir.mining().ledger();
    if !path.exists() {
        return Err(format!(
            "A was not mined for {}: no arm needs its hard slices.",
            round.name.words()
        ));
    }
    ledger::read(&path).map_err(|error| {
        format!(
            "The ledger cannot be read: {}.",
            crate::causes::causes(&error)
        )
    })
}

fn blocks(round: &FoundRound, mut rows: Vec<LedgerRow>) -> Vec<Block> {
    let organs = in_order(rows.iter().map(|row| row.organ.clone()));
    let mut blocks: Vec<Block> = organs.iter().map(|organ| histogram(organ, &rows)).collect();
    let triaged = organs.iter().filter_map(|organ| triage_words(organ, &rows));
    blocks.extend(triaged.map(Block::Text));
    // Hard before easy, the lowest Dice first, slices without one last.
    rows.sort_by(|a, b| {
        let key = |row: &LedgerRow| row.dice.unwrap_or(f64::INFINITY);
        a.decision
            .cmp(&b.decision)
            .then(key(a).total_cmp(&key(b)))
            .then_with(|| (&a.case, a.z, &a.organ).cmp(&(&b.case, b.z, &b.organ)))
    });
    let columns = vec![
        Column::words("case", "case"),
        Column::numbers("z", "slice"),
        Column::words("organ", "organ"),
        Column::words("kind", "kind"),
        Column::numbers("dice", "Dice"),
        Column::numbers("tau", "τ"),
        Column::words("decision", "decision"),
        Column::numbers("weight", "weight"),
        Column::numbers("truth_px", "true px"),
        Column::numbers("predicted_px", "predicted px"),
        Column::words("reason", "reason"),
        Column::words("triage", "triage"),
    ];
    let table = Table {
        title: format!("Ledger of A, {}, hardest first", round.name.words()),
        columns,
        rows: rows.iter().map(cells).collect(),
        notes: vec![
            "Slices are counted from 0 at the feet. Weight: how often the second half of the arm \
             hard shows the slice in an epoch. Pixels are those of the store. The whole ledger \
             is mining/ledger.parquet."
                .to_owned(),
        ],
    };
    blocks.push(Block::Ledger(Ledger::bounded(table, "decision", MOST_ROWS)));
    blocks
}

/// How many of an organ's hard slices look as if they were not hard but wrong or redundant; nothing
/// where there is none.
fn triage_words(organ: &Organ, rows: &[LedgerRow]) -> Option<String> {
    let n = |triage: Triage| {
        let hard = rows.iter();
        let hard = hard.filter(|row| row.organ == *organ && row.decision == Decision::Hard);
        hard.filter(|row| row.triage == Some(triage)).count()
    };
    let [suspect, broken, redundant] = Triage::ALL.map(n);
    (suspect + broken + redundant > 0).then(|| {
        format!(
            "Of the hard slices of the {organ}, the labels of {suspect} look wrong, the scan looks \
             broken in {broken}, and {redundant} are nearly copies of another. The ledger says what \
             that rests on."
        )
    })
}

fn histogram(organ: &Organ, rows: &[LedgerRow]) -> Block {
    let of_organ = || rows.iter().filter(|row| row.organ == *organ);
    let n_hard = of_organ()
        .filter(|row| row.decision == Decision::Hard)
        .count();
    let (n, tau) = (of_organ().count(), of_organ().next());
    let chart = DiceHistogram {
        title: format!("Dice of A's slices, {organ}"),
        dice: of_organ().filter_map(|row| row.dice).collect(),
        tau: tau.map(|row| row.tau),
        n_without_score: of_organ().filter(|row| row.dice.is_none()).count(),
        counts: CountAxis::Logarithmic,
    };
    let rule = tau.map_or(String::new(), |row| {
        format!(
            " The threshold τ = {:.3} was set by the rule “{}”.",
            row.tau, row.tau_rule
        )
    });
    let caption = format!(
        "Slice Dice of A under the pre-trained model: {n_hard} of {n} slices ({:.1} %) are \
         hard.{rule} Counts grow logarithmically, so that few hard slices stay in sight.",
        100.0 * n_hard as f64 / n.max(1) as f64
    );
    let stem = format!("histogram-{organ}");
    Block::Figure(Figure::of_chart(&chart.to_chart(), &stem, &caption))
}

fn cells(row: &LedgerRow) -> Vec<Cell> {
    let count = |n: u32| Cell::Count(n as usize);
    vec![
        Cell::words(row.case.as_str()),
        count(row.z),
        Cell::words(row.organ.as_str()),
        Cell::words(row.kind.name()),
        Cell::some_number(row.dice, 3),
        Cell::number(row.tau, 3),
        Cell::words(row.decision.name()),
        Cell::number(row.weight, 1),
        count(row.truth_px),
        count(row.predicted_px),
        Cell::words(&row.reason),
        row.triage
            .map_or(Cell::Absent, |triage| Cell::words(triage.name())),
    ]
}
