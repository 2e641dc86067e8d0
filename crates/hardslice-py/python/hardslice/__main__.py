"""``python -m hardslice`` is the program ``hardslice``."""

import sys

from ._program import main

sys.exit(main())
