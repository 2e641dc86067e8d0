//! The operations of a net, one after the other, as ONNX has them.

use super::message::{Message, floats, indices, int, ints, node};
use crate::weights::Weights;

/// A graph in the making: operations and the arrays that they read.
pub(super) struct Graph<'a> {
    weights: &'a Weights,
    nodes: Vec<Message>,
    arrays: Vec<Message>,
}

/// The name of an array that an operation makes.
pub(super) type Value = String;

impl<'a> Graph<'a> {
    /// An empty graph for a net of these weights, whose norms are folded into its convolutions.
    pub(super) fn new(weights: &'a Weights) -> Self {
        Self {
            weights,
            nodes: Vec::new(),
            arrays: Vec::new(),
        }
    }

    /// An operation; its result has the operation's name.
    pub(super) fn op(
        &mut self,
        name: &str,
        op: &str,
        inputs: &[&str],
        attributes: &[Message],
    ) -> Value {
        self.nodes.push(node(op, inputs, name, attributes));
        name.to_owned()
    }

    /// A single 32-bit number.
    pub(super) fn number(&mut self, name: &str, value: f32) -> Value {
        self.arrays.push(floats(name, &[], &[value]));
        name.to_owned()
    }

    /// A list of whole numbers.
    pub(super) fn list(&mut self, name: &str, values: &[usize]) -> Value {
        self.arrays.push(indices(name, values));
        name.to_owned()
    }

    /// An array of the net's, by its name there.
    fn weight(&mut self, name: &str) -> (Value, Vec<usize>) {
        let tensor = self.weights.get(name).expect("the net has all its weights");
        self.arrays
            .push(floats(name, &tensor.shape, &tensor.values));
        (name.to_owned(), tensor.shape.clone())
    }

    /// A convolution with same padding and the bias that it has.
    pub(super) fn conv(&mut self, name: &str, x: &Value) -> Value {
        let (weight, shape) = self.weight(&format!("{name}.weight"));
        let [height, width] = [shape[2], shape[3]];
        let inputs = [x.clone(), weight];
        let inputs: Vec<Value> = inputs.into_iter().chain(self.bias(name)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let [above, before] = [height / 2, width / 2];
        let attributes = [
            ints("kernel_shape", &[height, width]),
            ints("pads", &[above, before, above, before]),
        ];
        self.op(name, "Conv", &inputs, &attributes)
    }

    fn bias(&mut self, name: &str) -> Option<Value> {
        let name = format!("{name}.bias");
        self.weights.get(&name)?;
        Some(self.weight(&name).0)
    }

    /// A convolution and ReLU.
    pub(super) fn conv_relu(&mut self, name: &str, x: &Value) -> Value {
        let y = self.conv(name, x);
        self.op(&format!("{name}.relu"), "Relu", &[&y], &[])
    }

    /// Max pool of 2 × 2.
    pub(super) fn max_pool(&mut self, name: &str, x: &Value) -> Value {
        let attributes = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
        self.op(name, "MaxPool", &[x], &attributes)
    }

    /// A transposed convolution by `stride`, whose kernel is as large or, with padding, twice as large.
    pub(super) fn conv_transpose(
        &mut self,
        [name, weight]: [&str; 2],
        x: &Value,
        stride: usize,
    ) -> Value {
        let (array, shape) = self.weight(weight);
        let padding = (shape[2] - stride) / 2;
        let bias = weight
            .strip_suffix(".weight")
            .and_then(|name| self.bias(name));
        let inputs: Vec<Value> = [x.clone(), array].into_iter().chain(bias).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let attributes = [
            ints("kernel_shape", &[shape[2], shape[3]]),
            ints("strides", &[stride, stride]),
            ints("pads", &[padding; 4]),
        ];
        self.op(name, "ConvTranspose", &inputs, &attributes)
    }

    /// Two arrays along the channels.
    pub(super) fn concatenated(&mut self, name: &str, first: &Value, second: &Value) -> Value {
        self.op(name, "Concat", &[first, second], &[int("axis", 1)])
    }

    /// `GraphProto`.
    pub(super) fn finish(self, name: &str, inputs: &[Message], outputs: &[Message]) -> Message {
        Message::new()
            .messages(1, &self.nodes)
            .bytes(2, name)
            .messages(5, &self.arrays)
            .messages(11, inputs)
            .messages(12, outputs)
    }
}
