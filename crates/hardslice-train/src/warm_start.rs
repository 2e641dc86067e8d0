//! Transfer learning: starting from pre-trained weights instead of random ones.

use std::fs;
use std::path::Path;

use hardslice_volume::Action;

use crate::model::ModelError;
use crate::net::Net;
use crate::weights::{NamedTensor, Weights, WeightsError};

/// Where torchvision's `vgg16().features` has its convolutions, block by block.
const VGG16_FEATURES: [&[usize]; 5] = [
    &[0, 2],
    &[5, 7],
    &[10, 12, 14],
    &[17, 19, 21],
    &[24, 26, 28],
];

/// Mean and standard deviation of ImageNet's colours, red, green, blue: what torchvision's nets
/// subtract from intensities in [0, 1] and divide them by.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_SD: [f32; 3] = [0.229, 0.224, 0.225];

/// Gives a net the weights of a safetensors file.
///
/// The file holds either a whole net of ours or a VGG-16 as torchvision publishes it (for FCN-8s of
/// width 64): its convolutions, with the three colour channels summed into one, and its two hidden
/// fully connected layers as fc6 and fc7. The scores and the upsampling keep their first weights
/// then, and so do biases that a norm replaces.
///
/// torchvision standardises its input by ImageNet's mean and standard deviation; ours is in [0, 1].
/// The standardisation is folded into the first layer, `w' = w / sd` and
/// `b' = b - sum(w * mean / sd)`, so that its features are those of the published net. At the border
/// they differ: there our net sees 0, the value of air, where torchvision's sees the mean colour.
///
/// # Errors
///
/// [`ModelError`] when the file cannot be read or an array does not fit the net.
pub fn warm_start(net: Net, path: &Path) -> Result<Net, ModelError> {
    let bytes = fs::read(path).map_err(Action::Read.on(path))?;
    let given = Weights::from_safetensors(&bytes, path)?;
    let is_vgg16 = given.get("features.0.weight").is_some() && matches!(net, Net::Fcn8s(_));
    let weights = if is_vgg16 {
        from_vgg16(Weights::of(&net), &given)?
    } else {
        given
    };
    Ok(weights.load_into(net)?)
}

/// A net's own weights with those of a VGG-16 in place of its convolutions.
fn from_vgg16(mut own: Weights, given: &Weights) -> Result<Weights, WeightsError> {
    let given = &standardised(given);
    for tensor in &mut own.tensors {
        let Some(name) = vgg16_name(&tensor.name) else {
            continue;
        };
        let found = given.get(&name).ok_or_else(|| WeightsError::Missing {
            name: name.clone(),
            wanted: tensor.shape.clone(),
            n_found: given.tensors.len(),
            first: given
                .tensors
                .first()
                .map_or_else(String::new, |first| first.name.clone()),
        })?;
        tensor.values = fitted(found, &tensor.shape)?;
    }
    Ok(own)
}

/// A VGG-16 for intensities in [0, 1]: ImageNet's standardisation folded into its first layer.
fn standardised(given: &Weights) -> Weights {
    const FIRST_WEIGHT: &str = "features.0.weight";
    const FIRST_BIAS: &str = "features.0.bias";
    let mut weights = given.clone();
    let first = weights
        .tensors
        .iter_mut()
        .find(|tensor| tensor.name == FIRST_WEIGHT);
    // Of another shape it is refused by name where it is fitted to the net.
    let Some(first) = first.filter(|first| matches!(first.shape[..], [_, 3, _, _])) else {
        return weights;
    };
    let n_taps = first.shape[2] * first.shape[3];
    let mut shifts = Vec::new();
    for filter in first.values.chunks_exact_mut(3 * n_taps) {
        let mut shift = 0.0;
        for (colour, taps) in filter.chunks_exact_mut(n_taps).enumerate() {
            for tap in taps {
                *tap /= IMAGENET_SD[colour];
                shift += *tap * IMAGENET_MEAN[colour];
            }
        }
        shifts.push(shift);
    }
    let bias = weights
        .tensors
        .iter_mut()
        .find(|tensor| tensor.name == FIRST_BIAS);
    for (bias, shift) in bias
        .into_iter()
        .flat_map(|bias| &mut bias.values)
        .zip(shifts)
    {
        *bias -= shift;
    }
    weights
}

/// Name in torchvision's VGG-16 of one of our arrays; `None` where it has none.
fn vgg16_name(ours: &str) -> Option<String> {
    let parts: Vec<&str> = ours.split('.').collect();
    match parts[..] {
        ["blocks", block, conv, "conv", kind] => {
            let block = VGG16_FEATURES.get(block.parse::<usize>().ok()?)?;
            let layer = block.get(conv.parse::<usize>().ok()?)?;
            Some(format!("features.{layer}.{kind}"))
        }
        ["fc6", kind] => Some(format!("classifier.0.{kind}")),
        ["fc7", kind] => Some(format!("classifier.3.{kind}")),
        _ => None,
    }
}

