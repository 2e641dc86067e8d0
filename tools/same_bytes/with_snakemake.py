#!/usr/bin/env python3
"""Does a comparison by Snakemake, two jobs at once, kills one of them in between, and holds what is
left against what the command alone leaves, file by file.

    tools/same_bytes/with_snakemake.py PROGRAM --snakemake SNAKEMAKE
    tools/same_bytes/with_snakemake.py PROGRAM --snakemake SNAKEMAKE --time

With --time a hundred small jobs are done instead, by Snakemake and by `--jobs 2`, and timed.
Standard library only; Snakemake 9 lies in an environment of its own.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from campaign import Campaign


def start(campaign: Campaign, snakemake: str, out: str) -> subprocess.Popen:
    jobs = campaign.folder / out / "jobs"
    # As README there has it.
    line = [snakemake, "--snakefile", jobs / "Snakefile", "--directory", jobs, "--cores", "2"]
    line += ["--keep-going", "--rerun-incomplete"]
    log = open(campaign.folder / f"{out}.log", "w")
    return subprocess.Popen(line, stdout=log, stderr=log, cwd=campaign.folder)


def finish(campaign: Campaign, engine: subprocess.Popen, out: str) -> str:
    code = engine.wait()
    said = (campaign.folder / f"{out}.log").read_text()
    if code != 0:
        sys.exit(f"error: snakemake ended with {code}:\n{said}")
    return said


def same_bytes(campaign: Campaign, snakemake: str) -> None:
    campaign.compare("alone")
    campaign.compare("queue", "--write-jobs")
    engine = start(campaign, snakemake, "queue")
    killed = campaign.signal_one("queue", signal.SIGKILL)
    said = finish(campaign, engine, "queue")
    if "Trying to restart" not in said:
        sys.exit(f"error: job {killed} was killed, and nothing was run again:\n{said}")
    status = campaign.status("queue")
    if status["n_done"] != status["n"]:
        sys.exit(f"error: {status}")
    campaign.compare("queue")
    n = campaign.hold_against("alone", "queue")
    print(f"{status['n']} jobs by Snakemake, two at once, job {killed} killed: the same {n} files")


def times(campaign: Campaign, snakemake: str) -> None:
    begun = time.monotonic()
    campaign.compare("alone", "--jobs 2")
    alone = time.monotonic() - begun
    campaign.compare("queue", "--write-jobs")
    n = len(campaign.jobs("queue"))
    begun = time.monotonic()
    finish(campaign, start(campaign, snakemake, "queue"), "queue")
    by_jobs = time.monotonic() - begun
    begun = time.monotonic()
    campaign.compare("queue")
    report = time.monotonic() - begun
    campaign.hold_against("alone", "queue")
    print(f"{n} jobs: --jobs 2 with report {alone:.1f} s; Snakemake --cores 2 {by_jobs:.1f} s, "
          f"then the report {report:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--snakemake", default="snakemake")
    parser.add_argument("--time", action="store_true")
    given = parser.parse_args()
    snakemake = shutil.which(given.snakemake)
    if snakemake is None:
        sys.exit(f"error: there is no program {given.snakemake}")
    # It is started in the campaign's folder.
    snakemake = str(Path(snakemake).absolute())
    with tempfile.TemporaryDirectory() as folder:
        # Three arms are four jobs a seed.
        steps, seeds = (8, 25) if given.time else (120, 2)
        # A name that shells and engines could take for something else.
        folder = Path(folder) / "it's {x} 100%"
        folder.mkdir()
        campaign = Campaign(given.program, folder, steps, seeds)
        (times if given.time else same_bytes)(campaign, snakemake)


if __name__ == "__main__":
    main()
