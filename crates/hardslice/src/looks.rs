//! Slices of predictions that a person should look at.

use std::collections::BTreeSet;

use hardslice_train::SliceConfidence;
use serde::{Deserialize, Serialize};

use crate::bars::Bars;

/// How many slices of each scan a person should look at.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Looks {
    n_slices: usize,
    of_scans: Vec<(String, usize)>,
}

impl Looks {
    /// Counts the slices of a scan.
    pub(crate) fn add(&mut self, scan: &str, slices: Vec<SliceConfidence>) {
        let n_in_all = slices.iter().map(|slice| slice.z).collect::<BTreeSet<_>>();
        self.n_slices += n_in_all.len();
        let looked_at = slices.into_iter().filter(|slice| slice.look);
        let n = looked_at
            .map(|slice| slice.z)
            .collect::<BTreeSet<_>>()
            .len();
        if n > 0 {
            self.of_scans.push((scan.to_owned(), n));
        }
    }

    /// Says how many there are, and where most are.
    pub(crate) fn tell(&self, bars: &Bars) {
        let n: usize = self.of_scans.iter().map(|(_, n)| n).sum();
        let most = self.of_scans.iter().max_by_key(|(_, n)| *n);
        let Some((scan, of_scan)) = most else {
            return;
        };
        bars.tell(&format!(
            "note: {n} of {} slices, in {} of the scans, are to be looked at: look is yes in \
             NAME.confidence.csv; most in {scan}, {of_scan}",
            self.n_slices,
            self.of_scans.len(),
        ));
    }
}
