"""hardslice: CT organ segmentation, and training sets balanced with hard slices.

Scores of label maps::

    import hardslice
    scores = hardslice.evaluate("truth.nii.gz", "prediction.nii.gz", labels={"liver": 1})
    table = hardslice.evaluate_folder("labelsTs", "predictions", labels={"liver": 1})

Long calls release the GIL, take a ``progress(stage, done, n)``, and stop at Ctrl-C. Bad input is a
``ValueError``, a file that is not there a ``FileNotFoundError``, what else the system refuses an
``OSError``, each with a message that says what was found, what was wanted, and the way out. A
``RuntimeError`` that begins with "a fault in hardslice itself" is one to report.

The program ``hardslice`` comes with the package: ``hardslice --help``.
"""

from ._evaluate import (
    Convention,
    FolderScores,
    OrganScores,
    Progress,
    Row,
    Statistics,
    evaluate,
    evaluate_folder,
)
from ._hardslice import __version__
from ._volumes import Labels, LabelVolume, PathLike

__all__ = [
    "Convention",
    "FolderScores",
    "LabelVolume",
    "Labels",
    "OrganScores",
    "PathLike",
    "Progress",
    "Row",
    "Statistics",
    "__version__",
    "evaluate",
    "evaluate_folder",
]
