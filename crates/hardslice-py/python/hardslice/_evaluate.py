"""How good a prediction is: overlap and surface distances, organ by organ."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from . import _hardslice
from ._tables import Rows, data_frame, patient_of
from ._volumes import (
    Labels,
    LabelVolume,
    PathLike,
    existing,
    given_labels,
    on_one_grid,
    path_of,
    spacing_of,
    voxels_of,
    warn_of,
)

if TYPE_CHECKING:
    import pandas

Convention = Literal["surface_distance", "monai"]
"""What a surface is made of: that of DeepMind's ``surface-distance`` or that of MONAI."""

Progress = Callable[[str, int, int], object]
"""Called as ``progress(stage, done, n)``, from the thread that called hardslice. What it raises stops
the work and reaches the caller."""

METRICS = ("dice", "hd95_mm", "assd_mm", "nsd", "volume_difference_ml")
"""The scores of an organ, in the order of the tables."""


@dataclass(frozen=True)
class OrganScores:
    """The scores of one organ in one case.

    A score that has no value is ``None``, and ``status`` says why; it is never 0 or NaN in place of a
    value.
    """

    dice: float | None
    """Dice coefficient, 0 to 1."""
    hd95_mm: float | None
    """95th percentile of the Hausdorff distance, millimetres."""
    assd_mm: float | None
    """Average symmetric surface distance, millimetres."""
    nsd: float | None
    """Normalised surface Dice at the tolerance, 0 to 1."""
    volume_difference_ml: float | None
    """Predicted less true volume, millilitres."""
    status: str
    """``scored``; ``prediction_empty`` (a failure: Dice and NSD 0, no distance); ``truth_empty`` (the
    same, the other way round); ``both_empty`` (nothing to score); in tables also
    ``prediction_missing`` and ``not_scored``."""


def _settings(
    labels: _hardslice.GivenLabels,
    convention: str,
    nsd_tolerance_mm: float,
) -> _hardslice.Settings:
    if not nsd_tolerance_mm >= 0:
        raise ValueError(f"nsd_tolerance_mm is {nsd_tolerance_mm}, wanted 0 or more")
    return {
        "labels": labels,
        "convention": convention,
        "nsd_tolerance_mm": float(nsd_tolerance_mm),
    }


def evaluate(
    truth: LabelVolume,
    prediction: LabelVolume,
    spacing_mm: Sequence[float] | NDArray[Any] | None = None,
    labels: Labels | None = None,
    convention: Convention = "surface_distance",
    *,
    prediction_labels: Labels | None = None,
    nsd_tolerance_mm: float = 2.0,
    ignore: Sequence[int] = (),
    scan: PathLike | None = None,
    grid_tolerance_mm: float | None = None,
) -> dict[str, OrganScores]:
    """Score a prediction against the truth, organ by organ.

    Two files (NIfTI, NRRD, MetaImage, DICOM SEG or RTSTRUCT, a folder with a mask for each structure) know where
    their voxels lie; two arrays need ``spacing_mm``. A file and an array are refused, since nothing
    says which axis of the one is which of the other.

    Args:
        truth: The true label map, ``[i, j, k]`` of integers, ``bool``, or whole floating-point numbers.
        prediction: The predicted one, on the same grid.
        spacing_mm: Distance of voxels along each axis of the arrays, in the order of the axes,
            millimetres: ``image.header.get_zooms()`` beside ``nibabel``'s arrays (x, y, z),
            ``image.GetSpacing()[::-1]`` beside ``SimpleITK.GetArrayFromImage`` (z, y, x).
        labels: Organs and the label values (for files also the names of structures) that make them:
            ``{"liver": 1, "kidney": [2, 3]}``. Each value found, as ``label_3``, when absent.
        prediction_labels: The same where the prediction has it otherwise: ``{"liver": 255}`` for a mask of 0
            and 255. Organs that are not named have the values of ``labels`` there, too.
        convention: Measure distances as ``surface-distance`` does (area-weighted) or as MONAI does.
        nsd_tolerance_mm: Distance at which two surfaces still agree for the NSD.
        ignore: Label values of the truth whose voxels nobody has judged: they belong to no organ then,
            in truth and prediction alike.
        scan: The scan, where truth and prediction are both DICOM SEG or RTSTRUCT.
        grid_tolerance_mm: How far the corners of two files' grids may lie apart that are taken for one.

    Returns:
        The scores of each organ, in the order of ``labels``.

    Raises:
        ValueError: Shapes or grids differ, the spacing is not above 0, nothing names an organ and both
            maps are empty, or a value is no label.
        TypeError: The arrays hold something else than labels.
        FileNotFoundError: There is no such file.

    Warns:
        RuntimeWarning: An organ is in the one map and not in the other, which holds values of no organ.

    Arrays of one integer type in the order of C, or both in Fortran's (as ``nibabel`` reads them), are
    scored where they are; others are copied first, as are organs of several values.

    >>> import numpy as np
    >>> import hardslice
    >>> truth = np.zeros((4, 8, 8), np.uint8)
    >>> truth[1:3, 2:6, 2:6] = 1
    >>> prediction = np.roll(truth, 1, axis=2)
    >>> scores = hardslice.evaluate(truth, prediction, (5.0, 0.8, 0.8), {"liver": 1})
    >>> scores["liver"].dice
    0.75
    >>> scores["liver"].status
    'scored'
    >>> missed = hardslice.evaluate(truth, 0 * truth, (5.0, 0.8, 0.8), {"liver": 1})["liver"]
    >>> missed.dice, missed.hd95_mm, missed.status
    (0.0, None, 'prediction_empty')
    """
    if isinstance(spacing_mm, Mapping):
        raise TypeError(f"spacing_mm is {spacing_mm!r}: the third argument is the spacing; give labels by name, labels=...")
    truth_path, prediction_path = path_of(truth), path_of(prediction)
    of_arrays = truth_path is None and prediction_path is None
    given = given_labels(labels, prediction_labels, ignore, of_arrays=of_arrays)
    settings = _settings(given, convention, nsd_tolerance_mm)
    if truth_path is not None and prediction_path is not None:
        if spacing_mm is not None:
            raise ValueError("spacing_mm is for arrays: files have a spacing of their own")
        found = json.loads(
            _hardslice.evaluate_paths(
                existing(truth_path, "truth"),
                existing(prediction_path, "prediction"),
                None if scan is None else existing(scan, "scan"),
                grid_tolerance_mm,
                settings,
                None,
            )
        )
        rows = found["rows"]
        if len({row["case"] for row in rows}) > 1:
            raise ValueError("these are folders of several cases: evaluate_folder makes a table of them")
        warn_of(found["doubts"])
        return {row["organ"]: OrganScores(**row["scores"]) for row in rows}
    if truth_path is not None or prediction_path is not None:
        raise ValueError(
            "one of truth and prediction is a file and the other an array, and nothing says which axis is "
            "which: give two files, or read the file, too (nibabel, SimpleITK), and give spacing_mm"
        )
    for value, name in ((scan, "scan"), (grid_tolerance_mm, "grid_tolerance_mm")):
        if value is not None:
            raise ValueError(f"{name} is for files: arrays are on one grid")
    arrays = on_one_grid(
        voxels_of(truth, "truth"), voxels_of(prediction, "prediction"), spacing_of(spacing_mm)
    )
    scored = json.loads(_hardslice.evaluate_arrays(*arrays, settings))
    warn_of(scored["doubts"])
    return {organ: OrganScores(**scores) for organ, scores in scored["organs"]}


