//! Surfaces of truth and predictions that turn.

use hardslice_data::balance::Arm;
use hardslice_data::store::Store;
use hardslice_data::{CaseId, Organ};
use hardslice_view::report::{Block, Section, Turntable, TurntableModel};
use hardslice_view::surface::crop;

use super::found::FoundRound;
use super::gathered::Gathered;
use super::slices::shown_arms;
use crate::scans;

/// Organs with surfaces: each takes some megabytes of the page, and a browser does not open one of
/// hundreds.
const N_ORGANS: usize = 12;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("surfaces", "Surfaces");
    let Some(store) = gathered.store_for(&mut section) else {
        return section;
    };
    let organs = gathered.organs();
    if organs.len() > N_ORGANS {
        section.push(Err(format!(
            "Of {} organs the first {N_ORGANS} are shown, so that a browser can open the page.",
            organs.len()
        )));
    }
    for organ in organs.into_iter().take(N_ORGANS) {
        let rounds = gathered.tested_rounds(&organ);
        let arms = match shown_arms(&rounds) {
            Ok(arms) => arms,
            Err(why) => {
                section.push(Err(why));
                continue;
            }
        };
        let cases = chosen(gathered, &rounds, &organ, &arms);
        if cases.is_empty() {
            section.push(Err(format!(
                "No predictions of test scans were kept for the {organ}, so there is no surface to \
                 show."
            )));
        }
        for Chosen { round, case, why } in cases {
            section
                .blocks
                .push(Block::Heading(format!("{organ} of {case}")));
            let shown = Shown {
                gathered,
                round,
                store,
                organ: &organ,
                arms: &arms,
            };
            section.push(shown.block(&case, &why).map_err(|error| {
                format!(
                    "The surfaces of {case} cannot be made: {}.",
                    crate::causes::causes(error.as_ref())
                )
            }));
        }
    }
    section
}

/// A test scan to show.
struct Chosen<'r> {
    round: &'r FoundRound,
    case: CaseId,
    why: String,
}

/// The scan that the first arm gets most wrong, and the one where the second is furthest from it.
fn chosen<'r>(
    gathered: &Gathered,
    rounds: &[&'r FoundRound],
    organ: &Organ,
    arms: &[Arm],
) -> Vec<Chosen<'r>> {
    let Some(reference) = arms.first().copied() else {
        return Vec::new();
    };
    let scores = |arm| gathered.scores_in(rounds, arm, organ);
    let lowest = scores(reference)
        .filter_map(|(round, score)| Some((score.scores.dice?, &score.case, round)))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    let mut cases: Vec<Chosen<'r>> = Vec::new();
    cases.extend(lowest.map(|(_, case, round)| Chosen {
        round,
        case: case.clone(),
        why: format!("the test scan on which {reference} has the lowest Dice"),
    }));
    if let Some(other) = arms.get(1).copied() {
        let gap = scores(reference).filter_map(|(round, score)| {
            let (_, same) = scores(other).find(|(_, found)| found.case == score.case)?;
            let gap = (same.scores.dice? - score.scores.dice?).abs();
            Some((gap, &score.case, round))
        });
        let widest = gap.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
        if let Some((_, case, round)) =
            widest.filter(|(_, case, _)| cases.iter().all(|shown| shown.case != **case))
        {
            cases.push(Chosen {
                round,
                case: case.clone(),
                why: format!("the test scan on which {reference} and {other} differ most"),
            });
        }
    }
    cases
}

struct Shown<'a> {
    gathered: &'a Gathered,
    round: &'a FoundRound,
    store: &'a Store,
    organ: &'a Organ,
    arms: &'a [Arm],
}

impl Shown<'_> {
    fn block(&self, case: &CaseId, why: &str) -> anyhow::Result<Block> {
        let case_idx = scans::place_of(self.store, case.as_str())?;
        let grid = self.store.cases()[case_idx].placement.canonical;
        let truth = scans::truth(self.store, case_idx, self.organ)
            .ok_or_else(|| anyhow::anyhow!("nobody annotated the {}", self.organ))?;
        let mut masks = vec![truth];
        let mut models = vec![TurntableModel {
            name: "truth".to_owned(),
            note: "as annotated".to_owned(),
        }];
        for arm in self.arms {
            let dir = self.round.dir.arm(*arm);
            if let Some(predicted) = scans::predicted(&dir, self.store, case_idx, self.organ)? {
                masks.push(predicted);
                models.push(TurntableModel {
                    name: arm.to_string(),
                    note: self.note(*arm, case),
                });
            }
        }
        let views: Vec<&[bool]> = masks.iter().map(Vec::as_slice).collect();
        let cropped = crop(&views, grid.shape)
            .ok_or_else(|| anyhow::anyhow!("truth and predictions are all empty"))?;
        let organ = self.organ;
        let table = Turntable {
            stem: format!("surfaces-{organ}-{case}"),
            title: format!("{organ} of {case}"),
            caption: format!(
                "Surfaces of the {organ} of {case}, {why}. Predictions are coloured by their \
                 distance to the surface of the truth: blue lies inside it, orange outside. Made \
                 smooth over one and a half cells of 1/48 of the longest side, so that specks \
                 smaller than that are not seen.{}",
                self.gathered.tested_words()
            ),
            masks: cropped,
            spacing_mm: grid.spacing_mm(),
            models,
        };
        Ok(Block::Figure(table.to_figure()?))
    }

    /// The scores below a surface.
    fn note(&self, arm: Arm, case: &CaseId) -> String {
        let scores = self.gathered.scores_of(self.round, arm, self.organ);
        let found = scores.iter().find(|score| score.case == *case);
        let number = |name: &str, value: Option<f64>, decimals: usize, unit: &str| {
            value.map(|value| format!("{name} {value:.decimals$}{unit}"))
        };
        let parts = found.into_iter().flat_map(|score| {
            [
                number("Dice", score.scores.dice, 3, ""),
                number("HD95", score.scores.hd95_mm, 1, " mm"),
                number("ASSD", score.scores.assd_mm, 2, " mm"),
            ]
        });
        parts.flatten().collect::<Vec<_>>().join(", ")
    }
}
