"""The training losses: the distance of texts and pictures from the items that they mean.

In: unit vectors and which belong together. Out: losses. State: learnt prototypes of concepts and colours, which only
the training has.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from demo_flow.model.towers import DIMENSION

NOTHING = 0.35  # the cosine at which a text means no item
MAX_SCALE = 60.0  # of the logits; more makes the vectors hard to distinguish after rounding


class Prototypes(nn.Module):  # type: ignore[misc, unused-ignore]
    """A vector for each item: its concept's plus its colour's. Sharing colours lets few pictures teach them."""

    def __init__(self, item_concept: Tensor, item_colour: Tensor) -> None:
        super().__init__()
        self.register_buffer("item_concept", item_concept)
        self.register_buffer("item_colour", item_colour)
        self.concepts = nn.Parameter(torch.randn(int(item_concept.max()) + 1, DIMENSION) * 0.08)
        self.colours = nn.Parameter(torch.randn(int(item_colour.max()) + 1, DIMENSION) * 0.04)
        self.log_scale = nn.Parameter(torch.tensor(2.7))

    @torch.no_grad()  # type: ignore[untyped-decorator, unused-ignore]
    def place(self, vectors: Tensor) -> None:
        """Start at the vectors [items, 192] of the items: each concept at its mean, colours at nothing."""
        sums = torch.zeros_like(self.concepts).index_add(0, self.item_concept, vectors)
        self.concepts.copy_(functional.normalize(sums, dim=1))
        self.colours.zero_()
        self.log_scale.fill_(3.4)

    @property
    def scale(self) -> Tensor:
        """The factor of the cosines before the softmax (CLIP's learnt temperature)."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    def forward(self) -> Tensor:
        """Unit vectors [items, 192]."""
        return functional.normalize(self.concepts[self.item_concept] + self.colours[self.item_colour], dim=1)


def multi_positive(logits: Tensor, means: Tensor) -> Tensor:
    """InfoNCE where a row may have several right columns: -log of the probability that falls on any of them.

    Args:
        logits: float [n, m].
        means: bool [n, m]; rows without a right column count for nothing.
    """
    known = means.any(dim=1)
    if not bool(known.any()):
        return logits.sum() * 0.0
    logits, means = logits[known], means[known]
    right = logits.masked_fill(~means, float("-inf")).logsumexp(dim=1)
    return (logits.logsumexp(dim=1) - right).mean()


def text_loss(cosines: Tensor, means: Tensor, scale: Tensor) -> Tensor:
    """The loss of one step of the text tower alone, among the vectors of all items and a column that means none.

    That column always has the cosine `NOTHING`: what means an item must come nearer than that to it, and nonsense to no
    item at all. So one number, the threshold, separates what was found from what was not.

    Args:
        cosines: float [t + n, items]: of the texts, then of the nonsense.
        means: bool [t, items]: what each text means.
        scale: see `Prototypes`.
    """
    none = torch.full((len(cosines), 1), NOTHING)
    wanted = torch.zeros(len(cosines), means.shape[1] + 1, dtype=torch.bool)
    wanted[: len(means), :-1] = means
    wanted[len(means) :, -1] = True
    return multi_positive(scale * torch.cat([cosines, none], dim=1), wanted)


def joint_loss(texts: Tensor, images: Tensor, means: Tensor, drawn: Tensor, prototypes: Prototypes) -> Tensor:
    """The loss of one step that trains both towers.

    Args:
        texts: unit vectors [t, 192].
        images: unit vectors [b, 192] of the items `drawn`.
        means: bool [t, items]: what each text means.
        drawn: int64 [b], numbers of items.
        prototypes: see there.
    """
    scale, goals = prototypes.scale, prototypes()
    to_goals = functional.cross_entropy(scale * images @ goals.T, drawn) + multi_positive(
        scale * texts @ goals.T, means
    )
    between, right = scale * texts @ images.T, means[:, drawn]
    return to_goals + 0.5 * multi_positive(between, right) + 0.5 * multi_positive(between.T, right.T)
