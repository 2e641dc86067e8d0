"""hardslice: CT organ segmentation, and training sets balanced with hard slices.

Scores of label maps::

    import hardslice
    scores = hardslice.evaluate("truth.nii.gz", "prediction.nii.gz", labels={"liver": 1})
    table = hardslice.evaluate_folder("labelsTs", "predictions", labels={"liver": 1})

Which slices are hard, from predictions of anybody's models, and how often to show each::

    mined = hardslice.mine(hardslice.score_slices("labelsTr", "validation", {"liver": 1}))
    mined.weights_for(index)      # for torch.utils.data.WeightedRandomSampler

Long calls release the GIL, take a ``progress(stage, done, n)``, and stop at Ctrl-C. Bad input is a
``ValueError``, a file that is not there a ``FileNotFoundError``, what else the system refuses an
``OSError``, each with a message that says what was found, what was wanted, and the way out. A
``RuntimeError`` that begins with "a fault in hardslice itself" is one to report.

The program ``hardslice`` comes with the package: ``hardslice --help``.
"""

from ._cohort import Audit, Finding, audit, phantom
from ._evaluate import (
    Comparison,
    Convention,
    FolderScores,
    OrganScores,
    Progress,
    Row,
    Statistics,
    evaluate,
    evaluate_folder,
)
from ._experiment import Compared, Run, Swept, compare, prepare, report, run, sweep
from ._hardslice import __version__
from ._model import Model
from ._slices import (
    HardSlice,
    Mined,
    SliceScore,
    SliceScores,
    Tau,
    Verdict,
    mine,
    score_slices,
    triage,
)
from ._store import Slice, Store, StoredCase
from ._volumes import Labels, LabelVolume, PathLike

__all__ = [
    "Audit",
    "Compared",
    "Comparison",
    "Convention",
    "Finding",
    "FolderScores",
    "HardSlice",
    "LabelVolume",
    "Labels",
    "Mined",
    "Model",
    "OrganScores",
    "PathLike",
    "Progress",
    "Row",
    "Run",
    "Slice",
    "SliceScore",
    "SliceScores",
    "Statistics",
    "Store",
    "StoredCase",
    "Swept",
    "Tau",
    "Verdict",
    "__version__",
    "audit",
    "compare",
    "evaluate",
    "evaluate_folder",
    "mine",
    "phantom",
    "prepare",
    "report",
    "run",
    "score_slices",
    "sweep",
    "triage",
]
