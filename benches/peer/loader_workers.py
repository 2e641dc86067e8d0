#!/usr/bin/env python3
"""What the workers of a torch DataLoader cost for a store, and whether making batches otherwise helps.

    pip install hardslice-*.whl torch
    python benches/peer/loader_workers.py STORE

Slices a second, median of seven passes in turns: `Store.torch()` item by item; whole batches made in one
buffer (`__getitems__`, no collation); the same in memory that is shared from the start; and one batch
that was made before, handed over again and again, which is what passing batches costs alone.
"""

import statistics
import sys
import time

import hardslice
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

BATCH, N_ITEMS, PASSES = 16, 4096, 7


class Batches(Dataset):
    """Batches in one buffer."""

    def __init__(self, store):
        self.store = store

    def __len__(self):
        return len(self.store)

    def room(self, n):
        size = self.store.size
        return torch.empty((n, 1, size, size)), torch.empty((n, size, size), dtype=torch.uint8)

    def __getitems__(self, places):
        low, high = self.store.window_hu
        images, labels = self.room(len(places))
        for k, place in enumerate(places):
            found = self.store[place]
            np.subtract(found.image, low, out=images.numpy()[k, 0], dtype=np.float32, casting="unsafe")
            labels.numpy()[k] = found.labels
        return images.div_(high - low), labels


class Shared(Batches):
    """As `Batches`, in shared memory where a worker makes them."""

    def room(self, n):
        if torch.utils.data.get_worker_info() is None:
            return super().room(n)
        n_pixels, size = n * self.store.size**2, self.store.size
        images = torch.empty(0).set_(torch.UntypedStorage._new_shared(4 * n_pixels))
        labels = torch.empty(0, dtype=torch.uint8).set_(torch.UntypedStorage._new_shared(n_pixels))
        return images.view(n, 1, size, size), labels.view(n, size, size)


class Made(Batches):
    """One batch, made before."""

    def __getitems__(self, places):
        if not hasattr(self, "batch"):
            self.batch = super().__getitems__(list(places))
        return tuple(part.clone() for part in self.batch)


def as_it_is(batch):
    return batch


def rate(dataset, order, workers):
    collate = as_it_is if isinstance(dataset, Batches) else None
    loader = DataLoader(dataset, batch_size=BATCH, sampler=order, num_workers=workers, collate_fn=collate)
    batches = iter(loader)
    # The workers' start is not what is measured.
    next(batches)
    began, n = time.perf_counter(), 0
    for images, _ in batches:
        n += len(images)
    return n / (time.perf_counter() - began)


def main():
    torch.set_num_threads(1)
    store = hardslice.Store(sys.argv[1])
    order = np.random.default_rng(0).integers(len(store), size=N_ITEMS).tolist()
    ways = {
        "item by item": store.torch(),
        "whole batches": Batches(store),
        "whole batches in shared memory": Shared(store),
        "passing alone": Made(store),
    }
    print(f"hardslice {hardslice.__version__}, torch {torch.__version__}; slices of {store.size} x {store.size}, {BATCH} at once")
    print("| slices a second | 0 workers | 2 workers |\n|---|---:|---:|")
    rates = {name: {0: [], 2: []} for name in ways}
    for _ in range(PASSES):
        for name, dataset in ways.items():
            for workers in (0, 2):
                rates[name][workers].append(rate(dataset, order, workers))
    for name, found in rates.items():
        print(f"| {name} | {statistics.median(found[0]):.0f} | {statistics.median(found[2]):.0f} |")


if __name__ == "__main__":
    main()
