"""Writes events.tfevents with TensorBoard's own protobufs and record writer.

The Rust writer must produce the same bytes. Then the file is read back through TensorBoard's
EventAccumulator, which is what its pages show.

    python make.py             writes events.tfevents and versions.json beside this script
    python make.py FILE        reads FILE (written by the program) and prints its scalars
"""

import json
import math
import pathlib
import platform
import sys

import google.protobuf
import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = pathlib.Path(__file__).parent
START_S = 1_700_000_000.25
EVENTS = [
    ("train/loss", 0, 0.0, 0.75),
    ("train/loss", 1, 1_700_000_001.5, 0.5),
    ("validation/dice/left kidney", 1, 1_700_000_001.75, 0.0),
    ("train/loss", 127, 1_700_000_002.0, -1.5e-30),
    ("train/loss", 128, 1_700_000_003.0, math.inf),
    ("train/loss/größe", 1_000_000, 1_700_000_004.0, 1.0 / 3.0),
    ("train/loss", 1 << 40, 1_700_000_005.0, 3.0e38),
]


def scalars(path):
    accumulator = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    found = {}
    for tag in accumulator.Tags()["scalars"]:
        found[tag] = [(e.step, e.wall_time, e.value) for e in accumulator.Scalars(tag)]
    return found


def main():
    if len(sys.argv) > 1:
        for tag, events in scalars(sys.argv[1]).items():
            print(tag, *events, sep="\n  ")
        return
    path = HERE / "events.tfevents"
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=START_S, file_version="brain.Event:2").SerializeToString())
        for tag, step, wall_time_s, value in EVENTS:
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            event = Event(wall_time=wall_time_s, step=step, summary=summary)
            writer.write(event.SerializeToString())
        writer.close()
    read = sum(len(events) for events in scalars(path).values())
    assert read == len(EVENTS), f"TensorBoard reads {read} of {len(EVENTS)} events"
    versions = {
        "python": platform.python_version(),
        "tensorboard": tensorboard.__version__,
        "protobuf": google.protobuf.__version__,
    }
    (HERE / "versions.json").write_text(json.dumps(versions, indent=2) + "\n")


if __name__ == "__main__":
    main()
