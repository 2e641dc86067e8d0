"""Scores one case with surface-distance and with MONAI, for comparison with hardslice-eval.

    python evaluate.py MASKS N_Z N_Y N_X SPACING_Z SPACING_Y SPACING_X

MASKS holds truth and prediction, one byte a voxel, `[z, y, x]`. Started by

    cargo bench -p hardslice-eval --bench score_case -- --peer python benches/peer/evaluate.py
"""

import importlib.metadata
import resource
import sys
import time
import warnings

import numpy as np
import scipy.ndimage
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from monai.metrics.utils import get_edge_surface_distance

# surface-distance 0.1 was written for older NumPy and SciPy: give back the names that it uses.
np.Inf, np.NaN = np.inf, np.nan
for old in ("filters", "morphology"):
    setattr(scipy.ndimage, old, scipy.ndimage)
import surface_distance  # noqa: E402

warnings.simplefilter("ignore")

TOLERANCE_MM = 2.0
N_RUNS = 3


def by_surface_distance(truth, predicted, spacing):
    dice = surface_distance.compute_dice_coefficient(truth, predicted)
    distances = surface_distance.compute_surface_distances(truth, predicted, spacing)
    means = surface_distance.compute_average_surface_distance(distances)
    totals = [distances["surfel_areas_gt"].sum(), distances["surfel_areas_pred"].sum()]
    return {
        "dice": float(dice),
        "hd95_mm": float(surface_distance.compute_robust_hausdorff(distances, 95)),
        "assd_mm": float((means[0] * totals[0] + means[1] * totals[1]) / sum(totals)),
        "nsd": float(surface_distance.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM)),
    }


def by_monai(truth, predicted, spacing):
    """The three public functions, each of which finds the surface distances anew."""
    y, y_pred = (torch.from_numpy(m)[None, None] for m in (truth, predicted))
    options = {"include_background": True, "spacing": list(spacing)}
    return {
        "hd95_mm": float(compute_hausdorff_distance(y_pred, y, percentile=95, **options)),
        "assd_mm": float(compute_average_surface_distance(y_pred, y, symmetric=True, **options)),
        "nsd": float(compute_surface_dice(y_pred, y, [TOLERANCE_MM], **options)),
    }


def by_monai_once(truth, predicted, spacing):
    """MONAI at its best: the surface distances found once, with its inner function."""
    y, y_pred = (torch.from_numpy(m) for m in (truth, predicted))
    _, distances, _ = get_edge_surface_distance(y_pred, y, spacing=list(spacing), symmetric=True)
    pooled = torch.cat(distances)
    return {
        "hd95_mm": max(float(torch.quantile(d, 0.95)) for d in distances),
        "assd_mm": float(pooled.mean()),
        "nsd": float((pooled <= TOLERANCE_MM).float().mean()),
    }


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    path, *numbers = sys.argv[1:]
    shape, spacing = [int(n) for n in numbers[:3]], [float(mm) for mm in numbers[3:]]
    truth, predicted = np.fromfile(path, np.uint8).reshape(2, *shape).astype(bool)
    packages = ["numpy", "scipy", "surface-distance", "monai", "torch"]
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    for score in (by_surface_distance, by_monai, by_monai_once):
        seconds, before = [], peak_mib()
        for _ in range(N_RUNS):
            start = time.perf_counter()
            scores = score(truth, predicted, spacing)
            seconds.append(time.perf_counter() - start)
        median = sorted(seconds)[N_RUNS // 2]
        print(f"{score.__name__}: median {median:.3f} s, least {min(seconds):.3f} s of {N_RUNS}")
        print(f"  peak {peak_mib():.0f} MiB, {before:.0f} MiB before; {scores}")


if __name__ == "__main__":
    main()
