"""A MONAI training that shows hard slices more often, from beginning to end.

    pip install hardslice-*.whl monai nibabel
    python monai_hard_slices.py COHORT --label liver=1

COHORT holds whole volumes, `images/NAME.nii.gz` and `labels/NAME.nii.gz` (`hardslice phantom --out COHORT`
makes one). In two halves, a net is trained on one and predicts the other, so that every slice is scored
by a net that did not see its patient. `hardslice.mine` weighs the slices by that, and the last training
draws cases (`WeightedRandomSampler`) and their slices (`RandWeightedCropd`) as they weigh.
"""

from __future__ import annotations

import argparse
import collections
from pathlib import Path

import hardslice
import numpy as np
import torch
from monai.data import CacheDataset, DataLoader, Dataset
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet
from monai.transforms import (
    Compose,
    DeleteItemsd,
    EnsureChannelFirstd,
    EnsureTyped,
    LabelToMaskd,
    LoadImaged,
    Orientationd,
    RandFlipd,
    RandWeightedCropd,
    Resized,
    ScaleIntensityRanged,
    SqueezeDimd,
)
from monai.utils import set_determinism
from torch.utils.data import WeightedRandomSampler

BOTH = ["image", "label"]


def cases_of(cohort: Path) -> list[dict[str, str]]:
    """The cases of a folder, by name."""
    labels = sorted((cohort / "labels").glob("*.nii.gz"))
    return [
        {"case": path.name.removesuffix(".nii.gz"), "image": str(cohort / "images" / path.name), "label": str(path)}
        for path in labels
    ]


def reading(value: int, size: int) -> list:
    """Reads a volume: axes (x, y, z) with z from the feet up, as hardslice counts slices, none of which is
    lost; slices of one size, so that they can be stacked; -150 to 250 HU become 0 to 1."""
    return [
        LoadImaged(keys=BOTH),
        EnsureChannelFirstd(keys=BOTH),
        Orientationd(keys=BOTH, axcodes="RAS", labels=None),
        ScaleIntensityRanged(keys="image", a_min=-150, a_max=250, b_min=0, b_max=1, clip=True),
        LabelToMaskd(keys="label", select_labels=[value]),
        Resized(keys=BOTH, spatial_size=(size, size, -1), mode=("trilinear", "nearest")),
    ]


class ItsWeights:
    """Adds the weights of a volume's slices, and their places, for `RandWeightedCropd`."""

    def __init__(self, weights: dict[tuple[str, int], float] | None):
        self.weights = weights

    def __call__(self, item: dict) -> dict:
        # The crop takes whole slices: only where along z it lies is drawn.
        n = item["image"].shape[-1]
        of_slice = [1.0 if self.weights is None else self.weights.get((item["case"], z), 0.0) for z in range(n)]
        shape = item["image"].shape
        item["weights"] = torch.tensor(of_slice, dtype=torch.float32).expand(shape)
        item["z"] = torch.arange(n).expand(shape)
        return item


def training_loader(
    items: list[dict], value: int, mined: hardslice.Mined | None, options: argparse.Namespace
) -> DataLoader:
    """Slices of whole volumes: all alike, or as `mined` weighs them."""
    weights = None if mined is None else mined.weights
    cropped = [*BOTH, "z"]
    transform = Compose(
        [
            *reading(value, options.size),
            ItsWeights(weights),
            RandWeightedCropd(keys=cropped, w_key="weights", spatial_size=(-1, -1, 1), num_samples=1),
            DeleteItemsd(keys="weights"),
            SqueezeDimd(keys=cropped, dim=-1),
            RandFlipd(keys=BOTH, prob=0.5, spatial_axis=0),
            EnsureTyped(keys=BOTH),
        ]
    )
    # A case is as likely as its slices weigh together, so that each slice is drawn as it weighs.
    of_case: dict[str, float] = collections.Counter()
    if mined is not None:
        for (case, _), weight in mined.weights.items():
            of_case[case] += weight
    sampler = WeightedRandomSampler(
        [1.0 if mined is None else of_case[item["case"]] for item in items], num_samples=options.steps * options.batch
    )
    # Volumes are read once; what is drawn of them is drawn anew each time.
    cached = CacheDataset(items, transform, progress=False)
    return DataLoader(cached, batch_size=options.batch, sampler=sampler, num_workers=options.workers)


def train(loader: DataLoader) -> tuple[BasicUNet, collections.Counter]:
    """Trains a small net; gives it and how often each slice was shown."""
    net = BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=(8, 8, 16, 32, 64, 8))
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    shown: collections.Counter = collections.Counter()
    for batch in loader:
        loss = loss_of(net(batch["image"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shown.update(zip(batch["case"], (int(z) for z in batch["z"].flatten(1)[:, 0]), strict=True))
    return net.eval(), shown


@torch.no_grad()
def score(net: BasicUNet, items: list[dict], organ: str, value: int, size: int) -> hardslice.SliceScores:
    """Scores every slice of some cases."""
    scores = hardslice.SliceScores([])
    for item in Dataset(items, Compose(reading(value, size))):
        slices = item["image"].as_tensor().permute(3, 0, 1, 2)
        predicted = torch.cat([net(some).argmax(dim=1) for some in slices.split(16)])
        truth = item["label"].as_tensor()[0].permute(2, 0, 1)
        scores += hardslice.score_slices(
            truth.numpy().astype(np.uint8), predicted.numpy().astype(np.uint8), {organ: 1}, axis=0, case=item["case"]
        )
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cohort", type=Path)
    parser.add_argument("--label", default="liver=1", metavar="ORGAN=VALUE")
    parser.add_argument("--tau", default="hardest 15 %")
    parser.add_argument("--emphasis", type=float, default=2.0)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default="hard.pt", help="where the last net's weights go")
    options = parser.parse_args()
    organ, value = options.label.split("=")
    set_determinism(options.seed)
    items = cases_of(options.cohort)

    scores = hardslice.SliceScores([])
    for trained_on, predicted in ((items[::2], items[1::2]), (items[1::2], items[::2])):
        net, _ = train(training_loader(trained_on, int(value), None, options))
        scores += score(net, predicted, organ, int(value), options.size)
    mined = hardslice.mine(scores, tau=options.tau, emphasis=options.emphasis)
    print(f"{len(mined.hard)} of {len(mined.weights)} slices are hard")

    net, shown = train(training_loader(items, int(value), mined, options))
    total = sum(mined.weights.values())
    of_hard = sum(mined.weights[slice_] for slice_ in mined.hard) / total
    shown_hard = sum(shown[slice_] for slice_ in mined.hard) / shown.total()
    print(f"share of hard slices: {shown_hard:.3f} of {shown.total()} shown, {of_hard:.3f} by their weights")
    torch.save(net.state_dict(), options.out)


if __name__ == "__main__":
    main()
