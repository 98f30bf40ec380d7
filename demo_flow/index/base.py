"""The interface of a vector index: points in, the nearest of them out.

In: points, each with the caller's own id, a unit vector and a payload. Out: hits with their cosine, best first. State:
one named collection, owned by the implementation and kept where it was opened (a folder, a server). Every method may be
called by many threads at once; none of them is a coroutine (call them through `asyncio.to_thread`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from demo_flow.errors import PamazonError

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """One thing to find: its id (any string), its vector `[dimension]` and what is given back with a hit."""

    id: str
    vector: NDArray[np.float32]
    payload: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: its id as it was given, its cosine with the query (-1 to 1), its payload."""

    id: str
    score: float
    payload: Mapping[str, JSON]


class VectorIndex(Protocol):
    """One collection of points. Thread-safe."""

    @property
    def collection(self) -> str:
        """Name of the collection."""

    @property
    def dimension(self) -> int:
        """Length of its vectors."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Store points, replacing those whose id is known; once it returns, they outlive a crash of this process.

        Raises ValueError where a vector's shape is not `[dimension]`; then none of the points is stored.
        """

    def search(
        self, vector: NDArray[np.float32], limit: int, *, exact: bool = False, ef: int | None = None
    ) -> list[Hit]:
        """Return the `limit` nearest points, best first.

        `exact` compares with every point; else the graph is followed, keeping `ef` candidates (None: the index's own
        choice; more finds more and takes longer). Raises ValueError where the vector's shape is not `[dimension]`.
        """

    def delete(self, ids: Sequence[str]) -> int:
        """Delete points by id and return how many of them there were."""

    def count(self) -> int:
        """Return the number of points."""

    def indexed_count(self) -> int:
        """Return the number of points in the graph: those that an approximate search finds without a full scan."""

    def optimize(self) -> None:
        """Build the graph over what was stored since it was last built; returns when it is in use."""

    def close(self) -> None:
        """Release folder or connection. Closing twice is harmless; any other call afterwards is IndexUnavailable."""


class IndexUnavailable(PamazonError):
    """The index cannot be opened or reached."""


class UnknownCollection(PamazonError):
    """There is an index, but no collection of that name in it: the caller's mistake, or nothing is indexed yet."""
