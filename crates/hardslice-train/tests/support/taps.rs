//! A net whose predictions can be told by hand: each output is one pixel of the input, shifted and
//! scaled.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use burn::tensor::Device;
use hardslice_data::{Organ, OrganMap};
use hardslice_train::net::{Net, NetConfig, NormKind};
use hardslice_train::weights::Weights;
use hardslice_train::{Model, ModelRecord};

/// What an output's logit is: `gain * v + bias`, where v is the intensity, from 0 to 1, of the pixel
/// `dy` rows and `dx` columns further on.
#[derive(Clone, Copy)]
pub(crate) struct Tap {
    pub(crate) dy: i64,
    pub(crate) dx: i64,
    pub(crate) gain: f32,
    pub(crate) bias: f32,
}

/// A U-Net of four channels with one tap for each organ, none further than one pixel off. Channel k
/// holds organ k's pixel from the first convolution to the last; all other weights are 0.
pub(crate) fn tap_model(organs: &[(&str, u16)], taps: &[Tap], size: usize) -> Model {
    let config = NetConfig {
        width: 4,
        norm: NormKind::None,
        ..NetConfig::default()
    };
    let net = Net::new(&config, organs.len(), 0, &Device::flex());
    let mut weights = Weights::of(&net);
    for tensor in &mut weights.tensors {
        tensor.values.fill(0.0);
    }
    let mut set = |name: &str, indices: [usize; 4], value: f32| {
        let tensor = weights
            .tensors
            .iter_mut()
            .find(|tensor| tensor.name == name);
        let tensor = tensor.unwrap();
        let place = indices
            .iter()
            .zip(&tensor.shape)
            .fold(0, |place, (index, n)| place * n + index);
        tensor.values[place] = value;
    };
    for (k, tap) in taps.iter().enumerate() {
        let [y, x] = [tap.dy, tap.dx].map(|off| usize::try_from(off + 1).unwrap());
        set("down.0.first.conv.weight", [k, 0, y, x], 1.0);
        set("down.0.second.conv.weight", [k, k, 1, 1], 1.0);
        // The skip connection's channels come first.
        set("dec.3.first.conv.weight", [k, k, 1, 1], 1.0);
        set("dec.3.second.conv.weight", [k, k, 1, 1], 1.0);
        set("out.weight", [k, k, 0, 0], tap.gain);
    }
    let biases = weights.tensors.iter_mut().find(|t| t.name == "out.bias");
    biases.unwrap().values = taps.iter().map(|tap| tap.bias).collect();
    let net = weights.load_into(net).unwrap();
    let organs = organs
        .iter()
        .map(|(name, label)| (Organ::new(*name).unwrap(), vec![*label]));
    let record = ModelRecord {
        weights_blake3: weights.hash(),
        ..ModelRecord::new(config, OrganMap::new(organs).unwrap(), size, [-150, 250])
    };
    Model { record, net }
}

/// Leaves a model's folder.
#[allow(dead_code, reason = "each test uses a part")]
pub(crate) fn write(model: &Model, dir: &Path) {
    Model::write(&model.record, &Weights::of(&model.net), dir).unwrap();
}
