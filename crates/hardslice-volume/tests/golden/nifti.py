"""Makes nifti.json: small NIfTI files and what nibabel reads from them on canonical axes.

    pip install nibabel==5.4.2 numpy==2.4.6
    python nifti.py

Each case holds its files as hexadecimal text, the name to open, and the canonical affine, shape and
voxels (z, y, x) that `nibabel.as_closest_canonical` and `get_fdata` give.
"""

import gzip
import itertools
import json
import pathlib
import struct
import tempfile

import nibabel as nib
import numpy as np

SHAPE = (3, 4, 5)
SPACING = (0.7, 0.9, 5.0)
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
rng = np.random.default_rng(20240607)


def rotation(max_angle):
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = rng.uniform(0.2, 1.0) * max_angle
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def affine(linear):
    out = np.eye(4)
    out[:3, :3] = linear @ np.diag(SPACING)
    out[:3, 3] = rng.uniform(-300, 300, size=3)
    return out


def orientations():
    for order in itertools.permutations(range(3)):
        for signs in itertools.product([1, -1], repeat=3):
            linear = np.zeros((3, 3))
            for column, (row, sign) in enumerate(zip(order, signs)):
                linear[row, column] = sign
            yield linear


def voxels(dtype, shape=SHAPE):
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (rng.normal(size=shape) * 500).astype(kind)
    low, high = max(np.iinfo(kind).min, -1024), min(np.iinfo(kind).max, 3071)
    return rng.integers(low, high, size=shape, endpoint=True).astype(kind)


def save(folder, array, aff, name, *, big=False, version=1, sform=1, qform=1, patch=None):
    """Writes a file with nibabel, then overwrites header fields: patch = [(offset, format, value)]."""
    pair = name.split(".")[1] in ("hdr", "img")
    kinds = {(1, False): nib.Nifti1Image, (2, False): nib.Nifti2Image,
             (1, True): nib.Nifti1Pair, (2, True): nib.Nifti2Pair}
    kind = kinds[version, pair]
    header = kind.header_class(endianness=">" if big else "<")
    header.set_data_dtype(array.dtype)
    image = kind(array, aff, header, dtype=array.dtype)
    image.set_qform(aff, qform)
    image.set_sform(aff, sform)
    image.to_filename(folder / name)
    if patch:
        head = folder / name.replace(".img", ".hdr")
        raw = head.read_bytes()
        packed = raw[:2] == b"\x1f\x8b"
        raw = bytearray(gzip.decompress(raw) if packed else raw)
        for offset, form, value in patch:
            struct.pack_into((">" if big else "<") + form, raw, offset, value)
        head.write_bytes(gzip.compress(bytes(raw), mtime=0) if packed else bytes(raw))


cases = []


def case(title, array, aff, name, mm_per_unit=1.0, **options):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        save(folder, array, aff, name, **options)
        image = nib.load(folder / name)
        canonical = nib.as_closest_canonical(image)
        data = canonical.get_fdata().astype(np.float32)
        if data.ndim == 4:
            data = data[..., 0]
        zyx = data.transpose(2, 1, 0)
        cases.append({
            "title": title,
            "open": name,
            "files": {p.name: p.read_bytes().hex() for p in sorted(folder.iterdir())},
            "orientation": "".join(nib.aff2axcodes(image.affine)),
            "affine": (canonical.affine[:3] * mm_per_unit).tolist(),
            "shape_zyx": list(zyx.shape),
            "voxels": zyx.ravel().tolist(),
        })


suffixes = ["a.nii", "a.nii.gz"]
for n, linear in enumerate(orientations()):
    dtype, big = DTYPES[n % len(DTYPES)], n % 3 == 0
    aff = affine(rotation(0.3) @ linear)
    case(f"orientation {n} as {dtype}", voxels(dtype), aff, suffixes[n % 2], big=big)
for n in range(12):
    case(f"oblique {n}", voxels("i2"), affine(rotation(np.pi)), "a.nii.gz")
for n in range(6):
    sheared = rotation(np.pi) @ np.array([[1, 0.2, 0.1], [0, 1, 0.3], [0, 0, 1]])
    case(f"sheared {n}", voxels("u1"), affine(sheared), "a.nii.gz", qform=0)
for n, linear in enumerate(orientations()):
    if n % 4 == 1:
        aff = affine(rotation(0.3) @ linear)
        case(f"qform only {n}", voxels("u1"), aff, "a.nii.gz", sform=0, version=1 + n // 4 % 2)
    if n % 8 == 2:
        case(f"qform of right angles {n}", voxels("u1"), affine(linear), "a.nii.gz", sform=0)
case("spacing alone", voxels("i2"), affine(np.eye(3)), "a.nii", sform=0, qform=0)
for n, (dtype, big) in enumerate(itertools.product(DTYPES, [False, True])):
    aff = affine(rotation(np.pi))
    case(f"NIfTI-2 as {dtype}", voxels(dtype), aff, suffixes[n % 2], big=big, version=2)
for n, name in enumerate(["a.hdr", "a.img", "a.hdr.gz", "a.img.gz"]):
    case(f"pair {name}", voxels("i2"), affine(rotation(np.pi)), name, version=1 + n % 2, big=n > 1)
for dtype, big in itertools.product(["u1", "i2", "f4"], [False, True]):
    aff = affine(rotation(np.pi))
    scale = [(112, "f", 1.568627), (116, "f", -160.25)]
    case(f"slope and intercept on {dtype}", voxels(dtype), aff, "a.nii.gz", big=big, patch=scale)
scale = [(176, "d", 0.1), (184, "d", -1e-3)]
case("slope in NIfTI-2", voxels("i4"), affine(np.eye(3)), "a.nii", version=2, patch=scale)
for title, slope in [("0", 0.0), ("NaN", np.nan)]:
    scale = [(112, "f", slope), (116, "f", 7.0)]
    case(f"slope {title} means none", voxels("i2"), affine(np.eye(3)), "a.nii", patch=scale)
case("4D with one frame", voxels("i2", (*SHAPE, 1)), affine(rotation(np.pi)), "a.nii.gz")
case("metres", voxels("u1"), affine(np.eye(3)), "a.nii", 1e3, patch=[(123, "B", 1)])
case("micrometres", voxels("u1"), affine(np.eye(3)), "a.nii", 1e-3, patch=[(123, "B", 3 | 8)])

out = {"nibabel": nib.__version__, "numpy": np.__version__, "cases": cases}
text = json.dumps(out, separators=(",", ":")).replace('{"title"', '\n{"title"')
pathlib.Path(__file__).with_suffix(".json").write_text(text + "\n")
print(len(cases), "cases", len(text), "bytes")
