#!/usr/bin/env python3
"""Kills the program at random moments, starts it again, and holds what it leaves against what it
leaves undisturbed, file by file.

    tools/same_bytes/kill.py PROGRAM [--kills 20] [--seed 0] [--only run,compare] [--sequence N]

A sequence is one command, killed one to six times and then left to end. Moments are drawn evenly
over the undisturbed run and found again by the number of files that are there, so that every stage
gets its share whatever was done before. What is drawn follows from the seed and the number of the
sequence: `--sequence N` repeats one alone. Exits with 1 where a file is missing, new or different,
where a command that was killed does not end well afterwards, or where it says that something is
damaged. Wall times in TensorBoard's files, and in their names, are the one thing that may differ.

Standard library only.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from left import differences
from workplace import WORKS, Work, Workplace

# Between two looks at how far a command is, seconds.
EVERY_S = 0.003


def n_entries(place: Workplace, work: Work) -> int:
    """Files and folders that a command has made so far."""
    n = 0
    for name in work.leaves:
        top = place.folder / name
        n += top.exists()
        for _, folders, files in os.walk(top):
            n += len(folders) + len(files)
    return n


def timeline(place: Workplace, work: Work) -> tuple[float, list[tuple[float, int]]]:
    """How long a command takes undisturbed, and when how many entries were there."""
    place.clear(work)
    before = n_entries(place, work)
    child = place.start(work.line)
    begun = time.monotonic()
    reached = [(0.0, before)]
    while child.poll() is None:
        n = n_entries(place, work)
        if n > reached[-1][1]:
            reached.append((time.monotonic() - begun, n))
        time.sleep(EVERY_S)
    child.communicate()
    return time.monotonic() - begun, reached


class Killer:
    def __init__(self, place: Workplace, seed: int):
        self.place = place
        self.seed = seed
        self.timelines: dict[str, tuple[float, list[tuple[float, int]]]] = {}
        # Kills by command and tenth of the undisturbed run.
        self.counts: dict[str, list[int]] = {}

    def sequence(self, number: int, name: str, at_most: int) -> tuple[int, list[str]]:
        """Kills one command and lets it end; gives how often it was killed, and what is wrong."""
        work = WORKS[name]
        draw = random.Random(f"{self.seed}/{number}")
        wanted = self.place.calm(name)
        if name not in self.timelines:
            self.timelines[name] = timeline(self.place, work)
        duration, reached = self.timelines[name]
        # A short command is over too soon to be killed twice at different stages.
        n = min(at_most, draw.randint(1, 6) if duration > 1.0 else 1)
        self.place.clear(work)
        n_kills = 0
        for share in sorted(draw.random() for _ in range(n)):
            moment = share * duration
            begun, entries = max((at, n) for at, n in reached if at <= moment)
            if not self.killed(work, entries, moment - begun):
                break
            n_kills += 1
            self.counts.setdefault(name, [0] * 10)[int(share * 10)] += 1
        code, said = self.place.ended(work.line)
        wrong = differences(wanted, self.place.left(work))
        if code != 0:
            wrong.append(f"ends with {code} after the kills:\n{said}")
        if "damaged" in said:
            wrong.append(f"says that something is damaged:\n{said}")
        return n_kills, wrong

    def killed(self, work: Work, entries: int, delay: float) -> bool:
        """Starts a command and kills it when so many entries are there, and a little later; whether
        it was still at work."""
        child = self.place.start(work.line)
        while child.poll() is None and n_entries(self.place, work) < entries:
            time.sleep(EVERY_S)
        deadline = time.monotonic() + delay
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(min(EVERY_S, max(0.0, deadline - time.monotonic())))
        is_at_work = child.poll() is None
        child.kill()
        child.communicate()
        return is_at_work


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="commands, with commas between them")
    parser.add_argument("--sequence", type=int, help="repeat one sequence alone")
    parser.add_argument("--folder", type=Path, help="a workplace to use again")
    args = parser.parse_args()
    folder = args.folder or Path(tempfile.mkdtemp(prefix="killed-"))
    names = args.only.split(",") if args.only else list(WORKS)
    # Each command as often as its share says, and well mixed: a few kills meet the longest ones.
    shares = [name for name in names for _ in range(WORKS[name].share)]
    place = Workplace(args.program, folder)
    killer = Killer(place, args.seed)
    n_kills, n_sequences, failures = 0, 0, 0
    number = args.sequence or 0
    while n_kills < args.kills:
        round_of, place_in = divmod(number, len(shares))
        order = shares.copy()
        random.Random(f"{args.seed}/round/{round_of}").shuffle(order)
        name = order[place_in]
        killed, wrong = killer.sequence(number, name, args.kills - n_kills)
        n_kills += killed
        n_sequences += 1
        verdict = "the same" if not wrong else "NOT THE SAME"
        print(f"sequence {number}: {name} killed {killed} times: {verdict}", flush=True)
        for line in wrong:
            print(f"    {line}", flush=True)
        if wrong:
            failures += 1
            kept = folder / f"wrong-{number}"
            shutil.rmtree(kept, ignore_errors=True)
            for left in WORKS[name].leaves:
                if (folder / left).is_dir():
                    shutil.copytree(folder / left, kept / left)
            print(f"    kept in {kept}; again: --seed {args.seed} --sequence {number}", flush=True)
        number += 1
        if args.sequence is not None:
            break
    for name, counts in sorted(killer.counts.items()):
        print(f"{name}: {sum(counts)} kills, by tenth of its run {counts}")
    print(f"{n_kills} kills in {n_sequences} sequences, {failures} of them with a difference")
    if not failures and not args.folder:
        shutil.rmtree(folder)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
