"""Scores of single slices, and which of them are hard."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _hardslice
from ._evaluate import Progress
from ._tables import Rows, data_frame, patient_of
from ._volumes import (
    Labels,
    LabelVolume,
    PathLike,
    existing,
    given_labels,
    path_of,
    voxels_of,
    warn_of,
)

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class SliceScore:
    """Pixel counts of one organ in one slice."""

    case: str
    """The case."""
    z: int
    """The slice: its place along the axis of slices; of files from the feet up, whatever the file's
    own order."""
    organ: str
    """The organ."""
    truth_px: int
    """Pixels of the organ in the truth."""
    predicted_px: int
    """Pixels of the organ in the prediction."""
    shared_px: int
    """Pixels in both."""

    @property
    def dice(self) -> float | None:
        """Dice of the slice, 0 to 1; ``None`` where the organ is in neither mask."""
        total = self.truth_px + self.predicted_px
        return 2 * self.shared_px / total if total else None


class SliceScores(Rows[SliceScore]):
    """Scores of slices, case by case and slice by slice. ``a + b`` puts those of two calls together."""

    def __init__(self, rows: Iterable[SliceScore], failures: Mapping[str, str] | None = None):
        super().__init__(rows)
        self.failures = dict(failures or {})
        """Cases that could not be scored, and why."""

    def __add__(self, other: SliceScores) -> SliceScores:
        return SliceScores([*self, *other], {**self.failures, **other.failures})

    def __repr__(self) -> str:
        return f"<hardslice.SliceScores: {len(self.cases)} cases, {len(self)} rows>"

    @property
    def cases(self) -> list[str]:
        """The cases, in the order in which they come first."""
        return list(dict.fromkeys(row.case for row in self))

    @property
    def organs(self) -> list[str]:
        """The organs, in the order in which they come first."""
        return list(dict.fromkeys(row.organ for row in self))

    def to_pandas(self) -> pandas.DataFrame:
        """``case, z, organ, truth_px, predicted_px, shared_px, dice``.

        Raises:
            ImportError: pandas is not installed.
        """
        names = ("case", "z", "organ", "truth_px", "predicted_px", "shared_px", "dice")
        return data_frame({name: [getattr(row, name) for row in self] for name in names}, ("dice",))


def score_slices(
    truth: LabelVolume,
    prediction: LabelVolume,
    labels: Labels | None = None,
    *,
    axis: int | None = None,
    case: str | None = None,
    prediction_labels: Labels | None = None,
    ignore: Sequence[int] = (),
    scans: PathLike | None = None,
    grid_tolerance_mm: float | None = None,
    progress: Progress | None = None,
) -> SliceScores:
    """Count the pixels of every slice of a prediction against the truth.

    Two folders give all their cases, two files one; their slices are axial, counted from the feet up.
    Two arrays are one case, which needs a name, and need to be told along which axis slices lie.

    Args:
        truth: The true label map ``[i, j, k]``, its file, or a folder of such files.
        prediction: The predicted one; a trainer's folder in nnU-Net's results stands for the validation
            predictions of all its folds.
        labels: Organs and what makes them, as for :func:`evaluate`; each value found when absent.
        axis: The axis of the slices in arrays: 2 in ``nibabel``'s (x, y, z), 0 in SimpleITK's (z, y, x).
        case: What to call the case of two arrays.
        prediction_labels: The same where the predictions have it otherwise, as for :func:`evaluate`.
        ignore: Label values of the truth whose voxels nobody has judged.
        scans: Folder of the scans (or the one scan), where labels are DICOM SEG or RTSTRUCT on both sides.
        progress: Called as ``progress("score slices", done, n)``.

    Raises:
        ValueError: Shapes differ, ``axis`` or ``case`` is missing, or there are no labels.
        FileNotFoundError: There is no such file.

    Warns:
        RuntimeWarning: An organ is in the truth and in no prediction, or the other way round, and there are
            values of no organ.

    >>> import numpy as np
    >>> import hardslice
    >>> truth = np.zeros((3, 4, 4), np.uint8)
    >>> truth[1:] = 1
    >>> prediction = truth.copy()
    >>> prediction[2, :2] = 0
    >>> scores = hardslice.score_slices(truth, prediction, {"liver": 1}, axis=0, case="a")
    >>> [row.dice for row in scores]
    [None, 1.0, 0.6666666666666666]
    """
    truth_path, prediction_path = path_of(truth), path_of(prediction)
    of_arrays = truth_path is None and prediction_path is None
    given = given_labels(labels, prediction_labels, ignore, of_arrays=of_arrays)
    if truth_path is not None and prediction_path is not None:
        if axis is not None or case is not None:
            raise ValueError("axis and case are for arrays: files have axes and names of their own")
        counted = json.loads(
            _hardslice.count_paths(
                existing(truth_path, "truth"),
                existing(prediction_path, "prediction"),
                None if scans is None else existing(scans, "scans"),
                grid_tolerance_mm,
                given,
                progress,
            )
        )
        failures = {failure["case"]: failure["because"] for failure in counted["failures"]}
        if failures and not counted["cases"]:
            name, because = next(iter(failures.items()))
            raise ValueError(f"no case could be scored; the first, {name}: {because}")
        warn_of(counted["doubts"])
        return SliceScores(
            (SliceScore(found["case"], *row) for found in counted["cases"] for row in found["counts"]), failures
        )
    if truth_path is not None or prediction_path is not None:
        raise ValueError("one of truth and prediction is a file and the other an array: give two of a kind")
    if axis not in (-3, -2, -1, 0, 1, 2) or isinstance(axis, bool):
        raise ValueError(
            f"axis is {axis!r}, and arrays do not say along which axis their slices lie: 2 in nibabel's "
            "(x, y, z), 0 in SimpleITK's (z, y, x)"
        )
    if not case:
        raise ValueError("two arrays are a case without a name: give case")
    arrays = [
        _slices_first(volume, what, axis)
        for volume, what in ((truth, "truth"), (prediction, "prediction"))
    ]
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(f"truth and prediction have different shapes, slices first: {arrays[0].shape}, {arrays[1].shape}")
    counted = json.loads(
        _hardslice.count_arrays(*(np.ascontiguousarray(array) for array in arrays), given)
    )
    warn_of(counted["doubts"])
    return SliceScores(SliceScore(case, *row) for row in counted["counts"])


def _slices_first(volume: object, what: str, axis: int) -> NDArray[Any]:
    # Counts of pixels do not depend on the order of the other two axes: reversed, nibabel's arrays
    # are in the order of C.
    array = voxels_of(volume, what)
    return array.T if axis in (2, -1) else np.moveaxis(array, axis, 0)


@dataclass(frozen=True)
class Verdict:
    """What the mining decides of one slice for one organ."""

    case: str
    """The case."""
    z: int
    """The slice."""
    organ: str
    """The organ."""
    rule: str
    """``overlap``, ``both_empty``, ``false_positive`` (Dice 0) or ``speck`` (as if empty)."""
    dice: float | None
    """Dice; ``None`` where the slice counts as empty."""
    is_hard: bool
    """Whether the slice is hard for the organ."""
    reason: str
    """Why, in words."""


@dataclass(frozen=True)
class Tau:
    """An organ's threshold."""

    value: float
    """A slice is hard if its Dice is lower."""
    n_hard: int
    """Slices below it."""
    n_scored: int
    """Slices that were scored for the organ."""


