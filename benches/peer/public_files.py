"""Reads every test file that pydicom, nibabel and highdicom ship, with them and with hardslice.

    pip install pydicom==3.0.2 nibabel==5.4.2 highdicom==0.28.2 numpy==2.4.6 pylibjpeg pylibjpeg-libjpeg \
        pylibjpeg-openjpeg pyjpegls
    cargo build --release -p hardslice-volume --example dump_voxels --features jpeg-ls
    python benches/peer/public_files.py target/release/examples/dump_voxels > table.md

Each file is read by the peer and by `dump_voxels`; both are brought to canonical axes and compared
voxel by voxel. hardslice reads CT; so that decoders are compared on other modalities, too, an image of
another modality whose name has two letters is read once more from a copy whose `Modality` says CT,
nothing else changed. The outcomes:

- same: shape, affine (1e-3 mm) and every voxel (lossy compression: 2 grey values);
- refused by both;
- refused clearly: an error that names the file and says what was found and what was wanted;
- refused unclearly: a panic, an error without the file's name, or more than 64 MiB and 20 times the
  file's size of memory;
- wrong: another volume than the peer's.
"""

import collections
import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import warnings

import highdicom
import nibabel as nib
import numpy as np
import pydicom

warnings.simplefilter("ignore")
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.81")
DUMP = sys.argv[1]


def peer_dicom(path):
    d = pydicom.dcmread(path, force=True)
    pixels = d.pixel_array.astype(np.float64)
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or int(d.get("SamplesPerPixel", 1)) != 1:
        raise ValueError("colour")
    shared = d.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in d else None
    frames = d.get("PerFrameFunctionalGroupsSequence", [None] * len(pixels))

    def group(frame, name):
        for place in (frame, shared):
            if place is not None and name in place:
                return place[name].value[0]
        return d

    places = []
    for k, frame in enumerate(frames):
        values = group(frame, "PixelValueTransformationSequence")
        pixels[k] = pixels[k] * float(values.get("RescaleSlope", 1)) + float(values.get("RescaleIntercept", 0))
        position = np.array(group(frame, "PlanePositionSequence").ImagePositionPatient, float)
        orientation = np.array(group(frame, "PlaneOrientationSequence").ImageOrientationPatient, float)
        measures = group(frame, "PixelMeasuresSequence")
        places.append((position, orientation, np.array(measures.PixelSpacing, float), measures))
    position, orientation, (between_rows, between_columns), measures = places[0]
    row, column = orientation[:3], orientation[3:]
    normal = np.cross(row, column)
    order = np.argsort([p[0] @ normal for p in places], kind="stable")
    if len(places) > 1:
        span = (places[order[-1]][0] - places[order[0]][0]) @ normal / (len(places) - 1)
    else:
        span = float(measures.get("SpacingBetweenSlices", None) or measures.SliceThickness)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = row * between_columns, column * between_rows, normal * abs(span)
    affine[:3, 3] = places[order[0]][0]
    affine = np.diag([-1, -1, 1, 1]) @ affine
    lossy = d.file_meta.get("TransferSyntaxUID", "") in LOSSY if hasattr(d, "file_meta") else False
    return pixels[order].transpose(2, 1, 0), affine, 2.0 if lossy else 0.0


def peer_nifti(path):
    image = nib.load(path)
    data = np.asarray(image.dataobj, dtype=np.float64)
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    while data.ndim < 3:
        data = data[..., None]
    if data.ndim != 3:
        raise ValueError(f"{data.ndim} axes")
    return data, image.affine, 0.0


def by_peer(path, read):
    data, affine, tolerance = read(path)
    placed = nib.as_closest_canonical(nib.Nifti1Image(data.astype(np.float64), affine))
    return placed.get_fdata().transpose(2, 1, 0).astype(np.float32), placed.affine[:3], tolerance


