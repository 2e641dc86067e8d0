//! A state dict: a net's weights as named arrays, and as safetensors.
//!
//! Names are those of the fields (`down.0.first.conv.weight`), shapes are PyTorch's, so that a
//! PyTorch module with the same field names loads the file as its state dict.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, View};
use thiserror::Error;

use crate::net::Net;

/// One named array of `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Path of the fields that lead to it, joined by dots.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, the last axis fastest.
    pub values: Vec<f32>,
}

/// Arrays in a fixed order: a net's weights, or an optimiser's velocities.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    /// The arrays, in the order in which the net visits its parameters.
    pub tensors: Vec<NamedTensor>,
}

/// Weights do not fit a net or cannot be read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The bytes are not safetensors.
    #[error("not a safetensors file, or damaged: {}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        source: safetensors::SafeTensorError,
    },
    /// An array is not `f32`.
    #[error("`{name}` is {dtype:?}, wanted F32: {}", path.display())]
    Type {
        /// The array.
        name: String,
        /// Its type.
        dtype: Dtype,
        /// The file.
        path: PathBuf,
    },
    /// The net needs an array that is not there.
    #[error(
        "the weights lack `{name}`, which the net needs with shape {wanted:?}; the file holds {} \
         arrays, the first `{first}`: were net, width or norm different when it was written?",
        n_found
    )]
    Missing {
        /// The array.
        name: String,
        /// Its shape in the net.
        wanted: Vec<usize>,
        /// Arrays in the file.
        n_found: usize,
        /// Name of the first array in the file.
        first: String,
    },
    /// An array has another shape than the net's.
    #[error(
        "`{name}` has shape {found:?}, the net wants {wanted:?}: were width or organs different when it was written?"
    )]
    Shape {
        /// The array.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the net.
        wanted: Vec<usize>,
    },
}

impl Weights {
    /// Copies a net's weights, running statistics included.
    pub fn of(net: &Net) -> Self {
        let mut copy = Copy::default();
        net.visit(&mut copy);
        Self {
            tensors: copy.tensors,
        }
    }

    /// Whether all of them are numbers.
    pub fn are_finite(&self) -> bool {
        let mut values = self.tensors.iter().flat_map(|tensor| &tensor.values);
        values.all(|value| value.is_finite())
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&NamedTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Gives a net these weights. What the net does not know is left aside.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when an array is missing or has another shape; the net is lost then.
    pub fn load_into(&self, net: Net) -> Result<Net, WeightsError> {
        let mut load = Load {
            weights: self,
            path: Vec::new(),
            failed: None,
        };
        let net = net.map(&mut load);
        match load.failed {
            Some(error) => Err(error),
            None => Ok(net),
        }
    }

    /// The weights as a safetensors file. The same weights give the same bytes.
    ///
    /// # Panics
    ///
    /// When an array is not as long as its shape says.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let views = self
            .tensors
            .iter()
            .map(|tensor| (tensor.name.as_str(), Bytes(tensor)));
        safetensors::serialize(views, None).expect("every array is as long as its shape says")
    }

    /// Reads a safetensors file; `path` is for messages.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] when the bytes are no safetensors or an array is not `f32`.
    pub fn from_safetensors(bytes: &[u8], path: &Path) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes).map_err(|source| WeightsError::Format {
            path: path.to_owned(),
            source,
        })?;
        let mut tensors = Vec::new();
        for (name, view) in file.iter() {
            // PyTorch's norms count their batches, in integers; ours need no count.
            if name.ends_with("num_batches_tracked") {
                continue;
            }
            if view.dtype() != Dtype::F32 {
                return Err(WeightsError::Type {
                    name: name.to_owned(),
                    dtype: view.dtype(),
                    path: path.to_owned(),
                });
            }
            let (quads, _) = view.data().as_chunks::<4>();
            tensors.push(NamedTensor {
                name: name.to_owned(),
                shape: view.shape().to_vec(),
                values: quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect(),
            });
        }
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { tensors })
    }

    /// BLAKE3 of the weights as safetensors, in hexadecimal.
    ///
    /// # Panics
    ///
    /// As [`Weights::to_safetensors`].
    pub fn hash(&self) -> String {
        blake3::hash(&self.to_safetensors()).to_hex().to_string()
    }
}

/// An array on its way into a safetensors file.
struct Bytes<'a>(&'a NamedTensor);

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(
            self.0
                .values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        )
    }

    fn data_len(&self) -> usize {
        self.0.values.len() * size_of::<f32>()
    }
}

#[derive(Default)]
struct Copy {
    path: Vec<String>,
    tensors: Vec<NamedTensor>,
}

impl ModuleVisitor for Copy {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        self.tensors.push(NamedTensor {
            name: self.path.join("."),
            shape: value.dims().to_vec(),
            values: value.inner().into_data().iter().collect(),
        });
    }
}

struct Load<'a> {
    weights: &'a Weights,
    path: Vec<String>,
    failed: Option<WeightsError>,
}

impl Load<'_> {
    fn find(&self, wanted: &[usize]) -> Result<&NamedTensor, WeightsError> {
        let name = self.path.join(".");
        let Some(found) = self.weights.get(&name) else {
            let first = self.weights.tensors.first();
            return Err(WeightsError::Missing {
                name,
                wanted: wanted.to_vec(),
                n_found: self.weights.tensors.len(),
                first: first.map_or_else(String::new, |tensor| tensor.name.clone()),
            });
        };
        if found.shape != wanted {
            return Err(WeightsError::Shape {
                name,
                found: found.shape.clone(),
                wanted: wanted.to_vec(),
            });
        }
        Ok(found)
    }
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let old = param.val();
        match self.find(&old.dims()) {
            Ok(found) => {
                let data = TensorData::new(found.values.clone(), old.dims());
                let value = Tensor::from_data(data, &old.device());
                replace(&param, value)
            }
            Err(error) => {
                self.failed.get_or_insert(error);
                param
            }
        }
    }
}

/// The parameter with another value, trained as before or not.
pub(crate) fn replace<const D: usize>(
    param: &Param<Tensor<D>>,
    value: Tensor<D>,
) -> Param<Tensor<D>> {
    let is_trained = param.is_require_grad();
    Param::initialized(param.id, value).set_require_grad(is_trained)
}
