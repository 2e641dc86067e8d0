"""The losses in PyTorch, written from the formulae with loops, independently of the Rust code.

logits, targets: [n, organs, y, x]; annotated: [n, organs], 0 or 1.
"""

import math

import torch
from torch.nn import functional as F


def mean_or_zero(terms, logits):
    # The zero still hangs on the logits, so that their gradient exists.
    return torch.stack(terms).mean() if terms else (logits * 0).sum()


def annotated_slices(annotated, organ):
    return [i for i in range(annotated.shape[0]) if annotated[i, organ] > 0]


def dice_term(p, g):
    return 1 - (2 * (p * g).sum() + 1) / (p.sum() + g.sum() + 1)


def dice_batch(logits, targets, annotated):
    p, terms = torch.sigmoid(logits), []
    for organ in range(logits.shape[1]):
        if rows := annotated_slices(annotated, organ):
            terms.append(dice_term(p[rows, organ], targets[rows, organ]))
    return mean_or_zero(terms, logits)


def dice_slice(logits, targets, annotated):
    p, terms = torch.sigmoid(logits), []
    for organ in range(logits.shape[1]):
        for row in annotated_slices(annotated, organ):
            terms.append(dice_term(p[row, organ], targets[row, organ]))
    return mean_or_zero(terms, logits)


def pixels(logits, targets, annotated):
    """The logits and targets of all annotated pixels, flat."""
    keep = (annotated > 0)[:, :, None, None].expand_as(logits)
    return logits[keep], targets[keep]


def bce(logits, targets, annotated):
    z, g = pixels(logits, targets, annotated)
    return F.binary_cross_entropy_with_logits(z, g) if z.numel() else (logits * 0).sum()


def dice_cross_entropy(logits, targets, annotated):
    return dice_batch(logits, targets, annotated) + bce(logits, targets, annotated)


def focal(gamma, alpha):
    def loss(logits, targets, annotated):
        z, g = pixels(logits, targets, annotated)
        if not z.numel():
            return (logits * 0).sum()
        # -log p_t and 1 - p_t from the logit of the true class, never overflowing.
        true_class = torch.where(g > 0, z, -z)
        alpha_t = torch.where(g > 0, alpha, 1 - alpha)
        return (alpha_t * torch.sigmoid(-true_class) ** gamma * -F.logsigmoid(true_class)).mean()

    return loss


def top_k(share):
    def loss(logits, targets, annotated):
        z, g = pixels(logits, targets, annotated)
        if not z.numel():
            return (logits * 0).sum()
        each = F.binary_cross_entropy_with_logits(z, g, reduction="none")
        return each.sort(descending=True).values[: math.ceil(share * each.numel())].mean()

    return loss


def tversky(false_positive, false_negative):
    def loss(logits, targets, annotated):
        p, terms = torch.sigmoid(logits), []
        for organ in range(logits.shape[1]):
            if rows := annotated_slices(annotated, organ):
                q, g = p[rows, organ], targets[rows, organ]
                tp, fp, fn = (q * g).sum(), (q * (1 - g)).sum(), ((1 - q) * g).sum()
                terms.append(1 - (tp + 1) / (tp + false_positive * fp + false_negative * fn + 1))
        return mean_or_zero(terms, logits)

    return loss


LOSSES = {
    "dice_batch": dice_batch,
    "dice_slice": dice_slice,
    "dice_cross_entropy": dice_cross_entropy,
    "bce": bce,
    "focal": focal(2.0, 0.25),
    "focal_other": focal(1.5, 0.6),
    "top_k": top_k(0.1),
    "top_k_other": top_k(0.37),
    "tversky": tversky(0.3, 0.7),
}


def check_against_monai(logits, targets):
    """Where everything is annotated, the losses must be MONAI's, which reckons some of them in
    float32. Returns the worst relative difference."""
    from monai.losses import DiceCELoss, DiceLoss, FocalLoss, TverskyLoss

    def organ_by_organ(peer):
        def mean(z, g):
            return torch.stack([peer(*one) for one in zip(z.split(1, 1), g.split(1, 1))]).mean()

        return mean

    ones = torch.ones(logits.shape[:2], dtype=logits.dtype)
    smooth = {"sigmoid": True, "smooth_nr": 1, "smooth_dr": 1}
    peers = {
        "dice_batch": DiceLoss(batch=True, **smooth),
        "dice_slice": DiceLoss(batch=False, **smooth),
        "dice_cross_entropy": organ_by_organ(DiceCELoss(batch=True, **smooth)),
        "focal": FocalLoss(gamma=2.0, alpha=0.25),
        "focal_other": FocalLoss(gamma=1.5, alpha=0.6),
        "tversky": TverskyLoss(batch=True, alpha=0.3, beta=0.7, **smooth),
    }
    # Given several channels, DiceCELoss takes the softmax over them for its cross-entropy.
    worst = 0.0
    for name, peer in peers.items():
        ours, theirs = LOSSES[name](logits, targets, ones), peer(logits, targets)
        gap = ((ours - theirs) / theirs).abs().item()
        assert gap < 1e-6, f"{name} is {ours.item()}, MONAI's {theirs.item()}"
        worst = max(worst, gap)
    return worst
