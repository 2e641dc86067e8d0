//! What is wrong with the labels of a scan.

use hardslice_volume::dicom::DicomError;
use hardslice_volume::{Grid, ReadError, Volume, describe_labels};
use rayon::prelude::*;

use super::CaseAudit;
use super::finding::{Finding, Kind, error, unreadable, warning};
use crate::manifest::Case;
use crate::{Mirror, Organ, OrganMap};

/// Label values named in a message.
const MOST_NAMED: usize = 8;

/// What is counted in the labels of a scan, slice by slice in any order.
#[derive(Debug)]
pub(crate) struct LabelCounts {
    /// Voxels of each value.
    n: Vec<u64>,
    /// Sum of the places along x of the voxels of each value.
    sum_x: Vec<u64>,
    /// Voxels along x.
    n_x: usize,
}

impl LabelCounts {
    /// Of no slice yet, with as many voxels along x as given.
    pub(crate) fn new(n_x: usize) -> Self {
        let zeros = || vec![0; usize::from(u16::MAX) + 1];
        Self {
            n: zeros(),
            sum_x: zeros(),
            n_x,
        }
    }

    /// Adds a slice, or several.
    pub(crate) fn add(&mut self, labels: &[u16]) {
        for row in labels.chunks(self.n_x.max(1)) {
            // Most rows show nothing.
            if row.iter().all(|label| *label == 0) {
                self.n[0] += row.len() as u64;
                continue;
            }
            for (x, label) in row.iter().enumerate() {
                self.n[usize::from(*label)] += 1;
                self.sum_x[usize::from(*label)] += x as u64;
            }
        }
    }

    /// Of the labels of a whole scan.
    pub(super) fn of(labels: &Volume<u16>) -> Self {
        let shape = labels.shape();
        let parts = labels.voxels().par_chunks(shape.n_pixels().max(1) * 16);
        let counted = parts.map(|part| {
            let mut counts = Self::new(shape.x);
            counts.add(part);
            counts
        });
        // Sums of whole numbers: the order of the parts does not matter.
        counted.reduce(
            || Self::new(shape.x),
            |mut sum, part| {
                let adds = sum.n.iter_mut().chain(&mut sum.sum_x);
                for (sum, part) in adds.zip(part.n.iter().chain(&part.sum_x)) {
                    *sum += part;
                }
                sum
            },
        )
    }

    /// The values that there are, but for 0.
    pub(super) fn values(&self) -> Vec<u16> {
        (1..=u16::MAX)
            .filter(|value| self.n[usize::from(*value)] > 0)
            .collect()
    }
}

