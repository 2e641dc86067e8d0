//! What is wrong with the labels of a scan.

use hardslice_volume::dicom::DicomError;
use hardslice_volume::{ReadError, Scan, Volume, default_tolerance_mm, read_labels_within};
use rayon::prelude::*;

use super::finding::{Finding, Kind, error, unreadable, warning};
use super::{AuditOptions, CaseAudit};
use crate::OrganMap;
use crate::manifest::Case;

/// Label values named in a message.
const MOST_NAMED: usize = 8;

pub(super) fn check(
    case: &Case,
    scan: &Scan<f32>,
    organs: &OrganMap,
    options: &AuditOptions,
    audit: &mut CaseAudit,
) {
    let Some(path) = &case.labels else { return };
    let tolerance_mm = options
        .grid_tolerance_mm
        .unwrap_or(default_tolerance_mm(scan.volume.grid()));
    let labels = match read_labels_within(path, scan, organs.label_names(), tolerance_mm) {
        Ok(labels) => labels.volume,
        Err(read_error) => {
            audit.findings.push(not_read(&read_error));
            return;
        }
    };
    let counts = counts(&labels);
    audit.findings.extend(outside(&counts, organs));
    let per_organ = per_organ(&counts, organs);
    let is_annotated = |organ_idx: usize| {
        organs
            .organ(organ_idx)
            .is_some_and(|organ| case.organs_annotated.contains(organ))
    };
    let voxel_ml = labels.grid().voxel_ml();
    for (organ_idx, organ) in organs
        .organs()
        .enumerate()
        .filter(|(idx, _)| is_annotated(*idx))
    {
        audit
            .organs_ml
            .push((organ.clone(), per_organ[organ_idx] as f64 * voxel_ml));
    }
    if per_organ.iter().all(|n| *n == 0) && !case.organs_annotated.is_empty() {
        audit.findings.push(error(
            Kind::LabelsEmpty,
            format!("the labels hold no voxel of any organ ({organs})"),
            "check the organ map and that the file holds the labels of this scan",
        ));
        return;
    }
    for (organ_idx, organ) in organs.organs().enumerate() {
        let n = per_organ[organ_idx];
        if n == 0 && is_annotated(organ_idx) {
            audit.findings.push(warning(
                Kind::OrganAbsent,
                format!("`{organ}` is said to be annotated but has no voxel"),
                "take it off the list unless the patient really lacks the organ, or the scan ends \
                 before it",
            ));
        } else if n > 0 && !is_annotated(organ_idx) {
            audit.findings.push(warning(
                Kind::OrganNotAnnotated,
                format!("`{organ}` has {n} voxels but is not said to be annotated: it is not used"),
                "add it to the list if its annotation can be trusted",
            ));
        }
    }
    audit.findings.extend(sides(&labels, organs));
}

fn not_read(read_error: &ReadError) -> Finding {
    let differs = |message: String| {
        error(
            Kind::GridDiffers,
            message,
            "resample the labels onto the scan (nearest neighbour), or repair the header that is \
             wrong; a rounding of headers can be allowed for with a larger tolerance",
        )
    };
    match read_error {
        ReadError::Grid { source, .. } => differs(source.to_string()),
        ReadError::Dicom(off_grid @ DicomError::OffGrid { .. }) => differs(off_grid.to_string()),
        _ => unreadable(Kind::LabelsUnreadable, read_error),
    }
}

/// Voxels of each label value.
fn counts(labels: &Volume<u16>) -> Vec<u64> {
    let new = || vec![0_u64; usize::from(u16::MAX) + 1];
    let n_pixels = labels.shape().n_pixels().max(1);
    // Sums of whole numbers: the order of the parts does not matter.
    let parts = labels.voxels().par_chunks(n_pixels * 16).map(|part| {
        let mut counts = new();
        for label in part {
            counts[usize::from(*label)] += 1;
        }
        counts
    });
    parts.reduce(new, |mut sum, part| {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
        sum
    })
}

fn per_organ(counts: &[u64], organs: &OrganMap) -> Vec<u64> {
    let mut per_organ = vec![0; organs.len()];
    for (stored, count) in organs.store_values().into_iter().zip(counts) {
        if stored > 0 {
            per_organ[usize::from(stored) - 1] += count;
        }
    }
    per_organ
}

fn outside(counts: &[u64], organs: &OrganMap) -> Option<Finding> {
    let table = organs.store_values();
    let others: Vec<String> = (1..counts.len())
        .filter(|label| counts[*label] > 0 && table[*label] == 0)
        .map(|label| format!("{label} ({} voxels)", counts[label]))
        .collect();
    let named = others
        .iter()
        .take(MOST_NAMED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let rest = match others.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!others.is_empty()).then(|| {
        warning(
            Kind::LabelsOutsideMap,
            format!("label values outside the organ map ({organs}): {named}{rest}"),
            "they become background; add them to an organ if they belong to one (a tumour of the \
             liver: liver = [1, 2])",
        )
    })
}

/// Organs that lie on the wrong side of the patient. x grows to the right.
fn sides(labels: &Volume<u16>, organs: &OrganMap) -> Vec<Finding> {
    let centres = centres_x(labels, organs);
    let at = |name: &str| {
        let of_name = organs
            .organs()
            .position(|organ| OrganMap::same_name(organ.as_str(), name));
        of_name.and_then(|organ_idx| centres[organ_idx])
    };
    let mirror = organs.mirror_table();
    let mut misplaced: Vec<String> = Vec::new();
    if let (Some(liver), Some(spleen)) = (at("liver"), at("spleen")) {
        if liver < spleen {
            misplaced.push("the liver lies left of the spleen".to_owned());
        }
    } else if at("liver").is_some_and(|liver| liver < 0.5 * labels.shape().x as f64 - 0.5) {
        misplaced.push("the liver lies in the left half of the scan".to_owned());
    }
    for (organ_idx, organ) in organs.organs().enumerate() {
        let twin_idx = usize::from(mirror[usize::from(organs.store_value(organ_idx))]) - 1;
        let is_left = organ.as_str().to_lowercase().contains("left")
            || organ
                .as_str()
                .to_lowercase()
                .split(['_', '-', ' '])
                .any(|word| word == "l");
        if let (true, true, Some(left), Some(right)) = (
            twin_idx != organ_idx,
            is_left,
            centres[organ_idx],
            centres[twin_idx],
        ) && left > right
        {
            misplaced.push(format!("`{organ}` lies right of its twin"));
        }
    }
    let fix = "look at the scan: the affine or the labels are mirrored, or the patient is (situs \
               inversus)";
    misplaced
        .into_iter()
        .map(|what| warning(Kind::SideImplausible, what, fix))
        .collect()
}

/// Mean x of each organ, in voxels.
fn centres_x(labels: &Volume<u16>, organs: &OrganMap) -> Vec<Option<f64>> {
    let table = organs.store_values();
    let mut sums = vec![(0_u64, 0_u64); organs.len()];
    for row in labels.voxels().chunks(labels.shape().x.max(1)) {
        for (x, label) in row.iter().enumerate() {
            let stored = usize::from(table[usize::from(*label)]);
            if stored > 0 {
                let (n, sum) = &mut sums[stored - 1];
                *n += 1;
                *sum += x as u64;
            }
        }
    }
    sums.into_iter()
        .map(|(n, sum)| (n > 0).then(|| sum as f64 / n as f64))
        .collect()
}
