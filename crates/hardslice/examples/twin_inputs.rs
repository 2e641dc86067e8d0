//! Writes what a twin in another framework needs to repeat an arm's training: the first weights and,
//! for every step, which slice is shown and how it is turned.
//!
//! `cargo run --release --example twin_inputs -- RUN_DIR ORGAN ARM TWIN_DIR`, with the folder that
//! `hardslice run` left. `benches/peer/train_twin.py` reads the result.

use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use burn::tensor::Device;
use hardslice::data::Organ;
use hardslice::data::balance::{Arm, Plan, WeightedSampler};
use hardslice::data::mining::read_plan;
use hardslice::data::random::Stream;
use hardslice::data::store::Store;
use hardslice::experiment::Experiment;
use hardslice::train::net::Net;
use hardslice::train::weights::Weights;
use hardslice::volume::whole_file::{write_whole, write_whole_bytes};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [run, organ, arm, twin] = &args[..] else {
        return Err("wanted: RUN_DIR ORGAN ARM TWIN_DIR".into());
    };
    let (run, twin) = (Path::new(run), Path::new(twin));
    let experiment = Experiment::read(&run.join("experiment.toml"))?;
    let store = Store::open(run.join("store"))?;
    let (organ, arm): (Organ, Arm) = (Organ::new(organ)?, arm.parse()?);

    let net = Net::new(&experiment.net, 1, experiment.seed, &Device::flex());
    write_whole_bytes(
        &twin.join("initial.safetensors"),
        &Weights::of(&net).to_safetensors(),
    )?;

    let dir = run.join(organ.as_str()).join(arm.name());
    let second = read_plan(&dir.join("plan.csv"), &store)?;
    let first = match arm {
        Arm::Baseline => second.clone(),
        _ => read_plan(&run.join(organ.as_str()).join("b_only/plan.csv"), &store)?,
    };
    let (n, middle) = (experiment.train.steps, experiment.train.first_half());
    write_whole(&twin.join("batches.csv"), |file| {
        writeln!(file, "step,case,z,flip,mirror")?;
        write_samples(file, &experiment, &store, ("first", first), 0..middle)?;
        write_samples(file, &experiment, &store, ("second", second), middle..n)
    })?;
    Ok(())
}

fn write_samples(
    file: &mut impl Write,
    experiment: &Experiment,
    store: &Store,
    (name, plan): (&str, Plan),
    steps: Range<u64>,
) -> std::io::Result<()> {
    let train = &experiment.train;
    let Some(mut sampler) = WeightedSampler::new(plan, train.flip_mode, experiment.seed, name)
    else {
        return Ok(());
    };
    for step in steps.clone() {
        let start = (step - steps.start) * train.batch as u64;
        for (position, sample) in (start..).zip(sampler.samples(start, train.batch)) {
            let mut stream = Stream::new(experiment.seed, &format!("{name}/augment/{position}"));
            let variation = train.augment.draw(&sample, &mut stream);
            let case = &store.cases()[sample.slice.case()].id;
            let [flip, mirror] = [variation.flip, variation.mirror].map(u8::from);
            writeln!(file, "{step},{case},{},{flip},{mirror}", sample.slice.z)?;
        }
    }
    Ok(())
}
