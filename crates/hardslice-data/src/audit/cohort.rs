//! What only shows when cases are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::CaseAudit;
use super::finding::{Finding, Kind, error, warning};
use crate::{CaseId, Organ, PatientId};

/// Fewest patients with an organ whose volumes say what is usual.
const LEAST_PATIENTS: usize = 10;

/// Largest modified z-score of a usual volume (Iglewicz and Hoaglin 1993, "How to detect and handle
/// outliers").
const LARGEST_Z: f64 = 3.5;

/// The median absolute deviation (MAD) of a normal distribution, in standard deviations.
const MAD_OF_NORMAL: f64 = 0.6745;

/// How often the median volume, or what part of it, is usual however alike the others are.
const USUAL_FACTOR: f64 = 2.0;

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

/// Adds a warning to each case in which an organ is much larger or smaller than in the others: by the
/// modified z-score of the logarithm of its volume, in which half and twice are equally far.
pub(super) fn find_unusual_volumes(cases: &mut [CaseAudit]) {
    let mut volumes: BTreeMap<&Organ, (Vec<f64>, BTreeSet<&PatientId>)> = BTreeMap::new();
    for audit in &*cases {
        for (organ, ml) in audit.organs_ml.iter().filter(|(_, ml)| *ml > 0.0) {
            let (log_ml, patients) = volumes.entry(organ).or_default();
            log_ml.push(ml.ln());
            patients.insert(&audit.patient);
        }
    }
    let usual: BTreeMap<Organ, (f64, f64, usize)> = volumes
        .into_iter()
        .filter(|(_, (_, patients))| patients.len() >= LEAST_PATIENTS)
        .map(|(organ, (log_ml, _))| {
            let centre = median(log_ml.clone());
            let mad = median(log_ml.iter().map(|log| (log - centre).abs()).collect());
            (organ.clone(), (centre, mad, log_ml.len()))
        })
        .collect();
    for audit in cases {
        for (organ, ml) in audit.organs_ml.iter().filter(|(_, ml)| *ml > 0.0) {
            let Some((centre, mad, n_scans)) = usual.get(organ) else {
                continue;
            };
            let far = ml.ln() - centre;
            if far.abs() <= USUAL_FACTOR.ln() || MAD_OF_NORMAL * far.abs() <= LARGEST_Z * mad {
                continue;
            }
            let message = format!(
                "`{organ}` has {} ml, {} times the median of {n_scans} scans ({} ml)",
                three_digits(*ml),
                three_digits(far.exp()),
                three_digits(centre.exp())
            );
            let fix = if far > 0.0 {
                "look at its labels: they may hold something else, too; a lesion or a large organ \
                 is no fault"
            } else {
                "look at its labels: drawn in part, perhaps; an organ that the scan cuts off, or a \
                 small one, is no fault"
            };
            audit
                .findings
                .push(warning(Kind::VolumeUnusual, message, fix));
        }
    }
}

/// To three digits, or to whole numbers from 100 on.
fn three_digits(value: f64) -> String {
    let n_decimals = match value {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.n_decimals$}")
}

/// The middle one, or the mean of the two in the middle.
///
/// # Panics
///
/// Of no values there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
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
