#!/usr/bin/env python3
"""What the Python module costs and saves beside its peers, in one process.

    pip install hardslice-*.whl nibabel surface-distance torch monai
    python benches/peer/python.py [FOLDER]

Slices a second that a torch DataLoader gets from `hardslice.Store`, from nibabel and from MONAI, and the
time of `hardslice.evaluate` beside surface-distance and MONAI's metrics. FOLDER keeps the phantoms; a temporary one when absent.
"""

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hardslice
import monai.data
import monai.metrics
import monai.transforms
import nibabel
import numpy as np
import surface_distance
import torch
from torch.utils.data import DataLoader, Dataset, Subset

PATIENTS, SIZE, BATCH, REPEATS = 8, 256, 16, 5
# As many as show how fast each is: where a scan is decompressed for every slice, few do.
ITEMS = {
    "hardslice.Store": 8192,
    "nibabel, .nii": 1024,
    "nibabel, .nii.gz": 48,
    "MONAI, .nii.gz": 32,
    "MONAI's CacheDataset": 1024,
}
EXPERIMENT = """
preset = "demo"
organs = ["liver"]
[cohort]
path = "{cohort}"
labels = {{ liver = [1] }}
[prepare]
size = 256
"""


class NibabelSlices(Dataset):
    """Slices as they are read by hand: nibabel's proxies, NumPy's clipping and scaling."""

    def __init__(self, folder, ending):
        self.images = [nibabel.load(path) for path in sorted((folder / "images").glob("*" + ending))]
        self.labels = [nibabel.load(path) for path in sorted((folder / "labels").glob("*" + ending))]
        # Where a file's slices lie, whatever its axes.
        codes = [nibabel.aff2axcodes(image.affine) for image in self.images]
        self.axes = [next(axis for axis in range(3) if code[axis] in "SI") for code in codes]
        shapes = zip(self.images, self.axes)
        self.index = [(k, z) for k, (image, axis) in enumerate(shapes) for z in range(image.shape[axis])]

    def __len__(self):
        return len(self.index)

    def __getitem__(self, place):
        case, z = self.index[place]
        at = [slice(None)] * 3
        at[self.axes[case]] = z
        image = np.asarray(self.images[case].dataobj[tuple(at)], np.float32)
        labels = np.asarray(self.labels[case].dataobj[tuple(at)]).astype(np.uint8)
        image = (np.clip(image, -150, 250) + 150) / 400
        return torch.from_numpy(image.copy())[None], torch.from_numpy(labels.copy())


def monai_slices(folder, n_items, cached):
    """A random slice of a random scan, as MONAI's transforms cut it out of the whole; with `cached` the
    scans are read and scaled once and stay in memory."""
    keys = ["image", "labels"]
    steps = [
        monai.transforms.LoadImaged(keys, image_only=True),
        monai.transforms.EnsureChannelFirstd(keys),
        monai.transforms.Orientationd(keys, "RAS"),
        monai.transforms.ScaleIntensityRanged("image", -150, 250, 0, 1, clip=True),
        monai.transforms.EnsureTyped(keys, track_meta=False),
        monai.transforms.RandSpatialCropd(keys, (-1, -1, 1), random_size=False),
        monai.transforms.SqueezeDimd(keys, -1),
    ]
    scans = [
        {"image": str(image), "labels": str(folder / "labels" / image.name)}
        for image in sorted((folder / "images").glob("*.nii.gz"))
    ]
    if cached:
        scans = monai.data.CacheDataset(scans, steps, progress=False)
    else:
        scans = monai.data.Dataset(scans, steps)

    class Pairs(Dataset):
        def __len__(self):
            return n_items

        def __getitem__(self, place):
            item = scans[place % len(scans)]
            return item["image"], item["labels"]

    return Pairs()


def slices_a_second(dataset, n_items, workers):
    order = np.random.default_rng(0).integers(len(dataset), size=n_items)
    rates = []
    for _ in range(REPEATS if n_items > 4096 else 1):
        loader = DataLoader(Subset(dataset, order.tolist()), batch_size=BATCH, num_workers=workers)
        began, n = time.perf_counter(), 0
        for images, _ in loader:
            n += len(images)
        rates.append(n / (time.perf_counter() - began))
    return statistics.median(rates)


