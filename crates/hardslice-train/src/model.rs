//! A trained model as a folder: weights, net, organs, preprocessing. Nothing else is needed to
//! predict with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use hardslice_data::balance::FlipMode;
use hardslice_data::preprocess::{Preprocessing, SliceStack};
use hardslice_data::{Mirror, Organ, OrganLabels, OrganMap, OutputIdx, SettingError};
use hardslice_volume::whole_file::{
    read_sealed_if_there, sealed, write_sealed, write_whole_folder,
};
use hardslice_volume::{Action, FileError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::confidence::Confidence;
use crate::net::{Net, NetConfig};
use crate::predict_options::PredictOptions;
use crate::weights::{Weights, WeightsError};

/// Version of the folder's layout.
const FORMAT: u32 = 1;
const RECORD: &str = "model.json";
const WEIGHTS: &str = "weights.safetensors";

/// What a model is, beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecord {
    /// Version of the folder's layout.
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// The net.
    pub net: NetConfig,
    /// Its organs, in the order of its outputs, with the label value of each in label maps.
    pub organs: OrganMap,
    /// Rows and columns of the slices that it was trained on.
    pub size: usize,
    /// Intensities are clipped to this window, in Hounsfield units, and scaled to [0, 1].
    pub window_hu: [i16; 2],
    /// How its predictions are finished.
    pub predict: PredictOptions,
    /// Which versions of slices its training showed; models of earlier versions do not say and were
    /// made with [`FlipMode::Random`] unless asked otherwise.
    #[serde(default)]
    pub copies: FlipMode,
    /// Whether slices could be mirrored where `copies` asks for it: an organ with a side whose other side
    /// is not in the store has no label there.
    #[serde(default = "by_default", skip_serializing_if = "is_by_default")]
    pub can_mirror: bool,
    /// Hash of all that decided the training.
    pub identity: String,
    /// Steps taken.
    pub steps: u64,
    /// Hash of the weights' file.
    pub weights_blake3: String,
    /// Whether the test set was used to set its threshold: its test scores are worthless then.
    pub leaky: bool,
    /// BLAKE3 of the shape and voxels of each scan of which it was shown a slice, as the store has it;
    /// weights that it began with are not counted. Models of earlier versions do not say.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub trained_on: BTreeSet<String>,
    /// How far its predictions can be trusted; nothing where no patient was held out for validation,
    /// and for models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

fn by_default() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it on so")]
fn is_by_default(can_mirror: &bool) -> bool {
    *can_mirror
}

/// A trained model.
#[derive(Debug, Clone)]
pub struct Model {
    /// What it is.
    pub record: ModelRecord,
    /// The net, to predict with.
    pub net: Net,
}

/// Where the model is, if the folder of its training was named.
fn model_below(path: &Path) -> String {
    let model = path.join("model");
    if model.join("model.json").exists() {
        format!(" in {}", model.display())
    } else {
        String::new()
    }
}

/// A model cannot be written or read.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file system refused, or `model.json` is none of this program's.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no model.
    #[error(
        "there is no model in {}: wanted a folder with model.json and weights.safetensors, as \
         training leaves it{}", path.display(), model_below(path)
    )]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The layout is of another version.
    #[error("the model's format is {found}, this program reads {FORMAT}: {}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: u32,
    },
    /// No net can be as the record says.
    #[error("the model makes no sense: {}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// What must hold.
        source: SettingError,
    },
    /// The record says that the net is larger than its weights.
    #[error(
        "a net of width {width} has {wanted} weights at least, {found} were found: {}",
        path.display()
    )]
    TooLarge {
        /// The record's width.
        width: usize,
        /// Weights of such a net, at least.
        wanted: usize,
        /// Weights found.
        found: usize,
        /// The file.
        path: PathBuf,
    },
    /// The weights are not those that were written.
    #[error("the weights are damaged: their hash is {found}, recorded was {wanted}: {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Hash found.
        found: String,
        /// Hash recorded.
        wanted: String,
    },
    /// The weights do not fit the net.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl ModelRecord {
    /// A record of a net of these organs; hashes, steps and flags are still to be filled in.
    pub fn new(net: NetConfig, organs: OrganMap, size: usize, window_hu: [i16; 2]) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            net,
            organs,
            size,
            window_hu,
            predict: PredictOptions::default(),
            copies: FlipMode::default(),
            can_mirror: true,
            identity: String::new(),
            steps: 0,
            weights_blake3: String::new(),
            leaky: false,
            trained_on: BTreeSet::new(),
            confidence: None,
        }
    }

    /// Reads `model.json` alone; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when it is there and cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, ModelError> {
        let path = dir.join(RECORD);
        let Some(record) = read_sealed_if_there::<Self>(&path)? else {
            return Ok(None);
        };
        if record.format != FORMAT {
            return Err(ModelError::Format {
                path,
                found: record.format,
            });
        }
        let checked = record.net.check("net").and_then(|()| record.check());
        match checked {
            Ok(()) => Ok(Some(record)),
            Err(source) => Err(ModelError::Setting { path, source }),
        }
    }

    /// Writes `model.json` into a folder that holds its weights, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`FileError`] when it cannot be written.
    pub(crate) fn write(&self, dir: &Path) -> Result<(), FileError> {
        write_sealed(&dir.join(RECORD), self)
    }

    fn check(&self) -> Result<(), SettingError> {
        let [low, high] = self.window_hu;
        let confidence = self.confidence.as_ref();
        let settings = [
            (self.size == 0, "size must be 1 at least"),
            (low >= high, "window_hu must be two values, the lower first"),
            (
                !confidence.is_none_or(|confidence| confidence.makes_sense(self.organs.len())),
                "confidence must be rising functions, one for each organ",
            ),
        ];
        SettingError::check("", settings)
    }

    /// The label value of an output in label maps, never 0: the organ's first one. An organ that has
    /// none (it is known by the names of structures alone) or one that does not fit a byte has the
    /// lowest value that no organ has.
    ///
    /// # Panics
    ///
    /// When the net has no such output.
    pub fn label_value(&self, output: OutputIdx) -> u8 {
        let entries = self.organs.entries();
        let own = |entry: &OrganLabels| u8::try_from(*entry.labels.first()?).ok();
        if let Some(value) = own(&entries[output.idx()]) {
            return value;
        }
        let taken: BTreeSet<u8> = entries.iter().filter_map(own).collect();
        let without_own = entries[..output.idx()]
            .iter()
            .filter(|entry| own(entry).is_none());
        let mut free = (1..=u8::MAX).filter(|value| !taken.contains(value));
        free.nth(without_own.count())
            .expect("a net has fewer outputs than a byte has values")
    }

    /// What becomes of a slice before the net sees it.
    pub fn preprocessing(&self) -> Preprocessing {
        Preprocessing {
            window_hu: self.window_hu,
            size: self.size,
        }
    }

    /// The slices that the net sees at once.
    pub fn stack(&self) -> SliceStack {
        SliceStack {
            context: self.net.context,
        }
    }

    /// The outputs.
    pub fn outputs(&self) -> impl Iterator<Item = OutputIdx> + use<> {
        OutputIdx::first(self.organs.len())
    }

    /// The output of an organ; `None` where the net does not find it.
    pub fn output_of(&self, organ: &Organ) -> Option<OutputIdx> {
        self.organs.index_of(organ).map(OutputIdx::new)
    }

    /// For each output, the output that takes its place when x is reversed; `None` for an organ with a
    /// side whose other side the net does not find, and for all where training mirrored nothing.
    pub fn mirrored_outputs(&self) -> Vec<Option<OutputIdx>> {
        let mirrored = self
            .outputs()
            .map(|output| match self.organs.mirror(output.idx()) {
                _ if !(self.can_mirror && self.copies.shows_mirrored()) => None,
                Mirror::Itself => Some(output),
                Mirror::Twin(twin) => Some(OutputIdx::new(twin)),
                Mirror::Missing { .. } => None,
            });
        mirrored.collect()
    }

    /// Whether flip averaging has a flipped or mirrored slice to average over: one that the net
    /// learnt to look at, and that shows an organ which it finds.
    pub fn has_flips(&self) -> bool {
        self.copies.shows_flipped() || self.mirrored_outputs().iter().any(Option::is_some)
    }

    /// Names of the outputs.
    pub fn organ_names(&self) -> impl Iterator<Item = &Organ> {
        self.organs.organs()
    }
}

