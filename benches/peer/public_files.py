"""Reads every test file that pydicom, nibabel and highdicom ship, with them and with hardslice.

    pip install pydicom==3.0.2 nibabel==5.4.2 highdicom==0.28.2 numpy==2.4.6 pylibjpeg pylibjpeg-libjpeg \
        pylibjpeg-openjpeg pyjpegls blake3
    cargo build --release -p hardslice-volume --example dump_voxels --features jpeg-ls
    cargo build --release -p hardslice --features jpeg-ls
    python benches/peer/public_files.py target/release/examples/dump_voxels target/release/hardslice > table.md

Each file, and each series of each folder, is read by the peer and by `dump_voxels`; both are brought to
canonical axes and compared voxel by voxel. Segmentations are read onto a scan that is made of nothing
but their own grid, as highdicom gives it. hardslice reads CT; so that decoders are compared on other
modalities, too, an image of another modality whose name has two letters is read once more from a copy
whose `Modality` says CT, nothing else changed.

What came out the same then goes through `hardslice prepare`, all as one cohort, and what the store
records is held against the peer once more: of scans the hash over shape and voxels (which lossy
compression has no right one of), of labels `labels_native.npy`, voxel by voxel.

The outcomes:

- same: shape, affine (1e-3 mm) and every voxel (lossy compression: 2 grey values);
- refused by both;
- refused clearly: an error that names the file and says what was found and what was wanted;
- refused unclearly: a panic, an error without the file's name, or more than 64 MiB and 20 times the
  file's size of memory;
- wrong: another volume than the peer's;
- not compared: a segmentation that the peer cannot place.
"""

import collections
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import warnings

import blake3
import highdicom
import nibabel as nib
import numpy as np
import pydicom

warnings.simplefilter("ignore")
LOSSY = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.81")
DUMP, PROGRAM = sys.argv[1], sys.argv[2]


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


def peer_series(paths):
    """The frames of several files, in the order of their positions."""
    parts = [peer_dicom(path) for path in paths]
    if len(parts) == 1:
        return parts[0]
    linear = parts[0][1][:3, :3]
    if any(part.shape[2] != 1 or not np.allclose(affine[:3, :2], linear[:, :2], atol=1e-4)
           for part, affine, _ in parts):
        raise ValueError("no stack of single slices")
    normal = np.cross(linear[:, 0], linear[:, 1])
    normal /= np.linalg.norm(normal)
    parts.sort(key=lambda part: -part[1][:3, 3] @ normal)
    first, last = parts[0][1][:3, 3], parts[-1][1][:3, 3]
    affine = parts[0][1].copy()
    affine[:3, 2] = (last - first) / (len(parts) - 1)
    return np.concatenate([part for part, _, _ in parts], axis=2), affine, parts[0][2]


def series_below(folder):
    """The image files of each series below a folder, by UID."""
    found = collections.defaultdict(list)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            d = pydicom.dcmread(path, stop_before_pixels=True)
        except Exception:
            continue
        if "Rows" in d and d.get("SeriesInstanceUID"):
            found[str(d.SeriesInstanceUID)].append(path)
    return found


def peer_seg(path):
    """A label map with the highest segment of each voxel."""
    d = pydicom.dcmread(path)
    if not d.original_encoding[1]:
        # highdicom reads no big endian; the frames of each place are joined here.
        pixels, affine, _ = peer_dicom(path)
        segments = [frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
                    for frame in d.PerFrameFunctionalGroupsSequence]
        places = [tuple(frame.PlanePositionSequence[0].ImagePositionPatient)
                  for frame in d.PerFrameFunctionalGroupsSequence]
        if len(set(segments)) == 1 and len(set(places)) == len(places):
            return pixels * float(segments[0]), affine, 0.0
        raise ValueError("big endian and several segments")
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, skip_overlap_checks=True)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    return np.asarray(volume.array, np.float64), affine, 0.0


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


