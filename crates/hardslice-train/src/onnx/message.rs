//! ONNX's messages, as far as a net needs them, in the wire format of protocol buffers.
//!
//! Eight messages and some thirty fields of a schema that is frozen by compatibility: a generator (prost
//! with protoc, or a file of its output of several thousand lines) would be more to keep than this.
//!
//! # Sources
//!
//! ONNX 1.16, `onnx.proto3` (numbers of fields); Protocol Buffers, "Encoding".

use crate::protobuf::{push_bytes, push_varint};

/// A message in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Message(Vec<u8>);

/// `TensorProto.DataType`.
#[derive(Debug, Clone, Copy)]
enum ElementType {
    Float = 1,
    Int64 = 7,
}

/// One axis of a shape: a length, or a name for one that may vary.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis<'a> {
    Fixed(usize),
    Named(&'a str),
}

impl Message {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A whole number, as int32, int64 and enums are written.
    pub(super) fn int(mut self, field: u64, value: i64) -> Self {
        push_varint(&mut self.0, field << 3);
        push_varint(&mut self.0, value.cast_unsigned());
        self
    }

    /// Bytes, text, or a message within this one.
    pub(super) fn bytes(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        push_bytes(&mut self.0, field, bytes.as_ref());
        self
    }

    pub(super) fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    pub(super) fn messages(self, field: u64, messages: &[Self]) -> Self {
        messages.iter().fold(self, |this, m| this.message(field, m))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// `AttributeProto` of a list of whole numbers.
pub(super) fn ints(name: &str, values: &[usize]) -> Message {
    let attribute = Message::new().bytes(1, name);
    let attribute = values.iter().fold(attribute, |attribute, value| {
        attribute.int(8, i64::try_from(*value).expect("sizes of a kernel"))
    });
    attribute.int(20, 7)
}

/// `AttributeProto` of one whole number.
pub(super) fn int(name: &str, value: i64) -> Message {
    Message::new().bytes(1, name).int(3, value).int(20, 2)
}

/// `NodeProto`: an operation on named arrays that makes one of the name `output`.
pub(super) fn node(op: &str, inputs: &[&str], output: &str, attributes: &[Message]) -> Message {
    let node = inputs
        .iter()
        .fold(Message::new(), |node, input| node.bytes(1, input));
    let node = node.bytes(2, output).bytes(3, output).bytes(4, op);
    node.messages(5, attributes)
}

/// `TensorProto`: a named array, its values as little-endian bytes.
fn tensor(name: &str, shape: &[usize], kind: ElementType, raw: &[u8]) -> Message {
    let tensor = shape.iter().fold(Message::new(), |tensor, n| {
        tensor.int(1, i64::try_from(*n).expect("an axis in memory"))
    });
    tensor.int(2, kind as i64).bytes(8, name).bytes(9, raw)
}

/// `TensorProto` of 32-bit numbers.
pub(super) fn floats(name: &str, shape: &[usize], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, shape, ElementType::Float, &raw)
}

/// `TensorProto` of a list of whole numbers.
pub(super) fn indices(name: &str, values: &[usize]) -> Message {
    let raw = values.iter().flat_map(|value| {
        let value = i64::try_from(*value).expect("axes and sizes of a kernel");
        value.to_le_bytes()
    });
    let raw: Vec<u8> = raw.collect();
    tensor(name, &[values.len()], ElementType::Int64, &raw)
}

/// `ValueInfoProto`: what goes in or comes out, 32-bit numbers.
pub(super) fn value(name: &str, axes: [Axis<'_>; 4]) -> Message {
    let shape = axes.into_iter().fold(Message::new(), |shape, axis| {
        let dimension = match axis {
            Axis::Fixed(n) => Message::new().int(1, i64::try_from(n).expect("channels")),
            Axis::Named(name) => Message::new().bytes(2, name),
        };
        shape.message(1, &dimension)
    });
    let tensor = Message::new()
        .int(1, ElementType::Float as i64)
        .message(2, &shape);
    let kind = Message::new().message(1, &tensor);
    Message::new().bytes(1, name).message(2, &kind)
}

/// A pair of texts: `StringStringEntryProto`.
pub(super) fn entry(key: &str, value: &str) -> Message {
    Message::new().bytes(1, key).bytes(2, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_encoded_as_the_documentation_has_them() {
        // The two examples of "Encoding": a = 150 in field 1, b = "testing" in field 2.
        assert_eq!(Message::new().int(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::new().bytes(2, "testing").into_bytes();
        assert_eq!(text, [&[0x12, 0x07][..], b"testing"].concat());
        let within = Message::new().message(3, &Message::new().int(1, 150));
        assert_eq!(within.into_bytes(), [0x1A, 0x03, 0x08, 0x96, 0x01]);
        // -2 takes ten bytes.
        let negative = Message::new().int(1, -2).into_bytes();
        assert_eq!(
            negative[1..],
            [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]
        );
    }
}