def loaders(folder):
    if not (folder / "phantoms" / "phantom.json").exists():
        hardslice.phantom(folder / "phantoms", PATIENTS, size=SIZE, seed=1)
    (folder / "liver.toml").write_text(EXPERIMENT.format(cohort=folder / "phantoms" / "cohort.csv"))
    program = Path(sys.executable).parent / "hardslice"
    subprocess.run(
        [program, "prepare", folder / "liver.toml", "--out", folder / "store"], check=True, capture_output=True
    )
    plain = folder / "plain"
    for part in ("images", "labels"):
        (plain / part).mkdir(parents=True, exist_ok=True)
        for path in (folder / "phantoms" / part).glob("*.nii.gz"):
            nibabel.save(nibabel.load(path), plain / part / path.name[:-3])
    store = hardslice.Store(folder / "store")
    print(f"{len(store)} slices of {store.size} x {store.size}; batches of {BATCH}, in random order")
    print("| slices a second | 0 workers | 2 workers |\n|---|---:|---:|")
    rates = {}
    for name, dataset in (
        ("hardslice.Store", store.torch()),
        ("nibabel, .nii", NibabelSlices(plain, ".nii")),
        ("nibabel, .nii.gz", NibabelSlices(folder / "phantoms", ".nii.gz")),
        *(
            (name, monai_slices(folder / "phantoms", ITEMS[name], cached))
            for name, cached in (("MONAI, .nii.gz", False), ("MONAI's CacheDataset", True))
        ),
    ):
        rates[name] = [slices_a_second(dataset, ITEMS[name], workers) for workers in (0, 2)]
        print(f"| {name} | {rates[name][0]:.0f} | {rates[name][1]:.0f} |")
    for name in list(rates)[1:]:
        ratios = [a / b for a, b in zip(rates["hardslice.Store"], rates[name])]
        print(f"Store over {name}: {ratios[0]:.1f} and {ratios[1]:.1f} times")


def scores():
    shape, spacing = (160, 384, 384), (2.5, 0.8, 0.8)
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    truth = (((z - 80) / 36) ** 2 + ((y - 190) / 95) ** 2 + ((x - 190) / 110) ** 2 < 1).astype(np.uint8)
    prediction = np.roll(truth, (1, 2, -1), axis=(0, 1, 2))

    def timed(call):
        times = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            result = call()
            times.append(time.perf_counter() - began)
        return statistics.median(times), result

    def theirs():
        found = surface_distance.compute_surface_distances(truth == 1, prediction == 1, spacing)
        return (
            surface_distance.compute_dice_coefficient(truth == 1, prediction == 1),
            surface_distance.compute_robust_hausdorff(found, 95),
            surface_distance.compute_surface_dice_at_tolerance(found, 2.0),
        )

    def of_monai():
        # [batch, classes, x, y, z], of which the first is the background.
        one_hot = [torch.from_numpy(np.stack([mask == 0, mask == 1])[None]) for mask in (prediction, truth)]
        surfaces = {"include_background": False, "spacing": spacing}
        return (
            monai.metrics.compute_dice(*one_hot, include_background=False).item(),
            monai.metrics.compute_hausdorff_distance(*one_hot, percentile=95, **surfaces).item(),
            monai.metrics.compute_average_surface_distance(*one_hot, symmetric=True, **surfaces).item(),
            monai.metrics.compute_surface_dice(*one_hot, [2.0], **surfaces).item(),
        )

    ours_s, ours = timed(lambda: hardslice.evaluate(truth, prediction, spacing, {"liver": 1})["liver"])
    theirs_s, (dice, hd95_mm, nsd) = timed(theirs)
    assert np.allclose((ours.dice, ours.hd95_mm, ours.nsd), (dice, hd95_mm, nsd), atol=1e-9)
    print(f"one organ of {int(truth.sum())} voxels in {shape}, Dice, HD95, ASSD, NSD")
    print(f"hardslice.evaluate {ours_s:.3f} s, surface-distance {theirs_s:.3f} s: {theirs_s / ours_s:.1f} times")
    # Its surfaces are voxels without areas, so that its distances are others.
    monai_s, (dice, *_) = timed(of_monai)
    assert np.isclose(ours.dice, dice, atol=1e-6)
    print(f"MONAI's four metrics {monai_s:.3f} s: {monai_s / ours_s:.1f} times")


def main():
    print(
        f"hardslice {hardslice.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"nibabel {nibabel.__version__}, MONAI {monai.__version__}, torch {torch.__version__}"
    )
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        folder.mkdir(parents=True, exist_ok=True)
        loaders(folder)
    scores()


if __name__ == "__main__":
    main()
