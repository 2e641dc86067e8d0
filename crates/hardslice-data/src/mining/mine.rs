//! Mining: from scored slices to hard ones.

use super::triage::Findings;
use super::verdict::{Verdict, hard_slices};
use super::{MinedSlices, MiningOptions, ScoredSlice, TauBasis, TauError};
use crate::store::Store;
use crate::{OutputIdx, StoreOrgan};

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
    let mut taus = Vec::new();
    let mut warnings = Vec::new();
    for output in OutputIdx::first(organs.len()) {
        let organ = store.organ(organs[output.idx()]);
        let of_organ = scored.iter().filter(|slice| slice.score.output == output);
        let dice: Vec<Option<f64>> = of_organ
            .map(|slice| slice.score.dice(options.min_false_positive_px))
            .collect();
        let tau = options.tau.resolve(organ, &dice, &basis.of(output))?;
        warnings.extend(tau.warning().map(|warning| (organ.clone(), warning)));
        taus.push(tau);
    }
    let judge = |slice: &ScoredSlice| {
        let tau = &taus[slice.score.output.idx()];
        Verdict::of(slice.score, tau, options.min_false_positive_px)
    };
    let verdicts: Vec<Verdict> = scored.iter().map(judge).collect();
    let findings = Findings::of(store, organs, &verdicts, &scored);
    let hard = hard_slices(&verdicts).without(findings.excluded(options.exclude));
    Ok(MinedSlices {
        scored,
        verdicts,
        taus,
        findings,
        hard,
        warnings,
        organs: organs.to_vec(),
        options: *options,
    })
}
