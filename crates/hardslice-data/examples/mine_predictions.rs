//! Mines the predictions of any program, without a net and without Burn: prepares a cohort, scores
//! every slice by label maps that are named by its cases, and writes the plan and the ledger.
//!
//! `cargo run --release -p hardslice-data --example mine_predictions -- COHORT PREDICTIONS TAU OUT
//! ORGAN=VALUE ...`, with a tau as experiments have it (`0.9`, `"hardest 15 %"`). All cases are mined,
//! as by `hardslice mine --predictions` without a split.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use hardslice_data::audit::Accepted;
use hardslice_data::balance::{Arm, ArmError, BalanceOptions, Candidates, Plan, RepeatFactors};
use hardslice_data::manifest::{self, Layout};
use hardslice_data::mining::{
    ExternalPredictions, FoldCases, MiningOptions, TauBasis, candidates, mine,
};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{Organ, OrganMap, StoreOrgan};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [cohort, predictions, tau, out, labels @ ..] = &args[..] else {
        return Err("wanted: COHORT PREDICTIONS TAU OUT ORGAN=VALUE ...".into());
    };
    let labels = labels.iter().map(|label| {
        let (organ, value) = label.split_once('=').ok_or("wanted ORGAN=VALUE")?;
        Ok((Organ::new(organ)?, vec![value.parse()?]))
    });
    let labels = OrganMap::new(labels.collect::<Result<Vec<_>, Box<dyn Error>>>()?)?;
    let (cohort, predictions, out) = (Path::new(cohort), Path::new(predictions), Path::new(out));
    let options = MiningOptions {
        tau: tau.parse()?,
        ..MiningOptions::default()
    };

    let manifest = manifest::read(cohort, Layout::Auto, Some(&labels))?;
    prepare(
        &manifest,
        &PrepareOptions::default(),
        Accepted::Everything,
        &out.join("store"),
        &|_| {},
    )?;
    let store = Store::open(out.join("store"))?;
    let organs: Vec<StoreOrgan> = store.all_organs().collect();
    let folds = FoldCases::of(&store, &organs, None);

    let external = ExternalPredictions {
        store: &store,
        organs: &organs,
        dir: predictions,
        labels: None,
        probabilities: false,
    };
    let (mut scored, mut files) = (Vec::new(), blake3::Hasher::new());
    for case in external.scores(&folds.a, 2, &|| ()) {
        let case = case?;
        files.update(case.blake3.as_bytes());
        scored.extend(case.scored);
    }
    let mined = mine(&store, &organs, scored, &options, &TauBasis::default())?;

    let a = candidates(&store, &organs, &folds.a);
    let all = Candidates {
        a: &a,
        b: &[],
        factors: &RepeatFactors::of(&a, 1.0),
        seed: 0,
    };
    let plan = match Arm::Hard.second_half(&all, &mined.hard, &BalanceOptions::default()) {
        Err(ArmError::Empty { .. }) => Plan::default(),
        plans => plans?.swap_remove(0),
    };
    let scored_by = files.finalize().to_hex().to_string();
    mined.write(&store, &plan, 0, &scored_by, &out.join("mining"))?;

    let mut said = io::stdout();
    for (organ, tau) in organs.iter().zip(&mined.taus) {
        let organ = store.organ(*organ);
        let (n_hard, n) = (tau.n_hard, tau.n_scored);
        writeln!(
            said,
            "{organ}: {n_hard} of {n} slices are below tau {:.3}",
            tau.value
        )?;
    }
    Ok(())
}
