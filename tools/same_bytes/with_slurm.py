#!/usr/bin/env python3
"""Does a comparison by Slurm on this machine alone, asks one job to stop in between, as queues do when
its time is over, and kills another; holds what is left against what the command alone leaves, file by
file.

    tools/same_bytes/with_slurm.py PROGRAM
    tools/same_bytes/with_slurm.py PROGRAM --time

Starts munged, slurmctld and slurmd of its own in a temporary folder, and ends them. It needs root and
Debian's packages slurmctld, slurmd, slurm-client and munge, and says loudly that it was skipped where
they are not there. With --time a hundred small jobs are done instead, and timed. Standard library only.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from campaign import Campaign

CONF = """\
ClusterName=hardslice
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={dir}/munge.socket,cred_expire=3
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2,sched_min_interval=100000
SlurmctldPort={port}
SlurmdPort={port1}
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd.log
MpiDefault=none
ReturnToService=2
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """One node that is all of a cluster."""

    def __init__(self, folder: Path):
        self.dir = folder
        for name in ("state", "spool"):
            (folder / name).mkdir()
        port = free_port()
        conf = CONF.format(
            host=socket.gethostname().split(".")[0], dir=folder, port=port, port1=port + 1
        )
        (folder / "slurm.conf").write_text(conf)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        munge = [
            "munged", "--foreground", "--force", f"--socket={folder}/munge.socket",
            f"--key-file={key}", f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
        ]
        self.daemons = []
        self.start(munge)
        self.wait_for(lambda: (folder / "munge.socket").exists(), "munged")
        self.start(["slurmctld", "-D", "-i"])
        self.start(["slurmd", "-D", "-N", socket.gethostname().split(".")[0]])
        self.wait_for(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T"), "the node")

    def start(self, line: list[str]) -> None:
        log = open(self.dir / f"{line[0]}.out", "w")
        self.daemons.append(subprocess.Popen(line, stdout=log, stderr=log))

    def ask(self, *line: str) -> str:
        return subprocess.run(line, capture_output=True, text=True).stdout

    def wait_for(self, holds, what: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                logs = "\n".join(path.read_text() for path in sorted(self.dir.glob("*.log")))
                sys.exit(f"error: {what} is not there after {seconds:.0f} s:\n{logs[-4000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def submit(self, campaign: Campaign, out: str) -> None:
        line = ["sh", campaign.folder / out / "jobs" / "slurm.sh"]
        ended = subprocess.run(line, capture_output=True, text=True, cwd=campaign.folder)
        if ended.returncode != 0:
            sys.exit(f"error: slurm.sh ended with {ended.returncode}:\n{ended.stderr}")

    def wait(self, seconds: float) -> None:
        self.wait_for(lambda: not self.ask("squeue", "-h").strip(), "an empty queue", seconds)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def all_done(campaign: Campaign) -> int:
    status = campaign.status("queue")
    if status["n_done"] != status["n"]:
        logs = sorted((campaign.folder / "queue/jobs/logs").iterdir())
        said = "\n".join(f"{log.name}:\n{log.read_text()[-600:]}" for log in logs)
        sys.exit(f"error: {status}\n{said}")
    return status["n"]


def same_bytes(campaign: Campaign, slurm: Slurm) -> None:
    campaign.compare("alone")
    campaign.compare("queue", "--write-jobs")
    slurm.submit(campaign, "queue")
    stopped = campaign.signal_one("queue", signal.SIGTERM)
    # The one that was stopped goes on by itself.
    slurm.wait(300)
    requeued = [
        log.name
        for log in (campaign.folder / "queue/jobs/logs").iterdir()
        if "saved a checkpoint after step" in log.read_text()
    ]
    if not requeued:
        sys.exit(f"error: job {stopped} was asked to stop and did not say so")
    report_and_hold(campaign, f"job {stopped} stopped and requeued")


def killed_and_submitted_again(campaign: Campaign, slurm: Slurm) -> None:
    shutil.rmtree(campaign.folder / "queue")
    campaign.compare("queue", "--write-jobs")
    slurm.submit(campaign, "queue")
    killed = campaign.signal_one("queue", signal.SIGKILL)
    slurm.wait(300)
    status = campaign.status("queue")
    if status["n_done"] == status["n"]:
        sys.exit(f"error: job {killed} was killed, and yet all are done")
    slurm.submit(campaign, "queue")
    slurm.wait(300)
    report_and_hold(campaign, f"job {killed} killed, submitted again")


def report_and_hold(campaign: Campaign, what_happened: str) -> None:
    """Reports when all jobs are done, and holds that against the one command's."""
    n = all_done(campaign)
    campaign.compare("queue")
    n_files = campaign.hold_against("alone", "queue")
    print(f"{n} jobs by Slurm, {what_happened}: the same {n_files} files")


def cancelled(campaign: Campaign, slurm: Slurm) -> None:
    shutil.rmtree(campaign.folder / "queue")
    campaign.compare("queue", "--write-jobs")
    slurm.submit(campaign, "queue")
    # A signal that nobody minds: only to see a job at work.
    campaign.signal_one("queue", signal.SIGCONT)
    slurm.ask("scancel", "--user=root")
    slurm.wait(60)
    status = campaign.status("queue")
    if status["running"] or status["failed"] or status["n_done"] == status["n"]:
        sys.exit(f"error: cancelled, and yet {status}")
    print("cancelled jobs end, and are not requeued")


def times(campaign: Campaign, slurm: Slurm) -> None:
    campaign.compare("queue", "--write-jobs")
    begun = time.monotonic()
    slurm.submit(campaign, "queue")
    slurm.wait(900)
    print(f"{all_done(campaign)} jobs by Slurm, two at once: {time.monotonic() - begun:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--time", action="store_true")
    given = parser.parse_args()
    missing = [name for name in ("slurmctld", "slurmd", "munged", "sbatch") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        why = f"there is no {', '.join(missing)}" if missing else "it needs root"
        print(f"\n!!! SKIPPED: jobs by Slurm, because {why} !!!\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "slurm").mkdir()
        # A name that shells and Slurm could take for something else.
        work = place / "it's {x} 100%"
        work.mkdir()
        steps, seeds = (8, 25) if given.time else (400, 2)
        campaign = Campaign(given.program, work, steps, seeds)
        slurm = Slurm(place / "slurm")
        try:
            if given.time:
                times(campaign, slurm)
            else:
                same_bytes(campaign, slurm)
                killed_and_submitted_again(campaign, slurm)
                cancelled(campaign, slurm)
        finally:
            slurm.stop()


if __name__ == "__main__":
    main()
