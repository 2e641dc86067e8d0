//! The same net on Burn's own operations, as on every device without own kernels: the same losses.

use burn::tensor::Device;
use hardslice_kernels::Buffer;
use hardslice_train::bench::{Mode, Prepared, Size, Workload};
use hardslice_train::net::{Dtype, Net, NetConfig, NetKind, NormKind};
use hardslice_train::{Batch, ComputeDevice, TrainConfig, TrainState};

const N_STEPS: u64 = 20;

/// A batch of the benchmark's discs, cut to the first slices and to their upper left corner.
fn corner(batch: &Batch, n: usize, size: usize) -> Batch {
    let cut = |planes: &[f32]| {
        let whole = planes.chunks_exact(batch.size * batch.size).take(n);
        let rows = whole.flat_map(|plane| plane.chunks_exact(batch.size).take(size));
        let pixels: Vec<f32> = rows.flat_map(|row| row[..size].iter().copied()).collect();
        Buffer::copy_of(&pixels)
    };
    Batch {
        n,
        size,
        images: cut(&batch.images),
        targets: cut(&batch.targets),
        annotated: batch.annotated[..n].to_vec(),
        ..batch.clone()
    }
}

fn discs() -> Batch {
    let workload = Workload {
        net: NetKind::UNet,
        size: Size::A,
        mode: Mode::Train,
        dtype: Dtype::F32,
    };
    let prepared = Prepared::new(workload, N_STEPS, 3, &Device::flex());
    prepared.expect("it has this size").batch
}

/// Slices, their size and the width of the net: no more than it takes to learn something, since Burn's
/// own operations are built without optimisation.
fn extent(kind: NetKind) -> [usize; 3] {
    match kind {
        NetKind::UNet => [2, 96, 4],
        NetKind::Fcn8s => [4, 96, 12],
    }
}

/// Learning rates at which rounding does not grow from step to step: the coarsest norms of the FCN
/// see 36 values each.
fn lr0(kind: NetKind) -> f64 {
    match kind {
        NetKind::UNet => 0.003,
        NetKind::Fcn8s => 0.0002,
    }
}

fn losses(kind: NetKind, norm: NormKind, batch: &Batch, device: &Device) -> Vec<f64> {
    let config = NetConfig {
        // What the bound was measured with.
        prior_prob: 0.5,
        kind,
        norm,
        width: extent(kind)[2],
        ..NetConfig::default()
    };
    let train = TrainConfig {
        steps: N_STEPS,
        batch: batch.n,
        lr0: lr0(kind),
        ..TrainConfig::default()
    };
    let net = Net::new(&config, 1, 5, &device.clone().autodiff());
    let mut state = TrainState::new(net, &train);
    let mut losses = Vec::new();
    for _ in 0..N_STEPS {
        let (next, loss) = state.take_step(batch, &train, 7, device).expect("finite");
        losses.push(loss);
        state = next;
    }
    losses
}

/// One test: what computes is chosen for the whole process.
#[test]
fn twenty_steps_have_the_losses_of_burns_own_operations() {
    let batch = discs();
    let cases = [
        (NetKind::UNet, NormKind::Batch),
        (NetKind::UNet, NormKind::None),
        (NetKind::Fcn8s, NormKind::Batch),
    ];
    let on = |name: &str| {
        let device: ComputeDevice = name.parse().expect("a device");
        let device = device.open().expect("every build has it");
        cases.map(|(kind, norm)| {
            let [n, size, _] = extent(kind);
            losses(kind, norm, &corner(&batch, n, size), &device)
        })
    };
    let kernels = on("cpu");
    let reference = on("reference");
    assert_eq!(hardslice_kernels::instruction_set(), "burn");
    for ((case, found), expected) in cases.iter().zip(&kernels).zip(&reference) {
        let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let furthest = furthest.fold(0.0, f64::max);
        assert!(
            furthest < 1e-4,
            "{case:?}: {furthest} apart, {found:?}, expected {expected:?}"
        );
        assert!(
            found[19] < found[0] - 1e-3,
            "{case:?}: it does not train, {found:?}"
        );
    }
}
