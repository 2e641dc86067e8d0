"""Makes components.json: random masks and their components by scipy and SimpleITK.

    pip install scipy==1.17.1 SimpleITK==2.5.7 numpy==2.4.6
    python components.py

A mask is hexadecimal text of its bits, z, y, x with x fastest, the highest bit of a byte first.
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.ndimage as ndi
import SimpleITK as sitk

rng = np.random.default_rng(7)
cases = []
for shape, density in [
    ((9, 11, 13), 0.05), ((9, 11, 13), 0.2), ((9, 11, 13), 0.35), ((9, 11, 13), 0.6),
    ((1, 20, 31), 0.4), ((20, 1, 31), 0.4), ((20, 31, 1), 0.4), ((5, 6, 7), 0.95),
    ((16, 16, 16), 0.25), ((16, 16, 16), 0.1), ((3, 40, 40), 0.3), ((12, 5, 33), 0.5),
]:
    mask = rng.random(shape) < density
    case = {"shape_zyx": shape, "mask": np.packbits(mask.ravel()).tobytes().hex()}
    for name, structure, full in [
        ("faces", ndi.generate_binary_structure(3, 1), False),
        ("corners", np.ones((3, 3, 3)), True),
    ]:
        labels, n = ndi.label(mask, structure)
        sizes = np.bincount(labels.ravel())[1:]
        # Numbered by their first voxels, so that a reader can compare one by one.
        firsts = np.unique(labels[labels > 0], return_index=True)[1]
        case[name] = [int(v) for v in sizes[np.argsort(firsts)]]
        itk = sitk.GetArrayFromImage(sitk.ConnectedComponent(
            sitk.GetImageFromArray(mask.astype(np.uint8)), full))
        assert sorted(np.bincount(itk.ravel())[1:]) == sorted(sizes), "scipy and SimpleITK differ"
    labels, n = ndi.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    largest = np.flatnonzero(sizes == sizes.max()) + 1
    first = min(largest, key=lambda label: np.flatnonzero(labels.ravel() == label)[0])
    case["largest"] = np.packbits((labels == first).ravel()).tobytes().hex()
    cases.append(case)
out = {"scipy": scipy.__version__, "SimpleITK": sitk.__version__, "cases": cases}
text = json.dumps(out, separators=(",", ":")).replace('{"shape', '\n{"shape')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(cases), "cases", len(text), "bytes")
