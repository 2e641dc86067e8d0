#!/usr/bin/env python3
"""Does the work of `hardslice prepare` with nibabel, NumPy and SciPy, and times both, taking turns.

    hardslice phantom --out cohort --patients 12 --size 512
    python benches/peer/prepare.py target/release/hardslice cohort/cohort.csv --size 256

What is done to each scan, as `hardslice prepare` does it: brought to RAS+, clipped to the window,
each slice padded to a square and averaged over the area of the new pixels, rounded to int16; labels
by the majority of the area; both written as .npy, the labels on the scan's own grid too. The peer's
averages are products with sparse matrices, its processes a pool; each of its ways runs in a process
of its own. Times are those of whole processes, memory that of all of a way's processes together.
Needs nibabel, numpy and scipy.
"""
import argparse
import csv
import importlib.metadata
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WINDOW = (-150, 250)
ORGANS = {"liver": [1], "kidney": [2, 3], "spleen": [4]}


def axis_matrix(n, spacing, margin, size, pixel):
    """Shares of each of `n` old pixels in each of `size` new ones along an axis."""
    import numpy as np
    from scipy import sparse

    edges = np.clip((np.arange(size + 1) * pixel - margin) / spacing, 0, n)
    rows, columns, shares = [], [], []
    for new in range(size):
        low, high = edges[new], edges[new + 1]
        for old in range(int(low), min(int(np.ceil(high)), n)):
            share = (min(high, old + 1) - max(low, old)) * spacing / pixel
            if share > 1e-9:
                rows.append(new), columns.append(old), shares.append(share)
    return sparse.csr_matrix((np.float32(shares), (rows, columns)), shape=(size, n))


def prepare_case(job):
    """One scan, slice by slice."""
    import nibabel
    import numpy as np

    image_path, labels_path, out, size = job
    out.mkdir(parents=True)
    image = nibabel.as_closest_canonical(nibabel.load(image_path))
    labels = nibabel.as_closest_canonical(nibabel.load(labels_path))
    assert np.allclose(image.affine, labels.affine, atol=1e-3), "labels on another grid"
    hu = np.clip(image.get_fdata(dtype=np.float32), *WINDOW).T
    values = np.asarray(labels.dataobj).astype(np.uint8).T
    table = np.zeros(256, np.uint8)
    for place, label_values in enumerate(ORGANS.values()):
        table[label_values] = place + 1
    values = table[values]
    np.save(out / "labels_native.npy", np.ascontiguousarray(values))

    spacing = image.header.get_zooms()[1::-1]
    extent = [n * mm for n, mm in zip(hu.shape[1:], spacing)]
    pixel = max(extent) / size
    y, x = (
        axis_matrix(n, mm, (max(extent) - e) / 2, size, pixel)
        for n, mm, e in zip(hu.shape[1:], spacing, extent)
    )
    inside = y.sum(1) @ x.sum(1).T
    image_out = np.empty((len(hu), size, size), np.int16)
    labels_out = np.zeros((len(hu), size, size), np.uint8)
    for z, (plane, marked) in enumerate(zip(hu, values)):
        resampled = (x @ (y @ plane).T).T + (1 - inside) * WINDOW[0]
        image_out[z] = np.rint(resampled)
        present = [value for value in np.unique(marked) if value]
        if present:
            shares = [(x @ (y @ (marked == value).astype(np.float32)).T).T for value in present]
            shares = np.stack([1 - sum(shares), *shares])
            labels_out[z] = np.array([0, *present], np.uint8)[shares.argmax(0)]
    np.save(out / "image.npy", image_out)
    np.save(out / "labels.npy", labels_out)


def peer(cohort, out, size, processes):
    with open(cohort) as file:
        rows = list(csv.DictReader(file))
    jobs = [
        (cohort.parent / row["image"], cohort.parent / row["labels"], out / row["case"], size)
        for row in rows
    ]
    if processes == 1:
        for job in jobs:
            prepare_case(job)
        return
    with multiprocessing.Pool(processes) as pool:
        pool.map(prepare_case, jobs, chunksize=1)


