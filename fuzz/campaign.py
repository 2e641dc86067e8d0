"""Runs every fuzzer in turn, a slice of time each, until each has made its executions; prints a table.

    RUSTC_WRAPPER=$PWD/own_crates.sh cargo build --release --target-dir ../target --features burn --bin nifti
    nice -n 15 python campaign.py ../target/release/nifti [--runs 1000000] [--slice 120] [--state FILE] [TARGET ...]

One binary runs every target.

It may be stopped and started: what was done stands in `campaign.json`, the inputs in `corpus/`. What
breaks a parser is left in `artifacts/TARGET/`, and the fuzzer goes on. An input that takes more than
twenty seconds, or lets the process grow beyond 2 GiB, counts as one.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent
# Larger inputs reach no other code, and take their time.
LONGEST = {"dicom_series": 4096, "dicom_file": 4096, "ledger": 16384, "store_json": 4096, "weights": 32768, "checkpoint": 32768}


def names():
    text = (ROOT / "Cargo.toml").read_text()
    return re.findall(r'\[\[bin\]\]\nname = "(\w+)"', text)


def run(binary, target, n_runs, n_seconds):
    """Executions, coverage, size of the corpus, greatest memory, and whether it was stopped by an input."""
    corpus, artifacts = ROOT / "corpus" / target, ROOT / "artifacts" / target
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [
        binary, corpus, f"-runs={n_runs}", f"-max_total_time={n_seconds}", "-timeout=20",
        "-rss_limit_mb=2048", "-detect_leaks=0", f"-max_len={LONGEST.get(target, 8192)}",
        "-print_final_stats=1", f"-artifact_prefix={artifacts}/",
    ]
    before = set(artifacts.iterdir())
    in_memory = pathlib.Path("/dev/shm")
    scratch = tempfile.mkdtemp(prefix="hardslice-fuzz-", dir=in_memory if in_memory.is_dir() else None)
    environment = dict(os.environ, HARDSLICE_FUZZ_TARGET=target, HARDSLICE_FUZZ_PEAKS="1", TMPDIR=scratch)
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)
        process.wait()
        log.seek(0)
        said = log.read()
    shutil.rmtree(scratch, ignore_errors=True)
    executed = re.findall(r"stat::number_of_executed_units:\s+(\d+)", said) or re.findall(r"^#(\d+)", said, re.M)
    progress = re.findall(r"cov: (\d+).*?corp: (\d+)/", said)
    peaks = [(int(taken), int(per_byte)) for taken, per_byte in
             re.findall(r"peak: (\d+) bytes for \d+ of input, (\d+) a byte", said)]
    return {
        "executions": int(executed[-1]) if executed else 0,
        "edges": max([int(c) for c, _ in progress], default=0),
        "inputs": int(progress[-1][1]) if progress else 0,
        "peak_bytes": max([taken for taken, _ in peaks], default=0),
        "peak_per_byte": max([per_byte for _, per_byte in peaks], default=0),
        "found": sorted(p.name for p in set(artifacts.iterdir()) - before),
    }


def table(state):
    print("| target | executions | seconds | a second | edges | inputs kept | peak memory | a byte beyond the constant | found |")
    print("|---|---|---|---|---|---|---|---|---|")
    for target, done in state.items():
        rate = done["executions"] / max(done["seconds"], 1)
        print(f"| {target} | {done['executions']:,} | {done['seconds']:.0f} | {rate:.0f} | {done['edges']} | "
              f"{done['inputs']} | {done['peak_bytes'] / 2**20:.1f} MiB | {done['peak_per_byte']} | {len(done['found'])} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--slice", type=int, default=120)
    parser.add_argument("--state", type=pathlib.Path, default=ROOT / "campaign.json")
    options = parser.parse_intermixed_args()
    targets = options.targets or names()
    state = json.loads(options.state.read_text()) if options.state.exists() else {}
    while True:
        left = [t for t in targets if state.get(t, {}).get("executions", 0) < options.runs]
        if not left:
            break
        for target in left:
            done = state.setdefault(target, {"executions": 0, "seconds": 0, "edges": 0, "inputs": 0,
                                             "peak_bytes": 0, "peak_per_byte": 0, "found": []})
            began = time.monotonic()
            new = run(options.binary.resolve(), target, options.runs - done["executions"], options.slice)
            done["seconds"] += time.monotonic() - began
            done["executions"] += new["executions"]
            done["inputs"] = new["inputs"]
            for most in ("edges", "peak_bytes", "peak_per_byte"):
                done[most] = max(done[most], new[most])
            done["found"] = sorted({*done["found"], *new["found"]})
            options.state.write_text(json.dumps(state, indent=1))
            if not new["executions"]:
                raise SystemExit(f"{target} did not run")
    table({target: state[target] for target in targets})


main()
