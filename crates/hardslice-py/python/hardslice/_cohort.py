"""Cohorts: what is wrong with one, and one of phantoms."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from . import _hardslice
from ._evaluate import Progress
from ._tables import data_frame
from ._volumes import Labels, PathLike, existing, organs_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Finding:
    """What an audit found in a case."""

    case: str
    """The case."""
    patient: str
    """Whose scan it is."""
    severity: str
    """``error`` (the case cannot be used), ``warning`` (look at it) or ``note``."""
    kind: str
    """What kind of finding."""
    message: str
    """What was found."""
    fix: str
    """What to do about it."""


@dataclass(frozen=True)
class Audit:
    """What an audit found."""

    findings: tuple[Finding, ...]
    """In the order of the cohort."""
    cases: tuple[str, ...]
    """The cases that were read."""

    @property
    def n_errors(self) -> int:
        """Findings that keep a case from being used."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def n_warnings(self) -> int:
        """Findings to look at."""
        return sum(finding.severity == "warning" for finding in self.findings)

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return self.n_errors + self.n_warnings == 0

    def to_pandas(self) -> pandas.DataFrame:
        """``case, patient, severity, kind, message, fix``, as ``hardslice audit --out`` writes them.

        Raises:
            ImportError: pandas is not installed.
        """
        names = [field.name for field in fields(Finding)]
        return data_frame({name: [getattr(row, name) for row in self.findings] for name in names})


def audit(
    path: PathLike,
    labels: Labels | None = None,
    *,
    grid_tolerance_mm: float | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Read a cohort and say what is wrong with it, case by case, and what to do about it.

    Args:
        path: A CSV or TOML table, nnU-Net's raw folder, a Decathlon ``dataset.json``, or a folder of pairs.
        labels: Organs and what makes them; the cohort's own where it has a list of them.
        grid_tolerance_mm: How far the corners of a scan and of its labels may lie apart.
        progress: Called as ``progress("audit", done, n)``.

    Raises:
        ValueError: The cohort's list cannot be read, or nothing says which labels are which organ.
        FileNotFoundError: There is no such cohort.
    """
    found = json.loads(_hardslice.audit(existing(path, "path"), organs_of(labels), grid_tolerance_mm, progress))
    return Audit(tuple(Finding(**row) for row in found["rows"]), tuple(found["cases"]))


def phantom(
    out: PathLike,
    patients: int = 24,
    *,
    seed: int = 0,
    size: int = 128,
    difficulty: float = 0.12,
    label_errors: float = 0.0,
    image_errors: float = 0.0,
    nnunet: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Make a cohort of synthetic abdominal CT scans with known difficulty, as ``hardslice phantom`` does.

    Args:
        out: The folder to write: ``images/``, ``labels/``, ``cohort.csv``, ``truth.csv``, ``montage.png``.
        patients: How many, one scan each.
        size: Pixels along each side of a slice.
        difficulty: Share of the liver's slices that are made difficult.
        label_errors: Share of each organ's slices whose labels are drawn wrong.
        image_errors: Share of the slices that are damaged or repeated.
        nnunet: Also write the cohort in nnU-Net's layout.
        progress: Called as ``progress("make phantoms", done, n)``.

    Returns:
        The path of ``cohort.csv``. Labels are 1 liver, 2 right kidney, 3 left kidney, 4 spleen.

    Raises:
        ValueError: A setting is out of range, or the folder holds a cohort of somebody's own.
    """
    arguments = (
        f"--out={Path(out)}", f"--patients={patients}", f"--seed={seed}", f"--size={size}",
        f"--difficulty={difficulty}", f"--label-errors={label_errors}", f"--image-errors={image_errors}",
        *(["--nnunet"] if nnunet else []),
    )  # fmt: skip
    _hardslice.command(["hardslice", "phantom", *arguments], progress)
    return Path(out) / "cohort.csv"
