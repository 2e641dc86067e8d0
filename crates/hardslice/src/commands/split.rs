//! `hardslice split`: folds by patient.

use std::path::PathBuf;

use clap::Args;
use hardslice_data::split::BalanceReport;
use hardslice_data::store::Store;
use hardslice_view::table::{Cell, Column, Table};

use crate::bars::Bars;
use crate::cohort::{make_split, refuse_other_store, trained_organs};
use crate::done::Done;
use crate::experiment::Experiment;
use crate::outputs::file_out;

/// Divide the patients into test, validation, A and B, once, into one file.
///
/// Everything is drawn by patient: two scans of one patient never part. B holds the fraction
/// `ratio` of the training patients, chosen so that slices per scan and the share of positive
/// slices match the whole set's; the file tells how balanced it came out, and so does a table. [split] in the
/// experiment's file takes the user's own lists, an nnU-Net `splits_final.json`, k folds, or
/// leave-one-patient-out as well.
#[derive(Debug, Args)]
pub(crate) struct Split {
    /// The experiment's file.
    #[arg(value_name = "EXPERIMENT.toml")]
    experiment: PathBuf,
    /// The prepared cohort.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE.json", value_parser = file_out(&[".json"]))]
    out: PathBuf,
    /// Print how balanced A and B are as JSON for scripts, in place of a table.
    #[arg(long)]
    json: bool,
}

impl Split {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let experiment = Experiment::read(&self.experiment)?;
        let store = Store::open(&self.store)?;
        refuse_other_store(&experiment, &store, None)?;
        let organs = trained_organs(&experiment, store.organs())?;
        let split = make_split(&experiment, &store, &organs, &self.out, bars)?;
        bars.print(&if self.json {
            serde_json::to_string_pretty(&split.balance)?
        } else {
            balance_table(&split.balance).to_markdown()
        })?;
        Ok(Done::Clean)
    }
}

/// A and B beside the whole that they are parts of.
fn balance_table(balance: &BalanceReport) -> Table {
    let mut columns = vec![
        Column::words("group", "group"),
        Column::numbers("patients", "patients"),
        Column::numbers("scans", "scans"),
        Column::numbers("slices", "slices"),
        Column::numbers("slices_mean", "slices per scan"),
        Column::numbers("slices_sd", "SD"),
    ];
    let organs = balance.whole.organs.iter();
    columns.extend(organs.map(|share| {
        let organ = share.organ.as_str();
        Column::numbers(organ, &format!("{organ} (% of slices)"))
    }));
    let groups = [
        ("A", &balance.a),
        ("B", &balance.b),
        ("A and B", &balance.whole),
    ];
    let rows = groups.map(|(name, group)| {
        let mut cells = vec![
            Cell::words(name),
            Cell::Count(group.n_patients),
            Cell::Count(group.n_scans),
            Cell::Count(group.n_slices),
            Cell::some_number(group.slices_mean, 1),
            Cell::some_number(group.slices_sd, 1),
        ];
        let shares = group.organs.iter().map(|share| share.positive_share);
        cells.extend(shares.map(|share| Cell::some_number(share.map(|share| 100.0 * share), 1)));
        cells
    });
    Table {
        title: "Training patients".to_owned(),
        columns,
        rows: rows.into(),
        notes: Vec::new(),
    }
}
