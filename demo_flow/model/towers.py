"""The two networks of `pamazon-tiny`, in torch: used by the training and by the torch runtime.

In: features of `features.py` and pixels of `pixels.py`. Out: unit vectors [n, 192] of one common space.
State: the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from demo_flow.model.features import BUCKETS

DIMENSION = 192
WIDTH = 64  # of one hashed word or piece
HIDDEN = 512


class TextTower(nn.Module):  # type: ignore[misc, unused-ignore]
    """Gated means of word and of piece embeddings, then a small MLP. No order of words: shoppers have none."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS, WIDTH)
        self.gate = nn.Linear(WIDTH, 1)
        self.norm = nn.LayerNorm(2 * WIDTH)
        self.wide = nn.Linear(2 * WIDTH, HIDDEN)
        self.out = nn.Linear(HIDDEN, DIMENSION)
        self.skip = nn.Linear(2 * WIDTH, DIMENSION, bias=False)
        nn.init.normal_(self.table.weight, std=0.3)

    def forward(self, words: Tensor, pieces: Tensor) -> Tensor:
        """int64 [n, w] and [n, p], padded with 0 -> float32 [n, 192]."""
        return self.head(torch.cat([self._pool(words), self._pool(pieces)], dim=1))

    def head(self, pooled: Tensor) -> Tensor:
        """The means of words and of pieces, float32 [n, 128] -> float32 [n, 192]."""
        x = self.norm(pooled)
        return functional.normalize(self.out(functional.silu(self.wide(x))) + self.skip(x), dim=1)

    def _pool(self, ids: Tensor) -> Tensor:
        rows = self.table(ids)
        gate = torch.sigmoid(self.gate(rows)) * (ids > 0).unsqueeze(2)
        return (gate * rows).sum(1) / (gate.sum(1) + 1e-3)


class Block(nn.Module):  # type: ignore[misc, unused-ignore]
    """A residual block (He et al., 2016) of two 3×3 convolutions."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, folded: bool) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels_out, 3, stride, folded)
        self.second = _convolution(channels_out, channels_out, 3, 1, folded)
        same = stride == 1 and channels_in == channels_out
        self.short = nn.Identity() if same else _convolution(channels_in, channels_out, 1, stride, folded)

    def forward(self, x: Tensor) -> Tensor:
        """[n, channels_in, h, w] -> [n, channels_out, h / stride, w / stride]."""
        return functional.relu(self.second(functional.relu(self.first(x))) + self.short(x))


STAGES = ((32, 64, 2), (64, 128, 2), (128, 128, 1), (128, 192, 2))  # channels in, channels out, stride


class ImageTower(nn.Module):  # type: ignore[misc, unused-ignore]
    """A small ResNet. `folded`: without batch norms, whose effect is then in the weights (for inference)."""

    def __init__(self, folded: bool = False) -> None:
        super().__init__()
        self.stem = _convolution(3, 32, 5, 2, folded)
        self.blocks = nn.Sequential(*(Block(*stage, folded) for stage in STAGES))
        self.out = nn.Linear(STAGES[-1][1], DIMENSION)

    def forward(self, pixels: Tensor) -> Tensor:
        """float32 [n, 3, 64, 64] -> float32 [n, 192]."""
        x = self.blocks(functional.relu(self.stem(pixels)))
        return functional.normalize(self.out(x.mean(dim=(2, 3))), dim=1)


def _convolution(channels_in: int, channels_out: int, size: int, stride: int, folded: bool) -> nn.Module:
    conv = nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=folded)
    return nn.Sequential(conv) if folded else nn.Sequential(conv, nn.BatchNorm2d(channels_out))