@dataclass(frozen=True)
class Row:
    """A row of a table of scores: an organ in a case."""

    case: str
    """The case, named by the truth."""
    organ: str | None
    """The organ; ``None`` where it is not known which organs the case has."""
    scores: OrganScores
    """Its scores; all ``None`` where ``scores.status`` is ``prediction_missing`` or ``not_scored``."""


@dataclass(frozen=True)
class Statistics:
    """One score over all cases."""

    n: int
    """Cases with a value."""
    n_absent: int
    """Cases without one; they enter nothing below."""
    mean: float | None
    """Mean; ``None`` without values."""
    sd: float | None
    """Standard deviation with n - 1 in the denominator; ``None`` for fewer than two values."""
    min: float | None
    """Least value."""
    max: float | None
    """Greatest value."""


@dataclass(frozen=True)
class Comparison:
    """Predictions compared with a reference, on one organ."""

    verdict: str
    """What the primary end point answers, in words."""
    notes: tuple[str, ...]
    """What must be known beside it."""
    differences: list[dict[str, Any]]
    """Predictions less reference, by end point: ``difference``, ``interval``, ``test``, ``n_patients``, ..."""
    estimates: list[dict[str, Any]]
    """Both by each end point."""


class FolderScores(Rows[Row]):
    """The scores of a folder of predictions: a row for each case and organ, in the order of the truth."""

    def __init__(self, rows: Sequence[Row], failures: dict[str, str], extra: Sequence[Path], notes: Sequence[str]):
        super().__init__(rows)
        self.failures = failures
        """Cases without scores, and why."""
        self.extra = tuple(extra)
        """Predictions that no truth asks for."""
        self.notes = tuple(notes)
        """What the readers took for granted."""

    def __repr__(self) -> str:
        cases = len({row.case for row in self})
        return f"<hardslice.FolderScores: {cases} cases, {len(self)} rows, {len(self.failures)} not scored>"

    def summary(self) -> dict[str, dict[str, Statistics]]:
        """The statistics of each organ and score over the cases that have a value.

        ``summary()["liver"]["dice"].mean``
        """
        rows = [
            (row.case, row.organ, json.dumps(asdict(row.scores)) if _is_scored(row) else None) for row in self
        ]
        summary: dict[str, dict[str, Statistics]] = {}
        for of_score in json.loads(_hardslice.summary(rows)):
            of_organ = summary.setdefault(of_score["organ"], {})
            of_organ[of_score["metric"]] = Statistics(**of_score["summary"])
        return summary

    def compare(
        self,
        other: FolderScores,
        *,
        trainings: Sequence[tuple[FolderScores, FolderScores]] = (),
        patients: Mapping[str, str] | Callable[[str], str] | None = None,
    ) -> dict[str, Comparison]:
        """Whether these predictions are better than others of the same cases, organ by organ, by Dice.

        Patients and trainings are both random, as in ``hardslice compare``: a verdict takes three
        trainings of either method at least. With one each, what is found is described.

        Args:
            other: The scores of the reference.
            trainings: Further trainings: pairs of these and the reference's scores.
            patients: Whose scan each case is; each its own when absent. Several scans of a patient
                are averaged.

        Returns:
            What was found of each organ that both tables score.

        Raises:
            ValueError: The tables have no organ or no case in common.
        """
        pairs = [(self, other), *trainings]
        theirs = {row.organ for row in other}
        organs = [organ for organ in dict.fromkeys(row.organ for row in self) if organ is not None and organ in theirs]
        if not organs:
            raise ValueError("the two tables have no organ in common")
        patient = patient_of(patients)
        found = {}
        for organ in organs:
            scores = [
                {
                    "arm": arm,
                    "seed": seed,
                    "patient": patient(row.case),
                    "case": row.case,
                    "value": row.scores.dice,
                    "absent_because": None if row.scores.dice is not None else row.scores.status,
                }
                for seed, pair in enumerate(pairs)
                for arm, table in zip(("predictions", "reference"), pair, strict=True)
                for row in table
                if row.organ == organ
            ]
            comparison = json.loads(_hardslice.compare_tables(json.dumps(scores), len(organs)))
            found[organ] = Comparison(
                comparison["verdict"],
                tuple(comparison["notes"]),
                comparison["rows"],
                comparison["estimates"],
            )
        return found

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a data frame with the columns of the program's ``scores.csv``.

        Raises:
            ImportError: pandas is not installed.
        """
        columns = {
            "case": [row.case for row in self],
            "organ": [row.organ for row in self],
        }
        scores = {
            field.name: [getattr(row.scores, field.name) for row in self] for field in fields(OrganScores)
        }
        return data_frame({**columns, **scores}, numbers=METRICS)


def _is_scored(row: Row) -> bool:
    return row.scores.status not in ("prediction_missing", "not_scored")


def evaluate_folder(
    truth: PathLike,
    predictions: PathLike,
    labels: Labels | None = None,
    convention: Convention = "surface_distance",
    *,
    prediction_labels: Labels | None = None,
    nsd_tolerance_mm: float = 2.0,
    ignore: Sequence[int] = (),
    scans: PathLike | None = None,
    grid_tolerance_mm: float | None = None,
    progress: Progress | None = None,
) -> FolderScores:
    """Score a folder of predictions against a folder of true label maps.

    Files belong together by name; ``_seg`` and ``_gt`` at the end of a truth's name do not count.
    A case that has no prediction, or cannot be read, is a row without scores, and its reason is in
    ``failures``. The other arguments are those of :func:`evaluate`.

    Args:
        truth: Folder of the true label maps.
        predictions: Folder of the predicted ones; a trainer's folder in nnU-Net's results stands for the
            validation predictions of all its folds.
        scans: Folder of the scans, named by case, where truth and predictions are both DICOM SEG or RTSTRUCT.
        progress: Called as ``progress("evaluate", done, n)``.

    Raises:
        ValueError: There are no labels, or not a single case could be scored.
        FileNotFoundError: There is no such folder.
        KeyboardInterrupt: Ctrl-C was pressed; the cases at work are finished first.

    Warns:
        RuntimeWarning: An organ is in the truth and in no prediction, or the other way round, and there are
            values of no organ.
    """
    for path, what in ((truth, "truth"), (predictions, "predictions")):
        if not existing(path, what).is_dir():
            raise ValueError(f"{what} is a file, wanted a folder: evaluate scores two files ({path})")
    given = given_labels(labels, prediction_labels, ignore, of_arrays=False)
    found = json.loads(
        _hardslice.evaluate_paths(
            Path(truth),
            Path(predictions),
            None if scans is None else existing(scans, "scans"),
            grid_tolerance_mm,
            _settings(given, convention, nsd_tolerance_mm),
            progress,
        )
    )
    warn_of(found["doubts"])
    return FolderScores(
        [_row(row) for row in found["rows"]],
        {failure["case"]: failure["because"] for failure in found["failures"]},
        [Path(path) for path in found["extra"]],
        found["notes"],
    )


def _row(row: dict[str, Any]) -> Row:
    absent: dict[str, Any] = dict.fromkeys(METRICS)
    scores = row["scores"] or {**absent, "status": row["status"]}
    return Row(row["case"], row["organ"], OrganScores(**scores))
