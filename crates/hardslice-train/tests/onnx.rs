//! Models as ONNX files, left with inputs and our own predictions for the programs that run them:
//! `tools/formats/run_onnx.py` holds those against each other.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use hardslice_data::random::Stream;
use hardslice_data::{Organ, OrganMap};
use hardslice_train::net::{ForwardContext, Net, NetConfig, NetKind, NormKind};
use hardslice_train::weights::Weights;
use hardslice_train::{Model, ModelRecord};
use serde_json::json;

const WINDOW_HU: [i16; 2] = [-150, 250];

/// Batch, height and width of the inputs: odd ones, multiples, and less than one multiple.
const SIZES: [[usize; 3]; 3] = [[2, 40, 33], [1, 32, 64], [3, 7, 5]];

fn folder(case: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("onnx")
        .join(case);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A model that was written and read, as any other; its norms and biases are not as they begin.
fn model(kind: NetKind, norm: NormKind, context: usize) -> Model {
    let net = NetConfig {
        kind,
        norm,
        context,
        width: 4,
        ..NetConfig::default()
    };
    let organs = [("liver", vec![6]), ("kidney", vec![2, 3])];
    let organs = organs.map(|(organ, labels)| (Organ::new(organ).unwrap(), labels));
    let organs = OrganMap::new(organs).unwrap();
    let device = Device::default();
    let mut weights = Weights::of(&Net::new(&net, organs.len(), 5, &device));
    for tensor in &mut weights.tensors {
        let mut stream = Stream::new(7, &tensor.name);
        let is_positive =
            tensor.name.ends_with("running_var") || tensor.name.ends_with("norm.weight");
        if tensor.shape.len() == 1 {
            for value in &mut tensor.values {
                #[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
                let uniform = stream.uniform() as f32;
                *value = if is_positive {
                    0.5 + uniform
                } else {
                    uniform - 0.5
                };
            }
        }
    }
    let mut record = ModelRecord::new(net, organs, 32, WINDOW_HU);
    record.weights_blake3 = blake3::hash(&weights.to_safetensors()).to_hex().to_string();
    record.identity = String::from("of a test");
    let dir = tempfile::tempdir().unwrap();
    Model::write(&record, &weights, &dir.path().join("model")).unwrap();
    Model::read(&dir.path().join("model"), &device).unwrap()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

#[test]
fn models_of_every_kind_are_written_with_what_they_predict() {
    for (case, kind, norm, context) in [
        ("unet_batch", NetKind::UNet, NormKind::Batch, 0),
        ("unet_none", NetKind::UNet, NormKind::None, 1),
        ("fcn8s_batch", NetKind::Fcn8s, NormKind::Batch, 1),
        ("fcn8s_none", NetKind::Fcn8s, NormKind::None, 0),
    ] {
        let model = model(kind, norm, context);
        let folder = folder(case);
        let onnx = model.to_onnx();
        assert!(onnx == model.to_onnx(), "{case}: the same bytes");
        fs::write(folder.join("model.onnx"), onnx).unwrap();
        let channels = 1 + 2 * context;
        for (number, [n, height, width]) in SIZES.into_iter().enumerate() {
            let mut stream = Stream::new(number as u64, "onnx");
            let n_values = n * channels * height * width;
            #[expect(clippy::cast_possible_truncation, reason = "images are f32")]
            let hu = (0..n_values).map(|_| (stream.uniform() * 1500.0 - 1100.0) as f32);
            let hu: Vec<f32> = hu.collect();
            let [low, high] = WINDOW_HU.map(f32::from);
            let unit = hu
                .iter()
                .map(|hu| (hu.clamp(low, high) - low) / (high - low));
            let data = TensorData::new(unit.collect::<Vec<_>>(), [n, channels, height, width]);
            let input = Tensor::from_data(data, &model.net.device());
            let logits = model.net.forward(input, &mut ForwardContext::predict());
            assert_eq!(logits.dims(), [n, 2, height, width]);
            let logits: Vec<f32> = logits.into_data().iter::<f32>().collect();
            fs::write(folder.join(format!("{number}.input")), bytes(&hu)).unwrap();
            fs::write(folder.join(format!("{number}.logits")), bytes(&logits)).unwrap();
        }
        let expected = json!({
            "sizes": SIZES,
            "channels": channels,
            "n_organs": 2,
            "metadata": {
                "organs": [{"organ": "liver", "label": 6}, {"organ": "kidney", "label": 2}],
                "window_hu": WINDOW_HU,
                "size": 32,
                "context": context,
                "weights_blake3": model.record.weights_blake3,
                "identity": "of a test",
            },
        });
        fs::write(folder.join("expected.json"), expected.to_string()).unwrap();
    }
}
