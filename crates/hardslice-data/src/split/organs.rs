//! Which organs the folds show.

use std::collections::BTreeSet;

use super::{CaseFacts, Fold, Split, SplitError};
use crate::CaseId;

/// Checks that every organ is seen in what nets are trained on: in all of it, and in B, which the
/// first half sees alone.
pub(super) fn check(split: &Split, cases: &[CaseFacts]) -> Result<(), SplitError> {
    let of = |folds: &[Fold]| -> BTreeSet<&CaseId> {
        folds.iter().flat_map(|fold| split.cases(*fold)).collect()
    };
    let [training, b] = [&[Fold::A, Fold::B][..], &[Fold::B]].map(of);
    let organs = cases.first().map_or(&[][..], |case| &case.n_positive);
    for (organ_idx, (organ, _)) in organs.iter().enumerate() {
        let is_seen = |ids: &BTreeSet<&CaseId>| {
            let of_ids = cases.iter().filter(|case| ids.contains(&case.id));
            of_ids
                .filter_map(|case| case.n_positive[organ_idx].1)
                .sum::<usize>()
                > 0
        };
        let nowhere = |fold, way_out| SplitError::OrganNowhere {
            organ: organ.clone(),
            fold,
            way_out,
        };
        if !is_seen(&training) {
            return Err(nowhere(
                "the training patients",
                "take the organ out of `organs` in the experiment",
            ));
        }
        if !is_seen(&b) {
            return Err(nowhere(
                "B, which pre-training sees alone,",
                "give B patients who show it: other lists, another seed or a larger ratio",
            ));
        }
    }
    Ok(())
}

/// Organs that nobody in a fold is annotated for, or that no slice there shows.
pub(super) fn warnings(fold: Fold, group: &[&CaseFacts]) -> Vec<String> {
    let organs = group
        .first()
        .map_or(&[][..], |case| case.n_positive.as_slice());
    let warning = |(organ_idx, (organ, _)): (usize, &(crate::Organ, Option<usize>))| {
        let n_positive = group.iter().map(|case| case.n_positive[organ_idx].1);
        let annotated: Vec<usize> = n_positive.flatten().collect();
        if annotated.is_empty() {
            Some(format!("nobody in {fold} is annotated for {organ}"))
        } else if annotated.iter().all(|n| *n == 0) {
            Some(format!("no slice of anybody in {fold} shows {organ}"))
        } else {
            None
        }
    };
    organs.iter().enumerate().filter_map(warning).collect()
}
