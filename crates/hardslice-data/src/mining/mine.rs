//! Mining: from scored slices to hard ones.

use super::triage::Findings;
use super::verdict::{Verdict, hard_slices};
use super::{
    MinedSlices, MiningOptions, ResolvedTau, ScoredSlice, SliceScore, TauBasis, TauError,
    TauWarning,
};
use crate::balance::HardSlices;
use crate::store::Store;
use crate::{Organ, OutputIdx, StoreOrgan};

/// Finds the hard slices among scored ones: resolves a threshold for each organ, judges every score
/// by it, and looks through the hard slices.
///
/// `organs` are what was scored, in the order of the outputs. Scores may come from a net or from
/// another program ([`ExternalPredictions`](super::ExternalPredictions)), in any order; what is given
/// back is in theirs.
///
/// ```
/// use hardslice_data::SliceRef;
/// use hardslice_data::mining::{MiningOptions, Tau, TauBasis, mine};
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/example_store.rs"));
/// # }
/// # let dir = tempfile::tempdir()?;
///
/// // Of patient a's slices a prediction gets slice 4 wrong: Dice 0.5.
/// let store = example::store(dir.path());
/// let organs: Vec<_> = store.all_organs().collect();
/// let scored = example::scored(&store, 0);
/// let options = MiningOptions { tau: Tau::Fixed(0.8), ..MiningOptions::default() };
/// let mined = mine(&store, &organs, scored, &options, &TauBasis::default())?;
/// assert_eq!(mined.hard.hard, [SliceRef::at(0, 4)].into());
/// assert_eq!((mined.taus[0].n_hard, mined.taus[0].n_scored), (1, 10));
/// assert!(!mined.is_leaky(), "a number leaks nothing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`TauError`] when what a threshold is based on is missing.
///
/// # Panics
///
/// When a score's output is beyond `organs`, or its slice beyond the store.
pub fn mine(
    store: &Store,
    organs: &[StoreOrgan],
    scored: Vec<ScoredSlice>,
    options: &MiningOptions,
    basis: &TauBasis<'_>,
) -> Result<MinedSlices, TauError> {
    let names: Vec<Organ> = organs
        .iter()
        .map(|organ| store.organ(*organ).clone())
        .collect();
    let scores: Vec<SliceScore> = scored.iter().map(|slice| slice.score).collect();
    let JudgedSlices {
        verdicts,
        taus,
        hard,
        warnings,
    } = judge(&names, &scores, options, basis)?;
    let mut findings = Findings::of(store, organs, &verdicts, &scored);
    findings.overruled_by(&options.reviewed, store, organs);
    let hard = hard.without(findings.excluded(options.exclude, &verdicts));
    Ok(MinedSlices {
        scored,
        verdicts,
        taus,
        findings,
        hard,
        warnings,
        organs: organs.to_vec(),
        options: options.clone(),
    })
}

/// Scores that were judged, before anybody has looked at their slices.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedSlices {
    /// Which of the scores are of hard slices, in their order.
    pub verdicts: Vec<Verdict>,
    /// The threshold of each organ.
    pub taus: Vec<ResolvedTau>,
    /// What policies go by.
    pub hard: HardSlices,
    /// Thresholds that take suspiciously little or much.
    pub warnings: Vec<(Organ, TauWarning)>,
}

/// Resolves a threshold for each organ and judges every score by it: the part of [`mine`] that needs
/// no store, so that scores of slices from anywhere will do. [`MiningOptions::exclude`] is passed over,
/// since nobody looks at the slices.
///
/// ```
/// use hardslice_data::mining::{MiningOptions, SliceScore, Tau, TauBasis, judge};
/// use hardslice_data::{Organ, OutputIdx, SliceRef};
///
/// let score = |z, n_shared| SliceScore {
///     slice: SliceRef::at(0, z),
///     output: OutputIdx::new(0),
///     n_truth: 10,
///     n_predicted: 10,
///     n_shared,
/// };
/// let options = MiningOptions { tau: Tau::Fixed(0.8), ..MiningOptions::default() };
/// let organs = [Organ::new("liver").unwrap()];
/// let judged = judge(&organs, &[score(0, 9), score(1, 5)], &options, &TauBasis::default())?;
/// assert_eq!(judged.hard.hard, [SliceRef::at(0, 1)].into());
/// # Ok::<(), hardslice_data::mining::TauError>(())
/// ```
///
/// # Errors
///
/// [`TauError`] when what a threshold is based on is missing.
///
/// # Panics
///
/// When a score's output is beyond `organs`.
pub fn judge(
    organs: &[Organ],
    scores: &[SliceScore],
    options: &MiningOptions,
    basis: &TauBasis<'_>,
) -> Result<JudgedSlices, TauError> {
    let mut taus = Vec::new();
    let mut warnings = Vec::new();
    for (output, organ) in OutputIdx::first(organs.len()).zip(organs) {
        let of_organ = scores.iter().filter(|score| score.output == output);
        let dice: Vec<Option<f64>> = of_organ
            .map(|score| score.dice(options.min_false_positive_px))
            .collect();
        let tau = options.tau.resolve(organ, &dice, &basis.of(output))?;
        warnings.extend(tau.warning().map(|warning| (organ.clone(), warning)));
        taus.push(tau);
    }
    let judge = |score: &SliceScore| {
        let tau = &taus[score.output.idx()];
        Verdict::of(*score, tau, options.min_false_positive_px)
    };
    let verdicts: Vec<Verdict> = scores.iter().map(judge).collect();
    Ok(JudgedSlices {
        hard: hard_slices(&verdicts),
        verdicts,
        taus,
        warnings,
    })
}