impl Model {
    /// The files of a model's folder.
    pub fn files(dir: &Path) -> [PathBuf; 2] {
        [RECORD, WEIGHTS].map(|name| dir.join(name))
    }

    /// Writes a model's folder, whole or not at all. The record must hold the weights' hash.
    ///
    /// # Errors
    ///
    /// [`ModelError::File`] when it cannot be written.
    pub fn write(record: &ModelRecord, weights: &Weights, dir: &Path) -> Result<(), ModelError> {
        let written = write_whole_folder(dir, |folder| {
            fs::write(folder.join(WEIGHTS), weights.to_safetensors())?;
            fs::write(folder.join(RECORD), sealed(record)?)
        });
        Ok(written.map_err(Action::Write.on(dir))?)
    }

    /// Reads a model and checks its weights' hash.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when there is none, or it is damaged or of another version.
    pub fn read(dir: &Path, device: &Device) -> Result<Self, ModelError> {
        let record = ModelRecord::read(dir)?.ok_or_else(|| ModelError::Missing {
            path: dir.to_owned(),
        })?;
        let path = dir.join(WEIGHTS);
        let bytes = fs::read(&path).map_err(Action::Read.on(&path))?;
        let found = blake3::hash(&bytes).to_hex().to_string();
        if found != record.weights_blake3 {
            return Err(ModelError::Damaged {
                path,
                found,
                wanted: record.weights_blake3,
            });
        }
        let weights = Weights::from_safetensors(&bytes, &path)?;
        // Before the net takes its memory.
        let found = weights
            .tensors
            .iter()
            .map(|tensor| tensor.values.len())
            .sum();
        let wanted = record.net.n_weights_at_least();
        if found < wanted {
            let width = record.net.width;
            return Err(ModelError::TooLarge {
                width,
                wanted,
                found,
                path,
            });
        }
        let device = device.clone().without_autodiff();
        let net = Net::new(&record.net, record.organs.len(), 0, &device);
        let net = weights.load_into(net)?;
        Ok(Self {
            record,
            net: net.for_prediction(),
        })
    }
}

