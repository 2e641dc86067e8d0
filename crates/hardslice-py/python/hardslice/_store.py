"""A prepared cohort: its slices as views of mapped files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from . import _hardslice
from ._volumes import PathLike, existing

if TYPE_CHECKING:
    from torch.utils.data import Dataset


@dataclass(frozen=True)
class StoredCase:
    """A case of a store."""

    id: str
    """Its name."""
    patient: str
    """Whose scan it is."""
    n_slices: int
    """Axial slices, from the feet up."""
    spacing_mm: tuple[float, float, float]
    """Distance of slices and of the store's pixels, (z, y, x), millimetres."""
    organs_annotated: tuple[str, ...]
    """Organs that somebody looked for; empty for a case without labels."""
    image: Path
    """The scan that it was prepared from."""
    labels: Path | None
    """Its labels."""


@dataclass(frozen=True)
class Slice:
    """A slice of a store."""

    image: NDArray[np.int16]
    """``[y, x]``, Hounsfield units clipped to the window; a read-only view of the mapped file."""
    labels: NDArray[np.uint8]
    """``[y, x]``, 0 the background, 1 the first organ, ..., 255 what nobody has judged; a read-only view.
    All 255 for a case without labels. An organ that is not among the case's ``organs_annotated`` may be
    there without a label, so that a loss should leave it out."""
    case: StoredCase
    """Its case."""
    z: int
    """Its place in the scan, from the feet up, from 0."""


class Store(Sequence[Slice]):
    """A cohort that ``hardslice prepare`` (or ``run``) has made: its slices, case by case.

    Nothing is read or copied before a pixel is touched, so that worker processes share what the
    system has in memory. A store can be pickled and forked.

    Args:
        path: The folder.
        verify: Also read every file and compare it with its recorded hash.

    Raises:
        ValueError: It is no finished store, or a file is not as recorded.
        FileNotFoundError: There is no such folder.
    """

    def __init__(self, path: PathLike, *, verify: bool = False):
        self.path = existing(path, "path")
        """The folder."""
        record = json.loads(_hardslice.open_store(self.path, verify))
        self.size: int = record["size"]
        """Rows and columns of a slice."""
        self.window_hu: tuple[int, int] = tuple(record["window_hu"])
        """What images are clipped to."""
        self.organs: tuple[str, ...] = tuple(record["organs"])
        """The organs, in the order of their values in the labels (from 1)."""
        self.content_hash: str = record["content_hash"]
        """Hash of all that a result can depend on."""
        self.cases: tuple[StoredCase, ...] = tuple(
            StoredCase(
                case["id"],
                case["patient"],
                case["n_slices"],
                tuple(case["spacing_mm"]),
                tuple(case["organs_annotated"]),
                Path(case["image"]),
                None if case["labels"] is None else Path(case["labels"]),
            )
            for case in record["cases"]
        )
        """The cases."""
        unjudged = np.full((self.size, self.size), 255, np.uint8)
        unjudged.flags.writeable = False
        self._images: list[NDArray[np.int16]] = []
        self._labels: list[NDArray[np.uint8] | None] = []
        self._unjudged = unjudged
        for case, stored in zip(self.cases, record["cases"], strict=True):
            folder = self.path / "cases" / case.id
            self._images.append(_mapped(folder / "image.npy"))
            self._labels.append(_mapped(folder / "labels.npy") if stored["has_labels"] else None)
        self.index: tuple[tuple[str, int], ...] = tuple(
            (case.id, z) for case in self.cases for z in range(case.n_slices)
        )
        """Case and slice of each item, as :meth:`Mined.weights_for` wants them."""
        self._places = tuple(
            (place, z) for place, case in enumerate(self.cases) for z in range(case.n_slices)
        )

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return Store, (self.path,)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Slice: ...
    @overload
    def __getitem__(self, index: slice) -> list[Slice]: ...
    def __getitem__(self, index: int | slice) -> Slice | list[Slice]:
        if isinstance(index, slice):
            return [self._slice(*place) for place in self._places[index]]
        return self._slice(*self._places[index])

    def __iter__(self) -> Iterator[Slice]:
        return (self._slice(*place) for place in self._places)

    def __repr__(self) -> str:
        return f"<hardslice.Store: {len(self.cases)} cases, {len(self)} slices of {self.size} x {self.size}: {self.path}>"

    def _slice(self, place: int, z: int) -> Slice:
        labels = self._labels[place]
        return Slice(
            self._images[place][z],
            self._unjudged if labels is None else labels[z],
            self.cases[place],
            z,
        )

    def volume(self, case: str) -> tuple[NDArray[np.int16], NDArray[np.uint8] | None]:
        """Image and labels of a whole case, ``[z, y, x]``, as views of the mapped files.

        Raises:
            KeyError: There is no such case.
        """
        for place, stored in enumerate(self.cases):
            if stored.id == case:
                return self._images[place], self._labels[place]
        raise KeyError(case)

    def torch(self, transform: Callable[[Any, Any], Any] | None = None) -> Dataset[Any]:
        """A map-style data set of ``(image, labels)``: float32 ``[1, y, x]``, 0 to 1 over the window, and
        uint8 ``[y, x]``, both copies that may be written to.

        Args:
            transform: Called with image and labels; what it gives is the item.

        Raises:
            ImportError: torch is not installed.
        """
        from ._torch import StoreDataset

        return StoreDataset(self, transform)

    def monai(self) -> Sequence[dict[str, Any]]:
        """Dicts for MONAI's ``Dataset``: ``image`` (int16 ``[1, y, x]``, Hounsfield units), ``label`` (uint8
        ``[1, y, x]``), both read-only views, ``case``, ``patient``, ``z`` and ``organs_annotated``: an organ
        that is not among these may be there without a label, so that a loss should leave it out. Pickled,
        for workers that are spawned, they are the store's path."""
        return _Dicts(self)


class _Dicts(Sequence[dict[str, Any]]):
    """The slices of a store as dicts, each made when it is asked for."""

    def __init__(self, store: Store):
        self._store = store

    def __len__(self) -> int:
        return len(self._store)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [_dict_of(found) for found in self._store[index]]
        return _dict_of(self._store[index])


def _dict_of(found: Slice) -> dict[str, Any]:
    return {
        "image": found.image[None],
        "label": found.labels[None],
        "case": found.case.id,
        "patient": found.case.patient,
        "z": found.z,
        "organs_annotated": found.case.organs_annotated,
    }


def _mapped(path: Path) -> NDArray[Any]:
    """An array in a file, seen without being read; a plain one, since taking a slice of ``numpy.memmap``
    costs several times as much. What writes to it in spite of its flag, as torch does, writes to a copy of
    the page and not into protected memory."""
    array = np.asarray(np.load(path, mmap_mode="c"))
    array.flags.writeable = False
    return array
