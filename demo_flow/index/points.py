"""Converts our points to the engine's ids and payloads, and its hits to ours, for both kinds of index.

Qdrant's ids are integers or UUIDs. A point of ours has any string: it is stored under the UUIDv5 of that string (the
same string always the same UUID, RFC 9562 section 5.5), and the string itself stands in the payload.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo_flow.index.base import Hit, Point

ID_KEY = "_id"
"""Where a stored payload keeps the caller's id."""


def stored_id(point_id: str) -> uuid.UUID:
    """Return the id that the engine knows a point by."""
    return uuid.uuid5(uuid.NAMESPACE_OID, point_id)


def stored_payload(point: Point) -> dict[str, Any]:
    """Return the payload with the caller's id in it. Raises ValueError where the payload uses that key itself."""
    if ID_KEY in point.payload:
        raise ValueError(f"point {point.id!r}: the payload's key {ID_KEY!r} is reserved; give it another name")
    return {**point.payload, ID_KEY: point.id}


def hit(payload: Mapping[str, Any] | None, score: float) -> Hit:
    """Turn the engine's answer into ours: the id out of the payload again."""
    rest = dict(payload or {})
    return Hit(str(rest.pop(ID_KEY, "")), float(score), rest)


def check_points(points: Sequence[Point], dimension: int) -> None:
    """Raise ValueError, naming the point, unless every vector is `[dimension]` finite numbers."""
    for point in points:
        check_vector(point.vector, dimension, f"point {point.id!r}")


def check_vector(vector: NDArray[np.float32], dimension: int, of: str) -> None:
    """Raise ValueError, naming what the vector is of, unless it is `[dimension]` finite numbers."""
    if vector.shape != (dimension,):
        raise ValueError(f"{of}: a vector of shape {list(vector.shape)}; this collection holds [{dimension}]")
    if not np.isfinite(vector).all():
        raise ValueError(f"{of}: the vector holds a number that is not finite")


def check_limit(limit: int) -> None:
    """Raise ValueError unless at least one hit is asked for."""
    if limit < 1:
        raise ValueError(f"limit={limit}: ask for at least 1")
