"""nnU-Net's trainer with slices drawn by hardslice's plan.

nnU-Net 2.8 or newer finds it where ``nnUNet_extTrainer`` names this folder; 2.6 and 2.7 where the file
is copied or linked into ``nnunetv2/training/nnUNetTrainer``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from nnunetv2.training.nnUNetTrainer import nnUNetTrainer as trainer_module
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

try:
    from hardslice.nnunet.loader import PlannedDataset, loader
    from hardslice.nnunet.weights import SlicePlan
except ModuleNotFoundError as error:
    raise ImportError(
        f"nnUNetTrainerHardSlice needs hardslice's wheel in the environment of nnU-Net, and nnU-Net 2.6 or newer: {error}"
    ) from error


class nnUNetTrainerHardSlice(nnUNetTrainer):  # type: ignore[misc]  # noqa: N801
    """Draws the training slices (in ``2d``; else the cases) as a sampling plan weighs them.

    The plan is the table that ``HARDSLICE_PLAN`` names, else ``hardslice_plan.csv`` in the dataset's
    folder in ``nnUNet_preprocessed``. The validation batches, the loss, the augmentation and all else
    are nnU-Net's. ``HARDSLICE_EPOCHS`` and ``HARDSLICE_ITERATIONS`` (a whole number, of an epoch)
    shorten the training.
    """

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cuda"),
    ):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = _number("HARDSLICE_EPOCHS", self.num_epochs)
        self.num_iterations_per_epoch = _number("HARDSLICE_ITERATIONS", self.num_iterations_per_epoch)
        self.num_val_iterations_per_epoch = min(self.num_val_iterations_per_epoch, self.num_iterations_per_epoch)

    def get_tr_and_val_datasets(self) -> Any:
        """nnU-Net's, the first with the plan."""
        training, validation = super().get_tr_and_val_datasets()
        plan = SlicePlan.of_environment(self.preprocessed_dataset_folder_base)
        by_slice = len(self.configuration_manager.patch_size) == 2
        planned = PlannedDataset(training, plan, self.plans_manager.transpose_forward, by_slice=by_slice)
        digest = hashlib.sha256(Path(plan.source).read_bytes()).hexdigest()
        self.print_to_log_file(
            f"hardslice: {'slices' if by_slice else 'cases'} are drawn by {plan.source} (SHA-256 {digest}); "
            f"{int((planned.probabilities > 0).sum())} of {len(planned.identifiers)} cases can be drawn"
        )
        return planned, validation

    def get_dataloaders(self) -> Any:
        """nnU-Net's, with a loader that draws by the plan."""
        # nnU-Net names its loader's class within this method; worker processes start in it, too.
        with mock.patch.object(trainer_module, "nnUNetDataLoader", loader):
            return super().get_dataloaders()


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"{variable} is a whole number above 0, not {text!r}")
    return int(text)
