"""Makes scores.json: overlap, surface scores and distances of small masks by published tools.

    pip install numpy scipy SimpleITK monai torch surface-distance
    python make_scores.py > scores.json

Masks are `[z, y, x]` and stored bit-packed, first voxel in the highest bit, as hexadecimal digits.
`null` stands for a score that has no value.
"""

import importlib.metadata
import json
import math
import warnings

import numpy as np
import scipy.ndimage
import SimpleITK as sitk
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)

# surface-distance 0.1 was written for older NumPy and SciPy: give back the names that it uses.
np.Inf, np.NaN = np.inf, np.nan
for old in ("filters", "morphology"):
    setattr(scipy.ndimage, old, scipy.ndimage)
import surface_distance  # noqa: E402

warnings.simplefilter("ignore")

TOLERANCES_MM = [0.0, 1.0, 2.0, 3.5]
ANISOTROPIC = (3.0, 0.8, 0.7)


def ellipsoid(shape, centre, radii):
    grid = np.indices(shape)
    terms = [((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii)]
    return sum(terms) <= 1


def box(shape, start, end):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, b) for a, b in zip(start, end))] = True
    return mask


def cases():
    """(name, truth, prediction, spacing in mm along z, y, x)."""
    random = np.random.default_rng(20240519)
    shape = (9, 14, 13)
    for share in (0.02, 0.3, 0.5, 0.9):
        for spacing in ((1.0, 1.0, 1.0), ANISOTROPIC):
            truth, predicted = random.random((2, *shape)) < share
            yield f"random, {share:.0%} inside", truth, predicted, spacing
    organ = ellipsoid(shape, (4, 6, 6), (3, 5, 4.5))
    shifted = ellipsoid(shape, (4.6, 7, 5.2), (3.3, 4.2, 5))
    for spacing in ((1.0, 1.0, 1.0), (5.0, 0.6, 0.6), (0.45, 0.9, 0.9)):
        yield "blobs that overlap", organ, shifted, spacing
    yield "equal blobs", organ, organ, ANISOTROPIC
    speckled = shifted ^ (random.random(shape) < 0.03)
    yield "a blob with specks and holes", organ, speckled, ANISOTROPIC
    left, right = box(shape, (2, 3, 1), (7, 9, 6)), box(shape, (2, 3, 6), (7, 9, 11))
    yield "boxes that touch along a face", left, right, ANISOTROPIC
    corner = box(shape, (7, 9, 6), (9, 12, 10))
    yield "boxes that touch at a corner", left, corner, ANISOTROPIC
    near, far = box(shape, (0, 0, 0), (2, 3, 2)), box(shape, (7, 11, 10), (9, 14, 13))
    yield "boxes far apart, both at the border", near, far, ANISOTROPIC
    full = np.ones(shape, bool)
    yield "the whole grid against a blob", full, organ, ANISOTROPIC
    one, other = box(shape, (4, 5, 6), (5, 6, 7)), box(shape, (5, 9, 3), (6, 10, 4))
    yield "one voxel each", one, other, ANISOTROPIC
    yield "one voxel in a blob", organ, one, ANISOTROPIC
    shell = organ & ~scipy.ndimage.binary_erosion(organ)
    yield "a shell with a speck in the middle", shell | one, organ, ANISOTROPIC
    flat = (1, 14, 13)
    truth, predicted = random.random((2, *flat)) < 0.6
    yield "a single slice", truth, predicted, ANISOTROPIC
    empty = np.zeros(shape, bool)
    yield "prediction empty", organ, empty, ANISOTROPIC
    yield "truth empty", empty, organ, ANISOTROPIC
    yield "both empty", empty, empty, ANISOTROPIC


def number(value):
    value = float(value)
    return value if math.isfinite(value) else None


def by_surface_distance(truth, predicted, spacing):
    distances = surface_distance.compute_surface_distances(truth, predicted, spacing)
    areas = [distances["surfel_areas_gt"], distances["surfel_areas_pred"]]
    if not all(len(a) for a in areas):
        return None
    means = surface_distance.compute_average_surface_distance(distances)
    totals = [a.sum() for a in areas]
    return {
        "hd95_mm": number(surface_distance.compute_robust_hausdorff(distances, 95)),
        "hd_mm": number(surface_distance.compute_robust_hausdorff(distances, 100)),
        "mean_truth_to_predicted_mm": number(means[0]),
        "mean_predicted_to_truth_mm": number(means[1]),
        "assd_mm": number((means[0] * totals[0] + means[1] * totals[1]) / sum(totals)),
        "nsd": [
            number(surface_distance.compute_surface_dice_at_tolerance(distances, mm))
            for mm in TOLERANCES_MM
        ],
    }


def by_monai(truth, predicted, spacing):
    if not (truth.any() and predicted.any()):
        return None
    y, y_pred = (torch.from_numpy(m)[None, None].float() for m in (truth, predicted))
    options = {"include_background": True, "spacing": list(spacing)}
    return {
        "hd95_mm": number(compute_hausdorff_distance(y_pred, y, percentile=95, **options)),
        "hd_mm": number(compute_hausdorff_distance(y_pred, y, **options)),
        "assd_mm": number(compute_average_surface_distance(y_pred, y, symmetric=True, **options)),
        "nsd": [
            number(compute_surface_dice(y_pred, y, [mm], **options)) for mm in TOLERANCES_MM
        ],
    }


def by_simpleitk(truth, predicted, spacing):
    """Dice, and the Hausdorff distance between the sets of voxels, not between their borders."""
    images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (truth, predicted)]
    for image in images:
        image.SetSpacing(spacing[::-1])
    scores = {"dice": None, "hausdorff_of_voxels_mm": None}
    if truth.any() or predicted.any():
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        scores["dice"] = number(overlap.GetDiceCoefficient())
    if truth.any() and predicted.any():
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(*images)
        scores["hausdorff_of_voxels_mm"] = number(hausdorff.GetHausdorffDistance())
    return scores


def distances_by_scipy(mask, spacing):
    """Sum and largest of the distances of all voxels to the mask, and every 37th of them."""
    if not mask.any():
        return None
    distances = scipy.ndimage.distance_transform_edt(~mask, sampling=spacing).ravel()
    return {"sum": math.fsum(distances), "max": distances.max(), "every_37th": list(distances[::37])}


def main():
    packages = ["numpy", "scipy", "SimpleITK", "monai", "torch", "surface-distance"]
    golden = {
        "made_by": "make_scores.py",
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "tolerances_mm": TOLERANCES_MM,
        "cases": [
            {
                "name": name,
                "shape_zyx": truth.shape,
                "spacing_zyx_mm": spacing,
                "truth": np.packbits(truth).tobytes().hex(),
                "predicted": np.packbits(predicted).tobytes().hex(),
                "surface_distance": by_surface_distance(truth, predicted, spacing),
                "monai": by_monai(truth, predicted, spacing),
                "simpleitk": by_simpleitk(truth, predicted, spacing),
                "scipy_distances_to_truth": distances_by_scipy(truth, spacing),
            }
            for name, truth, predicted, spacing in cases()
        ],
    }
    # One case a line, so that a change shows as the cases that changed.
    rest = golden.pop("cases")
    lines = ",\n".join(json.dumps(case) for case in rest)
    print(f'{json.dumps(golden)[:-1]},\n"cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