def run(command):
    """Seconds and the most memory, in MB, of all its processes together, sampled."""
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL)
    begun, peak = time.perf_counter(), 0
    while process.poll() is None:
        peak = max(peak, memory_of(process.pid))
        time.sleep(0.01)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - begun, peak / 1e6


def memory_of(pid):
    """Bytes of a process and its children that are its own: pages of mapped files do not count,
    since the system takes them back when it likes."""
    total = 0
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in status.splitlines():
        if line.startswith("RssAnon"):
            total += int(line.split()[1]) * 1024
    return total + sum(memory_of(child) for child in children)


def compare(ours, theirs):
    """Largest difference of the images, and the share of label pixels that differ."""
    import numpy as np

    largest, n_differ, n = 0, 0, 0
    for case in sorted(theirs.iterdir()):
        mine = ours / "cases" / case.name
        image = [np.load(d / "image.npy").astype(np.int32) for d in (mine, case)]
        labels = [np.load(d / "labels.npy") for d in (mine, case)]
        native = [np.load(d / "labels_native.npy") for d in (mine, case)]
        assert (native[0] == native[1]).all(), f"{case.name}: labels on the scan's grid differ"
        largest = max(largest, abs(image[0] - image[1]).max())
        n_differ += (labels[0] != labels[1]).sum()
        n += labels[0].size
    return largest, n_differ / n


def main():
    if sys.argv[1:2] == ["--peer"]:
        cohort, out, size, processes = sys.argv[2:]
        return peer(Path(cohort), Path(out), int(size), int(processes))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program", type=Path, help="the program hardslice")
    parser.add_argument("cohort", type=Path, help="cohort.csv of a phantom cohort")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    labels = ", ".join(f"{organ} = {values}" for organ, values in ORGANS.items())
    rounds = {"hardslice": [], "peer, one process": [], f"peer, {arguments.threads} processes": []}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        experiment = folder / "experiment.toml"
        experiment.write_text(
            f'preset = "laptop"\n[cohort]\npath = "{arguments.cohort.resolve()}"\n'
            f"labels = {{ {labels} }}\n[prepare]\nsize = {arguments.size}\n"
        )
        difference = None
        for turn in range(arguments.rounds):
            ours, theirs = folder / f"ours_{turn}", folder / f"theirs_{turn}"
            command = [arguments.program, "prepare", experiment, "--out", ours]
            rounds["hardslice"].append(run([*command, "--threads", arguments.threads]))
            for name, processes in zip(list(rounds)[1:], [1, arguments.threads]):
                out = folder / f"theirs_{turn}_{processes}"
                command = [sys.executable, __file__, "--peer", arguments.cohort, out]
                rounds[name].append(run([*command, arguments.size, processes]))
                difference = difference or compare(ours, out)
                subprocess.run(["rm", "-rf", out], check=True)
            subprocess.run(["rm", "-rf", ours], check=True)
    packages = ["nibabel", "numpy", "scipy"]
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    print(f"{arguments.size} pixels, {arguments.threads} threads, medians of {arguments.rounds} rounds\n")
    print("| | seconds | memory, MB | hardslice is faster by | share of its memory |\n|---|---:|---:|---:|---:|")
    medians = {name: [statistics.median(x) for x in zip(*taken)] for name, taken in rounds.items()}
    seconds, memory = medians["hardslice"]
    for name, (s, mb) in medians.items():
        print(f"| {name} | {s:.2f} | {mb:.0f} | {s / seconds:.2f} | {memory / mb:.2f} |")
    largest, share = difference
    print(f"\nLargest difference of a pixel {largest} HU; labels differ in {share:.2e} of the pixels.")


if __name__ == "__main__":
    main()
