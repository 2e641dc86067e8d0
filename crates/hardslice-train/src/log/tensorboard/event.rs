//! Messages of an event file, as protobuf.
//!
//! # Sources
//!
//! TensorBoard, `compat/proto/event.proto` and `summary.proto`: `Event` {1 `wall_time` double,
//! 2 `step` int64, 3 `file_version` string, 5 `summary`}, `Summary` {1 `value`}, `Value` {1 `tag`
//! string, 2 `simple_value` float}.

use crate::protobuf::{push_bytes, push_varint};

/// What the first event of a file says.
const FILE_VERSION: &[u8] = b"brain.Event:2";

/// The event that begins a file.
pub(super) fn version_event(wall_time_s: f64) -> Vec<u8> {
    let mut event = event_head(wall_time_s, 0);
    push_bytes(&mut event, 3, FILE_VERSION);
    event
}

/// One scalar; the value becomes the nearest 32-bit float.
#[expect(
    clippy::cast_possible_truncation,
    reason = "TensorBoard's scalars are 32-bit floats"
)]
pub(super) fn scalar_event(tag: &str, step: u64, wall_time_s: f64, value: f64) -> Vec<u8> {
    let mut summary_value = Vec::new();
    if !tag.is_empty() {
        push_bytes(&mut summary_value, 1, tag.as_bytes());
    }
    summary_value.push(2 << 3 | 5);
    summary_value.extend((value as f32).to_le_bytes());
    let mut summary = Vec::new();
    push_bytes(&mut summary, 1, &summary_value);
    let mut event = event_head(wall_time_s, step);
    push_bytes(&mut event, 5, &summary);
    event
}

/// Wall time and step; protobuf leaves zeros out.
fn event_head(wall_time_s: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    if wall_time_s.to_bits() != 0 {
        event.push(1 << 3 | 1);
        event.extend(wall_time_s.to_le_bytes());
    }
    if step != 0 {
        event.push(2 << 3);
        push_varint(&mut event, step);
    }
    event
}

/// The step of an event as this file writes it; `None` for any other message.
pub(super) fn event_step(message: &[u8]) -> Option<u64> {
    // Fields come in order: the wall time (absent when it is 0), then the step (likewise).
    let rest = match message {
        [0x09, rest @ ..] => rest.get(8..)?,
        rest => rest,
    };
    let [0x10, varint @ ..] = rest else {
        return Some(0);
    };
    let mut step = 0;
    for (i, byte) in varint.iter().take(10).enumerate() {
        step |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(step);
        }
    }
    None
}
