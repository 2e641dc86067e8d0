#!/usr/bin/env python3
"""Trains a 2D U-Net as a MONAI script would, on the patients that `hardslice train` was given, on one
thread of the CPU, for a given number of minutes of the processor, and scores the validation patients.

    python monai_train.py COHORT.csv SPLIT.json --label 3 --organ parotid_right --minutes 15

With what MONAI has for training on slices of volumes: CacheDataset of whole scans,
RandCropByPosNegLabeld of single slices (as many around the organ as around background), random
rotation, scale and intensity (with --flips, front and back flipped, too), `monai.networks.nets.UNet`
(16 to 256 channels, two residual units), DiceCELoss, Adam at 1e-3 with a cosine schedule over the
budget, SliceInferer. Reading and caching the scans, and the prediction in the end, are not counted.
Prints a line of JSON. monai, torch, nibabel.
"""
import argparse
import json
import pathlib
import resource
import sys
import time

import numpy as np
import torch
from monai.data import CacheDataset, DataLoader, list_data_collate
from monai.inferers import SliceInferer
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from monai.transforms import (
    Compose, EnsureChannelFirstd, Lambdad, LoadImaged, Orientationd, RandAffined, RandCropByPosNegLabeld,
    RandFlipd, RandScaleIntensityd, RandShiftIntensityd, ScaleIntensityRanged, SpatialPadd, SqueezeDimd,
)
from monai.utils import set_determinism

from folds import cases_of

KEYS = ["image", "label"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=pathlib.Path)
    parser.add_argument("split", type=pathlib.Path)
    parser.add_argument("--label", type=int, required=True)
    parser.add_argument("--organ", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flips", action="store_true", help="flip front to back at random, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    set_determinism(options.seed)

    base = options.cohort.parent
    cases = {
        fold: [{"name": name, "image": str(base / row["image"]), "label": str(base / row["labels"])}
               for name, row in rows.items()]
        for fold, rows in cases_of(options.cohort, options.split, options.organ).items()
    }
    size = (options.size, options.size)
    read = [
        LoadImaged(KEYS), EnsureChannelFirstd(KEYS), Orientationd(KEYS, axcodes="RAS"),
        ScaleIntensityRanged("image", -150, 250, 0, 1, clip=True),
        Lambdad("label", lambda label: (label == options.label).float()),
    ]
    vary = [
        SpatialPadd(KEYS, (*size, -1)),
        RandCropByPosNegLabeld(KEYS, "label", (*size, 1), pos=1, neg=1, num_samples=4),
        SqueezeDimd(KEYS, dim=-1),
        RandAffined(KEYS, prob=0.5, rotate_range=0.26, scale_range=0.2, mode=("bilinear", "nearest"),
                    padding_mode="border"),
        *([RandFlipd(KEYS, prob=0.5, spatial_axis=1)] if options.flips else []),
        RandScaleIntensityd("image", 0.1, prob=0.5), RandShiftIntensityd("image", 0.1, prob=0.5),
    ]
    train = CacheDataset(cases["train"], Compose(read + vary), num_workers=1, progress=False)
    loader = DataLoader(train, batch_size=2, shuffle=True, num_workers=0, collate_fn=list_data_collate, drop_last=True)
    net = UNet(2, 1, 1, (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2, norm="BATCH")
    loss_of = DiceCELoss(sigmoid=True, batch=True)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)

    budget, n_steps = options.minutes * 60, 0
    began = time.process_time()
    while time.process_time() - began < budget:
        for batch in loader:
            elapsed = time.process_time() - began
            if elapsed >= budget:
                break
            for group in optimiser.param_groups:
                group["lr"] = 1e-3 * (1 + np.cos(np.pi * elapsed / budget)) / 2
            optimiser.zero_grad()
            loss = loss_of(net(batch["image"].as_tensor()), batch["label"].as_tensor())
            loss.backward()
            optimiser.step()
            n_steps += 1
            if n_steps % 50 == 0:
                print(f"{elapsed:.0f} s, {n_steps} steps, loss {loss.item():.3f}", file=sys.stderr)
    seconds = time.process_time() - began
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    net.eval()
    infer = SliceInferer(roi_size=size, sw_batch_size=16, spatial_dim=2)
    dice = {}
    with torch.no_grad():
        for case in cases["validation"]:
            item = Compose(read)(case)
            predicted = infer(item["image"].as_tensor()[None], net)[0, 0] > 0
            truth = item["label"].as_tensor()[0] > 0
            both = (predicted & truth).sum().item()
            dice[case["name"]] = 2 * both / max(predicted.sum().item() + truth.sum().item(), 1)
    print(json.dumps({
        "minutes": options.minutes, "steps": n_steps, "slices_a_step": 8, "seconds_a_step": seconds / n_steps,
        "peak_mib": peak_kib / 1024, "mean_dice": sum(dice.values()) / len(dice), "min_dice": min(dice.values()),
        "dice": dice,
    }))


if __name__ == "__main__":
    main()
