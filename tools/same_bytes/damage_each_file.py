#!/usr/bin/env python3
"""Damages one file after the other of a finished run, and runs it again.

    tools/same_bytes/damage_each_file.py PROGRAM [--seed 0] [--every 1]

Damages: a bit is flipped at a random place, the second half is cut off, all is cut off, the file is
gone. The same command must then refuse, with a message that names the file or its folder, or leave
every file as it was (it found the damage and did the work again), or never have needed the file: then
that one stays damaged and all others are as they were; or the report must name the file whose figure
it lacks. Anything else was wrong without a word.

Standard library only.
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from left import differences, generic
from workplace import WORKS, Workplace

DAMAGES = ("flipped", "halved", "emptied", "gone")


def damage(path: Path, kind: str, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if kind == "gone":
        path.unlink()
        return
    if kind == "flipped" and content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif kind == "halved":
        content = content[: len(content) // 2]
    else:
        content = bytearray()
    # Another file, so that copies that share its content are left alone.
    path.unlink()
    path.write_bytes(content)


def kind_of(name: str) -> str:
    """Names of cases, arms, steps and figures are all alike."""
    parts = Path(name).parts
    folder = next((part for part in parts[1:-1] if part in FOLDERS), "")
    last = parts[-1]
    if folder in ("predictions", "pictures", "figures"):
        last = f"*{Path(last).suffix}"
    return f"{folder}/{last}" if folder else last


FOLDERS = ("cases", "checkpoints", "tensorboard", "mining", "model", "predictions", "pictures", "figures")


def report(folder: Path) -> str:
    """The report of the run that was disturbed."""
    return (folder / "ran" / "report.html").read_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="only each n-th of the files")
    parser.add_argument("--flips", type=int, default=1, help="bits flipped in each file, one a run")
    parser.add_argument("--folder", type=Path, help="a workplace to use again")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="damaged-"))
    place = Workplace(args.program, folder)
    work = WORKS["run"]
    wanted = place.calm("run")
    good = folder / "good"
    shutil.rmtree(good, ignore_errors=True)
    shutil.copytree(folder / "ran", good)
    outcomes: Counter[tuple[str, str, str]] = Counter()
    failures = 0
    files = sorted(path for path in good.rglob("*") if path.is_file())
    kinds = ["flipped"] * args.flips + list(DAMAGES[1:])
    for file in files[:: args.every]:
        name = Path("ran") / file.relative_to(good)
        for number, kind in enumerate(kinds):
            place.clear(work)
            shutil.copytree(good, folder / "ran")
            damage(folder / name, kind, random.Random(f"{args.seed}/{name}/{number}"))
            code, said = place.ended(work.line)
            changed = differences(wanted, place.left(work))
            own = [line for line in changed if line.endswith(generic(name))]
            errors = said[said.find("error:") :]
            if code == 2 and any(str(part) in errors for part in (name, *list(name.parents)[:3])):
                outcome = "refused"
            elif code == 0 and not changed:
                outcome = "done again"
            elif code == 0 and len(own) == len(changed):
                outcome = "not needed"
            elif code == 0 and str(name.relative_to("ran")) in report(folder):
                outcome = "told in the report"
            else:
                outcome = "WRONG"
                failures += 1
                print(f"{name} {kind}: ends with {code}\n{errors}", flush=True)
                for line in changed:
                    print(f"    {line}", flush=True)
            outcomes[(kind_of(str(name)), kind, outcome)] += 1
    by_kind: dict[str, dict[str, Counter[str]]] = {}
    for (name, kind, outcome), n in outcomes.items():
        by_kind.setdefault(name, {}).setdefault(kind, Counter())[outcome] += n
    for name, of_kind in sorted(by_kind.items()):
        cells = [
            f"{kind}: {', '.join(f'{n} {outcome}' for outcome, n in sorted(of_kind[kind].items()))}"
            for kind in DAMAGES
            if kind in of_kind
        ]
        print(f"{name}  {'; '.join(cells)}")
    print(f"{sum(outcomes.values())} damages, {failures} of them wrong")
    if not failures and not args.folder:
        shutil.rmtree(folder)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
