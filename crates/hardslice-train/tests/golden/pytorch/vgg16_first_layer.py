"""What the first convolution of torchvision's VGG-16 gives of a standardised grey patch.

    python3 vgg16_first_layer.py        # packages: torch, torchvision; printed with 2.15.0, 0.29.2

Weights and biases are 0, 1, ..., 6, 0, 1, ... in memory order, the patch is 0.0, 0.1, ..., 0.8 in all
three colours. The number stands in the tests of `src/warm_start.rs`.
"""

import torch
import torchvision
from torchvision.models import vgg16
from torchvision.transforms import Normalize

conv = vgg16(weights=None).features[0]
with torch.no_grad():
    conv.weight.copy_((torch.arange(conv.weight.numel()) % 7).reshape(conv.weight.shape))
    conv.bias.copy_(torch.arange(conv.bias.numel()) % 7)
    patch = (torch.arange(9) / 10).reshape(1, 3, 3).repeat(3, 1, 1)
    standardised = Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])(patch)
    # The patch's middle, away from the border; filters 0 and 5.
    out = conv(standardised.unsqueeze(0))[0, :, 1, 1]
print(torch.__version__, torchvision.__version__)
print([round(float(out[filter]), 4) for filter in (0, 5)])
