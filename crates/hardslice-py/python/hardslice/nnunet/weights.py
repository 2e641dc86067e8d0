"""A sampling plan, and the weights of a case's slices as nnU-Net has them.

The plan counts slices from the feet up. nnU-Net has the voxels of a file in the file's own order, last
axis first, then transposes, crops to what is not zero, and resamples within the planes of ``2d``. What
it did stands in the properties of each preprocessed case.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAN = "HARDSLICE_PLAN"
"""The environment variable that names the plan."""
DEFAULT_PLAN = "hardslice_plan.csv"
"""The plan's name in the dataset's folder in ``nnUNet_preprocessed``, where the variable is not set."""
UNLISTED = "HARDSLICE_UNLISTED"
"""The environment variable with the weight of every slice of a case that the plan does not name."""

_MIN_COSINE = 0.75
"""Of the angle between the axis of the slices and that of the body. Above 1 / sqrt(2) no two axes of a
file can claim to be the nearest."""


class SlicePlan:
    """How often each slice is to be drawn, relative to the others.

    Args:
        weights: For each case its slices' weights, by ``z`` from the feet up. A slice of a case
            that is named, which has no weight, is never drawn.
        unlisted: The weight of every slice of a case that is not named; ``None`` refuses such cases.
        source: What the plan is called in messages.

    >>> from hardslice.nnunet.weights import SlicePlan
    >>> SlicePlan({"a": {1: 2.0}}).weights("a", 3)
    array([0., 2., 0.])
    """

    def __init__(self, weights: Mapping[str, Mapping[int, float]], unlisted: float | None = None, source: str = "the plan"):
        self._weights = weights
        self.unlisted = unlisted
        """The weight of every slice of a case that the plan does not name."""
        self.source = source
        """What the plan is called in messages."""

    @classmethod
    def read(cls, path: str | os.PathLike[str], unlisted: float | None = None) -> SlicePlan:
        """Read the columns ``case``, ``z`` and ``weight`` of a table; others are passed over.

        Raises:
            ValueError: A column is missing, a slice stands there twice, ``z`` is no whole number from
                0, or a weight is no number from 0.
            FileNotFoundError: There is no such file.
        """
        weights: dict[str, dict[int, float]] = {}
        try:
            with open(path, newline="", encoding="utf-8-sig") as file:
                rows = csv.DictReader(file)
                missing = {"case", "z", "weight"} - set(rows.fieldnames or ())
                if missing:
                    raise ValueError(
                        "a plan has the columns case, z and weight, separated by commas, and "
                        f"{', '.join(sorted(missing))} is not there: {path}"
                    )
                for row in rows:
                    _add(weights, row, f"line {rows.line_num} of {path}")
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"the plan is no table in UTF-8 ({error}): {path}") from error
        if not weights:
            raise ValueError(f"the plan has no slices: {path}")
        return cls(weights, unlisted, str(path))

    @classmethod
    def of_environment(cls, preprocessed: str | os.PathLike[str]) -> SlicePlan:
        """The plan that ``HARDSLICE_PLAN`` names, else ``hardslice_plan.csv`` in the dataset's folder in
        ``nnUNet_preprocessed``; cases that it does not name weigh what ``HARDSLICE_UNLISTED`` says.

        Raises:
            ValueError: As :meth:`read`; or ``HARDSLICE_UNLISTED`` is no number from 0.
            FileNotFoundError: There is none.
        """
        unlisted = None
        if text := os.environ.get(UNLISTED):
            unlisted = _number(text)
            if unlisted is None:
                raise ValueError(f"{UNLISTED} is a weight, a number from 0, not {text!r}")
        default = Path(preprocessed) / DEFAULT_PLAN
        path = Path(os.environ.get(PLAN) or default)
        if not path.is_file():
            raise FileNotFoundError(
                f"there is no sampling plan {path}: name one with {PLAN}, or copy it to {default}; `hardslice mine` "
                "writes mining/plan.csv"
            )
        return cls.read(path, unlisted)

    def check_cases(self, cases: Sequence[str]) -> None:
        """See that the plan names the cases that are trained on.

        Raises:
            ValueError: It names none of them; or some are missing, and nothing says what they weigh.
        """
        missing = [case for case in cases if case not in self._weights]
        if len(missing) == len(cases) > 0:
            raise ValueError(
                f"none of the {len(cases)} training cases is in {self.source}: the first is {missing[0]!r}, the "
                f"plan's first {next(iter(self._weights))!r}; was it made for another dataset?"
            )
        if missing and self.unlisted is None:
            raise ValueError(
                f"{len(missing)} of the {len(cases)} training cases are not in {self.source}: "
                f"{', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}. Mine them, too, or say with {UNLISTED} "
                "what each of their slices weighs: 1 as an ordinary slice, 0 never to draw them"
            )

    def weights(self, case: str, n_slices: int) -> NDArray[np.float64]:
        """The weights of a case's slices, from the feet up.

        Raises:
            ValueError: The plan has a slice that the case does not have, or does not name the case,
                and nothing says what that weighs.
        """
        slices = self._weights.get(case)
        if slices is None:
            self.check_cases([case, *self._weights])
            return np.full(n_slices, self.unlisted, dtype=np.float64)
        weights = np.zeros(n_slices)
        for z, weight in slices.items():
            if z >= n_slices:
                raise ValueError(
                    f"{self.source} has a slice {z} of {case}, which has {n_slices} along its body in nnU-Net: they "
                    "are not of the same scan"
                )
            weights[z] = weight
        return weights


def _add(weights: dict[str, dict[int, float]], row: Mapping[str, str | None], where: str) -> None:
    """Add a row of a plan's table."""
    case, z, weight = row["case"], row["z"], row["weight"]
    if not case or not z or not (z.isascii() and z.isdigit()):
        raise ValueError(f"a slice is a case and a whole number from 0, not {case!r} and {z!r}: {where}")
    number = _number(weight or "")
    if number is None:
        raise ValueError(f"a weight is a number from 0, not {weight!r}: {where}")
    slices = weights.setdefault(case, {})
    if int(z) in slices:
        raise ValueError(f"slice {z} of {case} stands there twice: {where}")
    slices[int(z)] = number


