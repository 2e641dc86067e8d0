"""Values of a random stream, from an implementation of its own: blake3 keys, ChaCha8, Lemire.

    python random.py > random.json        (needs the package `blake3`)
"""

import json
import math
import struct
import sys

import blake3

CONTEXT = "hardslice random stream, first version"
MASK = 0xFFFFFFFF


def chacha8(key, counter):
    """One block of 16 words: 64-bit counter, 64-bit nonce 0."""
    state = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    state += list(struct.unpack("<8I", key)) + [counter & MASK, counter >> 32, 0, 0]
    x = list(state)

    def rotate(v, n):
        return ((v << n) | (v >> (32 - n))) & MASK

    def quarter(a, b, c, d):
        for left, right, out, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[left] = (x[left] + x[right]) & MASK
            x[out] = rotate(x[out] ^ x[left], n)

    for _ in range(4):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(a + b) & MASK for a, b in zip(x, state)]


def words(seed, name):
    data = struct.pack("<Q", seed) + name.encode()
    key = blake3.blake3(data, derive_key_context=CONTEXT).digest()
    counter = 0
    while True:
        block = chacha8(key, counter)
        for i in range(0, 16, 2):
            yield block[i] | block[i + 1] << 32
        counter += 1


class Stream:
    def __init__(self, seed, name):
        self.words = words(seed, name)

    def bits(self):
        return next(self.words)

    def uniform(self):
        return (self.bits() >> 11) * 2.0**-53

    def normal(self):
        u, v = 1.0 - self.uniform(), self.uniform()
        return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)

    def below(self, n):
        while True:
            product = self.bits() * n
            if product % 2**64 >= 2**64 % n:
                return product >> 64

    def permutation(self, n):
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order


def values(seed, name):
    stream = Stream(seed, name)
    return {
        "seed": seed,
        "name": name,
        "bits": [stream.bits() for _ in range(20)],
        "uniform": [stream.uniform() for _ in range(4)],
        "normal": [stream.normal() for _ in range(4)],
        "below_1000": [stream.below(1000) for _ in range(8)],
        "below_2_63_plus_1": [stream.below(2**63 + 1) for _ in range(8)],
        "permutation_10": stream.permutation(10),
    }


print(
    json.dumps(
        {
            "made_with": f"Python {sys.version.split()[0]}, blake3 {blake3.__version__}",
            "streams": [values(42, "pinned"), values(2**64 - 1, "augment/step/17"), values(0, "")],
        },
        indent=1,
    )
)
