"""What `TextTower.forward` computes, for a training's large batches: without padding, and with one gradient.

The words of all texts lie one behind the other, then their pieces; PyTorch's `embedding_bag` adds up the rows of each
text. The result is that of `forward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from demo_flow.model.features import MAX_PIECES, MAX_WORDS, bucket, normalise, pieces_of
from demo_flow.model.towers import TextTower


def encode(tower: TextTower, texts: Sequence[str]) -> Tensor:
    """Unit vectors [n, 192] of `texts`, which may be none."""
    found = [_ids(text) for text in texts]
    bags = [words for words, _ in found] + [pieces for _, pieces in found]
    lengths = torch.tensor([len(bag) for bag in bags])
    flat = torch.tensor([number for bag in bags for number in bag])
    if not len(flat):
        return tower.head(torch.zeros(len(texts), 2 * tower.table.embedding_dim))
    gates = torch.sigmoid(tower.gate(tower.table.weight)).squeeze(1)[flat]
    starts = functional.pad(lengths.cumsum(0), (1, 0))[:-1]
    sums = functional.embedding_bag(flat, tower.table.weight, starts, mode="sum", per_sample_weights=gates)
    owners = torch.repeat_interleave(torch.arange(len(bags)), lengths)
    weights = torch.zeros(len(bags)).index_add(0, owners, gates)
    means = sums / (weights + 1e-3).unsqueeze(1)
    return tower.head(torch.cat([means[: len(texts)], means[len(texts) :]], dim=1))


def _ids(text: str) -> tuple[list[int], list[int]]:
    """As `features.ids`."""
    words = [_word(word) for word in normalise(text).split()[:MAX_WORDS]]
    return [number for number, _ in words], [piece for _, pieces in words for piece in pieces][:MAX_PIECES]


@lru_cache(maxsize=200_000)
def _word(word: str) -> tuple[int, tuple[int, ...]]:
    return bucket(f"={word}"), tuple(bucket(piece) for piece in pieces_of(word))
