"""Makes nrrd.json: small NRRD files and what SimpleITK reads from them, on canonical axes.

    pip install SimpleITK==2.5.7 pynrrd==1.1.3 nibabel==5.4.2 numpy==2.4.6
    python nrrd.py

Each case holds its files as hexadecimal text, the name to open, and the canonical affine, shape and
voxels (z, y, x): SimpleITK reads the file (LPS), nibabel brings it to canonical axes. Segmentations
hold their layers, each as SimpleITK or pynrrd reads it.
"""

import json
import pathlib
import sys
import tempfile

# This file has the name of the package.
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]
import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(11)
cases = []


def rotation():
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def affine_of(image):
    """RAS affine of a SimpleITK image."""
    linear = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = linear, image.GetOrigin()
    return np.diag([-1, -1, 1, 1]) @ out


def canonical(array_xyz, affine):
    image = nib.as_closest_canonical(nib.Nifti1Image(array_xyz.astype(np.float64), affine))
    return image.get_fdata().transpose(2, 1, 0), image.affine


def add(title, folder, name, layers_xyz, affine, segments=()):
    placed = [canonical(layer, affine) for layer in layers_xyz]
    cases.append({
        "title": title,
        "open": name,
        "files": {p.name: p.read_bytes().hex() for p in sorted(folder.iterdir())},
        "affine": placed[0][1][:3].tolist(),
        "shape_zyx": list(placed[0][0].shape),
        "layers": [layer.astype(np.float32).ravel().tolist() for layer, _ in placed],
        "segments": list(segments),
    })


def with_simpleitk(title, dtype, name="a.nrrd", compressed=True):
    array = (rng.normal(size=(5, 4, 3)) * 300).astype(dtype) if np.dtype(dtype).kind != "u" else \
        rng.integers(0, 200, size=(5, 4, 3)).astype(dtype)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 0.9, 5.0))
    image.SetOrigin(tuple(rng.uniform(-300, 300, size=3)))
    image.SetDirection(rotation().ravel().tolist())
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        sitk.WriteImage(image, folder / name, useCompression=compressed)
        back = sitk.ReadImage(folder / name)
        add(title, folder, name, [sitk.GetArrayFromImage(back).transpose(2, 1, 0)], affine_of(back))


def with_pynrrd(title, array, header, name="a.nrrd", segments=(), layer_axis=None):
    header = {"space": "left-posterior-superior", "space origin": rng.uniform(-300, 300, size=3),
              "space directions": rotation() @ np.diag((0.7, 0.9, 5.0)), "encoding": "gzip", **header}
    to_ras = {"left-posterior-superior": [-1, -1, 1], "left-anterior-superior": [-1, 1, 1],
              "right-anterior-superior": [1, 1, 1], "LPS": [-1, -1, 1]}[header["space"]]
    spatial = np.array([d for d in header["space directions"] if not np.isnan(d).any()])
    affine = np.eye(4)
    affine[:3, :3] = spatial.T
    affine[:3, 3] = header["space origin"]
    affine = np.diag([*to_ras, 1.0]) @ affine
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        nrrd.write(str(folder / name), array, header)
        data, _ = nrrd.read(str(folder / name))
        layers = [data] if layer_axis is None else list(np.moveaxis(data, layer_axis, 0))
        if layer_axis is None and header["space"] != "LPS":
            image = sitk.ReadImage(folder / name)
            assert np.allclose(affine_of(image), affine, atol=1e-9), title
            assert (sitk.GetArrayFromImage(image).transpose(2, 1, 0) == data).all(), title
        add(title, folder, name, layers, affine, segments)


for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
    with_simpleitk(f"SimpleITK {dtype}, gzip", dtype)
with_simpleitk("SimpleITK i2, raw", "i2", compressed=False)
with_simpleitk("SimpleITK i2, detached header, gzip", "i2", "a.nhdr")
with_simpleitk("SimpleITK u1, detached header, raw", "u1", "a.nhdr", False)

shorts = lambda: rng.integers(-1024, 3071, size=(3, 4, 5)).astype("i2")
for space in ["right-anterior-superior", "left-anterior-superior", "LPS"]:
    with_pynrrd(f"space {space}", shorts(), {"space": space})
with_pynrrd("big endian", shorts().astype(">i2"), {"endian": "big"})

seg = lambda n, name, value, layer: {
    f"Segment{n}_ID": f"Segment_{n + 1}", f"Segment{n}_Name": name,
    f"Segment{n}_LabelValue": str(value), f"Segment{n}_Layer": str(layer)}
plain = rng.integers(0, 4, size=(3, 4, 5)).astype("u1")
with_pynrrd("one layer of segments", plain, {**seg(0, "Liver", 1, 0), **seg(1, "Left Kidney", 2, 0)},
            "a.seg.nrrd", [["Liver", 1, 0], ["Left Kidney", 2, 0]])
layers = np.zeros((2, 3, 4, 5), "u1")
layers[0, :2], layers[1, 1:, :2] = 1, 3
directions = np.vstack([[np.nan] * 3, rotation() @ np.diag((0.7, 0.9, 5.0))])
with_pynrrd("two layers that overlap", layers,
            {**seg(0, "liver", 1, 0), **seg(1, "spleen", 3, 1), "space directions": directions,
             "kinds": ["list", "domain", "domain", "domain"]},
            "a.seg.nrrd", [["liver", 1, 0], ["spleen", 3, 1]], layer_axis=0)
apart = layers.copy()
apart[0, 1:] = 0
with_pynrrd("two layers apart, the list last", np.moveaxis(apart, 0, 3),
            {**seg(0, "liver", 1, 0), **seg(1, "spleen", 3, 1),
             "space directions": np.roll(directions, -1, axis=0),
             "kinds": ["domain", "domain", "domain", "list"]},
            "a.seg.nrrd", [["liver", 1, 0], ["spleen", 3, 1]], layer_axis=3)

out = {"SimpleITK": sitk.__version__, "pynrrd": nrrd.__version__, "cases": cases}
text = json.dumps(out, separators=(",", ":")).replace('{"title"', '\n{"title"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(cases), "cases", len(text), "bytes")
