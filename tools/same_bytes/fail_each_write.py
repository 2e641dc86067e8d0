#!/usr/bin/env python3
"""Lets every call of a command that changes the file system fail once, and goes on.

    tools/same_bytes/fail_each_write.py PROGRAM --error ENOSPC [--only prepare,run] [--once] [--share 0/20]

A command is started again and again. Each time the first call that has never failed before fails
(`fail_each_write.c`), and, without `--once`, every later one, as on a disk that is full. It must end
with a status that is not 0 and a message that names a file or folder and the system's reason; what
lies under a final name must be as it is undisturbed, or as it was before. In the end nothing fails
any more, and every file must be as undisturbed.

Errors: any name of errno (ENOSPC, EDQUOT, EIO, EROFS, EACCES); KILL, which kills the program before
the call; TORN, which kills it after half of what it was to write.

With `--once` a program may go on and end well where a failure costs nothing; those calls are listed.
Standard library, a C compiler and Linux only.
"""

import argparse
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from left import differences
from workplace import WORKS, Workplace

# What grows while a command works, and so differs from its final form: logs, which are written up to
# the last checkpoint, and what a later stage writes anew.
GROWING = ("train.csv", "tfevents.", ".partial", "best.safetensors")


def build(folder: Path) -> Path:
    source = Path(__file__).with_name("fail_each_write.c")
    library = folder / "fail_each_write.so"
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


class Trial:
    def __init__(self, place: Workplace, library: Path, name: str, args: argparse.Namespace):
        error, once = args.error, args.once
        self.place, self.name, self.error, self.once = place, name, error, once
        self.is_prepared = args.prepared
        self.work = WORKS[name]
        self.seen = place.folder.with_name(f"{place.folder.name}-seen")
        number = {"KILL": 0, "TORN": -1}.get(error)
        self.env = {
            "FAULT_ROOT": str(place.folder),
            "FAULT_SEEN": str(self.seen),
            "FAULT_ERRNO": str(getattr(errno, error) if number is None else number),
            "LD_PRELOAD": str(library),
        }
        if once:
            self.env["FAULT_ONCE"] = "1"
        if args.share:
            self.env["FAULT_SHARE"] = args.share
        self.reason = os.strerror(getattr(errno, error)) if number is None else None
        self.went_on: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> int:
        """Fails every call; gives how many there are."""
        wanted = self.place.calm(self.name)
        self.place.clear(self.work)
        if self.is_prepared:
            shutil.copytree(self.place.folder / "store", self.place.folder / self.work.leaves[0] / "store")
        self.seen.unlink(missing_ok=True)
        n, finished = 0, set()
        while True:
            code, said = self.place.ended(self.work.line, self.env)
            calls = self.seen.read_text().splitlines() if self.seen.exists() else []
            if len(calls) == n:
                break
            n = len(calls)
            self.judge(calls[-1], code, said)
            finished = self.keep(calls[-1], wanted, finished)
        if code != 0:
            self.wrong.append(f"with room again it ends with {code}:\n{said}")
        left = differences(wanted, self.place.left(self.work))
        self.wrong += [f"with room again: {line}" for line in left]
        return n

    def judge(self, call: str, code: int, said: str) -> None:
        if self.reason is None:
            if code != -9:
                self.wrong.append(f"{call}: ends with {code} where it was to be killed")
            return
        if code == 0:
            if self.once:
                self.went_on.append(call)
            else:
                self.wrong.append(f"{call}: ends as if nothing had happened")
            return
        if code != 2:
            self.wrong.append(f"{call}: ends with {code}:\n{said}")
        errors = said[said.find("error:") :]
        if self.reason not in errors:
            self.wrong.append(f"{call}: the reason is not said:\n{said}")
        elif not any(part in errors for part in self.names(call)) and not self.names_another(errors):
            self.wrong.append(f"{call}: no file is named:\n{errors}")

    def names_another(self, errors: str) -> bool:
        """Whether the error is of another of several jobs, which met the full disk as well."""
        return "--jobs" in self.work.line and re.search(r"cannot \w+ \S+/\S+", errors) is not None

    def names(self, call: str) -> list[str]:
        """The file that a call was about, or the folders that may stand for it."""
        parts = Path(call.split(" ")[1]).parts
        parts = tuple(re.sub(r"^\.(.+)\.partial$", r"\1", part) for part in parts)
        if not parts:
            # The workplace itself was synced, for the sake of a file in it.
            return list(self.work.leaves)
        return [str(Path(*parts[:n])) for n in range(len(parts), max(0, len(parts) - 3), -1)]

    def keep(self, call: str, wanted: dict[str, str], finished: set[str]) -> set[str]:
        """What is as it will be in the end must stay so; nothing else may stand under a final name."""
        found = self.place.left(self.work)
        same = {name for name in found if wanted.get(name) == found[name]}
        for name in sorted(finished - same):
            if "checkpoints/" in name or any(part in name for part in GROWING):
                continue
            # A case of a store is finished with its record, which is written last; else it is
            # taken away where it cannot be completed.
            case = name.rpartition("/")[0] + "/case.json"
            if "/cases/" not in name or case in finished:
                self.wrong.append(f"{call}: was finished, and is lost: {name}")
        for name in sorted(found.keys() - same):
            if "checkpoints/" in name or any(part in name for part in GROWING):
                continue
            self.wrong.append(f"{call}: a half file: {name}")
        return same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--error", default="ENOSPC")
    parser.add_argument("--only", help="commands, with commas between them")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--share", help="K/N: only the K-th of N shares of the calls")
    parser.add_argument(
        "--prepared", action="store_true", help="begin with a finished store: its calls are not tried"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="a workplace to use again")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="full-"))
    place = Workplace(args.program, folder, args.threads)
    library = build(folder)
    failures = 0
    for name in args.only.split(",") if args.only else WORKS:
        trial = Trial(place, library, name, args)
        n = trial.run()
        failures += len(trial.wrong)
        print(f"{name}, {args.error}: {n} calls failed, {len(trial.wrong)} wrong", flush=True)
        for line in trial.wrong:
            print(f"    {line}", flush=True)
        kinds = Counter(call.split(" ")[0] for call in trial.went_on)
        if kinds:
            print(f"    went on and ended well after {dict(kinds)}", flush=True)
            for call in trial.went_on:
                print(f"        {call}", flush=True)
    if not failures and not args.folder:
        shutil.rmtree(folder)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