def _number(text: str) -> float | None:
    """A number from 0; ``None`` for what is none, also where Python would read one (``1_000``)."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 and text.isascii() and "_" not in text else None


def slice_weights(
    plan: SlicePlan, case: str, properties: Mapping[str, Any], transpose_forward: Sequence[int]
) -> NDArray[np.float64]:
    """The weights of the slices of a preprocessed case, in nnU-Net's order.

    Args:
        plan: The plan.
        case: nnU-Net's identifier of the case.
        properties: What nnU-Net's preprocessing wrote down of it.
        transpose_forward: Of nnU-Net's plans: its axes are these of the array that it read.

    Returns:
        As many as the case has slices (its first axis) after the crop. nnU-Net keeps the distance of
        slices in ``2d``.

    Raises:
        ValueError: nnU-Net's slices do not lie across the body, or the plan does not fit the case.
    """
    body = body_along(properties, 2 - transpose_forward[0], case)
    n_slices = int(properties["shape_before_cropping"][0])
    low, high = (int(bound) for bound in properties["bbox_used_for_cropping"][0])
    weights = plan.weights(case, n_slices)
    return weights[::-1][low:high] if body < 0 else weights[low:high]


def body_along(properties: Mapping[str, Any], file_axis: int, case: str) -> float:
    """Cosine of the angle between an axis of the voxels that nnU-Net read (0 the one that is fastest in
    a file) and the body's axis, from the feet up.

    Raises:
        ValueError: The axis does not run along the body, or nothing says how it runs.
    """
    if nibabel := properties.get("nibabel_stuff"):
        affine = np.asarray(nibabel.get("reoriented_affine", nibabel["original_affine"]), dtype=np.float64)
        axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    elif (itk := properties.get("sitk_stuff")) and len(itk["direction"]) == 9:
        axes = np.asarray(itk["direction"], dtype=np.float64).reshape(3, 3)
    else:
        raise ValueError(
            f"nothing says how {case} lies in the patient: it was read by none of nnU-Net's readers of volumes "
            "(SimpleITKIO, NibabelIO, and those that reorient)"
        )
    cosine = float(axes[2, file_axis])
    if abs(cosine) < _MIN_COSINE:
        raise ValueError(
            f"nnU-Net's slices of {case} do not lie across the body (cosine {cosine:.2f}), as those of the plan do. If "
            "files are stored along different axes, bring them to one order as nnU-Net reads them: "
            '"overwrite_image_reader_writer": "SimpleITKIOWithReorient" in dataset.json, then plan and preprocess '
            "again. If all are like this, slices are closer than pixels are wide, and nnU-Net cuts the other way: "
            "train a dataset of slices (`hardslice export --format nnunet`)"
        )
    return cosine
