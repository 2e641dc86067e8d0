"""Makes meta_image.json: small MetaImage files and what SimpleITK reads from them, on canonical axes.

    pip install SimpleITK==2.5.7 nibabel==5.4.2 numpy==2.4.6
    python meta_image.py

Each case holds its files as hexadecimal text, the name to open, and the canonical affine, shape and
voxels (z, y, x): SimpleITK reads the file (LPS), nibabel brings it to canonical axes.
"""

import json
import pathlib
import sys
import tempfile

import nibabel as nib
import numpy as np
import SimpleITK as sitk

rng = np.random.default_rng(12)
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


def add(title, folder, name):
    image = sitk.ReadImage(folder / name)
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    placed = nib.as_closest_canonical(nib.Nifti1Image(array.astype(np.float64), affine_of(image)))
    voxels = placed.get_fdata().transpose(2, 1, 0)
    cases.append({
        "title": title,
        "open": name,
        "files": {p.name: p.read_bytes().hex() for p in sorted(folder.iterdir())},
        "affine": placed.affine[:3].tolist(),
        "shape_zyx": list(voxels.shape),
        "voxels": voxels.astype(np.float32).ravel().tolist(),
    })


def array_of(dtype):
    if np.dtype(dtype).kind == "u":
        return rng.integers(0, 200, size=(5, 4, 3)).astype(dtype)
    return (rng.normal(size=(5, 4, 3)) * 30).astype(dtype)


def with_simpleitk(title, dtype, name="a.mha", compressed=False, direction=None):
    image = sitk.GetImageFromArray(array_of(dtype))
    image.SetSpacing((0.7, 0.9, 5.0))
    image.SetOrigin(tuple(rng.uniform(-300, 300, size=3)))
    image.SetDirection((rotation() if direction is None else np.array(direction)).ravel().tolist())
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        sitk.WriteImage(image, folder / name, useCompression=compressed)
        add(title, folder, name)


def by_hand(title, header, files, name="a.mhd"):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for file, content in files.items():
            (folder / file).write_bytes(content)
        (folder / name).write_bytes(header)
        add(title, folder, name)


for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"):
    with_simpleitk(f"{dtype}, oblique", dtype, compressed=dtype in ("int16", "float32"))
with_simpleitk("flipped along two axes", "int16", direction=[[-1, 0, 0], [0, -1, 0], [0, 0, 1]])
with_simpleitk("axes in another order, one flipped", "int16", direction=[[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
with_simpleitk("header and voxels in two files", "int16", name="a.mhd")
with_simpleitk("header and compressed voxels in two files", "uint8", name="a.mhd", compressed=True)

array = array_of("int16")
FIELDS = b"""ObjectType = Image
NDims = 3
BinaryData = True
%sElementSpacing = 0.7 0.9 5
DimSize = 3 4 5
ElementType = MET_SHORT
"""
PLACE = b"""Position = 10 -20 30.5
Orientation = 0 1 0 -1 0 0 0 0 -1
"""
big = b"ElementByteOrderMSB = True\n" + PLACE
little = b"ElementByteOrderMSB = False\n" + PLACE
by_hand("big endian, Position and Orientation", FIELDS % big + b"ElementDataFile = a.raw\n",
        {"a.raw": array.astype(">i2").tobytes()})
by_hand("Origin and Rotation", FIELDS % little.replace(b"Position", b"Origin").replace(b"Orientation", b"Rotation")
        + b"ElementDataFile = a.raw\n", {"a.raw": array.astype("<i2").tobytes()})
by_hand("100 bytes before the voxels", FIELDS % little + b"HeaderSize = 100\nElementDataFile = a.raw\n",
        {"a.raw": b"x" * 100 + array.astype("<i2").tobytes()})
by_hand("something before the voxels", FIELDS % little + b"HeaderSize = -1\nElementDataFile = a.raw\n",
        {"a.raw": b"x" * 77 + array.astype("<i2").tobytes()})
by_hand("a list of slices", FIELDS % little + b"ElementDataFile = LIST\n" + b"".join(b"%d.raw\n" % k for k in range(5)),
        {f"{k}.raw": array[k].astype("<i2").tobytes() for k in range(5)})
by_hand("ElementSize instead of ElementSpacing", FIELDS.replace(b"ElementSpacing", b"ElementSize") % little
        + b"ElementDataFile = LOCAL\n" + array.astype("<i2").tobytes(), {}, name="a.mha")
by_hand("no directions and no offset", FIELDS % b"ElementByteOrderMSB = False\n"
        + b"ElementDataFile = LOCAL\n" + array.astype("<i2").tobytes(), {}, name="a.mha")

target = pathlib.Path(__file__).with_name("meta_image.json")
target.write_text(json.dumps({"made_by": f"SimpleITK {sitk.__version__}, nibabel {nib.__version__}, numpy {np.__version__}",
                              "cases": cases}, separators=(",", ":")) + "\n")
print(f"{len(cases)} cases, {target.stat().st_size} bytes", file=sys.stderr)
