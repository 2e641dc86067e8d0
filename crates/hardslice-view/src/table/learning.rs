//! A learning curve as tables.

use hardslice_eval::learning_curve::{Contrast, CurvePoint, LearningCurve, LineFit};

use super::comparison::{interval_cells, interval_columns, notes_on_marks};
use super::{Cell, Column, Table};

/// Decimals of scores and changes that people see.
const DECIMALS: usize = 4;

/// Two tables: the end point of every training, and what the line says of more and of fewer patients.
///
/// What must be known beside it stands below the second.
pub fn learning_curve_tables(curve: &LearningCurve) -> [Table; 2] {
    [points(curve), fits(curve)]
}

fn points(curve: &LearningCurve) -> Table {
    let columns = vec![
        Column::words("end_point", "end point"),
        Column::words("arm", "arm"),
        Column::words("on_line", "on the line"),
        Column::numbers("n_training_patients", "training patients"),
        Column::numbers("division", "division"),
        Column::numbers("seed", "seed"),
        Column::numbers("value", &curve.score),
    ];
    let of_point = |fit: &LineFit, point: &CurvePoint, is_fitted: bool| {
        let trainings = point.trainings.iter();
        let rows = trainings.map(|training| {
            vec![
                Cell::words(fit.end_point.title()),
                Cell::words(&point.arm),
                Cell::words(if is_fitted { "yes" } else { "no" }),
                Cell::Count(point.n_patients),
                Cell::words(&training.split.to_string()),
                Cell::words(&training.seed.to_string()),
                Cell::number(training.value, DECIMALS),
            ]
        });
        rows.collect::<Vec<_>>()
    };
    let rows = curve.fits.iter().flat_map(|fit| {
        let on_line = fit.points.iter().map(|point| (point, true));
        let beside = fit.beside.iter().map(|point| (point, false));
        let all = on_line.chain(beside);
        all.flat_map(move |(point, is_fitted)| of_point(fit, point, is_fitted))
    });
    Table {
        title: format!("{} by number of training patients", curve.score),
        columns,
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn fits(curve: &LearningCurve) -> Table {
    let mut columns = vec![
        Column::words("end_point", "end point"),
        Column::words("change", "change"),
        Column::numbers("from_patients", "from patients"),
        Column::numbers("to_patients", "to"),
        Column::numbers("estimate", &curve.score),
    ];
    columns.extend(interval_columns(1.0 - curve.alpha));
    columns.extend([
        Column::numbers("n_patients", "test patients"),
        Column::numbers("n_trainings", "trainings"),
        Column::numbers("n_splits", "divisions"),
    ]);
    let (most, beyond) = (curve.n_trained, curve.n_trained + curve.n_more);
    let half = most as f64 / 2.0;
    let row = |fit: &LineFit, what: &str, ends: Option<[f64; 2]>, found: &Contrast| {
        let end = |place: usize| ends.map_or(Cell::Absent, |ends| number_of_patients(ends[place]));
        let mut cells = vec![
            Cell::words(fit.end_point.title()),
            Cell::words(what),
            end(0),
            end(1),
            Cell::number(found.estimate, DECIMALS),
        ];
        cells.extend(interval_cells(found.interval, DECIMALS));
        cells.extend([curve.n_patients, curve.n_trainings, curve.n_splits].map(Cell::Count));
        cells
    };
    let rows = curve.fits.iter().flat_map(|fit| {
        let more = format!("{} more patients", curve.n_more);
        let bend = fit.bend.as_ref();
        let bend = bend.map(|bend| row(fit, "bend: upper half less lower half", None, bend));
        let mut rows = vec![
            row(fit, &more, Some([most as f64, beyond as f64]), &fit.more),
            row(
                fit,
                "half of the patients",
                Some([most as f64, half]),
                &fit.half,
            ),
            row(fit, "slope, by the natural logarithm", None, &fit.slope),
        ];
        rows.extend(bend);
        rows
    });
    let mut notes: Vec<String> = curve.fits.iter().map(|fit| fit.answer.clone()).collect();
    notes.extend(curve.notes.iter().cloned());
    let contrasts = |fit: &LineFit| {
        let bend = fit.bend.and_then(|bend| bend.interval);
        [
            fit.more.interval,
            fit.half.interval,
            fit.slope.interval,
            bend,
        ]
    };
    notes.extend(notes_on_marks(curve.fits.iter().flat_map(contrasts)));
    Table {
        title: format!(
            "{}, what more and fewer training patients give",
            curve.score
        ),
        columns,
        rows: rows.collect(),
        notes,
    }
}

/// A number of patients, of which a half may be no whole number.
fn number_of_patients(n: f64) -> Cell {
    Cell::number(n, usize::from(n.fract() != 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardslice_eval::compare::ArmScore;
    use hardslice_eval::learning_curve::{CurveArm, learning_curve};

    #[test]
    fn a_learning_curve_is_two_tables_with_its_answer_below() {
        let arms = [
            ("ratio 0.5", 8, true),
            ("ratio 1", 15, true),
            ("proposed", 15, false),
        ];
        let mut scores = Vec::new();
        for (place, (arm, _, _)) in (0_u32..).zip(arms) {
            for (patient, seed) in (0..24_u32).map(|idx| (idx / 3, idx % 3)) {
                let luck = 0.003 * f64::from((seed + place) % 3);
                let of_patient = 0.001 * f64::from(patient * patient % 7);
                scores.push(ArmScore {
                    arm: arm.to_owned(),
                    seed: u64::from(seed),
                    split: 0,
                    patient: patient.to_string(),
                    case: patient.to_string(),
                    value: Some(0.75 + 0.03125 * f64::from(place) + luck + of_patient),
                    absent_because: None,
                });
            }
        }
        let arms = arms.map(|(arm, n_patients, is_fitted)| CurveArm {
            arm: arm.to_owned(),
            n_patients,
            is_fitted,
        });
        let curve = learning_curve("Dice", &arms, &scores).unwrap();
        let [points, fits] = learning_curve_tables(&curve).map(|table| table.to_markdown());
        insta::assert_snapshot!(format!("{points}\n{fits}"));
    }
}
