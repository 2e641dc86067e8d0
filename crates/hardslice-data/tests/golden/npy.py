"""Two small arrays as numpy saves them: python npy.py (needs numpy; made with 2.x)."""

import pathlib

import numpy

here = pathlib.Path(__file__).parent
numpy.save(here / "image.npy", (numpy.arange(24, dtype="<i2") * 100 - 1000).reshape(2, 3, 4))
numpy.save(here / "labels.npy", numpy.arange(24, dtype="u1").reshape(2, 3, 4))
print("numpy", numpy.__version__)
