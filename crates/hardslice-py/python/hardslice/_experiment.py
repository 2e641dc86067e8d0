"""Whole experiments: the commands ``prepare``, ``run``, ``compare``, ``sweep`` and ``report``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import _hardslice
from ._evaluate import Progress
from ._store import Store
from ._volumes import PathLike, existing


@dataclass(frozen=True)
class Run:
    """What ``run`` left."""

    out: Path
    """The folder."""
    is_clean: bool
    """Whether nothing was found wrong with the data."""
    summary: dict[str, Any]
    """``summary.json``: ``summary["arms"]["hard"]["liver"]["dice"]["mean"]``."""


@dataclass(frozen=True)
class Compared:
    """What ``compare`` left."""

    out: Path
    """The folder."""
    is_clean: bool
    """Whether nothing was found wrong with the data."""
    comparisons: dict[str, dict[str, Any]]
    """``comparison.json``: for each organ its ``verdict``, ``estimates``, differences (``rows``)."""

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict on each organ, in words."""
        return {organ: comparison["verdict"] for organ, comparison in self.comparisons.items()}


@dataclass(frozen=True)
class Swept:
    """What ``sweep`` left."""

    out: Path
    """The folder: ``tables/``, ``scores.csv``, ``report.html``."""
    is_clean: bool
    """Whether nothing was found wrong with the data."""


def prepare(experiment: PathLike, out: PathLike, *, progress: Progress | None = None) -> Store:
    """Read the cohort of an experiment's file into slices, as ``hardslice prepare`` does.

    Scans that cannot be used, and are accepted to be left out, are a warning.

    Args:
        experiment: The experiment's file (TOML).
        out: The store's folder. One that is there already is checked, not made again.
        progress: Called as ``progress("prepare", done, n)``.

    Raises:
        ValueError: The experiment makes no sense, or the audit found what it does not accept.
        FileNotFoundError: There is no such file.
    """
    file = str(existing(experiment, "experiment"))
    _hardslice.command(["hardslice", "prepare", f"--out={Path(out)}", "--", file], progress)
    return Store(out)


def run(
    experiment: PathLike,
    out: PathLike,
    *,
    device: str = "cpu",
    force: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Run the whole protocol from an experiment's file, as ``hardslice run`` does: prepare, split, train,
    mine, train on, predict, evaluate, report.

    Stopped at any moment (Ctrl-C, an exception of ``progress``, a crash), the same call goes on where it
    was and ends with the same files.

    Args:
        experiment: The experiment's file (TOML).
        out: Where everything is written.
        device: What to compute on: ``cpu``, or ``reference``.
        force: Go on from checkpoints that another instruction set made.
        progress: Called as ``progress(stage, done, n)``.

    Raises:
        ValueError: The experiment makes no sense, or an arm failed.
        FileNotFoundError: There is no such file.
    """
    arguments = [f"--out={Path(out)}", f"--device={device}", *_flag(force)]
    file = str(existing(experiment, "experiment"))
    is_clean = _hardslice.command(["hardslice", "run", *arguments, "--", file], progress)
    return Run(Path(out), is_clean, _json(Path(out) / "summary.json"))


def compare(
    experiment: PathLike,
    out: PathLike,
    *,
    seeds: int | Sequence[int] = 3,
    splits: int = 1,
    organs: Sequence[str] = (),
    jobs: int = 1,
    device: str = "cpu",
    force: bool = False,
    progress: Progress | None = None,
) -> Compared:
    """Compare the arms of an experiment over patients, seeds and splits, as ``hardslice compare`` does.

    Args:
        seeds: How many (``3`` is 0, 1, 2), or which. A verdict takes three trainings at least.
        splits: Divisions of the same training patients into A and B.
        organs: Only these; those of the experiment when empty.
        jobs: Trainings side by side. The results are the same.

    The other arguments, and what is raised, are those of :func:`run`.
    """
    arguments = [
        f"--out={Path(out)}", f"--device={device}", _seeds(seeds), f"--splits={splits}", f"--jobs={jobs}",
        *_organs(organs), *_flag(force), "--", str(existing(experiment, "experiment")),
    ]  # fmt: skip
    is_clean = _hardslice.command(["hardslice", "compare", *arguments], progress)
    return Compared(Path(out), is_clean, _json(Path(out) / "comparison.json"))


def sweep(
    experiment: PathLike,
    out: PathLike,
    *,
    seeds: int | Sequence[int] = 1,
    organs: Sequence[str] = (),
    jobs: int = 1,
    device: str = "cpu",
    force: bool = False,
    progress: Progress | None = None,
) -> Swept:
    """Train with the selection ratios 1, 0.8, 0.5, 0.3 and 0.2, and with the proposed arm, as ``hardslice
    sweep`` does: the paper's tables on a cohort of one's own, and the learning curve.

    Args:
        seeds: How many (``3`` is 0, 1, 2), or which. Of fewer than three nothing is concluded.

    The other arguments, and what is raised, are those of :func:`compare`.
    """
    arguments = [
        f"--out={Path(out)}", f"--device={device}", _seeds(seeds), f"--jobs={jobs}",
        *_organs(organs), *_flag(force), "--", str(existing(experiment, "experiment")),
    ]  # fmt: skip
    is_clean = _hardslice.command(["hardslice", "sweep", *arguments], progress)
    return Swept(Path(out), is_clean)


def report(path: PathLike, *, progress: Progress | None = None) -> Path:
    """Write one HTML page of what ``run``, ``compare`` or ``sweep`` left, as ``hardslice report`` does.

    Returns:
        The page, ``report.html`` in the folder.

    Raises:
        ValueError: The folder holds nothing to report.
        FileNotFoundError: There is no such folder.
    """
    folder = existing(path, "path")
    _hardslice.command(["hardslice", "report", "--", str(folder)], progress)
    return folder / "report.html"


def _seeds(seeds: int | Sequence[int]) -> str:
    of_one = isinstance(seeds, (int, np.integer))
    listed = str(seeds) if of_one else ",".join(map(str, seeds)) + ","  # type: ignore[arg-type]
    return f"--seeds={listed}"


def _organs(organs: Sequence[str]) -> list[str]:
    if isinstance(organs, str):
        raise TypeError(f"organs is {organs!r}, wanted a list of them: [{organs!r}]")
    return [f"--organ={organ}" for organ in organs]


def _flag(force: bool) -> list[str]:
    return ["--force"] if force else []


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