class Mined:
    """What a mining found: which slices are hard, and how often each slice is to be shown."""

    def __init__(
        self,
        weights: dict[tuple[str, int], float],
        reasons: dict[tuple[str, int], str],
        taus: dict[str, Tau],
        verdicts: tuple[Verdict, ...],
    ):
        self.weights = weights
        """How often each slice ``(case, z)`` is shown, relative to an ordinary slice, which weighs 1.
        Slices that are not shown are not in it."""
        self.reasons = reasons
        """Why each slice is shown: ``hard``, ``base``, ``random``, ..."""
        self.taus = taus
        """The threshold of each organ."""
        self.verdicts = verdicts
        """The decision on each slice and organ that was mined."""

    @property
    def hard(self) -> list[tuple[str, int]]:
        """The slices ``(case, z)`` that are hard for any organ, in order, each once."""
        return list(dict.fromkeys((row.case, row.z) for row in self.verdicts if row.is_hard))

    def weights_for(self, index: Iterable[tuple[str, int]]) -> NDArray[np.float64]:
        """The weights of slices in the order of a data set, for ``torch.utils.data.WeightedRandomSampler``.

        ``index`` gives the case and slice of each item; ``Store`` has it ready. What is in no plan
        weighs 0.

        Raises:
            ValueError: Not a single item of the data set is in the plan: cases are called otherwise there.
        """
        items = list(index)
        weights = np.array([self.weights.get((case, int(z)), 0.0) for case, z in items], dtype=np.float64)
        if len(items) and not weights.any():
            raise ValueError(
                f"none of the {len(items)} items is in the plan: the first is {items[0]}, the plan's first is "
                f"{next(iter(self.weights), None)}"
            )
        planned = {case for case, _ in self.weights}
        absent = sorted({case for case, _ in items} - planned)
        if absent:
            warnings.warn(
                f"nothing of {len(absent)} cases of the data set is in the plan, as {absent[0]!r}: they were not "
                "scored, or the arm leaves them out; their slices weigh 0",
                RuntimeWarning,
                stacklevel=2,
            )
        return weights

    def to_csv(self, path: PathLike) -> None:
        """Write the plan: ``case,z,weight,reason``, a row for each slice that is shown, as ``hardslice mine``
        leaves it and ``nnUNetTrainerHardSlice`` reads it. A file that stands there is written over.

        Raises:
            OSError: It cannot be written.
        """
        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("case", "z", "weight", "reason"))
            for (case, z), weight in sorted(self.weights.items()):
                table.writerow((case, z, f"{weight:g}" if float(f"{weight:g}") == weight else repr(weight), self.reasons[case, z]))

    def __repr__(self) -> str:
        return f"<hardslice.Mined: {len(self.hard)} hard slices, {len(self.weights)} in the plan>"

    def to_pandas(self) -> pandas.DataFrame:
        """``case, z, organ, rule, dice, is_hard, reason, weight``, a row for each slice and organ.

        Raises:
            ImportError: pandas is not installed.
        """
        names = ("case", "z", "organ", "rule", "dice", "is_hard", "reason")
        columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in self.verdicts] for name in names}
        columns["weight"] = [self.weights.get((row.case, row.z), 0.0) for row in self.verdicts]
        return data_frame(columns, ("dice", "weight"))