/// Adds what is found in the labels of a case.
pub(super) fn check(
    case: &Case,
    grid: &Grid,
    counts: &LabelCounts,
    organs: &OrganMap,
    ignored: &[u16],
    audit: &mut CaseAudit,
) {
    audit.label_values = counts.values();
    audit.findings.extend(outside(&counts.n, organs, ignored));
    audit.findings.extend(to_be_ignored(&counts.n, ignored));
    let per_organ = per_organ(&counts.n, organs);
    let is_annotated = |organ_idx: usize| {
        organs
            .organ(organ_idx)
            .is_some_and(|organ| case.organs_annotated.contains(organ))
    };
    let voxel_ml = grid.voxel_ml();
    for (organ_idx, organ) in organs
        .organs()
        .enumerate()
        .filter(|(idx, _)| is_annotated(*idx))
    {
        audit
            .organs_ml
            .push((organ.clone(), per_organ[organ_idx] as f64 * voxel_ml));
    }
    let nameless = nameless(case, organs);
    if !nameless.is_empty() {
        audit.findings.extend(nameless);
        return;
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
    audit.findings.extend(sides(counts, organs));
}

/// Annotated organs that go by names alone, in a label map that has none: every slice would be taken for
/// one without them.
fn nameless(case: &Case, organs: &OrganMap) -> Vec<Finding> {
    let by_names = organs.by_names_alone();
    let annotated: Vec<&Organ> = by_names
        .filter(|organ| case.organs_annotated.contains(organ))
        .collect();
    // Most cohorts have no such organ: no header is read a second time.
    if annotated.is_empty() {
        return Vec::new();
    }
    // Labels that cannot be described could not be read either, which is told elsewhere.
    let described = case.labels.as_deref().map(describe_labels);
    match described {
        Some(Ok(labels)) if !labels.has_names => {}
        _ => return Vec::new(),
    }
    let findings = annotated.into_iter().map(|organ| {
        error(
            Kind::OrganWithoutValue,
            format!(
                "`{organ}` is given by the names of structures alone, and this label map holds values"
            ),
            "say which value it has there, as liver = [1], or take it off the case's list of organs",
        )
    });
    findings.collect()
}

/// Labels that could not be read, or lie elsewhere.
pub(super) fn not_read(read_error: &ReadError) -> Finding {
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

fn per_organ(counts: &[u64], organs: &OrganMap) -> Vec<u64> {
    let mut per_organ = vec![0; organs.len()];
    for (stored, count) in organs.store_values().into_iter().zip(counts) {
        if stored > 0 {
            per_organ[usize::from(stored) - 1] += count;
        }
    }
    per_organ
}

/// Voxels that count nowhere.
fn to_be_ignored(counts: &[u64], ignored: &[u16]) -> Option<Finding> {
    let n: u64 = ignored
        .iter()
        .map(|label| counts[usize::from(*label)])
        .sum();
    let values: Vec<String> = ignored.iter().map(u16::to_string).collect();
    (n > 0).then(|| {
        warning(
            Kind::LabelsIgnored,
            format!(
                "{n} voxels are labelled to be ignored ({})",
                values.join(", ")
            ),
            "they take no part in losses, mining and scores; label them if they should",
        )
    })
}

fn outside(counts: &[u64], organs: &OrganMap, ignored: &[u16]) -> Option<Finding> {
    let table = organs.store_values();
    let is_ignored = |label: usize| ignored.iter().any(|other| usize::from(*other) == label);
    let others: Vec<String> = (1..counts.len())
        .filter(|label| counts[*label] > 0 && table[*label] == 0 && !is_ignored(*label))
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
fn sides(counts: &LabelCounts, organs: &OrganMap) -> Vec<Finding> {
    let centres = centres_x(counts, organs);
    let at = |name: &str| {
        let organ_idx = organs.index_of(organs.organ_named(name)?)?;
        centres[organ_idx]
    };
    let mut misplaced: Vec<String> = Vec::new();
    if let (Some(liver), Some(spleen)) = (at("liver"), at("spleen")) {
        if liver < spleen {
            misplaced.push("the liver lies left of the spleen".to_owned());
        }
    } else if at("liver").is_some_and(|liver| liver < 0.5 * counts.n_x as f64 - 0.5) {
        misplaced.push("the liver lies in the left half of the scan".to_owned());
    }
    for (organ_idx, organ) in organs.organs().enumerate() {
        let Mirror::Twin(twin_idx) = organs.mirror(organ_idx) else {
            continue;
        };
        let is_left = organ.as_str().to_lowercase().contains("left")
            || organ
                .as_str()
                .to_lowercase()
                .split(['_', '-', ' '])
                .any(|word| word == "l");
        if let (true, Some(left), Some(right)) = (is_left, centres[organ_idx], centres[twin_idx])
            && left > right
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
fn centres_x(counts: &LabelCounts, organs: &OrganMap) -> Vec<Option<f64>> {
    let mut sums = vec![(0_u64, 0_u64); organs.len()];
    let of_values = counts.n.iter().zip(&counts.sum_x);
    for (stored, (n, sum_x)) in organs.store_values().into_iter().zip(of_values) {
        if stored > 0 {
            let (n_organ, sum) = &mut sums[usize::from(stored) - 1];
            *n_organ += n;
            *sum += sum_x;
        }
    }
    sums.into_iter()
        .map(|(n, sum)| (n > 0).then(|| sum as f64 / n as f64))
        .collect()
}
