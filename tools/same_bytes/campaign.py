"""A small comparison on phantoms, done by one command and by jobs of a queue, and what they leave held
against each other, file by file. Standard library only."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from left import differences, experiment, files_in


class Campaign:
    """Phantoms and an experiment in a folder, and the program to run on them."""

    def __init__(self, program: str, folder: Path, steps: int, seeds: int):
        self.program = Path(program).resolve()
        self.folder = folder
        self.seeds = seeds
        self.run("phantom --out phantoms --patients 8 --size 48")
        arms = ("baseline", "hard", "random_matched")
        (folder / "experiment.toml").write_text(experiment(arms, steps))

    def run(self, line: str) -> str:
        """Runs a command that must end well."""
        command = [self.program, *shlex.split(line)]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if ended.returncode != 0:
            sys.exit(f"error: `hardslice {line}` ended with {ended.returncode}:\n{ended.stderr}")
        return ended.stdout

    def compare(self, out: str, more: str = "") -> None:
        self.run(f"compare experiment.toml --seeds {self.seeds} --threads 1 --out {out} {more}")

    def jobs(self, out: str) -> list[dict[str, str]]:
        with open(self.folder / out / "jobs" / "jobs.csv", newline="") as table:
            return list(csv.DictReader(table))

    def status(self, out: str) -> dict:
        command = [self.program, "status", out, "--json"]
        said = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        return json.loads(said.stdout)

    def signal_one(self, out: str, number: signal.Signals, seconds: float = 120) -> str:
        """Sends a signal to the process of a job that is at work, as soon as it is at a step of a
        training, and gives the job's number."""
        claims = self.folder / out / "jobs" / "claims"
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for claim in sorted(claims.iterdir()):
                try:
                    record = json.loads(claim.read_text())
                    job = claim.name.split(".")[0]
                    # A checkpoint shows that a training is under way.
                    begun = any((self.folder / out).glob("seed-*/liver/**/checkpoints/step-*"))
                    if job != "whole" and begun:
                        os.kill(record["process"], number)
                        return job
                except (FileNotFoundError, ProcessLookupError, json.JSONDecodeError):
                    pass
            time.sleep(0.01)
        sys.exit("error: no job was seen at work")

    def hold_against(self, alone: str, by_jobs: str) -> int:
        """Ends the program where a file differs; gives the number of files."""
        a, b = (hashes(self.folder / name) for name in (alone, by_jobs))
        if found := differences(a, b):
            sys.exit(f"error: {by_jobs} is not as {alone}:\n" + "\n".join(found))
        return len(a)


def hashes(out: Path) -> dict[str, str]:
    """The hash of each file of a result, but for the jobs themselves."""
    return {name: hash for name, hash in files_in(out, out).items() if not name.startswith("jobs/")}
