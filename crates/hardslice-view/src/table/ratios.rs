//! Selection ratios of an organ that the paper has no table of.

use hardslice_eval::Summary;

use super::{Cell, Column, Table};

/// A row: an arm that was trained on a share of the patients.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioRow {
    /// The arm, for example `selection ratio = 0.5`.
    pub model: String,
    /// Patients that it takes annotations of. `None` where that cannot be told.
    pub n_patients: Option<usize>,
    /// Slices that it was trained on, the mean over trainings. `None` where that cannot be told.
    pub n_slices: Option<f64>,
    /// Test Dice over cases. `None` where the arm has no scores.
    pub dice: Option<Summary>,
    /// Dice that the worst of five test patients is expected to have. `None` without scores.
    pub worst_of_five: Option<f64>,
}

/// The rows as a table; a note names the arms without scores.
pub fn ratio_table(organ: &str, net: &str, rows: &[RatioRow]) -> Table {
    let columns = vec![
        Column::words("model", "model"),
        Column::numbers("n_training_patients", "training patients"),
        Column::numbers("n_training_slices", "training slices"),
        Column::numbers("n", "n"),
        Column::numbers("mean", "mean"),
        Column::numbers("sd", "SD"),
        Column::numbers("min", "min"),
        Column::numbers("max", "max"),
        Column::numbers("worst_of_five", "worst of five"),
    ];
    let cells = |row: &RatioRow| {
        let dice = |of: fn(&Summary) -> Option<f64>, decimals| {
            Cell::some_number(row.dice.as_ref().and_then(of), decimals)
        };
        vec![
            Cell::words(&row.model),
            row.n_patients.map_or(Cell::Absent, Cell::Count),
            Cell::some_number(row.n_slices, 0),
            row.dice.map_or(Cell::Absent, |dice| Cell::Count(dice.n)),
            dice(|dice| dice.mean, 4),
            dice(|dice| dice.sd, 3),
            dice(|dice| dice.min, 4),
            dice(|dice| dice.max, 4),
            Cell::some_number(row.worst_of_five, 4),
        ]
    };
    let without = rows.iter().filter(|row| row.dice.is_none());
    let without: Vec<&str> = without.map(|row| row.model.as_str()).collect();
    let mut notes = vec![
        "Training patients are those of whom the organ is annotated; the proposed model is trained on \
         B of the selection ratio 0.5 and on hard slices of the others, who are all annotated for \
         that. All have the same number of steps."
            .to_owned(),
        "Worst of five: the Dice that the worst of five random test patients is expected to have."
            .to_owned(),
    ];
    if !without.is_empty() {
        notes.push(format!("Without scores: {}.", without.join("; ")));
    }
    Table {
        title: format!("Test Dice by selection ratio, {organ}, {net}"),
        columns,
        rows: rows.iter().map(cells).collect(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_it_was_trained_on_and_what_it_scored() {
        let row = |model: &str, n, scores: &[f64]| RatioRow {
            model: model.to_owned(),
            n_patients: Some(n),
            n_slices: Some(n as f64 * 40.0 + 0.5),
            dice: Some(Summary::of(scores.iter().copied().map(Some))),
            worst_of_five: Some(scores[0]),
        };
        let rows = [
            row("selection ratio = 1, baseline", 12, &[0.75, 0.875, 1.0]),
            row("selection ratio = 0.5", 6, &[0.5]),
            RatioRow {
                model: "selection ratio = 0.2".to_owned(),
                n_patients: Some(2),
                n_slices: None,
                dice: None,
                worst_of_five: None,
            },
        ];
        let table = ratio_table("parotid_left", "U-Net", &rows);
        insta::assert_snapshot!(format!("{}\n{}", table.to_markdown(), table.to_csv()));
    }
}
