"""What a second model is not trained on, so that the model card can report results for unseen things.

The concepts and keywords to leave out are the same ones on every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from demo_flow.catalogue.item import Item
from demo_flow.model.features import normalise


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Concepts whose pictures and texts are left out, and (language, normalised keyword) pairs that are."""

    concepts: frozenset[str] = frozenset()
    keywords: frozenset[tuple[str, str]] = field(default_factory=frozenset)


def choose_hold_out(items: Sequence[Item], share: float) -> HoldOut:
    """About `share` (0..1) of the concepts and of the other concepts' keywords."""
    concepts = frozenset(item.concept for item in items if _draw("concept", item.concept) < share)
    bases = [item for item in items if item.colour is None and item.concept not in concepts]
    names = {(code, normalise(name)) for item in items for code, name in item.names.items()}
    keywords = {
        (code, normalise(word)) for item in bases for code, words in item.keywords.items() for word in words
    } - names
    drawn = frozenset(pair for pair in keywords if pair[1] and _draw(*pair) < share)
    return HoldOut(concepts, drawn)


def _draw(*parts: str) -> float:
    """A number in 0..1 that depends on nothing but `parts`."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:4], "big") / 2**32