def by_hardslice(path, out):
    """Voxels, affine and notes; or the error, and whether it is clear."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    timed = ["/usr/bin/env", "python3", "-c", "import resource,subprocess,sys;r=subprocess.run(sys.argv[1:]);"
             "print('PEAK',resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,file=sys.stderr);sys.exit(r.returncode)"]
    done = subprocess.run([*timed, DUMP, "scan", str(path), out], capture_output=True, text=True)
    message, _, peak = done.stderr.rpartition("PEAK ")
    allowed = 64 * 1024 + 20 * os.path.getsize(path) / 1024
    if done.returncode == 0:
        said = json.loads(done.stdout)
        return np.fromfile(out, "<f4").reshape(said["shape_zyx"]), np.array(said["affine"]), said["notes"]
    is_clear = done.returncode == 2 and pathlib.Path(path).stem in message and int(peak) <= allowed
    del before
    return " ".join(message.split()), is_clear


def compare(path, read, out):
    ours = by_hardslice(path, out)
    try:
        theirs = by_peer(path, read)
    except Exception as err:  # whatever a peer raises is its refusal
        theirs = f"{type(err).__name__}: {err}"
    if len(ours) == 2:
        message, is_clear = ours
        if not is_clear:
            return "refused unclearly", message
        return ("refused by both" if isinstance(theirs, str) else "refused clearly"), message
    if isinstance(theirs, str):
        return "read by hardslice alone", theirs
    voxels, affine, notes = ours
    wanted, wanted_affine, tolerance = theirs
    if voxels.shape != wanted.shape:
        return "wrong", f"shape {voxels.shape}, {wanted.shape} by the peer"
    if not np.allclose(affine, wanted_affine, atol=1e-3, rtol=1e-6):
        return "wrong", f"affine {affine.round(4).tolist()}, {np.round(wanted_affine, 4).tolist()} by the peer"
    off = np.abs(voxels.astype(np.float64) - wanted)
    if not (off <= tolerance + 1e-6 * np.abs(wanted)).all():
        return "wrong", f"voxels off by {off.max()} at most"
    return "same", "; ".join(note.split(str(path))[0].rstrip(": ") for note in notes)


def as_ct(path, folder):
    """A copy whose Modality says CT; `None` where its name has other than two letters."""
    try:
        d = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        modality = d.get("Modality", "")
        if modality == "CT" or len(modality) != 2 or "Rows" not in d:
            return None
        data = bytearray(pathlib.Path(path).read_bytes())
        big = d.original_encoding[1] is False
        tag = b"\0\x08\0\x60" if big else b"\x08\0\x60\0"
        at = data.find(tag)
        if at < 0 or data[at + 8:at + 10] != modality.encode():
            return None
        data[at + 8:at + 10] = b"CT"
        copy = pathlib.Path(folder) / pathlib.Path(path).name
        copy.write_bytes(data)
        return copy
    except Exception:
        return None


def main():
    cases = []
    of = {name: pathlib.Path(module.__file__).parent for name, module in
          (("pydicom", pydicom), ("nibabel", nib), ("highdicom", highdicom))}
    dicom_endings = (".dcm", ".ima", "")
    for name in ("pydicom", "highdicom"):
        for path in sorted(p for p in (of[name] / "data").rglob("*") if p.is_file()):
            if path.suffix.lower() in dicom_endings and path.name != "README":
                cases.append((name, path, peer_dicom))
    for path in sorted(p for p in of["nibabel"].rglob("*") if p.is_file() and "data" in p.parts[-2:-1]):
        lower = path.name.lower()
        if lower.endswith((".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")):
            cases.append(("nibabel", path, peer_nifti))
        elif lower.endswith(".dcm"):
            cases.append(("nibabel", path, peer_dicom))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "voxels")
        for package, path, read in cases:
            outcome, remark = compare(path, read, out)
            rows.append((package, path.name, outcome, remark.replace(str(path), "FILE")))
            copy = as_ct(path, folder) if read is peer_dicom else None
            if copy is not None:
                outcome, remark = compare(copy, read, out)
                rows.append((package, f"{path.name} (as CT)", outcome, remark.replace(str(copy), "FILE")))
                copy.unlink()
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("pydicom", "nibabel", "highdicom", "numpy"))
    print(f"Python {platform.python_version()}, {versions}.\n")
    outcomes = ["same", "read by hardslice alone", "refused by both", "refused clearly", "refused unclearly", "wrong"]
    print("| package | readings | " + " | ".join(outcomes) + " |\n|---|" + "---|" * (len(outcomes) + 1))
    for package in of:
        counts = collections.Counter(row[2] for row in rows if row[0] == package)
        print(f"| {package} | {sum(counts.values())} | " + " | ".join(str(counts[o]) for o in outcomes) + " |")
    print("\n| package | file | outcome | remark |\n|---|---|---|---|")
    for package, name, outcome, remark in rows:
        remark = remark.replace("|", "\\|")[:300]
        print(f"| {package} | {name} | {outcome} | {remark} |")


main()
