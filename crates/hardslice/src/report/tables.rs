//! The tables, and whether what they print can be true.

use hardslice_eval::OVER_TRAININGS;
use hardslice_view::paper_tables::paper_tables;
use hardslice_view::report::{Block, Section, our_rows, printed_rows};
use hardslice_view::table::{SummaryRow, comparison_tables, summary_tables};

use super::gathered::{Gathered, Variant};
use super::verdicts::comparison;
use crate::layout::LeftBy;
use crate::results::summary_rows;
use crate::selection_ratios::paper_summaries;

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("tables", "Tables");
    if gathered.arms().is_empty() {
        section.push(Err(
            "No test scores are there yet: the evaluation has not been run.".to_owned(),
        ));
        return section;
    }
    if gathered.trainings().len() > 1 {
        section.blocks.push(Block::Text(OVER_TRAININGS.to_owned()));
    }
    for variant in gathered.variants() {
        let title = variant.title();
        if !title.is_empty() {
            section.blocks.push(Block::Heading(title));
        }
        for mut table in summary_tables(&rows(gathered, &variant)) {
            table.title = format!("Test scores, {}", table.title);
            section.blocks.push(Block::Table(table));
        }
    }
    for organ in gathered.organs() {
        // Why there is none is said with the verdict.
        if let Ok(comparison) = comparison(gathered, &gathered.shown_variant(), &organ) {
            for mut table in comparison_tables(&comparison) {
                table.title = format!("{}, {organ}", table.title);
                // The verdict stands in words above.
                table.notes.retain(|note| {
                    *note != comparison.question
                        && *note != comparison.verdict
                        && !comparison.notes.contains(note)
                });
                section.blocks.push(Block::Table(table));
            }
        }
    }
    push_tables_of_a_sweep(gathered, &mut section);
    section
}

/// The paper's tables, and ours of organs that it does not have.
fn push_tables_of_a_sweep(gathered: &Gathered, section: &mut Section) {
    if gathered.left_by != LeftBy::Sweep {
        return;
    }
    let by_ratio = match gathered.selection_ratios() {
        Ok(by_ratio) => by_ratio,
        Err(why) => return section.push(Err(why)),
    };
    let ours = paper_summaries(&by_ratio);
    if !ours.is_empty() {
        let heading = "Beside the paper's tables".to_owned();
        section.blocks.push(Block::Heading(heading));
    }
    for table in paper_tables(&ours) {
        if table.rows.iter().any(|row| row.ours.is_some()) {
            section.blocks.push(Block::Table(table.to_table()));
        }
    }
    let mut others = by_ratio.iter().filter(|of| !of.is_the_papers()).peekable();
    if others.peek().is_some() {
        let heading = "Organs that the paper does not have".to_owned();
        section.blocks.push(Block::Heading(heading));
    }
    for of in others {
        let table = of.table().map(Block::Table);
        section.push(table.map_err(|error| format!("{}: {error}.", of.title())));
    }
}

pub(super) fn audit_section(gathered: &Gathered) -> Section {
    let mut section = Section::new("audit", "Audit of the statistics");
    section.blocks.push(Block::Text(
        "Values between a least and a greatest one with a given mean spread most when all of them \
         lie at the two ends (Bhatia and Davis 2000). A printed standard deviation above that bound \
         cannot belong to the values beside it, however they were rounded."
            .to_owned(),
    ));
    let variants = gathered.variants();
    let rows: Vec<SummaryRow> = variants
        .iter()
        .flat_map(|variant| {
            let title = variant.title();
            rows(gathered, variant).into_iter().map(move |mut row| {
                if !title.is_empty() {
                    row.arm = format!("{}, {title}", row.arm);
                }
                row
            })
        })
        .collect();
    let ours = our_rows(&rows, gathered.trainings().len() > 1);
    if ours.rows.is_empty() {
        section.push(Err(
            "No row of ours has a standard deviation to check.".to_owned()
        ));
    } else {
        section.blocks.push(Block::Table(ours));
    }
    section.blocks.push(Block::Table(printed_rows()));
    section
}

fn rows(gathered: &Gathered, variant: &Variant) -> Vec<SummaryRow> {
    summary_rows(gathered.of_trainings(variant))
}