#[cfg(test)]
mod tests {
    use hardslice_data::OrganLabels;

    use super::*;

    #[test]
    fn a_net_of_one_side_knows_no_mirror_image_of_its_organ() {
        let mirrored = |names: &[&str]| {
            let organs = (1..)
                .zip(names)
                .map(|(label, name)| (Organ::new(name).unwrap(), vec![label]));
            let organs = OrganMap::new(organs).unwrap();
            ModelRecord::new(NetConfig::default(), organs, 32, [-150, 250]).mirrored_outputs()
        };
        let output = |place| Some(OutputIdx::new(place));
        assert_eq!(mirrored(&["liver", "kidney_left"]), [output(0), None]);
        assert_eq!(mirrored(&["kidney_l", "kidney_r"]), [output(1), output(0)]);
    }

    fn values(organs: &[(&str, &[u16], &[&str])]) -> Vec<u8> {
        let entries = organs
            .iter()
            .map(|(organ, labels, structures)| OrganLabels {
                organ: Organ::new(organ).unwrap(),
                labels: labels.to_vec(),
                structures: structures.iter().map(|&name| name.to_owned()).collect(),
            });
        let organs = OrganMap::from_entries(entries).unwrap();
        let record = ModelRecord::new(NetConfig::default(), organs, 32, [-150, 250]);
        record
            .outputs()
            .map(|output| record.label_value(output))
            .collect()
    }

    #[test]
    fn label_values_are_the_organs_own_where_they_fit_a_byte() {
        assert_eq!(
            values(&[("liver", &[6, 7], &[]), ("spleen", &[1], &[])]),
            [6, 1]
        );
        assert_eq!(
            values(&[("liver", &[6], &[]), ("spleen", &[300], &[])]),
            [6, 1],
            "the listed one stays"
        );
        assert_eq!(
            values(&[("liver", &[2], &[]), ("kidney", &[], &["kidney_left"])]),
            [2, 1],
            "an organ without a value of its own is not the background"
        );
        assert_eq!(
            values(&[("a", &[], &["x"]), ("b", &[1], &[]), ("c", &[999], &[])]),
            [2, 1, 3]
        );
    }
}
