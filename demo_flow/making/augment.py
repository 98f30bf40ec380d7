"""Small changes to pictures, so that the image tower learns the thing and not its pixels.

In: float32 [n, 3, 64, 64] as `pixels.py` makes them. Out: the same shape. State: torch's random generator.
Colours are left alone: they are part of what is learnt.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def augment(pixels: Tensor) -> Tensor:
    """Turn, scale, shift and mirror each picture a little, make it a little lighter or darker, and hide a patch."""
    count = len(pixels)
    angle = (torch.rand(count) - 0.5) * 0.5
    scale = 1.0 + (torch.rand(count) - 0.5) * 0.4
    mirror = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    shift = (torch.rand(count, 2) - 0.5) * 0.25
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], dim=1)
    grid = functional.affine_grid(rows.view(count, 2, 3), list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    moved = moved * (1.0 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.2) + (torch.rand(count, 1, 1, 1) - 0.5) * 0.15
    return _hide_patches(moved)


def _hide_patches(pixels: Tensor, side: int = 16) -> Tensor:
    """Cover a square of half of the pictures with grey (cutout, DeVries and Taylor, 2017)."""
    result = pixels.clone()
    for index in torch.nonzero(torch.rand(len(pixels)) < 0.5).flatten().tolist():
        top, left = (int(edge) for edge in torch.randint(0, pixels.shape[2] - side, (2,)))
        result[index, :, top : top + side, left : left + side] = 0.0
    return result
