"""Hard slices in nnU-Net's own training.

nnU-Net finds the trainer ``nnUNetTrainerHardSlice`` in :func:`trainer_dir`::

    export nnUNet_extTrainer=$(hardslice nnunet --trainer-dir)
    export HARDSLICE_PLAN=mined/mining/plan.csv
    nnUNetv2_train 500 2d 0 -tr nnUNetTrainerHardSlice

A plan is a table with the columns ``case``, ``z`` (from the feet up, from 0) and ``weight``, as
``hardslice mine``, ``hardslice export --format csv`` and :meth:`hardslice.Mined.to_csv` write it.

Only the trainer and :mod:`hardslice.nnunet.loader` need nnU-Net and torch.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["trainer_dir"]


def trainer_dir() -> Path:
    """The folder of the trainer, for the environment variable ``nnUNet_extTrainer``.

    >>> from hardslice.nnunet import trainer_dir
    >>> [path.name for path in trainer_dir().glob("*.py")]
    ['nnUNetTrainerHardSlice.py']
    """
    return Path(__file__).parent / "trainer"
