"""Both nets in PyTorch, with hardslice's names, so that its weights load; and its default loss."""
import torch
from torch import nn
from torch.nn import functional as F

from train_twin import Block, UNet, soft_dice  # noqa: F401


class Fcn8s(nn.Module):
    """FCN-8s on VGG-16 as in `crates/hardslice-train/src/net/fcn8s.rs`, without dropout."""

    def __init__(self, channels, width, norm):
        super().__init__()
        blocks, n_in = [], channels
        for n_convs, widths in [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)]:
            block = []
            for _ in range(n_convs):
                block.append(Block(n_in, widths * width, norm))
                n_in = widths * width
            blocks.append(nn.ModuleList(block))
        self.blocks = nn.ModuleList(blocks)
        n_fc = 64 * width
        self.fc6 = nn.Conv2d(n_in, n_fc, 7, padding=3)
        self.fc7 = nn.Conv2d(n_fc, n_fc, 1)
        self.score_fc7 = nn.Conv2d(n_fc, 1, 1)
        self.score_pool4 = nn.Conv2d(8 * width, 1, 1)
        self.score_pool3 = nn.Conv2d(4 * width, 1, 1)
        self.upscore_fc7 = nn.Parameter(torch.empty(1, 1, 4, 4))
        self.upscore_pool4 = nn.Parameter(torch.empty(1, 1, 4, 4))
        self.upscore_pool3 = nn.Parameter(torch.empty(1, 1, 16, 16))

    def forward(self, x):
        pools = []
        for block in self.blocks:
            for conv in block:
                x = conv(x)
            x = F.max_pool2d(x, 2)
            pools.append(x)
        x = F.relu(self.fc7(F.relu(self.fc6(x))))
        at_16 = upscore(self.score_fc7(x), self.upscore_fc7, 2) + self.score_pool4(pools[3])
        at_8 = upscore(at_16, self.upscore_pool4, 2) + self.score_pool3(pools[2])
        return upscore(at_8, self.upscore_pool3, 8)


def upscore(x, weight, stride):
    return F.conv_transpose2d(x, weight, stride=stride, padding=stride // 2)


def build(config):
    """The net of a configuration, for one organ."""
    kind = {"unet": UNet, "fcn8s": Fcn8s}[config["kind"]]
    return kind(1 + 2 * config["context"], config["width"], config["norm"] == "batch")