def by_hardslice(path, out, kind="scan", more=()):
    """Voxels, affine and notes; or the error, and whether it is clear."""
    timed = ["/usr/bin/env", "python3", "-c", "import resource,subprocess,sys;r=subprocess.run(sys.argv[1:]);"
             "print('PEAK',resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,file=sys.stderr);sys.exit(r.returncode)"]
    done = subprocess.run([*timed, DUMP, kind, str(path), out, *more], capture_output=True, text=True)
    message, _, peak = done.stderr.rpartition("PEAK ")
    files = [p for p in pathlib.Path(path).rglob("*") if p.is_file()] or [path]
    allowed = 64 * 1024 + 20 * sum(os.path.getsize(p) for p in files) / 1024
    if done.returncode == 0:
        said = json.loads(done.stdout)
        return np.fromfile(out, "<f4").reshape(said["shape_zyx"]), np.array(said["affine"]), said["notes"]
    is_clear = done.returncode == 2 and pathlib.Path(path).stem in message and int(peak) <= allowed
    return " ".join(message.split()), is_clear


def compare(path, read, out, kind="scan", more=(), files=None):
    ours = by_hardslice(path, out, kind, more)
    try:
        theirs = by_peer(files or path, read)
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
    remark = "; ".join(note.split(str(path))[0].rstrip(": ") for note in notes)
    return "same", remark, (wanted, tolerance)


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


class Cohort:
    """What came out the same, to be prepared as one cohort."""

    def __init__(self, folder):
        self.folder = folder
        self.cases = {}

    def add(self, name, image, wanted, series_uid="", labels=None):
        self.cases[f"c{len(self.cases):03}"] = (name, image, series_uid, labels, wanted)

    def prepared(self):
        """Outcome of each case: the package and file, and whether the store has the peer's voxels."""
        with open(self.folder / "cohort.csv", "w") as table:
            table.write("id,image,series_uid,labels\n")
            for case, (_, image, series_uid, labels, _) in self.cases.items():
                table.write(f'{case},"{image}",{series_uid},{labels or ""}\n')
        kinds = "not_hu", "same_scan", "same_labels", "side_implausible", "orientation", "intensities_constant"
        values = range(1, 256)
        (self.folder / "experiment.toml").write_text(
            'organs = ["any"]\n[cohort]\npath = "cohort.csv"\n'
            f"accept = {json.dumps(kinds)}\n[[cohort.labels]]\norgan = \"any\"\nlabels = {list(values)}\n"
            "[prepare]\nsize = 32\n"
        )
        run = [PROGRAM, "prepare", "experiment.toml", "--out", "store"]
        done = subprocess.run(run, cwd=self.folder, capture_output=True, text=True)
        record = self.folder / "store/store.json"
        stored = {}
        if record.exists():
            stored = {case["id"]: case for case in json.loads(record.read_text())["cases"]}
        for case, (name, _, _, labels, (voxels, tolerance)) in self.cases.items():
            if case not in stored:
                lines = [line for line in done.stderr.splitlines() if case in line] or [done.stderr[-300:]]
                yield name, f"not prepared: {lines[0]}"
                continue
            if labels is not None:
                native = np.load(self.folder / f"store/cases/{case}/labels_native.npy")
                same = native.shape == voxels.shape and ((native > 0) == (voxels > 0)).all()
            elif tolerance:
                yield name, "lossy"
                continue
            else:
                same = stored[case]["source"]["voxels_blake3"] == hashed(voxels)
            yield name, "same" if same else "wrong"


def hashed(voxels):
    """The hash that a store records of a scan: over its shape and the hashes of its slices."""
    whole = blake3.blake3(np.array(voxels.shape, "<u8").tobytes())
    for plane in np.ascontiguousarray(voxels, "<f4"):
        whole.update(blake3.blake3(plane.tobytes()).digest())
    return whole.hexdigest()


def reference_of(path, folder):
    """A scan of air on the grid of a segmentation."""
    data, affine, _ = peer_seg(path)
    reference = pathlib.Path(folder) / f"{path.stem}_scan.nii"
    nib.save(nib.Nifti1Image(np.full(data.shape, -1000, np.int16), affine), reference)
    return reference


