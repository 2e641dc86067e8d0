"""The native half of the package; what is public stands beside it, documented."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

__version__: str

_GivenOrgan = tuple[str, Sequence[int], Sequence[str]]
_GivenScore = tuple[int, int, int, int, int, int]
_Progress = Callable[[str, int, int], object] | None

class GivenLabels(TypedDict):
    organs: list[_GivenOrgan] | None
    predicted_organs: list[_GivenOrgan] | None
    ignored: Sequence[int]

class Settings(TypedDict):
    labels: GivenLabels
    convention: str
    nsd_tolerance_mm: float

def program(arguments: Sequence[str], package: Path) -> int: ...
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
def compare_tables(scores: str, n_organs: int) -> str: ...
def count_arrays(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    labels: GivenLabels,
) -> str: ...
def count_paths(
    truth: Path,
    predictions: Path,
    scans: Path | None,
    grid_tolerance_mm: float | None,
    labels: GivenLabels,
    progress: _Progress,
) -> str: ...
def judge_slices(request: str, scores: Sequence[_GivenScore], validation: Sequence[_GivenScore]) -> str: ...
def hard_slices(dir: Path, organ: str | None) -> str: ...
def audit(
    cohort: Path,
    organs: list[_GivenOrgan] | None,
    grid_tolerance_mm: float | None,
    progress: _Progress,
) -> str: ...
def open_store(dir: Path, verify: bool) -> str: ...
def command(arguments: Sequence[str], progress: _Progress) -> bool: ...

class Model:
    def __init__(self, dir: Path, device: str) -> None: ...
    def record(self) -> str: ...
    def predict_array(
        self,
        voxels: NDArray[np.float32],
        world_from_voxel: Sequence[Sequence[float]],
        largest_component: bool,
        flip_averaging: bool,
        progress: _Progress,
    ) -> NDArray[np.uint8]: ...
    def predict_path(
        self,
        path: Path,
        largest_component: bool,
        flip_averaging: bool,
        progress: _Progress,
    ) -> NDArray[np.uint8]: ...
    def logits(self, images: NDArray[np.float32]) -> NDArray[np.float32]: ...

def summary(rows: Sequence[tuple[str, str | None, str | None]]) -> str: ...
