//! What only shows when cases are compared.

use std::collections::BTreeMap;

use super::CaseAudit;
use super::finding::{Finding, Kind, error, warning};
use crate::{CaseId, PatientId};

/// Adds to each case what it shares with an earlier one that it should not.
pub(super) fn compare(cases: &mut [CaseAudit], folds: &BTreeMap<CaseId, String>) {
    let mut scans: BTreeMap<String, (CaseId, PatientId)> = BTreeMap::new();
    let mut patients: BTreeMap<PatientId, (CaseId, String)> = BTreeMap::new();
    let mut labels: BTreeMap<String, (CaseId, Option<String>)> = BTreeMap::new();
    for audit in cases {
        let (case, patient) = (audit.case.clone(), audit.patient.clone());
        if let Some(scan) = &audit.scan {
            let this = (case.clone(), patient.clone());
            let (first, owner) = scans.entry(scan.voxels_blake3.clone()).or_insert(this);
            let message = format!("the same scan as `{first}`, voxel by voxel");
            if *first != case && *owner == patient {
                let fix = "take one of the two out: the scan would count twice";
                audit.findings.push(warning(Kind::SameScan, message, fix));
            } else if *first != case {
                let message = format!("{message}, but of another patient (`{owner}`)");
                let fix = "take one of the two out, or give both one patient: else the scan is \
                           trained on and tested on";
                audit.findings.push(error(Kind::SameScan, message, fix));
            }
        }
        if let Some(hash) = &audit.labels_blake3 {
            let this = (case.clone(), scan_of(audit));
            let (first, its_scan) = labels.entry(hash.clone()).or_insert(this);
            if *its_scan != scan_of(audit) {
                audit.findings.push(warning(
                    Kind::SameLabels,
                    format!(
                        "the labels are those of `{first}`, voxel by voxel, and the scan is not"
                    ),
                    "look whether a file was copied over another: only small or made-up organs are \
                     alike by chance",
                ));
            }
        }
        let Some(fold) = folds.get(&case) else {
            continue;
        };
        let this = (case.clone(), fold.clone());
        let (first, its_fold) = patients.entry(patient.clone()).or_insert(this);
        if its_fold != fold {
            audit.findings.push(error(
                Kind::PatientInTwoFolds,
                format!(
                    "the patient `{patient}` is in two folds: `{first}` in {its_fold}, `{case}` in \
                     {fold}"
                ),
                "put all scans of a patient into one fold",
            ));
        }
    }
}

fn scan_of(audit: &CaseAudit) -> Option<String> {
    audit.scan.as_ref().map(|scan| scan.voxels_blake3.clone())
}

/// What the cohort's own list says of every scan.
pub(super) fn other_channel(channel: &str) -> Finding {
    error(
        Kind::NotHu,
        format!("the cohort says that the channel of its scans is `{channel}`, not CT"),
        "values are taken for Hounsfield units: correct the channel's name, or accept it",
    )
}
