"""Towers to go on training from, out of a model's shipped weights.

The image tower ships with its batch norms folded into its convolutions (`export.py`). For a training they are taken
apart again: the norms' means and variances are measured on the catalogue's pictures, and their weights chosen so that
the tower computes what it did before.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from demo_flow.making.export import convolutions
from demo_flow.model.towers import ImageTower, TextTower
from demo_flow.model.weights import load_towers


def start_from(weights: Path, pixels: Tensor) -> tuple[TextTower, ImageTower]:
    """Both towers of the file `weights`, ready to be trained; `pixels` are pictures, float32 [n, 3, 64, 64]."""
    text, folded = load_towers(weights)
    return text.train(), unfold(folded, pixels)


@torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
def unfold(folded: ImageTower, pixels: Tensor) -> ImageTower:
    """An image tower with batch norms that computes what `folded` does."""
    means, variances = _measure(folded, pixels)
    tower = ImageTower()
    for (conv, norm), (theirs,), mean, variance in zip(
        convolutions(tower), convolutions(folded), means, variances, strict=True
    ):
        conv.weight.copy_(theirs.weight)
        norm.running_mean.copy_(mean - theirs.bias)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean)
    tower.out.load_state_dict(folded.out.state_dict())
    return tower


def _measure(folded: ImageTower, pixels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The mean and the variance of every convolution's channels on `pixels`."""
    found: list[tuple[Tensor, Tensor]] = []

    def note(_layer: nn.Module, _given: object, result: Tensor) -> None:
        found.append((result.mean(dim=(0, 2, 3)), result.var(dim=(0, 2, 3))))

    hooks = [layer[0].register_forward_hook(note) for layer in convolutions(folded)]
    folded(pixels[:: max(1, len(pixels) // 512)])
    for hook in hooks:
        hook.remove()
    return [mean for mean, _ in found], [variance for _, variance in found]
