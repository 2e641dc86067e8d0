//! Parsers of nets: safetensors, `model.json`, checkpoints.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use hardslice_train::net::{Net, NetConfig};
use hardslice_train::weights::Weights;
use hardslice_train::{Checkpoint, ComputeDevice, Model, ModelRecord, warm_start};

use crate::seal::with_seal;
use crate::target::{Room, Target, names_the_file};

/// The targets of `hardslice-train`.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "weights",
        run: weights,
        room: NET,
    },
    Target {
        name: "model_json",
        run: model_json,
        room: NET,
    },
    Target {
        name: "checkpoint",
        run: checkpoint,
        room: NET,
    },
];

/// A tensor's header of some forty bytes becomes a name and a shape of their own; a net of the size of
/// the tests takes some megabytes.
const NET: Room = Room {
    constant: 32 << 20,
    per_byte: 64,
    unpacked: None,
};

/// The smallest net that a test trains, on the processor.
static NET_OF_ONE: LazyLock<Net> = LazyLock::new(|| {
    let config = NetConfig {
        width: 1,
        ..NetConfig::default()
    };
    let device = ComputeDevice::default().open().expect("a processor");
    Net::new(&config, 1, 0, &device)
});

fn weights(input: &[u8], folder: &Path) {
    let path = folder.join("weights.safetensors");
    fs::write(&path, input).expect("a folder to write to");
    match Weights::from_safetensors(input, &path) {
        Ok(weights) => {
            let bytes = weights.to_safetensors();
            let again = Weights::from_safetensors(&bytes, &path).expect("what was written");
            assert_eq!(
                again.to_safetensors(),
                bytes,
                "the same weights give the same bytes"
            );
            // An error here names an array.
            drop(weights.load_into(NET_OF_ONE.clone()));
        }
        Err(error) => names_the_file(&error, "weights.safetensors"),
    }
    drop(warm_start(NET_OF_ONE.clone(), &path));
}

/// The record is the input; the weights are those of a net of width 1 for one organ.
fn model_json(input: &[u8], folder: &Path) {
    let weights = folder.join("weights.safetensors");
    if !weights.exists() {
        let bytes = Weights::of(&NET_OF_ONE).to_safetensors();
        fs::write(weights, bytes).expect("a folder to write to");
    }
    fs::write(folder.join("model.json"), with_seal(input)).expect("a folder to write to");
    match ModelRecord::read(folder) {
        Ok(record) => {
            let record = record.expect("it is there");
            for output in record.outputs() {
                assert_ne!(record.label_value(output), 0, "0 is the background");
            }
            assert_eq!(
                record.mirrored_outputs().len(),
                record.organs.len(),
                "each has one"
            );
        }
        Err(error) => names_the_file(&error, "model.json"),
    }
    let device = ComputeDevice::default().open().expect("a processor");
    if let Ok(model) = Model::read(folder, &device) {
        assert_eq!(model.record.net.width, 1, "no other net has these weights");
    }
}

/// The position, then 32 bytes of zeros, then the weights, which are the velocities, too.
fn checkpoint(input: &[u8], folder: &Path) {
    const MARK: &[u8] = &[0; 32];
    let mark = input.windows(MARK.len()).position(|window| window == MARK);
    let (position, weights) = match mark {
        Some(at) => (&input[..at], &input[at + MARK.len()..]),
        None => (input, &[][..]),
    };
    let position = with_seal(position);
    for (name, bytes) in [
        ("position.json", position.as_slice()),
        ("weights.safetensors", weights),
        ("optimizer.safetensors", weights),
    ] {
        fs::write(folder.join(name), bytes).expect("a folder to write to");
    }
    match Checkpoint::read(folder) {
        Ok(read) => {
            let again = read.write(&folder.join("again"), 1).expect("what was read");
            let again = Checkpoint::read(&again).expect("what was written");
            assert_eq!(
                format!("{again:?}"),
                format!("{read:?}"),
                "as it was written"
            );
        }
        Err(error) => names_the_file(&error, &folder.display().to_string()),
    }
}
