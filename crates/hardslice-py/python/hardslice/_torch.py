"""Slices of a store as torch wants them. Imported only where torch is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

try:
    import torch
    from torch.utils.data import Dataset
except ImportError as error:
    raise ImportError("Store.torch needs torch: pip install torch") from error

if TYPE_CHECKING:
    from ._store import Store


class StoreDataset(Dataset[Any]):
    """A map-style data set over a store's slices."""

    def __init__(self, store: Store, transform: Callable[[Any, Any], Any] | None = None):
        self.store = store
        self.transform = transform

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> Any:
        found = self.store[index]
        low, high = self.store.window_hu
        # One pass from the mapped pixels to the net's scale, and no copy before it.
        image = torch.tensor(found.image, dtype=torch.float32).sub_(low).div_(high - low)[None]
        labels = torch.tensor(found.labels)
        return (image, labels) if self.transform is None else self.transform(image, labels)
