//! A file of golden values, and the comparison with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::hashed::{between, uniform};

const N_PROJECTIONS: usize = 4;
const N_ELEMENTS: usize = 16;
const HEAD: [&str; 4] = [
    "sum",
    "sum of absolute values",
    "Euclidean norm",
    "largest absolute value",
];

/// Golden values not yet compared, and what did not fit so far.
pub(crate) struct Golden {
    name: &'static str,
    about: About,
    arrays: BTreeMap<String, Array>,
    compared: BTreeSet<String>,
    misses: Vec<String>,
}

/// The metadata of a file.
#[derive(Deserialize, Default)]
struct About {
    case: Value,
    made_with: Value,
}

struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// Where golden files are.
pub(crate) fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pytorch");
    PathBuf::from(folder).join(format!("{name}.safetensors"))
}

impl Golden {
    /// Reads `name.safetensors`.
    pub(crate) fn open(name: &'static str) -> Self {
        let bytes = std::fs::read(path(name)).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let about = &metadata.metadata().as_ref().unwrap()["about"];
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let arrays = file.iter().map(|(key, view)| {
            let values = match view.dtype() {
                Dtype::F32 => {
                    let (quads, _) = view.data().as_chunks();
                    let values = quads
                        .iter()
                        .map(|quad| f64::from(f32::from_le_bytes(*quad)));
                    values.collect()
                }
                Dtype::F64 => {
                    let (octets, _) = view.data().as_chunks();
                    octets
                        .iter()
                        .map(|octet| f64::from_le_bytes(*octet))
                        .collect()
                }
                dtype => panic!("{name}, {key}: {dtype:?}"),
            };
            let shape = view.shape().to_vec();
            (key.to_owned(), Array { shape, values })
        });
        Self {
            name,
            about: serde_json::from_str(about).unwrap(),
            arrays: arrays.collect(),
            compared: BTreeSet::new(),
            misses: Vec::new(),
        }
    }

    /// What was run to make the values.
    pub(crate) fn case<T: DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.about.case.clone()).unwrap()
    }

    /// Compares an array with the golden one of this name.
    ///
    /// Each element may be off by `tolerance` times the largest golden element, whatever its own
    /// size: rounding errors are of the size of what was summed, not of what the sum leaves.
    pub(crate) fn compare(&mut self, key: &str, shape: &[usize], got: &[f32], tolerance: f64) {
        let got: Vec<f64> = got.iter().copied().map(f64::from).collect();
        let digest_key = format!("{key}#digest");
        let miss = if let Some(want) = self.arrays.get(key) {
            self.compared.insert(key.to_owned());
            assert_eq!(want.shape, shape, "{}: shape of {key}", self.name);
            let scale = want
                .values
                .iter()
                .fold(0.0, |most: f64, v| most.max(v.abs()));
            let place = |i: usize| format!("element {:?} of {shape:?}", indices(i, shape));
            worst(&got, &want.values, |i| (place(i), scale * tolerance))
        } else if let Some(want) = self.arrays.get(&digest_key) {
            self.compared.insert(digest_key);
            let scales = digest_scales(&want.values);
            let places = element_places(got.len());
            let name = |i: usize| match i.checked_sub(HEAD.len() + N_PROJECTIONS) {
                Some(k) => format!("element {:?} of {shape:?}", indices(places[k], shape)),
                None => HEAD.get(i).map_or("a projection", |name| name).to_owned(),
            };
            let limit = |i: usize| (name(i), scales[i] * tolerance);
            worst(&digest(&got), &want.values, limit)
        } else {
            Some("no golden values of this name".to_owned())
        };
        self.misses
            .extend(miss.map(|miss| format!("{key}: {miss}")));
    }

    /// Says what did not fit.
    ///
    /// # Panics
    ///
    /// When an array was off, or a golden array was not compared.
    pub(crate) fn finish(mut self) {
        let left = self
            .arrays
            .keys()
            .filter(|key| !self.compared.contains(*key));
        self.misses
            .extend(left.map(|key| format!("{key}: golden values without a peer")));
        assert!(
            self.misses.is_empty(),
            "{} ({}): {} arrays are not PyTorch's\n  {}\ngolden values made with {}",
            self.name,
            self.about.case,
            self.misses.len(),
            self.misses.join("\n  "),
            self.about.made_with,
        );
    }
}

