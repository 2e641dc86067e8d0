//! Weights as safetensors, ours and PyTorch's.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use hardslice_train::net::{Net, NetConfig, NetKind, NormKind};
use hardslice_train::weights::Weights;

use crate::golden;
use crate::hashed;

const N_ORGANS: usize = 2;

/// Writes weights where `load_weights.py` looks for them.
pub(crate) fn leave_for_pytorch(name: &str, weights: &Weights) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytorch");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join(format!("{name}.safetensors")),
        weights.to_safetensors(),
    )
    .unwrap();
}

fn net(kind: NetKind, width: usize, norm: NormKind) -> Net {
    let config = NetConfig {
        kind,
        width,
        norm,
        ..NetConfig::default()
    };
    Net::new(&config, N_ORGANS, 1, &Device::flex().autodiff())
}

fn narrow_unet(norm: NormKind) -> Net {
    net(NetKind::UNet, 1, norm)
}

#[test]
fn a_state_dict_saved_by_pytorch_loads() {
    let path = golden::path("state_dict");
    let weights = Weights::from_safetensors(&fs::read(&path).unwrap(), &path).unwrap();
    let net = weights.load_into(narrow_unet(NormKind::Batch)).unwrap();
    for tensor in Weights::of(&net).tensors {
        let want = hashed::weight(&tensor.name, &tensor.shape);
        assert_eq!(tensor.values, want, "{}", tensor.name);
    }
}

#[test]
fn weights_come_back_from_safetensors_as_they_were_and_give_the_same_bytes_again() {
    for (kind, norm) in [
        (NetKind::UNet, NormKind::Batch),
        (NetKind::UNet, NormKind::None),
        (NetKind::Fcn8s, NormKind::Batch),
        (NetKind::Fcn8s, NormKind::None),
    ] {
        let weights = Weights::of(&net(kind, 1, norm));
        let bytes = weights.to_safetensors();
        let read = Weights::from_safetensors(&bytes, "a file".as_ref()).unwrap();
        let other = Net::new(
            &NetConfig {
                kind,
                width: 1,
                norm,
                ..NetConfig::default()
            },
            N_ORGANS,
            2,
            &Device::flex().autodiff(),
        );
        assert_ne!(Weights::of(&other), weights, "another seed, other weights");
        let loaded = Weights::of(&read.load_into(other).unwrap());
        assert_eq!(loaded, weights, "{kind:?}, {norm:?}");
        assert_eq!(loaded.to_safetensors(), bytes, "{kind:?}, {norm:?}");
        assert_eq!(loaded.hash(), weights.hash(), "{kind:?}, {norm:?}");
    }
}

#[test]
fn weights_of_another_width_are_refused_with_both_shapes() {
    let weights = Weights::of(&net(NetKind::UNet, 2, NormKind::Batch));
    let error = weights.load_into(narrow_unet(NormKind::Batch)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`down.0.first.conv.weight` has shape [2, 1, 3, 3], the net wants [1, 1, 3, 3]: were width \
         or organs different when it was written?",
        "the first array that differs"
    );
}

#[test]
fn weights_without_an_array_that_the_net_needs_are_refused_with_its_name() {
    let weights = Weights::of(&narrow_unet(NormKind::None));
    let error = weights.load_into(narrow_unet(NormKind::Batch)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the weights lack `down.0.first.norm.weight`, which the net needs with shape [1]; the \
             file holds {} arrays, the first `down.0.first.conv.weight`: were net, width or norm \
             different when it was written?",
            weights.tensors.len()
        ),
        "a net without norm has none"
    );
}

#[test]
fn bytes_that_are_no_safetensors_are_refused_with_the_file() {
    let error = Weights::from_safetensors(b"no weights", "net.safetensors".as_ref()).unwrap_err();
    let message = error.to_string();
    assert_eq!(
        message, "not a safetensors file, or damaged: net.safetensors",
        "ten bytes"
    );
}

#[test]
fn a_file_cut_short_is_refused() {
    let bytes = Weights::of(&narrow_unet(NormKind::Batch)).to_safetensors();
    let cut = &bytes[..bytes.len() - 1];
    let error = Weights::from_safetensors(cut, "net.safetensors".as_ref()).unwrap_err();
    let message = error.to_string();
    assert_eq!(
        message, "not a safetensors file, or damaged: net.safetensors",
        "a byte short"
    );
}
