"""Filters of attributes: which segments of spans may have an attribute of a value, without reading them.

In: hashes of attributes. Out: the bits of 256 Bloom filters for each segment, each for a 256th of the hashes, so that
a question reads a 256th of the bits. State: none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
SLICES = 256
BITS_EACH = 8
PROBES = 5
"""Bits set for each hash: one in fifty others is found, too."""


def build(hashes: Array) -> list[bytes]:
    """The filters of a segment, by slice.

    Args:
        hashes: 32 bits each, of all attributes of the segment; each once.
    """
    slices, mixed = _mix(hashes)
    size = max(8, -(-len(hashes) * BITS_EACH // SLICES // 8) * 8)
    bits = np.zeros((SLICES, size), np.bool_)
    for place in _places(mixed, size):
        bits[slices, place] = True
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [row.tobytes() for row in packed]


def slice_of(wanted: int) -> int:
    """Which slice has a hash."""
    slices, _ = _mix(np.array([wanted], np.uint32))
    return int(slices[0])


def may_have(bits: bytes, wanted: int) -> bool:
    """Whether a segment may have an attribute with this hash.

    Args:
        bits: the segment's filter of the hash's slice.
        wanted: the hash.
    """
    _, mixed = _mix(np.array([wanted], np.uint32))
    size = len(bits) * 8
    return all(bits[place >> 3] >> (place & 7) & 1 for place in (int(found[0]) for found in _places(mixed, size)))


def _mix(hashes: Array) -> tuple[Array, Array]:
    mixed = hashes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(56)).astype(np.int64), mixed


def _places(mixed: Array, size: int) -> list[Array]:
    one, step = mixed & np.uint64(0xFFFFFF), mixed >> np.uint64(24) & np.uint64(0xFFFFFF) | np.uint64(1)
    return [((one + np.uint64(number) * step) % np.uint64(size)).astype(np.int64) for number in range(PROBES)]