def mine(
    scores: SliceScores,
    tau: float | str = "hardest 15 %",
    *,
    arm: str = "all_emphasised",
    b: Collection[str] = (),
    emphasis: float = 2.0,
    positive_weight: float = 1.0,
    min_false_positive_px: int = 1,
    validation: SliceScores | None = None,
    patients: Mapping[str, str] | Callable[[str], str] | None = None,
    seed: int = 1,
) -> Mined:
    """Find the hard slices among scored ones, and weigh them.

    Scores should come from models that did not see the case, as the validation predictions of a
    cross-validation.

    Args:
        scores: Scores of the training slices.
        tau: Below which Dice a slice is hard: a number, ``"hardest 15 %"``, or ``"validation"`` (the
            lowest Dice of a case of ``validation``).
        arm: What is shown of them. ``all_emphasised``: every slice, the hard ones ``emphasis`` times as
            often. ``hard``: those of ``b``, and of the others the hard ones alone. The controls
            ``random``, ``random_matched``, ``easy`` draw as many others; that of ``all_emphasised`` is
            ``all_random``. ``probabilistic``: by difficulty, and ``probabilistic_random`` its control.
        b: Cases that belong to B: they are shown, and not mined.
        emphasis: How many times its ordinary weight a hard slice weighs.
        positive_weight: The ordinary weight of a slice that shows an organ; 1 for others. Of several organs a
            rarer one weighs more, at most this many times (class-balanced sampling).
        min_false_positive_px: Smallest area that counts as a false positive where the organ is absent.
        validation: Scores of the validation cases, for ``tau="validation"``.
        patients: Whose scan each case is, for the controls that draw patient by patient; each its own when absent.
        seed: Seed of the controls.

    Raises:
        ValueError: tau or the arm is unknown, a setting is out of range, or there is nothing to show.

    Warns:
        RuntimeWarning: The threshold takes suspiciously few or many slices.

    >>> import hardslice
    >>> rows = [hardslice.SliceScore("a", z, "liver", 100, 100, 100 - z) for z in range(20)]
    >>> mined = hardslice.mine(hardslice.SliceScores(rows), tau="hardest 15 %")
    >>> mined.hard
    [('a', 17), ('a', 18), ('a', 19)]
    >>> mined.weights_for([("a", 0), ("a", 19)])
    array([1., 2.])
    >>> mined.verdicts[19].reason
    'Dice 0.810 is below tau 0.840'
    """
    if not len(scores):
        raise ValueError("there are no scores to mine")
    organs = scores.organs
    cases = scores.cases
    known = set(cases)
    if failed := scores.failures:
        name, because = next(iter(failed.items()))
        warnings.warn(
            f"{len(failed)} cases could not be scored and are in no plan; the first, {name}: {because}",
            RuntimeWarning,
            stacklevel=2,
        )
    b = list(b)
    for case in b:
        if case not in known:
            raise ValueError(f"{case!r} of b has no scores: the cases are {', '.join(cases[:5])}, ...")
    patient = patient_of(patients)
    of_b = set(b)
    request = {
        "organs": organs,
        "patients": [patient(case) for case in cases],
        "is_b": [case in of_b for case in cases],
        "mining": {
            "tau": tau if isinstance(tau, str) else _number(tau, "tau"),
            "min_false_positive_px": _number(min_false_positive_px, "min_false_positive_px"),
        },
        "balance": {"emphasis": _number(emphasis, "emphasis")},
        "arm": arm,
        "positive_weight": _number(positive_weight, "positive_weight"),
        "seed": _number(seed, "seed"),
    }
    found = json.loads(
        _hardslice.judge_slices(json.dumps(request), _places(scores, organs), _places(validation or (), organs))
    )
    for warning in found["warnings"]:
        warnings.warn(warning, RuntimeWarning, stacklevel=2)
    plan = [((cases[case_idx], z), weight, reason) for case_idx, z, weight, reason in found["plan"]]
    return Mined(
        {place: weight for place, weight, _ in plan},
        {place: reason for place, _, reason in plan},
        {
            organ: Tau(tau["value"], tau["n_hard"], tau["n_scored"])
            for organ, tau in zip(organs, found["taus"], strict=True)
        },
        tuple(
            Verdict(cases[case_idx], z, organs[output], rule, dice, is_hard, reason)
            for case_idx, z, output, rule, dice, is_hard, reason in found["verdicts"]
        ),
    )