/// An array's values in the shape that we want: fully connected layers become convolutions of the
/// same numbers, three colour channels are summed into one.
fn fitted(found: &NamedTensor, wanted: &[usize]) -> Result<Vec<f32>, WeightsError> {
    let n_wanted = wanted.iter().product::<usize>();
    if found.values.len() == n_wanted && found.shape.first() == wanted.first() {
        return Ok(found.values.clone());
    }
    if let ([n_out, 3, y, x], [wanted_out, 1, ..]) = (&found.shape[..], wanted)
        && n_out == wanted_out
        && n_out * y * x == n_wanted
    {
        let planes = found.values.chunks_exact(3 * y * x);
        let summed = planes.flat_map(|colours| {
            (0..y * x).map(move |i| colours[i] + colours[y * x + i] + colours[2 * y * x + i])
        });
        return Ok(summed.collect());
    }
    Err(WeightsError::Shape {
        name: found.name.clone(),
        found: found.shape.clone(),
        wanted: wanted.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::net::{NetConfig, NetKind, NormKind};

    fn tensor(name: &str, shape: &[usize]) -> NamedTensor {
        let n: usize = shape.iter().product();
        NamedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: (0..n).map(|i| (i % 7) as f32).collect(),
        }
    }

    /// A VGG-16 of torchvision's layout with `width` channels in place of 64.
    fn vgg16(width: usize) -> Weights {
        let mut tensors = Vec::new();
        let mut n_in = 3;
        for (layers, n_out) in VGG16_FEATURES.into_iter().zip([1, 2, 4, 8, 8]) {
            for layer in layers {
                let n_out = n_out * width;
                tensors.push(tensor(
                    &format!("features.{layer}.weight"),
                    &[n_out, n_in, 3, 3],
                ));
                tensors.push(tensor(&format!("features.{layer}.bias"), &[n_out]));
                n_in = n_out;
            }
        }
        let n_fc = 64 * width;
        for (layer, n_in) in [(0, n_in * 49), (3, n_fc)] {
            tensors.push(tensor(&format!("classifier.{layer}.weight"), &[n_fc, n_in]));
            tensors.push(tensor(&format!("classifier.{layer}.bias"), &[n_fc]));
        }
        Weights { tensors }
    }

    fn fcn8s(width: usize) -> Net {
        let config = NetConfig {
            kind: NetKind::Fcn8s,
            width,
            norm: NormKind::None,
            ..NetConfig::default()
        };
        Net::new(&config, 1, 0, &Device::flex())
    }

    #[test]
    fn a_vgg_16_fills_every_convolution_and_sums_its_colours() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vgg16.safetensors");
        fs::write(&path, vgg16(1).to_safetensors()).unwrap();
        let weights = Weights::of(&warm_start(fcn8s(1), &path).unwrap());
        let first = weights.get("blocks.0.0.conv.weight").unwrap();
        // Values 0..27 modulo 7; the first tap sums entries 0, 9 and 18: 0, 2 and 4, each by its SD.
        let want = 2.0 / 0.224 + 4.0 / 0.225;
        assert!(
            (first.values[0] - want).abs() < 1e-4,
            "colours summed: {}",
            first.values[0]
        );
        for (ours, theirs) in [
            ("blocks.4.2.conv.bias", "features.28.bias"),
            ("fc6.weight", "classifier.0.weight"),
            ("fc7.weight", "classifier.3.weight"),
        ] {
            let vgg16 = vgg16(1);
            let want = &vgg16.get(theirs).unwrap().values;
            assert_eq!(&weights.get(ours).unwrap().values, want, "{ours}");
        }
    }

    #[test]
    fn the_first_layer_gives_what_torchvisions_gives_of_a_standardised_grey_image() {
        let vgg16 = vgg16(1);
        let folded = standardised(&vgg16);
        // One filter on a grey patch, away from the border: as published, on standardised colours.
        let grey = |tap: usize| 0.1 * (tap % 9) as f32;
        let [weight, bias] = ["features.0.weight", "features.0.bias"]
            .map(|name| vgg16.get(name).unwrap().values.clone());
        let published: f32 = (0..27)
            .map(|i| weight[i] * (grey(i) - IMAGENET_MEAN[i / 9]) / IMAGENET_SD[i / 9])
            .sum::<f32>()
            + bias[0];
        let [weight, bias] = ["features.0.weight", "features.0.bias"]
            .map(|name| folded.get(name).unwrap().values.clone());
        let ours = (0..27).map(|i| weight[i] * grey(i)).sum::<f32>() + bias[0];
        assert!((ours - published).abs() < 1e-3, "{ours} and {published}");
        // The same by torchvision itself: tests/golden/pytorch/vgg16_first_layer.py.
        assert!((ours + 16.4601).abs() < 1e-3, "{ours}");
        assert_eq!(
            folded.get("features.2.weight"),
            vgg16.get("features.2.weight"),
            "no other"
        );
    }

    #[test]
    fn a_vgg_16_of_another_width_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vgg16.safetensors");
        fs::write(&path, vgg16(2).to_safetensors()).unwrap();
        let message = warm_start(fcn8s(1), &path).unwrap_err().to_string();
        assert!(message.contains("features.0.weight"), "{message}");
    }
}
