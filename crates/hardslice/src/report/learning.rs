//! The learning curves of a sweep.

use hardslice_eval::compare::EndPoint;
use hardslice_eval::learning_curve::{CurvePoint, LearningCurve, LineFit, LinePoint};
use hardslice_view::curves::{LearningCurves, LearningLine, LearningPanel, LearningPoint};
use hardslice_view::report::{Block, Figure, Section, Tone, Verdict};
use hardslice_view::table::learning_curve_tables;

use super::gathered::Gathered;
use crate::selection_ratios::{QUESTION, SelectionRatios};

/// Empty for a run or a comparison.
pub(super) fn section(gathered: &Gathered) -> Section {
    let mut section = Section::new("learning-curve", "Learning curve");
    let by_ratio = match gathered.selection_ratios() {
        Ok(by_ratio) => by_ratio,
        Err(why) => {
            section.push(Err(why));
            return section;
        }
    };
    for of in &by_ratio {
        match of.learning_curve() {
            Ok(curve) => section.blocks.extend(blocks(of, &curve)),
            Err(why) => section.push(Err(format!("{}: {why}", of.title()))),
        }
    }
    section
}

/// Question and answer, the figure, and what the line says as a table.
fn blocks(of: &SelectionRatios<'_>, curve: &LearningCurve) -> [Block; 3] {
    let answers: Vec<&str> = curve.fits.iter().map(|fit| fit.answer.as_str()).collect();
    let [_, mut table] = learning_curve_tables(curve);
    table.title = format!("{}, {}", table.title, of.title());
    // What stands in words above.
    table
        .notes
        .retain(|note| !curve.notes.contains(note) && !answers.contains(&note.as_str()));
    let verdict = Verdict {
        about: of.title(),
        label: String::new(),
        tone: Tone::Open,
        question: QUESTION.to_owned(),
        answer: answers.join(" "),
        notes: curve.notes.clone(),
    };
    [
        Block::Verdict(verdict),
        Block::Figure(figure(of, curve)),
        Block::Table(table),
    ]
}

fn figure(of: &SelectionRatios<'_>, curve: &LearningCurve) -> Figure {
    let marked = curve.fits.iter().filter_map(|fit| fit.half.interval);
    let chart = LearningCurves {
        title: format!("Learning curve, {}", of.title()),
        beside_name: "proposed model".to_owned(),
        n_trained: curve.n_trained,
        is_unreliable: marked.into_iter().any(|interval| interval.unreliable),
        panels: curve.fits.iter().map(|fit| panel(curve, fit)).collect(),
    };
    let caption = format!(
        "{} on the test patients against the number of training patients of whom the organ is \
         annotated, each training with the same number of steps. The line is drawn through all \
         points; beyond {} patients it is an extrapolation, dashed in grey. Its interval is for its \
         height with other test patients and trainings; how it rises is known better than that, since \
         all points have the same test patients. The proposed model takes the annotations of all \
         patients and stands a little to the right of them.",
        curve.score, curve.n_trained
    );
    let stem = format!("learning-curve-{}", of.stem());
    Figure::of_chart(&chart.to_chart(), &stem, &caption)
}

fn panel(curve: &LearningCurve, fit: &LineFit) -> LearningPanel {
    let point = |point: &CurvePoint| LearningPoint {
        n_patients: point.n_patients,
        values: point.trainings.iter().map(|of| of.value).collect(),
    };
    let place = |place: &LinePoint| LearningLine {
        n_patients: place.n_patients,
        value: place.estimate,
        interval: place.interval.map(|found| [found.low, found.high]),
    };
    LearningPanel {
        y_name: match fit.end_point {
            EndPoint::Mean => format!("mean {}", curve.score),
            other => format!("{}, {}", curve.score, other.title()),
        },
        points: fit.points.iter().map(point).collect(),
        beside: fit.beside.iter().map(point).collect(),
        line: fit.line.iter().map(place).collect(),
    }
}
