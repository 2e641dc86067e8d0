"""Writes a scan, its labels, a predicted label map and its probabilities as nnU-Net leaves them, and the
losses as NumPy computes them.

    python3 make.py        # packages: numpy, nibabel

The file's axes are (z, x, y), z from the head down and x to the left: none runs as canonical axes do.
`in_file_order/` holds the probabilities as nnU-Net's readers hand voxels over (the file's axes, the last
first), `reoriented/` as those that reorient do (canonical axes, the last first). Slices are squares, so
that a store of as many pixels resamples nothing; and there are as many slices, so that no shape tells
which way voxels lie.
"""

import json
import pathlib

import nibabel
import numpy as np

HERE = pathlib.Path(__file__).parent
N, SIDE = 8, 8


def in_file(canonical):
    """From canonical [z, y, x] to the file's [z down, x to the left, y]."""
    return np.ascontiguousarray(canonical[::-1, :, ::-1].transpose(0, 2, 1))


def main():
    draw = np.random.default_rng(5)
    affine = np.array([[0, -2.0, 0, 30], [0, 0, 2.0, -10], [-3.0, 0, 0, 40], [0, 0, 0, 1.0]])

    def save(name, canonical):
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(in_file(canonical), affine), path)

    truth = np.zeros((N, SIDE, SIDE), np.uint8)
    truth[1:4, 2:6, 1:5] = 1
    truth[3, 5:7, 5:8] = 2
    truth[4, 0, :3] = 3
    logits = draw.normal(size=(4, N, SIDE, SIDE)).astype(np.float32)
    for label in range(4):
        logits[label] += 4 * (truth == label)
    # So sure that the probability of the others is lost in 1 - p: wrongly in slice 2, rightly in slice 0.
    logits[1, 2, 0, :2] += 40
    logits[0, 0, 3, 3:5] += 60
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=0))
    probabilities = (exponentials / exponentials.sum(axis=0)).astype(np.float32)
    predicted = probabilities.argmax(axis=0).astype(np.uint8)
    save("scan.nii.gz", draw.integers(-100, 200, size=truth.shape).astype(np.int16))
    save("labels.nii.gz", truth)
    in_order = np.stack([in_file(of_class).transpose(2, 1, 0) for of_class in probabilities])
    for folder, array in (("in_file_order", in_order), ("reoriented", probabilities)):
        save(f"{folder}/case.nii.gz", predicted)
        np.savez_compressed(HERE / folder / "case.npz", probabilities=array)
    for folder, arrays in (
        ("double", {"other": np.arange(3), "probabilities": in_order.astype(np.float64)}),
        ("half", {"softmax": in_order.astype(np.float16)}),
    ):
        save(f"{folder}/case.nii.gz", predicted)
        np.savez(HERE / folder / "case.npz", **arrays)

    def losses(organs, judged):
        found = {}
        for organ, values in organs.items():
            inside = probabilities[values].astype(np.float64).sum(axis=0)
            outside = np.delete(probabilities, values, axis=0).astype(np.float64).sum(axis=0)
            right = np.where(np.isin(truth, values), inside, outside)
            loss = -np.log(np.clip(right, float(np.finfo(np.float32).tiny), 1))
            found[organ] = [float(of_slice[is_judged].mean()) for of_slice, is_judged in zip(loss, judged)]
        return found

    everywhere = np.ones_like(truth, bool)
    expected = {
        "losses": losses({"liver": [1], "kidney": [2, 3]}, everywhere),
        "losses_where_3_is_ignored": losses({"liver": [1], "kidney": [2]}, truth != 3),
    }
    versions = {"numpy": np.__version__, "nibabel": nibabel.__version__}
    (HERE / "expected.json").write_text(json.dumps({"versions": versions, **expected}, indent=1) + "\n")


if __name__ == "__main__":
    main()