/// Says how many elements are off and which is furthest beyond its limit, if any is.
fn worst(got: &[f64], want: &[f64], limit: impl Fn(usize) -> (String, f64)) -> Option<String> {
    assert_eq!(got.len(), want.len(), "number of values");
    let mut worst: Option<(f64, String)> = None;
    let mut n_off = 0;
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let (place, limit) = limit(i);
        let error = (got - want).abs();
        if error <= limit {
            continue;
        }
        n_off += 1;
        let excess = if error.is_nan() {
            f64::INFINITY
        } else {
            error / limit
        };
        if worst.as_ref().is_none_or(|(most, _)| excess > *most) {
            let message = format!(
                "the worst is {place}: {got:e}, PyTorch has {want:e}; off by {error:.1e}, \
                 {limit:.1e} is allowed"
            );
            worst = Some((excess, message));
        }
    }
    worst.map(|(_, message)| format!("{n_off} of {} are off, {message}", got.len()))
}

/// See `digest` in `make.py`.
fn digest(values: &[f64]) -> Vec<f64> {
    let n = values.len();
    let mut digest = vec![
        values.iter().sum(),
        values.iter().map(|v| v.abs()).sum(),
        values.iter().map(|v| v * v).sum::<f64>().sqrt(),
        values.iter().fold(0.0, |most, v| v.abs().max(most)),
    ];
    for k in 0..N_PROJECTIONS {
        let vector = uniform(&format!("projection/{k}"), n);
        digest.push(vector.zip(values).map(|(u, v)| (2.0 * u - 1.0) * v).sum());
    }
    digest.extend(element_places(n).into_iter().map(|place| values[place]));
    digest
}

/// What each number of a digest is measured by: sums by the sum of absolute values, norms and
/// projections by the norm, elements by the largest.
fn digest_scales(digest: &[f64]) -> Vec<f64> {
    let [absolute, norm, largest] = [digest[1], digest[2], digest[3]];
    let mut scales = vec![absolute, absolute, norm, largest];
    scales.extend([norm; N_PROJECTIONS]);
    scales.extend([largest; N_ELEMENTS]);
    scales
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of a length"
)]
fn element_places(n: usize) -> Vec<usize> {
    let places = uniform("element", N_ELEMENTS).map(|u| (u * n as f64) as usize);
    places.collect()
}

/// The position of the `i`-th element of an array, last axis fastest.
fn indices(mut i: usize, shape: &[usize]) -> Vec<usize> {
    let mut indices = vec![0; shape.len()];
    for (index, size) in indices.iter_mut().zip(shape).rev() {
        *index = i % size;
        i /= size;
    }
    indices
}

#[test]
fn a_comparison_names_the_array_and_its_worst_element() {
    let mut golden = Golden {
        name: "some net",
        about: About::default(),
        arrays: BTreeMap::from([(
            "gradient.w".to_owned(),
            Array {
                shape: vec![2, 2],
                values: vec![1.0, 2.0, 3.0, 4.0],
            },
        )]),
        compared: BTreeSet::new(),
        misses: Vec::new(),
    };
    golden.compare("gradient.w", &[2, 2], &[1.0, 2.01, 3.5, 4.0], 1e-3);
    assert_eq!(
        golden.misses,
        [
            "gradient.w: 2 of 4 are off, the worst is element [1, 0] of [2, 2]: 3.5e0, PyTorch has \
          3e0; off by 5.0e-1, 4.0e-3 is allowed"
        ],
        "the one off by a half, allowed is a thousandth of 4"
    );
}

#[test]
fn a_digest_that_two_elements_changed_places_in_or_a_nan_came_into_is_refused() {
    let values = between("any", 2000, [-0.5, 0.5]);
    let mut swapped = values.clone();
    swapped.swap(100, 1100);
    let mut damaged = values.clone();
    damaged[7] = f32::NAN;
    for (got, is_off) in [(&values, false), (&swapped, true), (&damaged, true)] {
        let exact: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let want = Array {
            shape: vec![24],
            values: digest(&exact),
        };
        let mut golden = Golden {
            name: "some net",
            about: About::default(),
            arrays: BTreeMap::from([("w#digest".to_owned(), want)]),
            compared: BTreeSet::new(),
            misses: Vec::new(),
        };
        golden.compare("w", &[2000], got, 1e-4);
        assert_eq!(!golden.misses.is_empty(), is_off, "{:?}", golden.misses);
    }
}
