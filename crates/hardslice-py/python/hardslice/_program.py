"""The program ``hardslice`` within the interpreter."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from . import _hardslice


def main() -> int:
    """Run the program with ``sys.argv`` and return its exit status.

    0 when all is well, 1 when the command did its work and found something wrong with the data, 2
    when it failed, 75 when it was asked to stop and goes on at the next call. ``pip`` installs it as the command ``hardslice``.
    """
    # The interpreter only notes Ctrl-C until Python code runs again; the program listens for it
    # itself, and ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _hardslice.program(sys.argv, Path(__file__).parent)
