"""Trained models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _hardslice
from ._evaluate import Progress
from ._volumes import PathLike, existing, path_of


class Model:
    """A model that ``hardslice run`` or ``train`` has left: weights, net, organs and preprocessing. Pickled,
    it is its path.

    Args:
        path: The model's folder.
        device: What to compute on: ``cpu``, or ``reference`` (the CPU without hardslice's own kernels).

    Raises:
        ValueError: It is damaged, or of another version.
        FileNotFoundError: There is no such folder.
    """

    def __init__(self, path: PathLike, device: str = "cpu"):
        self.path = existing(path, "path")
        """The model's folder."""
        self.device = device
        """What it computes on."""
        self._native = _hardslice.Model(self.path, device)
        record = json.loads(self._native.record())
        self.organs: dict[str, int] = dict(record["organs"])
        """The organs, in the order of the net's outputs, with their values in label maps."""
        self.size: int = record["size"]
        """Rows and columns of what the net sees."""
        self.n_channels: int = record["n_channels"]
        """A slice and the neighbours that the net sees beside it."""
        self.window_hu: tuple[int, int] = tuple(record["window_hu"])
        """What images are clipped to."""
        self.leaky: bool = record["leaky"]
        """Whether the test set was used to set a threshold of its training."""

    def __reduce__(self) -> tuple[type[Model], tuple[Path, str]]:
        return Model, (self.path, self.device)

    def __repr__(self) -> str:
        return f"<hardslice.Model: {', '.join(self.organs)}, {self.size} x {self.size}>"

    def predict(
        self,
        volume: PathLike | NDArray[Any],
        affine: Sequence[Sequence[float]] | NDArray[Any] | None = None,
        *,
        largest_component: bool = False,
        flip_averaging: bool = False,
        progress: Progress | None = None,
    ) -> NDArray[np.uint8]:
        """Predict a label map on the scan's own grid.

        Args:
            volume: A file, a folder with a DICOM series, or the voxels ``[i, j, k]`` in Hounsfield units.
            affine: For voxels: 4 x 4, from ``(i, j, k)`` to millimetres in RAS+, as ``nibabel``'s
                ``image.affine``. It says how the axes run in the patient, so that any order will do.
            largest_component: Keep only each organ's largest connected component.
            flip_averaging: Average over the slice as it is, flipped, and mirrored, as far as
                the net was trained on such slices.
            progress: Called as ``progress("predict", done, n)``.

        Returns:
            The label map ``[i, j, k]``, in the axes of the array or the file (as ``nibabel`` reads it).

        Raises:
            ValueError: The affine is missing or singular, or the scan cannot be read.
            FileNotFoundError: There is no such file.
        """
        path = path_of(volume)
        if path is not None:
            if affine is not None:
                raise ValueError("affine is for voxels: a file has its own")
            labels = self._native.predict_path(
                existing(path, "volume"), largest_component, flip_averaging, progress
            )
            return labels.T
        voxels = np.asarray(volume)
        if voxels.ndim != 3 or voxels.dtype.kind not in "iuf":
            raise ValueError(
                f"the volume is an array of {voxels.dtype} with the shape {voxels.shape}, wanted three axes of "
                "numbers, in Hounsfield units"
            )
        if affine is None:
            raise ValueError("voxels do not say where they lie in the patient: give affine (nibabel's image.affine)")
        matrix = np.asarray(affine, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or list(matrix[3]) != [0, 0, 0, 1]:
            raise ValueError(f"affine is {matrix.tolist()}, wanted 4 x 4 with the last row 0, 0, 0, 1")
        labels = self._native.predict_array(
            np.ascontiguousarray(voxels.T, dtype=np.float32),
            matrix[:3].tolist(),
            largest_component,
            flip_averaging,
            progress,
        )
        return labels.T

    def logits(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """What the net says of a batch of slices, before the sigmoid.

        Args:
            batch: ``[n, channels, size, size]``: integers in Hounsfield units (as a store's slices), which
                are clipped to the window and scaled, or floating-point numbers on the net's own scale,
                0 to 1 over the window.

        Returns:
            ``[n, organs, size, size]``.

        Raises:
            ValueError: The batch has another shape.
        """
        images = np.asarray(batch)
        if images.ndim != 4 or images.dtype.kind not in "iuf":
            raise ValueError(
                f"the batch is an array of {images.dtype} with the shape {images.shape}, wanted numbers "
                f"[n, {self.n_channels}, {self.size}, {self.size}]"
            )
        if images.dtype.kind in "iu":
            low, high = self.window_hu
            images = (np.clip(images, low, high).astype(np.float32) - np.float32(low)) / np.float32(high - low)
        return self._native.logits(np.ascontiguousarray(images, dtype=np.float32))