def readings(of):
    """Package, path and reader of every file."""
    for name in ("pydicom", "highdicom"):
        for path in sorted(p for p in (of[name] / "data").rglob("*") if p.is_file()):
            if path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
                yield name, path, peer_dicom
    for path in sorted(p for p in of["nibabel"].rglob("*") if p.is_file() and "data" in p.parts[-2:-1]):
        if path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts:
            yield "nibabel", path, peer_dicom if path.suffix.lower() == ".dcm" else peer_nifti


def is_seg(path):
    try:
        return pydicom.dcmread(path, stop_before_pixels=True).get("Modality") == "SEG"
    except Exception:
        return False


def main():
    of = {name: pathlib.Path(module.__file__).parent for name, module in
          (("pydicom", pydicom), ("nibabel", nib), ("highdicom", highdicom))}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "voxels")
        cohort = Cohort(pathlib.Path(folder))

        def noted(package, name, path, result, **case):
            rows.append((package, name, result[0], result[1].replace(str(path), "FILE")))
            if result[0] == "same":
                cohort.add((package, name), case.pop("image", path), result[2], **case)

        copies = pathlib.Path(folder) / "copies"
        for package, path, read in readings(of):
            noted(package, path.name, path, compare(path, read, out))
            if read is not peer_dicom:
                continue
            if is_seg(path):
                try:
                    peer_seg(path)
                except Exception as err:
                    rows.append((package, f"{path.name} (onto its own grid)", "not compared", str(err)))
                    continue
                reference = reference_of(path, folder)
                result = compare(path, peer_seg, out, "labels_on", [str(reference)])
                noted(package, f"{path.name} (onto its own grid)", path, result, image=reference, labels=path)
            own = copies / str(len(rows))
            own.mkdir(parents=True)
            copy = as_ct(path, own)
            if copy is not None:
                noted(package, f"{path.name} (as CT)", copy, compare(copy, read, out))
        # Not those that hold files of all kinds, among them damaged ones, which no series is read beside.
        for package, root in (("pydicom", "data/test_files"), ("nibabel", "nicom/tests")):
            root = of[package] / root
            for at in sorted(p for p in root.rglob("*") if p.is_dir() and p.name != "__pycache__"):
                for uid, files in series_below(at).items():
                    result = compare(at, peer_series, out, more=[uid], files=files)
                    name = f"{at.relative_to(of[package])}: series of {len(files)} files"
                    noted(package, name, at, result, series_uid=uid)
        prepared = list(cohort.prepared())
    names = ("pydicom", "nibabel", "highdicom", "numpy")
    print(f"Python {platform.python_version()}, {', '.join(f'{p} {importlib.metadata.version(p)}' for p in names)}.\n")
    outcomes = ["same", "read by hardslice alone", "refused by both", "refused clearly", "refused unclearly", "wrong", "not compared"]
    print("| package | readings | " + " | ".join(outcomes) + " |\n|---|" + "---|" * (len(outcomes) + 1))
    for package in of:
        counts = collections.Counter(row[2] for row in rows if row[0] == package)
        print(f"| {package} | {sum(counts.values())} | " + " | ".join(str(counts[o]) for o in outcomes) + " |")
    counts = collections.Counter(outcome.split(":")[0] for _, outcome in prepared)
    print(f"\nThrough `prepare`: {', '.join(f'{n} {outcome}' for outcome, n in sorted(counts.items(), key=lambda c: -c[1]))}.")
    for (package, name), outcome in prepared:
        if outcome not in ("same", "lossy"):
            print(f"\n- {package}, {name}: {outcome}")
    print("\n| package | file | outcome | remark |\n|---|---|---|---|")
    for package, name, outcome, remark in rows:
        remark = remark.replace(str(of[package].parent), "SITE-PACKAGES").replace("|", "\\|")[:300]
        print(f"| {package} | {name} | {outcome} | {remark} |")


main()
