"""Remembers which trace ids were seen, in three bytes each: almost every id of a new trace is recognised as new.

In: the second halves of ids, which are random. Out: which of some may have been seen before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
BITS_EACH = 24
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xFF51AFD7ED558CCD],
    dtype=np.uint64,
)


class SeenIds:
    """A Bloom filter. An id that was added is always found; of the others, one in ten thousand."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        """So many ids fit; with more, others are found more often."""
        self.count = 0
        bits = max(16, (capacity * BITS_EACH - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        self._words = np.zeros(1 << (bits - 3), np.uint8)

    def add(self, ids: Array) -> None:
        """Add ids."""
        places = self._places(ids).ravel()
        np.bitwise_or.at(self._words, places >> np.uint64(3), _bit(places))
        self.count += len(ids)

    def may_have(self, ids: Array) -> Array:
        """For each of the ids, whether it may have been added."""
        places = self._places(ids)
        found: Array = (self._words[places >> np.uint64(3)] & _bit(places) != 0).all(axis=1)
        return found

    def _places(self, ids: Array) -> Array:
        mixed = ids ^ (ids >> np.uint64(31))
        places: Array = (mixed[:, None] * _FACTORS[None, :]) >> self._shift
        return places


def _bit(places: Array) -> Array:
    return np.left_shift(np.uint8(1), (places & np.uint64(7)).astype(np.uint8))
