//! The learning curves of a sweep as files and in words.

use hardslice_eval::learning_curve::LearningCurve;
use hardslice_view::table::{Table, learning_curve_tables, stacked};
use hardslice_volume::whole_file::write_whole_bytes;
use hardslice_volume::{Action, FileError};

use crate::layout::{COMPARISON_FORMS, OutDir};
use crate::results::{LEAKY, LEAKY_BECAUSE, write_forms};
use crate::selection_ratios::{QUESTION, SelectionRatios};

/// An organ with a net.
struct Told<'s> {
    organ: String,
    net: String,
    of: &'s SelectionRatios<'s>,
    curve: Result<LearningCurve, String>,
    /// Of the points and of what the line says; none without a curve.
    tables: Option<[Table; 2]>,
}

/// Writes the curves of all organs and nets, and gives what is to be said of each.
pub(super) fn write(
    by_ratio: &[SelectionRatios<'_>],
    is_leaky: bool,
    out: &OutDir,
) -> Result<Vec<String>, FileError> {
    if by_ratio.is_empty() {
        return Ok(Vec::new());
    }
    let stamped = |table: Table| {
        if is_leaky {
            table.stamped(LEAKY, LEAKY_BECAUSE)
        } else {
            table
        }
    };
    let told = by_ratio.iter().map(|of| {
        let curve = of.learning_curve();
        let tables = curve.as_ref().ok().map(learning_curve_tables);
        Told {
            organ: of.organ.to_string(),
            net: of.net.clone(),
            of,
            tables: tables.map(|tables| tables.map(stamped)),
            curve,
        }
    });
    let told: Vec<Told<'_>> = told.collect();
    for (idx, path) in out.learning_curve_tables().into_iter().enumerate() {
        if let Some(table) = all_of(&told, idx) {
            let csv = table.to_csv();
            write_whole_bytes(&path, csv.as_bytes()).map_err(Action::Write.on(&path))?;
        }
    }
    let titled = |form: fn(&Table) -> String| -> String {
        let tables = told.iter().flat_map(|told| {
            let tables = told.tables.iter().flatten();
            tables.map(|table| Table {
                title: format!("{}: {}", told.of.title(), table.title),
                ..table.clone()
            })
        });
        let forms: Vec<String> = tables.map(|table| form(&table)).collect();
        forms.join("\n")
    };
    let forms = [
        markdown(&told, is_leaky),
        titled(Table::to_latex),
        titled(Table::to_html),
    ];
    let forms = COMPARISON_FORMS.into_iter().zip(forms);
    write_forms(&out.learning_curve_stem(), forms)?;
    Ok(told.iter().map(in_words).collect())
}

/// One table of all organs and nets; `None` without any curve.
fn all_of(told: &[Told<'_>], idx: usize) -> Option<Table> {
    let mut organs: Vec<&String> = Vec::new();
    for told in told {
        if !organs.contains(&&told.organ) {
            organs.push(&told.organ);
        }
    }
    let of_organ = |organ: &String| {
        let of_organ = told.iter().filter(|told| told.organ == *organ);
        let tables = of_organ.filter_map(|told| Some((&told.net, &told.tables.as_ref()?[idx])));
        stacked("net", tables)
    };
    let by_organ: Vec<(&String, Table)> = organs
        .into_iter()
        .filter_map(|organ| Some((organ, of_organ(organ)?)))
        .collect();
    stacked(
        "organ",
        by_organ.iter().map(|(organ, table)| (*organ, table)),
    )
}

fn markdown(told: &[Told<'_>], is_leaky: bool) -> String {
    let mut text = String::new();
    if is_leaky {
        text.push_str(LEAKY_BECAUSE);
        text.push_str("\n\n");
    }
    for told in told {
        text.extend(["## ", &told.of.title(), "\n\n"]);
        match &told.curve {
            Ok(curve) => {
                text.push_str(QUESTION);
                text.push_str("\n\n");
                for fit in &curve.fits {
                    text.extend(["**", &fit.answer, "**\n\n"]);
                }
            }
            Err(why) => text.extend([why, "\n\n"]),
        }
        for table in told.tables.iter().flatten() {
            text.push_str(&table.to_markdown());
            text.push('\n');
        }
    }
    text
}

/// What the command says of a curve.
fn in_words(told: &Told<'_>) -> String {
    let title = told.of.title();
    match &told.curve {
        Ok(curve) => {
            let numbers = curve.numbers();
            let fewest = numbers.first().map_or(curve.n_trained, |fewest| *fewest);
            let answers: Vec<String> = curve
                .fits
                .iter()
                .map(|fit| format!("  {}", fit.answer))
                .collect();
            format!(
                "{title}: learning curve over {fewest} to {} training patients:\n{}",
                curve.n_trained,
                answers.join("\n")
            )
        }
        Err(why) => format!("{title}: {why}"),
    }
}
