//! A model as one ONNX file: clipping, scaling, net.
//!
//! ```text
//! hounsfield [n, channels, y, x] -> clip to the window -> 0 to 1 -> zeros below and to the right, up to
//!     a multiple of 16 or 32 -> net -> cut back -> logits, probabilities [n, organs, y, x]
//! ```
//!
//! What is before (bringing a slice to the model's pixels) and behind it (which organ a pixel has, the
//! way back to the scan's own pixels) is not in the file; its metadata says what it takes.
//!
//! # Sources
//!
//! ONNX, operators of opset 13.

mod graph;
mod message;
mod nets;

use serde_json::json;

use self::graph::Graph;
use self::message::{Axis, Message, entry, int, value};
use crate::model::Model;
use crate::net::{Fcn8s, Net};
use crate::weights::Weights;

/// The operators' version: the first with all that is used here as it is used now.
const OPSET: i64 = 13;

/// The file format's version that belongs to it.
const IR_VERSION: i64 = 7;

impl Model {
    /// The model as an ONNX file of opset 13, its norms folded into the convolutions, all in single
    /// precision. The same model gives the same bytes.
    ///
    /// # Shapes
    ///
    /// Input `hounsfield`: `[n, channels, y, x]` of any `n`, `y` and `x`, Hounsfield units; the channels
    /// are slices `z - context` to `z + context`, those at the end of the scan in place of what is
    /// beyond. Outputs `logits` and `probabilities`: `[n, organs, y, x]`.
    ///
    /// The file's `metadata_props` say what the model is: `program`, `net`, `organs` (in the order of
    /// the outputs, each with its value in label maps), `window_hu`, `size` (pixels of the squares that
    /// it was trained on), `context`, `decision`, `weights_blake3`, `identity`, `steps`, `leaky`; all but
    /// texts and hashes as JSON.
    pub fn to_onnx(&self) -> Vec<u8> {
        let weights = Weights::of(&self.net);
        let mut graph = Graph::new(&weights);
        let [low_hu, high_hu] = self.record.window_hu.map(f32::from);
        let low = graph.number("window.low", low_hu);
        let width = graph.number("window.width", high_hu - low_hu);
        let high = graph.number("window.high", high_hu);
        let x = graph.op("clipped", "Clip", &["hounsfield", &low, &high], &[]);
        let x = graph.op("above_low", "Sub", &[&x, &low], &[]);
        let x = graph.op("scaled", "Div", &[&x, &width], &[]);

        let axes = graph.list("axes", &[2, 3]);
        let shape = graph.op("shape", "Shape", &["hounsfield"], &[]);
        let (two, four) = (graph.list("two", &[2]), graph.list("four", &[4]));
        let size = graph.op("size", "Slice", &[&shape, &two, &four], &[]);
        let multiple = match &self.net {
            Net::UNet(net) => net.size_multiple(),
            Net::Fcn8s(_) => Fcn8s::SIZE_MULTIPLE,
        };
        // What is missing to the next multiple, by division alone: of negative numbers programs take
        // different remainders.
        let almost = graph.list("almost_a_multiple", &[multiple - 1; 2]);
        let multiple = graph.list("multiple", &[multiple; 2]);
        let reach = graph.op("reach", "Add", &[&size, &almost], &[]);
        let n_multiples = graph.op("n_multiples", "Div", &[&reach, &multiple], &[]);
        let whole = graph.op("whole", "Mul", &[&n_multiples, &multiple], &[]);
        let missing = graph.op("missing", "Sub", &[&whole, &size], &[]);
        let none = graph.list("no_padding", &[0; 6]);
        let pads = graph.op("pads", "Concat", &[&none, &missing], &[int("axis", 0)]);
        let air = graph.number("air", 0.0);
        let x = graph.op("padded", "Pad", &[&x, &pads, &air], &[]);

        let logits = match &self.net {
            Net::UNet(net) => net.to_graph(&mut graph, x),
            Net::Fcn8s(net) => net.to_graph(&mut graph, x),
        };
        let zero = graph.list("zeros", &[0, 0]);
        let logits = graph.op("logits", "Slice", &[&logits, &zero, &size, &axes], &[]);
        graph.op("probabilities", "Sigmoid", &[&logits], &[]);

        let axes = |channels| {
            let [n, y, x] = ["n", "y", "x"].map(Axis::Named);
            [n, Axis::Fixed(channels), y, x]
        };
        let n_organs = self.record.organs.len();
        let graph = graph.finish(
            "hardslice",
            &[value("hounsfield", axes(self.record.net.n_channels()))],
            &[
                value("logits", axes(n_organs)),
                value("probabilities", axes(n_organs)),
            ],
        );
        Message::new()
            .int(1, IR_VERSION)
            .bytes(2, "hardslice")
            .bytes(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &Message::new().bytes(1, "").int(2, OPSET))
            .messages(14, &self.metadata())
            .into_bytes()
    }

    /// What a program must know of the model that has nothing but the file.
    fn metadata(&self) -> Vec<Message> {
        let record = &self.record;
        let organs = record.outputs().zip(record.organ_names());
        let organs: Vec<_> = organs
            .map(|(output, organ)| {
                json!({"organ": organ.as_str(), "label": record.label_value(output)})
            })
            .collect();
        let net = serde_json::to_string(&record.net).expect("a net's record is plain JSON");
        [
            ("program", record.program.clone()),
            ("net", net),
            ("organs", json!(organs).to_string()),
            ("window_hu", json!(record.window_hu).to_string()),
            ("size", record.size.to_string()),
            ("context", record.net.context.to_string()),
            (
                "decision",
                "the organ of the highest probability where that is 0.5 or more, else background"
                    .to_owned(),
            ),
            ("weights_blake3", record.weights_blake3.clone()),
            ("identity", record.identity.clone()),
            ("steps", record.steps.to_string()),
            ("leaky", record.leaky.to_string()),
        ]
        .map(|(key, value)| entry(key, &value))
        .to_vec()
    }
}
