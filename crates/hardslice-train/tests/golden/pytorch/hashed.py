"""Numbers from names, the same here and in tests/pytorch/hashed.rs, so that no weights are stored.

uniform(name)[i] is the i-th output of SplitMix64, seeded with the FNV-1a hash of the name, its
upper 24 bits as a fraction: exact in float32.
"""

import math

import numpy as np
import torch

MASK = (1 << 64) - 1


def fnv1a64(name: str) -> int:
    hash_ = 0xCBF29CE484222325
    for byte in name.encode():
        hash_ = ((hash_ ^ byte) * 0x100000001B3) & MASK
    return hash_


def uniform(name: str, n: int) -> np.ndarray:
    """n numbers in [0, 1), float64."""
    with np.errstate(over="ignore"):
        step = np.arange(1, n + 1, dtype=np.uint64)
        z = np.uint64(fnv1a64(name)) + step * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / float(1 << 24)


def between(name: str, shape, low: float, high: float) -> torch.Tensor:
    """low + (high - low) * uniform, rounded to float32, as float64."""
    values = low + (high - low) * uniform(name, math.prod(shape))
    return torch.from_numpy(values.astype(np.float32).astype(np.float64)).reshape(tuple(shape))


def weight(name: str, shape) -> torch.Tensor:
    """The weights of a parameter or running statistic of this name."""
    if name.endswith("running_var"):
        low, high = 0.7, 1.3
    elif name.endswith("norm.weight"):
        low, high = 0.8, 1.2
    elif name.endswith(("running_mean", "bias")):
        low, high = -0.2, 0.2
    else:
        if name.startswith("upscore"):
            fan_in = shape[0] * 4
        elif name.startswith("up."):
            fan_in = shape[0]
        else:
            fan_in = math.prod(shape[1:])
        high = math.sqrt(6.0 / fan_in)
        low = -high
    return between("weights/" + name, shape, low, high)


def fill(module: torch.nn.Module) -> None:
    """Gives every parameter and running statistic of a module its hashed weights."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(weight(name, tensor.shape))
