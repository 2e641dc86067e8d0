"""Loads weights that the Rust tests wrote into the twins, strictly, and predicts with them.

    cargo test -p hardslice-train --test pytorch
    python load_weights.py TARGET/tmp/pytorch

Each file is named after the golden file whose net it holds, after one training pass; the twin's
prediction must be that file's `logits.predict`.
"""

import json
import pathlib
import sys

import safetensors
import safetensors.torch
import torch

import make
import twins

TOLERANCE = 1e-5


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.safetensors"))
    assert paths, f"no weights in {sys.argv[1]}: run the Rust tests first"
    for path in paths:
        with safetensors.safe_open(make.HERE / path.name, "pt") as golden:
            case = json.loads(golden.metadata()["about"])["case"]
            want = golden.get_tensor("logits.predict")
        net = twins.build(case["config"], case["n_organs"])
        net.load_state_dict(safetensors.torch.load_file(path), strict=True)
        x, _, _ = make.data(case, case["seed"], torch.float32)
        with torch.no_grad():
            error = ((net.eval()(x) - want).abs().max() / want.abs().max()).item()
        assert error < TOLERANCE, f"{path.name}: logits are {error:.1e} off"
        print(f"{path.name}: every name and shape fits, logits {error:.1e} off")


if __name__ == "__main__":
    main()
