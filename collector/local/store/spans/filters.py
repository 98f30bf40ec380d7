"""Filters of attributes: which segments of spans may have an attribute of a value, without reading them.

In: hashes of attributes. Out: the bits of 256 Bloom filters for each segment, each for a 256th of the hashes, so that
a question reads a 256th of the bits. State: none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
SLICES = 256
BITS_EACH = 8
PROBES = 5
"""Bits set for each hash: one in fifty others is found, too."""
AT_ONCE = 8_192
"""So many hashes have room in the processor's cache."""


def build(hashes: Array) -> list[bytes]:
    """The filters of a segment, by slice.

    Args:
        hashes: 32 bits each, of all attributes of the segment; each once.
    """
    size = max(8, -(-len(hashes) * BITS_EACH // SLICES // 8) * 8)
    bits = np.zeros(SLICES * size, np.bool_)
    for begin in range(0, len(hashes), AT_ONCE):
        slices, mixed = _mix(hashes[begin : begin + AT_ONCE])
        first = slices * size
        for place in _places(mixed, size):
            bits[first + place] = True
    packed = np.packbits(bits.reshape(SLICES, size), axis=1, bitorder="little")
    return [row.tobytes() for row in packed]


def different(hashes: Array) -> Array:
    """Each of some hashes once. Sorting them takes a tenth of what numpy's `unique` takes."""
    ordered = np.sort(hashes)
    found: Array = ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered
    return found


def slice_of(wanted: int) -> int:
    """Which slice has a hash."""
    slices, _ = _mix(np.array([wanted], np.uint32))
    return int(slices[0])


def may_have(filters: Iterable[bytes], wanted: int) -> list[bool]:
    """Whether each of some segments may have an attribute with this hash.

    Args:
        filters: of each segment, that of the hash's slice.
        wanted: the hash.
    """
    _, mixed = _mix(np.array([wanted], np.uint32))
    places: dict[int, list[int]] = {}  # by the size of a filter: few sizes differ
    found = []
    for bits in filters:
        if len(bits) not in places:
            places[len(bits)] = [int(place[0]) for place in _places(mixed, len(bits) * 8)]
        found.append(all(bits[place >> 3] >> (place & 7) & 1 for place in places[len(bits)]))
    return found


def _mix(hashes: Array) -> tuple[Array, Array]:
    mixed = hashes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(56)).astype(np.int64), mixed


def _places(mixed: Array, size: int) -> list[Array]:
    """(one + number * step) modulo `size`, by adding: a division of each would take three times as long."""
    one, step = (
        (part & np.uint64(0xFFFFFF) | np.uint64(odd)).astype(np.uint32) % np.uint32(size)
        for part, odd in ((mixed, 0), (mixed >> np.uint64(24), 1))
    )
    places = [one]
    for _ in range(PROBES - 1):
        following = places[-1] + step
        places.append(np.where(following >= size, following - np.uint32(size), following))
    return [place.astype(np.int64) for place in places]
