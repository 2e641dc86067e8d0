#!/usr/bin/env python3
"""Runs the ONNX files that the Rust tests wrote, in onnxruntime and in tract.

    cargo test --release -p hardslice-train --test onnx
    pip install -r requirements.txt
    python run_onnx.py TARGET/tmp/onnx

Each folder holds a model, inputs in Hounsfield units and our own logits for them, of several batches
and sizes: all of them in one session, since batch and size are dynamic.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import tract

TOLERANCE = 1e-4


def with_onnxruntime(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["logits", "probabilities"], {"hounsfield": x})


def with_tract(path):
    """tract wants to know the shape: a model for each."""
    def run(x):
        model = tract.onnx().load(str(path))
        model.set_input_fact(0, f"{','.join(map(str, x.shape))},f32")
        runnable = model.into_model().into_runnable()
        return [np.asarray(output.to_numpy()) for output in runnable.run([x])]
    return run


def check_metadata(path, expected):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)], path
    found = {entry.key: entry.value for entry in model.metadata_props}
    for key, value in expected["metadata"].items():
        text = found[key] if isinstance(value, str) else json.loads(found[key])
        assert text == value, f"{path}, {key}: {found[key]}"
    return model


def main():
    root = pathlib.Path(sys.argv[1])
    folders = sorted(path.parent for path in root.glob("*/expected.json"))
    assert folders, f"no files in {root}: run the Rust tests first"
    n_passed, worst = 0, 0.0
    for folder in folders:
        expected = json.loads((folder / "expected.json").read_text())
        path = folder / "model.onnx"
        check_metadata(path, expected)
        for program in (with_onnxruntime, with_tract):
            run = program(path)
            for number, (n, height, width) in enumerate(expected["sizes"]):
                shape = (n, expected["channels"], height, width)
                x = np.fromfile(folder / f"{number}.input", "<f4").reshape(shape)
                wanted = np.fromfile(folder / f"{number}.logits", "<f4")
                wanted = wanted.reshape(n, expected["n_organs"], height, width)
                logits, probabilities = run(x)
                assert logits.shape == wanted.shape, f"{program.__name__}, {path}, {shape}: {logits.shape}"
                off = np.abs(logits - wanted).max()
                worst = max(worst, off)
                assert np.ptp(wanted) > 0.1, f"{path}: nothing to compare"
                assert off < TOLERANCE, f"{program.__name__}, {path}, {shape}: {off}"
                off = np.abs(probabilities - 1 / (1 + np.exp(-wanted))).max()
                assert off < TOLERANCE, f"{program.__name__}, {path}, {shape}: {off}"
                n_passed += 1
    print(f"largest difference of a logit: {worst:.1e}")
    print(f"{n_passed} passed, 0 failed")


if __name__ == "__main__":
    main()
