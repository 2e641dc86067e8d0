//! The same cases under every arm.

use hardslice_view::curves::{PairedCase, PairedCases};
use hardslice_view::report::{Block, Figure, Section};

use super::gathered::{Gathered, in_order};

pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("cases", "Case by case");
    let scores = gathered.mean_scores(&gathered.shown_variant());
    if scores.is_empty() {
        section.push(Err("No test scores are there yet.".to_owned()));
        return section;
    }
    let mean = match gathered.trainings().len() {
        0 | 1 => String::new(),
        n => format!(
            " Each score is the mean over {n} trainings, or over those that have a value for the scan."
        ),
    };
    for organ in gathered.organs() {
        let of_organ = || scores.iter().filter(|(_, score)| score.organ == organ);
        let arms = in_order(of_organ().map(|(arm, _)| arm.clone()));
        let names = in_order(of_organ().map(|(_, score)| score.case.clone()));
        let cases = names.into_iter().map(|name| {
            let score_of = |arm: &String| {
                let mut found = of_organ().filter(|(of, score)| of == arm && score.case == name);
                found.next().and_then(|(_, score)| score.scores.dice)
            };
            PairedCase {
                scores: arms.iter().map(score_of).collect(),
                name: name.to_string(),
            }
        });
        let paired = PairedCases {
            title: format!("{organ}: Dice of each test scan under every arm"),
            x_name: "Dice".to_owned(),
            cases: cases.collect(),
            arms,
        };
        let chart = paired.to_chart();
        let caption = format!(
            "Test scans from the lowest to the highest Dice of the first arm; a line joins the \
             scores of one scan.{mean} {}",
            chart.description()
        );
        let stem = format!("cases-{organ}");
        section
            .blocks
            .push(Block::Figure(Figure::of_chart(&chart, &stem, &caption)));
    }
    section
}
