"""nnU-Net's data loader, drawing by a plan's weights. Needs nnU-Net 2.6 or newer.

It stands in the package and not beside the trainer, so that worker processes can import it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
from numpy.typing import NDArray

from .weights import SlicePlan, slice_weights


class PlannedLocations(dict):  # type: ignore[type-arg]
    """nnU-Net's sampled locations of each class in a case, with the probability of each slice."""

    def __init__(self, locations: dict[Any, Any], probabilities: NDArray[np.float64]):
        super().__init__(locations)
        self.probabilities = probabilities
        """Of each slice, in nnU-Net's order."""

    def in_slice(self, place: int) -> dict[Any, Any]:
        """The locations that lie in one slice."""
        return {of: np.asarray(all_)[np.asarray(all_)[:, 1] == place] if len(all_) else all_ for of, all_ in self.items()}


class PlannedDataset:
    """The training cases of nnU-Net's, with what a plan says of them.

    Args:
        dataset: nnU-Net's data set.
        plan: The plan.
        transpose_forward: Of nnU-Net's plans.
        by_slice: Whether slices are drawn one by one (``2d``): a case is as likely as its slices weigh
            together. Else it is as likely as they weigh on average.

    Raises:
        ValueError: The plan does not fit the cases, or leaves nothing to draw.
    """

    def __init__(self, dataset: Any, plan: SlicePlan, transpose_forward: list[int], *, by_slice: bool):
        self._dataset = dataset
        self.by_slice = by_slice
        self.identifiers: list[str] = dataset.identifiers
        """The cases, as nnU-Net lists them."""
        plan.check_cases(self.identifiers)
        self._slices: dict[str, NDArray[np.float64]] = {}
        of_case: dict[str, float] = {}
        for case in dict.fromkeys(self.identifiers):
            data, _, _, properties = dataset.load_case(case)
            weights = slice_weights(plan, case, properties, transpose_forward)
            if by_slice and len(weights) != data.shape[1]:
                raise ValueError(f"{case} has {data.shape[1]} slices in nnU-Net, and {len(weights)} before it resampled them")
            total = weights.sum()
            of_case[case] = total if by_slice else total / max(len(weights), 1)
            self._slices[case] = weights / total if total > 0 else weights
        # A case that is listed several times is drawn no more often than the plan says.
        listed = {case: self.identifiers.count(case) for case in of_case}
        weights = np.array([of_case[case] / listed[case] for case in self.identifiers])
        if not weights.sum() > 0:
            raise ValueError(f"all slices of the training cases weigh 0 in {plan.source}: there is nothing to draw")
        self.probabilities: NDArray[np.float64] = weights / weights.sum()
        """Of each of ``identifiers``."""

    def load_case(self, identifier: str) -> Any:
        """As nnU-Net's; the locations of the classes know the slices' probabilities."""
        data, seg, previous, properties = self._dataset.load_case(identifier)
        if self.by_slice:
            locations = PlannedLocations(properties["class_locations"], self._slices[identifier])
            properties = {**properties, "class_locations": locations}
        return data, seg, previous, properties

    def __getitem__(self, identifier: str) -> Any:
        return self.load_case(identifier)

    def __getattr__(self, name: str) -> Any:
        # While it is unpickled there is no data set yet to ask.
        if name == "_dataset":
            raise AttributeError(name)
        return getattr(self._dataset, name)


class PlannedDataLoader(nnUNetDataLoader):  # type: ignore[misc]
    """nnU-Net's loader, which draws cases and, in ``2d``, slices as a plan weighs them.

    A slice is drawn with the plan's frequency, whatever it shows. Where nnU-Net asks for foreground,
    the patch lies on foreground of that slice if it has any.
    """

    def get_bbox(
        self, data_shape: Any, force_fg: bool, class_locations: Any, *arguments: Any, **options: Any
    ) -> tuple[list[int], list[int]]:
        """The patch, ``[low, high)`` along each axis."""
        if not isinstance(class_locations, PlannedLocations):
            return super().get_bbox(data_shape, force_fg, class_locations, *arguments, **options)
        place = int(np.random.choice(data_shape[0], p=class_locations.probabilities))
        locations = class_locations.in_slice(place) if force_fg or self.has_ignore else class_locations
        low, high = super().get_bbox(data_shape, force_fg, locations, *arguments, **options)
        return [place, *low[1:]], [place + 1, *high[1:]]


def loader(data: Any, *arguments: Any, **options: Any) -> nnUNetDataLoader:
    """In place of ``nnUNetDataLoader``: one that draws by the plan where the data set has one."""
    if not isinstance(data, PlannedDataset):
        return nnUNetDataLoader(data, *arguments, **options)
    return PlannedDataLoader(data, *arguments, **{**options, "sampling_probabilities": data.probabilities})
