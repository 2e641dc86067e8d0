"""PyTorch twins of both nets, with our field names, so that state dicts fit both ways."""

import torch
from torch import nn
from torch.nn import functional as F


class Kinks:
    """How close a pass comes to a kink: a ReLU's input to 0, a max pool's best to its second.

    Both relative to the root mean square of the tensor. Exact ties are left out: there the
    gradient goes to the first in reading order, or to activations that are all 0.
    """

    TIE = 1e-13

    def __init__(self):
        self.margin = float("inf")
        self.active = []

    def relu(self, x):
        self.note(x.detach().abs(), x.detach())
        self.active.append((x.detach() > 0).flatten())
        return F.relu(x)

    def max_pool(self, x):
        n, c, h, w = x.shape
        quads = x.detach().reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 2, 4, 3, 5)
        best = quads.reshape(-1, 4).sort(dim=1, descending=True).values
        self.note(best[:, 0] - best[:, 1], x.detach())
        return F.max_pool2d(x, 2)

    def note(self, gap, x):
        gap = gap / x.square().mean().sqrt()
        gap = gap[gap > self.TIE]
        if gap.numel():
            self.margin = min(self.margin, gap.min().item())


class ConvBlock(nn.Module):
    def __init__(self, n_in, n_out, norm):
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1, bias=norm == "none")
        if norm == "batch":
            self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x, kinks):
        x = self.conv(x)
        return kinks.relu(self.norm(x) if hasattr(self, "norm") else x)


class DoubleConv(nn.Module):
    def __init__(self, n_in, n_out, norm):
        super().__init__()
        self.first = ConvBlock(n_in, n_out, norm)
        self.second = ConvBlock(n_out, n_out, norm)

    def forward(self, x, kinks):
        return self.second(self.first(x, kinks), kinks)


class UNet(nn.Module):
    """Ronneberger et al. (2015) with same padding: skip first in each concatenation."""

    SIZE_MULTIPLE = 16

    def __init__(self, width, n_channels, n_organs, norm):
        super().__init__()
        c = [width << level for level in range(5)]
        inputs = [n_channels, *c]
        self.down = nn.ModuleList(DoubleConv(inputs[i], c[i], norm) for i in range(5))
        self.up = nn.ModuleList(nn.ConvTranspose2d(c[i + 1], c[i], 2, 2) for i in (3, 2, 1, 0))
        self.dec = nn.ModuleList(DoubleConv(2 * c[i], c[i], norm) for i in (3, 2, 1, 0))
        self.out = nn.Conv2d(width, n_organs, 1)

    def planes(self, x, kinks):
        skips = []
        for level, block in enumerate(self.down):
            x = block(kinks.max_pool(x) if level else x, kinks)
            skips.append(x)
        skips.pop()
        for up, block in zip(self.up, self.dec):
            x = block(torch.cat([skips.pop(), up(x)], 1), kinks)
        return self.out(x)

    def forward(self, x, kinks=None):
        return padded(self, x, kinks or Kinks())


class Fcn8s(nn.Module):
    """Long et al. (2015) on VGG-16 with same padding, without dropout."""

    SIZE_MULTIPLE = 32

    def __init__(self, width, n_channels, n_organs, norm):
        super().__init__()
        self.blocks = nn.ModuleList()
        n_in = n_channels
        for n_convs, widths in [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)]:
            block = nn.ModuleList()
            for _ in range(n_convs):
                block.append(ConvBlock(n_in, widths * width, norm))
                n_in = widths * width
            self.blocks.append(block)
        n_fc = 64 * width
        self.fc6 = nn.Conv2d(n_in, n_fc, 7, padding=3)
        self.fc7 = nn.Conv2d(n_fc, n_fc, 1)
        self.score_fc7 = nn.Conv2d(n_fc, n_organs, 1)
        self.score_pool4 = nn.Conv2d(8 * width, n_organs, 1)
        self.score_pool3 = nn.Conv2d(4 * width, n_organs, 1)
        self.upscore_fc7 = nn.Parameter(torch.empty(n_organs, n_organs, 4, 4))
        self.upscore_pool4 = nn.Parameter(torch.empty(n_organs, n_organs, 4, 4))
        self.upscore_pool3 = nn.Parameter(torch.empty(n_organs, n_organs, 16, 16))

    def planes(self, x, kinks):
        pools = []
        for block in self.blocks:
            for conv in block:
                x = conv(x, kinks)
            x = kinks.max_pool(x)
            pools.append(x)
        x = kinks.relu(self.fc7(kinks.relu(self.fc6(x))))
        at_16 = upscore(self.score_fc7(x), self.upscore_fc7, 2) + self.score_pool4(pools[3])
        at_8 = upscore(at_16, self.upscore_pool4, 2) + self.score_pool3(pools[2])
        return upscore(at_8, self.upscore_pool3, 8)

    def forward(self, x, kinks=None):
        return padded(self, x, kinks or Kinks())


def upscore(x, weight, stride):
    return F.conv_transpose2d(x, weight, stride=stride, padding=stride // 2)


def padded(net, x, kinks):
    """Zeros below and to the right up to the net's multiple; cropped afterwards."""
    height, width = x.shape[2:]
    m = net.SIZE_MULTIPLE
    return net.planes(F.pad(x, (0, -width % m, 0, -height % m)), kinks)[:, :, :height, :width]


def build(config, n_organs):
    """The twin of a net configuration, as hardslice writes it."""
    kind = {"unet": UNet, "fcn8s": Fcn8s}[config["kind"]]
    return kind(config["width"], 1 + 2 * config["context"], n_organs, config["norm"])
