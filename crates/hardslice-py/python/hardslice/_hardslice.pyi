"""The native half of the package; what is public stands beside it, documented."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

__version__: str

_GivenOrgan = tuple[str, Sequence[int], Sequence[str]]
_Progress = Callable[[str, int, int], object] | None

class Settings(TypedDict):
    organs: list[_GivenOrgan] | None
    ignored: Sequence[int]
    convention: str
    nsd_tolerance_mm: float

def program(arguments: Sequence[str]) -> int: ...
def evaluate_arrays(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    spacing_mm: Sequence[float],
    settings: Settings,
) -> str: ...
def evaluate_paths(
    truth: Path,
    predictions: Path,
    scans: Path | None,
    grid_tolerance_mm: float | None,
    settings: Settings,
    progress: _Progress,
) -> str: ...
def summary(rows: Sequence[tuple[str, str | None, str | None]]) -> str: ...
