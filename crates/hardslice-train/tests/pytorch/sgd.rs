//! Ten steps of SGD.

use burn::tensor::Device;
use hardslice_data::random::Stream;
use hardslice_train::net::{ForwardContext, Net};
use hardslice_train::weights::Weights;
use hardslice_train::{Loss, PolySchedule, Sgd, SgdConfig};
use serde::Deserialize;

use crate::case::{Batch, Case, compare_weights};
use crate::golden::Golden;

/// Of the losses. PyTorch's float32: 1e-7 at worst.
const LOSSES: f64 = 1e-6;

/// Of the weights. PyTorch's float32 is off by 1e-6 at worst: the steps are small beside the
/// weights, so that little of the gradients' error gets into them.
const WEIGHTS: f64 = 1e-5;

/// Of velocities, which are gradients, at weights that have moved apart by then. PyTorch's float32
/// is off by 4.2e-5 at worst.
const VELOCITIES: f64 = 2e-4;

#[derive(Deserialize)]
struct Training {
    #[serde(flatten)]
    case: Case,
    lr0: f64,
    power: f64,
    momentum: f64,
    #[serde(default)]
    clip_grad_norm: f64,
    n_steps: usize,
    schedule_steps: u64,
}

struct State {
    net: Net,
    sgd: Sgd,
    losses: Vec<f32>,
}

impl Training {
    fn start(&self, device: &Device) -> State {
        State {
            net: self.case.net(device),
            sgd: Sgd::default(),
            losses: Vec::new(),
        }
    }

    fn sgd(&self) -> SgdConfig {
        SgdConfig {
            momentum: self.momentum,
            clip_grad_norm: self.clip_grad_norm,
        }
    }

    fn step(&self, state: State, batch: &Batch) -> State {
        let State {
            mut net,
            mut sgd,
            mut losses,
        } = state;
        let schedule = PolySchedule {
            lr0: self.lr0,
            power: self.power,
            n_steps: self.schedule_steps,
        };
        let mut pass = ForwardContext::train(Stream::new(0, "dropout"));
        let logits = net.forward(batch.x.clone(), &mut pass);
        let loss = Loss::default().of(logits, batch.targets.clone());
        let lr = schedule.lr(losses.len() as u64);
        losses.push(loss.clone().into_scalar());
        net.absorb_statistics(pass);
        let net = sgd.step(net, loss.backward(), self.sgd(), lr).unwrap();
        State { net, sgd, losses }
    }

    fn run(&self, mut state: State, n_steps: usize, batch: &Batch) -> State {
        for _ in 0..n_steps {
            state = self.step(state, batch);
        }
        state
    }
}

fn ends_where_pytorch_does(name: &'static str) {
    let mut golden = Golden::open(name);
    let training: Training = golden.case();
    let device = Device::flex().autodiff();
    let batch = training.case.batch(&device);
    let State { net, sgd, losses } =
        training.run(training.start(&device), training.n_steps, &batch);
    golden.compare("losses", &[training.n_steps], &losses, LOSSES);
    let weights = Weights::of(&net);
    compare_weights(&mut golden, "after", &weights, WEIGHTS);
    let mut velocities = sgd.state();
    for velocity in &mut velocities.tensors {
        // Velocities are kept flat.
        velocity
            .shape
            .clone_from(&weights.get(&velocity.name).unwrap().shape);
    }
    compare_weights(&mut golden, "velocity", &velocities, VELOCITIES);
    golden.finish();
}

#[test]
fn ten_steps_with_momentum_end_at_pytorchs_weights_and_velocities() {
    ends_where_pytorch_does("sgd_momentum");
}

#[test]
fn ten_steps_without_momentum_end_at_pytorchs_weights() {
    ends_where_pytorch_does("sgd_plain");
}

#[test]
fn ten_steps_whose_gradients_are_clipped_end_where_pytorch_does() {
    ends_where_pytorch_does("sgd_clipped");
}

#[test]
fn steps_after_a_save_and_a_restore_give_the_same_bytes() {
    let training: Training = Golden::open("sgd_momentum").case();
    let device = Device::flex().autodiff();
    let batch = training.case.batch(&device);
    let straight = training.run(training.start(&device), 4, &batch);

    let State { net, sgd, losses } = training.run(training.start(&device), 2, &batch);
    let [weights, velocities] = [Weights::of(&net), sgd.state()].map(|saved| {
        Weights::from_safetensors(&saved.to_safetensors(), "a file".as_ref()).unwrap()
    });
    let restored = State {
        net: weights.load_into(training.start(&device).net).unwrap(),
        sgd: Sgd::from_state(velocities, &device),
        losses,
    };
    let resumed = training.run(restored, 2, &batch);

    assert_eq!(resumed.losses, straight.losses, "losses");
    let [of_resumed, of_straight] = [&resumed, &straight].map(|s| Weights::of(&s.net).hash());
    assert_eq!(of_resumed, of_straight, "weights");
    let [of_resumed, of_straight] = [&resumed, &straight].map(|s| s.sgd.state().hash());
    assert_eq!(of_resumed, of_straight, "velocities");
}

#[test]
fn a_batch_without_annotation_lets_the_weights_coast_on_their_velocities() {
    let training: Training = Golden::open("sgd_momentum").case();
    let device = Device::flex().autodiff();
    let mut batch = training.case.batch(&device);
    let before = training.run(training.start(&device), 1, &batch);
    let [weights_before, velocities_before] = [Weights::of(&before.net), before.sgd.state()];
    batch.targets.annotated = batch.targets.annotated.zeros_like();
    let after = training.run(before, 1, &batch);
    assert!(after.losses[1].abs() <= 0.0, "the loss of nothing");
    // The second of 20 steps: 0.05 * 0.95^0.9 = 0.047 744 27.
    let lr = 0.047_744_27;
    let weights_after = Weights::of(&after.net);
    for velocity_after in after.sgd.state().tensors {
        let name = &velocity_after.name;
        let [old, new] =
            [&weights_before, &weights_after].map(|weights| weights.get(name).unwrap());
        let velocities = velocities_before.get(name).unwrap().values.iter();
        for (i, velocity) in velocities.enumerate() {
            let left = 0.9 * velocity;
            let got = velocity_after.values[i];
            assert!(
                (got - left).abs() <= 1e-6 * left.abs(),
                "{name} {i}: {got} of {velocity}"
            );
            let want = old.values[i] - lr * left;
            let got = new.values[i];
            assert!(
                (got - want).abs() < 1e-6,
                "{name} {i}: {got}, expected {want}"
            );
        }
    }
}
