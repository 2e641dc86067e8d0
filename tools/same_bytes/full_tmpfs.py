#!/usr/bin/env python3
"""Works on a real file system that is full: one in memory, a little larger at every attempt.

    sudo tools/same_bytes/full_tmpfs.py PROGRAM [--steps 24]

`phantom`, `prepare`, `run` and `compare` write into a tmpfs that grows from nothing to what they need.
Each attempt must end with status 2 and say that there is no space, never by a signal (a store is
mapped into memory, where a page that the file system cannot give is SIGBUS); the last one, which has
room, must leave every file as a run that had room from the beginning. Linux and root only, for the
mount; standard library only.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from left import differences
from workplace import PHANTOMS, Workplace, Work

LINES = {
    "phantom": f"{PHANTOMS} full/out",
    "prepare": "prepare experiment.toml --out full/out",
    "run": "run experiment.toml --out full/out",
    "compare": "compare experiment.toml --seeds 2 --jobs 2 --out full/out",
}


def mount(at: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)], check=True)


def used_bytes(at: Path) -> int:
    text = subprocess.run(["df", "--block-size=1", "--output=used", str(at)], capture_output=True, text=True)
    return int(text.stdout.split()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--folder", type=Path, help="a workplace to use again")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="tmpfs-"))
    place = Workplace(args.program, folder)
    full = place.folder / "full"
    full.mkdir(exist_ok=True)
    failures = 0
    for name, line in LINES.items():
        work = Work(line, ("full/out",))
        mount(full, "size=1g")
        try:
            place.expect(line)
            wanted, needed = place.left(work), used_bytes(full)
        finally:
            subprocess.run(["umount", str(full)], check=True)
        n_refused, mounted = 0, False
        try:
            mount(full, "size=64k")
            mounted = True
            for step in range(1, args.steps + 1):
                size = max(64 * 1024, needed * step // args.steps)
                subprocess.run(["mount", "-o", f"remount,size={size}", str(full)], check=True)
                code, said = place.ended(line)
                if code == 2 and "No space left" in said:
                    n_refused += 1
                elif code != 0:
                    failures += 1
                    print(f"{name} with {size} bytes ends with {code}:\n{said}", flush=True)
            subprocess.run(["mount", "-o", "remount,size=1g", str(full)], check=True)
            code, said = place.ended(line)
            wrong = differences(wanted, place.left(work))
            if code != 0 or wrong:
                failures += 1
                print(f"{name} with room again ends with {code}:\n{said}", *wrong, sep="\n    ", flush=True)
        finally:
            if mounted:
                subprocess.run(["umount", str(full)], check=True)
        print(f"{name}: needs {needed} bytes, {n_refused} of {args.steps} attempts refused", flush=True)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
