//! A model as one ONNX file.

use std::path::Path;

use burn::tensor::Device;
use hardslice_train::Model;
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;

use crate::outputs;

/// What the files begin with: a version of one byte, and the program as producer.
const BEGINNING: &[u8] = b"\x08\x07\x12\x09hardslice";

/// Writes the model of a folder; over nothing but an earlier file of this program's.
pub(crate) fn write(model: &Path, out: &Path) -> anyhow::Result<()> {
    outputs::refuse_over_inputs([out.to_owned()], [model.to_owned()])?;
    outputs::refuse_within(out, model)?;
    outputs::refuse_among_records(out)?;
    outputs::refuse_over_others(out, BEGINNING.len(), |begin| begin == BEGINNING)?;
    let bytes = Model::read(model, &Device::flex())?.to_onnx();
    Ok(write_whole_bytes(out, &bytes).map_err(Action::Write.on(out))?)
}