def _number(given: object, what: str) -> float | int:
    """A number of Python's or NumPy's as JSON takes it."""
    if isinstance(given, (bool, np.bool_)) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{what} is {given!r}, wanted a number")
    if not np.isfinite(given):
        raise ValueError(f"{what} is {given!r}, wanted a finite number")
    return int(given) if isinstance(given, (int, np.integer)) else float(given)


def _places(scores: Iterable[SliceScore], organs: list[str]) -> list[tuple[int, int, int, int, int, int]]:
    """Scores as the native half takes them, those of a slice together."""
    organ_place = {organ: place for place, organ in enumerate(organs)}
    case_place: dict[str, int] = {}
    places = []
    for row in scores:
        if row.organ in organ_place:
            case = case_place.setdefault(row.case, len(case_place))
            counts = (row.truth_px, row.predicted_px, row.shared_px)
            places.append((case, row.z, organ_place[row.organ], *counts))
    places.sort(key=lambda place: place[:3])
    for one, other in zip(places, places[1:], strict=False):
        if one[:3] == other[:3]:
            name = list(case_place)[one[0]]
            raise ValueError(f"slice {one[1]} of {name!r} is scored twice for {organs[one[2]]}")
    return places


@dataclass(frozen=True)
class HardSlice:
    """A hard slice of a ledger."""

    case: str
    """The case."""
    patient: str
    """Whose scan it is."""
    z: int
    """The slice, from the feet up."""
    organ: str
    """The organ."""
    kind: str
    """``positive``, ``end_of_organ`` or ``negative``."""
    dice: float | None
    """Its Dice."""
    tau: float
    """The organ's threshold."""
    reason: str
    """Why it is hard, in words."""
    weight: float
    """Its weight in the plan of the arm ``hard``."""
    loss: float | None
    """Mean binary cross-entropy of its pixels; ``None`` where there were no probabilities."""
    triage: str | None
    """``suspect`` (its label looks wrong), ``broken``, ``redundant``, or ``None``."""
    triage_reason: str | None
    """What that rests on."""


def triage(path: PathLike, organ: str | None = None) -> list[HardSlice]:
    """The hard slices that ``hardslice run``, ``compare``, ``sweep`` or ``mine`` left in a folder, and
    which of them look mislabelled, broken or redundant (``triage``).

    Raises:
        ValueError: There is no ledger in the folder.
        FileNotFoundError: There is no such folder.
    """
    rows = json.loads(_hardslice.hard_slices(existing(path, "path"), organ))
    return [HardSlice(**row) for row in rows]
