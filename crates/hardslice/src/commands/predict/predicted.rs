//! What is known of scans that were predicted, by one process or by several that share them.

use std::path::Path;

use anyhow::anyhow;
use hardslice_data::{Left, Share, identity};
use hardslice_train::Model;
use serde::{Deserialize, Serialize};

use super::Predict;
use super::job::Job;
use crate::bars::Bars;
use crate::external::said_of_missing;
use crate::layout::share_beside;
use crate::looks::Looks;
use crate::notes::Notes;
use crate::provenance;

/// What is known of scans that were predicted, beside their label maps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Predicted {
    pub(super) notes: Notes,
    pub(super) n_failed: usize,
    pub(super) looks: Looks,
    /// Scans that the model was trained on.
    pub(super) trained_on: Vec<String>,
    /// Of a share: the hash of each scan that was predicted, and of what was written of it.
    pub(super) files: Vec<(String, String)>,
}

impl Predicted {
    /// Refuses a share whose scans, or what was written of them, are no longer what they were.
    fn check_files(&self, share: Share) -> anyhow::Result<()> {
        for (path, hash) in &self.files {
            let now = provenance::hashes(&[Path::new(path)]).ok();
            if now.is_none_or(|now| now[0].1 != *hash) {
                return Err(anyhow!(
                    "{path} is gone, or no longer what it was when part {share} was predicted: predict \
                     that part again, which then joins them"
                ));
            }
        }
        Ok(())
    }
}

/// Hash of all that decides what every share of the scans leaves.
pub(super) fn identity_of(model: &Model, settings: &impl Serialize, jobs: &[Job]) -> String {
    let scans: Vec<&str> = jobs.iter().map(|job| job.scan.name.as_str()).collect();
    let weights = (&model.record.weights_blake3, &model.record.confidence);
    identity(&(weights, settings, scans, model.net.arithmetic()))
}

impl Predict {
    /// What was found in all shares, where none is missing; what was found here, where there are no
    /// shares.
    pub(super) fn joined(
        &self,
        found: Predicted,
        identity: &str,
        bars: &Bars,
    ) -> anyhow::Result<Option<Predicted>> {
        let Some(share) = self.share else {
            return Ok(Some(found));
        };
        // Refused before, where it has none.
        let path = |share| share_beside(&self.out, share).expect("the output has a name");
        match share.leave(identity, found, path)? {
            Left::All(shares) => {
                let mut all = Predicted::default();
                for (share, part) in shares.iter().zip(share.all()) {
                    share.check_files(part)?;
                }
                for share in shares {
                    all.n_failed += share.n_failed;
                    all.notes.append(share.notes);
                }
                Ok(Some(all))
            }
            Left::Missing(missing) => {
                bars.print(&said_of_missing(share, &missing))?;
                Ok(None)
            }
        }
    }
}
