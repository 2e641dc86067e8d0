//! `hardslice review`.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use hardslice_data::store::{Store, record_path};

use crate::bars::Bars;
use crate::done::Done;
use crate::review::{Desk, serve};
use crate::stop;

/// Look at hard slices in a browser and say whether their labels are right.
///
/// Opens a page over what `run`, `compare`, `sweep` or `mine` left, or over a prepared cohort alone:
/// a light table of the hard slices, hardest first, and each slice large, with its neighbours, truth
/// and prediction. Verdicts are given by key: label right, label wrong, ambiguous, scan broken. In the
/// queue a tenth of easy slices comes up among the hard ones, unmarked, so that wrong labels among hard
/// slices have something to be compared with.
///
/// Verdicts are rows in DIR/review/verdicts.csv, each on the disk at once: stop whenever you like. A
/// verdict on a slice whose label has changed since does not count.
///
/// Nothing leaves this machine: the page is served on the loopback address alone, to who has the
/// address that is printed.
#[derive(Debug, Args)]
pub(crate) struct Review {
    /// The folder that the command left, or a prepared cohort.
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The prepared cohort, in place of DIR/store.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// The port; 7811, or one that is free, when absent.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Only print the address; do not open a browser.
    #[arg(long)]
    no_open: bool,
}

impl Review {
    pub(crate) fn run(self, bars: &Bars) -> anyhow::Result<Done> {
        let store = Store::open(self.store()?)?;
        let folder = self.dir.display().to_string();
        let desk = Desk::open(&self.dir, store)?;
        bars.tell(&format!(
            "review: {} slices; Ctrl-C ends it",
            desk.n_items()
        ));
        for warning in desk.warnings() {
            bars.line(&format!("warning: {warning}"));
        }
        stop::end_at_once();
        serve(desk, &folder, self.port, |address| {
            bars.print(address)?;
            if !self.no_open
                && let Err(error) = open::that_detached(address)
            {
                bars.tell(&format!(
                    "note: no browser was opened ({error}): open the address"
                ));
            }
            Ok(())
        })?;
        Ok(Done::Clean)
    }

    fn store(&self) -> anyhow::Result<PathBuf> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let places = [self.dir.join("store"), self.dir.clone()];
        let found = places
            .into_iter()
            .find(|place| record_path(place).is_file());
        found.ok_or_else(|| {
            anyhow!(
                "there is no prepared cohort in {0} or {0}/store: give it with --store; `hardslice \
                 prepare` makes one",
                self.dir.display()
            )
        })
    }
}
