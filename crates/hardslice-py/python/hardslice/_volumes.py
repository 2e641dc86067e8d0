"""What a caller may give where a volume is wanted: a path, or an array."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from . import _hardslice

PathLike: TypeAlias = Union[str, "os.PathLike[str]"]
"""A file or a folder."""

LabelVolume: TypeAlias = Union[PathLike, NDArray[Any]]
"""A label map: its file (or the folder of its masks), or its voxels."""

Labels: TypeAlias = Mapping[str, Union[int, str, Sequence[Union[int, str]]]]
"""Organs by their label values, by the names of their structures, or both:
``{"liver": 1, "kidney": [2, 3], "spleen": ["spleen", "lien"]}``."""


def path_of(volume: object) -> Path | None:
    """The path that a caller gave; ``None`` where it is no path."""
    if isinstance(volume, (str, bytes, os.PathLike)):
        return Path(os.fsdecode(volume))
    return None


def existing(path: PathLike, what: str) -> Path:
    """The path, which must be there."""
    found = Path(os.fspath(path))
    if not found.exists():
        raise FileNotFoundError(f"{what}: there is no file or folder {found}")
    return found


def organs_of(labels: Labels | None, *, of_arrays: bool = False) -> list[tuple[str, list[int], list[str]]] | None:
    """Organs as the native half takes them. Arrays hold values, and no names of structures."""
    if labels is None:
        return None
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels is {labels!r}, wanted a mapping as {{'liver': [1], 'kidney': [2, 3]}}")
    organs = []
    for organ, given in labels.items():
        items = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        values, names = [], []
        for item in items:
            if isinstance(item, str):
                names.append(item)
            elif isinstance(item, (int, np.integer)) and not isinstance(item, bool):
                if not 0 <= item <= 65535:
                    raise ValueError(f"the label value {item} of {organ!r} is not within 0 to 65535")
                values.append(int(item))
            else:
                raise TypeError(f"{item!r} of {organ!r} is neither a label value nor a structure's name")
        if of_arrays and not values:
            raise ValueError(f"{organ!r} is given by names alone, and arrays hold values: as {{{organ!r}: 1}}")
        organs.append((str(organ), values, names))
    return organs


def given_labels(
    labels: Labels | None,
    prediction_labels: Labels | None,
    ignore: Sequence[int],
    *,
    of_arrays: bool,
) -> _hardslice.GivenLabels:
    """Which label values are which organ, as the native half takes it."""
    return {
        "organs": organs_of(labels, of_arrays=of_arrays),
        "predicted_organs": organs_of(prediction_labels, of_arrays=of_arrays),
        "ignored": label_values(ignore, "ignore"),
    }


def warn_of(doubts: Sequence[str]) -> None:
    """Says on behalf of a function that was called from outside what is odd about its label values."""
    for doubt in doubts:
        warnings.warn(doubt, RuntimeWarning, stacklevel=3)


def label_values(values: Sequence[int], what: str) -> list[int]:
    """Label values that must fit a label map."""
    for value in values:
        if not isinstance(value, (int, np.integer)) or not 0 <= value <= 65535:
            raise ValueError(f"{what} holds {value!r}, wanted label values, 0 to 65535")
    return [int(value) for value in values]


def spacing_of(spacing_mm: Sequence[float] | NDArray[Any] | None) -> tuple[float, float, float]:
    """Three distances of voxels, along the axes of the array."""
    if spacing_mm is None:
        raise ValueError(
            "arrays have no spacing of their own: give spacing_mm, millimetres along each axis of the "
            "array, in the order of its axes"
        )
    spacing = tuple(float(value) for value in spacing_mm)
    if len(spacing) != 3 or not all(np.isfinite(value) and value > 0 for value in spacing):
        raise ValueError(f"spacing_mm is {spacing}, wanted three numbers above 0, one for each axis")
    return spacing[0], spacing[1], spacing[2]


def voxels_of(volume: object, what: str) -> NDArray[Any]:
    """The voxels of a label map, as integers; no copy but of floating-point numbers.

    Masks of ``bool`` are seen as 0 and 1. Floating-point numbers, as ``nibabel``'s ``get_fdata``
    gives, must be whole.
    """
    array = np.asarray(volume)
    if array.ndim != 3:
        advice = ""
        if array.ndim == 2:
            advice = ": give a slice an axis of length 1 (array[None])"
        elif array.ndim == 4:
            advice = ": one case at a time, and label values in place of channels (argmax)"
        raise ValueError(f"{what} has the shape {array.shape}, wanted three axes{advice}")
    if array.dtype == bool:
        return array.view(np.uint8)
    if array.dtype.kind == "f":
        whole = array.astype(np.int64)
        if not np.array_equal(whole, array):
            raise ValueError(
                f"{what} holds numbers that are not whole ({array.dtype}): wanted label values; threshold "
                "probabilities first"
            )
        return whole
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what} is an array of {array.dtype}, wanted label values")
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def on_one_grid(
    truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[Any], NDArray[Any], tuple[float, float, float]]:
    """Both arrays in the order of C, and the spacing of their axes.

    Two arrays in Fortran's order, as ``nibabel`` reads them, are seen with their axes reversed, so
    that nothing is copied.
    """
    if truth.shape != prediction.shape:
        raise ValueError(
            f"truth has the shape {truth.shape} and the prediction {prediction.shape}: resample one of "
            "them onto the other's grid (nearest neighbour)"
        )
    if not truth.flags.c_contiguous and truth.flags.f_contiguous and prediction.flags.f_contiguous:
        return truth.T, prediction.T, (spacing_mm[2], spacing_mm[1], spacing_mm[0])
    return np.ascontiguousarray(truth), np.ascontiguousarray(prediction), spacing_mm
