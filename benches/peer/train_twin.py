#!/usr/bin/env python3
"""Repeats a training of `hardslice run` in PyTorch: the same first weights, the same batches, the
same loss and schedule; then scores both nets on the test patients, on the store's grid.

    cargo run --release --example twin_inputs -- RUN_DIR ORGAN ARM TWIN_DIR
    python benches/peer/train_twin.py RUN_DIR ORGAN ARM TWIN_DIR

Needs torch, numpy and safetensors. U-Net with soft Dice only.
"""
import csv
import json
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, n_in, n_out, norm):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=not norm)
        self.norm = nn.BatchNorm2d(n_out) if norm else None

    def forward(self, x):
        x = self.conv(x)
        return F.relu(self.norm(x) if self.norm else x)


class Double(nn.Module):
    def __init__(self, n_in, n_out, norm):
        super().__init__()
        self.first, self.second = Block(n_in, n_out, norm), Block(n_out, n_out, norm)

    def forward(self, x):
        return self.second(self.first(x))


class UNet(nn.Module):
    def __init__(self, channels, width, norm):
        super().__init__()
        c = [width << level for level in range(5)]
        self.down = nn.ModuleList(Double(channels if i == 0 else c[i - 1], c[i], norm) for i in range(5))
        self.up = nn.ModuleList(nn.ConvTranspose2d(c[i + 1], c[i], 2, 2) for i in (3, 2, 1, 0))
        self.dec = nn.ModuleList(Double(2 * c[i], c[i], norm) for i in (3, 2, 1, 0))
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for up, block, skip in zip(self.up, self.dec, skips[3::-1]):
            x = block(torch.cat([skip, up(x)], 1))
        return self.out(x)


class Slices:
    """The store, read with numpy."""

    def __init__(self, run, organ):
        self.dir = run / "store"
        record = json.loads((self.dir / "store.json").read_text())
        self.cases = {case["id"]: case for case in record["cases"]}
        self.value = 1 + [entry["organ"] for entry in record["organs"]].index(organ)
        self.low, self.high = record["options"]["window_hu"]
        self.open = {}

    def case(self, name):
        if name not in self.open:
            folder = self.dir / "cases" / name
            self.open[name] = [np.load(folder / f, mmap_mode="r") for f in ("image.npy", "labels.npy")]
        return self.open[name]

    def slice(self, name, z):
        image, labels = (array[z] for array in self.case(name))
        image = (image.astype(np.float32) - self.low) / (self.high - self.low)
        return image, (labels == self.value).astype(np.float32)


def batches(path, slices):
    """Yields (images, targets) step by step."""
    rows, step = [], "0"
    def batch():
        return [torch.from_numpy(np.stack(part))[:, None] for part in zip(*rows)]
    for row in csv.DictReader(path.open()):
        if row["step"] != step:
            yield batch()
            rows, step = [], row["step"]
        planes = slices.slice(row["case"], int(row["z"]))
        if row["flip"] == "1":
            planes = [plane[::-1] for plane in planes]
        if row["mirror"] == "1":
            planes = [plane[:, ::-1] for plane in planes]
        rows.append([np.ascontiguousarray(plane) for plane in planes])
    yield batch()


def soft_dice(logits, targets):
    p = torch.sigmoid(logits)
    return 1 - (2 * (p * targets).sum() + 1) / (p.sum() + targets.sum() + 1)


def case_dice(net, slices, name):
    net.eval()
    image, _ = slices.case(name)
    shared = total = 0.0
    with torch.inference_mode():
        for z in range(len(image)):
            x, truth = slices.slice(name, z)
            predicted = (net(torch.from_numpy(x)[None, None])[0, 0] >= 0).numpy()
            shared += float((predicted * truth).sum())
            total += float(predicted.sum() + truth.sum())
    return 2 * shared / total if total else float("nan")


def main():
    run, organ, arm, twin = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    torch.set_num_threads(2)
    config = tomllib.loads((run / "experiment.toml").read_text())
    train, net_config = config["train"], config["net"]
    slices = Slices(run, organ)
    build = lambda: UNet(1 + 2 * net_config["context"], net_config["width"], net_config["norm"] == "batch")
    net = build()
    net.load_state_dict(load_file(twin / "initial.safetensors"), strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=train["lr0"], momentum=train["momentum"])
    losses = (twin / "losses.csv").open("w", buffering=1)
    began = time.time()
    for step, (images, targets) in enumerate(batches(twin / "batches.csv", slices)):
        for group in optimizer.param_groups:
            group["lr"] = train["lr0"] * (1 - step / train["steps"]) ** train["power"]
        optimizer.zero_grad(set_to_none=True)
        loss = soft_dice(net(images), targets)
        loss.backward()
        optimizer.step()
        losses.write(f"{step + 1},{loss.item()}\n")
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f} {time.time() - began:.0f} s", flush=True)
    print(f"torch {torch.__version__}: {step + 1} steps in {time.time() - began:.0f} s")
    ours = build()
    ours.load_state_dict(load_file(run / organ / arm / "model" / "weights.safetensors"), strict=False)
    test = [c for c in json.loads((run / "split.json").read_text())["test"] if organ in slices.cases[c]["organs_annotated"]]
    rows = [(case, case_dice(ours, slices, case), case_dice(net, slices, case)) for case in test]
    for case, a, b in rows:
        print(f"{case:24} hardslice {a:.4f}  torch {b:.4f}")
    means = np.mean([row[1:] for row in rows], axis=0)
    print(f"{'mean':24} hardslice {means[0]:.4f}  torch {means[1]:.4f}  difference {means[0] - means[1]:+.4f}")


if __name__ == "__main__":
    main()
