"""Qdrant Edge: the Qdrant engine in this process, its collection in a folder.

In: points and queries, any thread. Out: hits. State: the shard in the folder, which one process at a time may open; an
acknowledged upsert stands in its write-ahead log, so that a killed process loses none.

Edge approximates only with a graph, and builds one only when asked: the thresholds below are far under any
collection's size, and `optimize` has to be called. Without both every search is a full scan and its recall always 1.
The engine holds Python's global lock while it works (measured with 0.9.0): searches of several threads queue, and
nothing else of this process runs while `optimize` builds the graph.
"""

import contextlib
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import qdrant_edge
from numpy.typing import NDArray
from qdrant_edge import EdgeConfig, EdgeShard, QueryRequest, SearchParams, UpdateOperation

from demo_flow.index.base import Hit, IndexUnavailable, Point, UnknownCollection
from demo_flow.index.points import check_limit, check_points, check_vector, hit, stored_id, stored_payload

HOLDER = "holder.pid"
"""File in the collection's folder that names the process which last opened it."""

UPSERT_BATCH = 512
"""Points in one record of the write-ahead log (its segments are 32 MB)."""


class EdgeIndex:
    """One collection in a folder of this machine. Thread-safe; open it with `open_edge`."""

    def __init__(self, shard: EdgeShard, folder: Path, dimension: int) -> None:
        self.collection = folder.name
        self.dimension = dimension
        self._folder = folder
        self._shard = shard
        self._deleting = threading.Lock()  # makes "which of these are there" and their deletion one step

    def upsert(self, points: Sequence[Point]) -> None:
        """Store points; see `VectorIndex.upsert`."""
        check_points(points, self.dimension)
        rows = [qdrant_edge.Point(stored_id(p.id), p.vector.tolist(), stored_payload(p)) for p in points]
        with _named_errors(self._folder):
            for start in range(0, len(rows), UPSERT_BATCH):
                self._shard.update(UpdateOperation.upsert_points(rows[start : start + UPSERT_BATCH]))

    def search(
        self, vector: NDArray[np.float32], limit: int, *, exact: bool = False, ef: int | None = None
    ) -> list[Hit]:
        """Find the nearest points; see `VectorIndex.search`."""
        check_vector(vector, self.dimension, "query")
        check_limit(limit)
        request = QueryRequest(
            query=qdrant_edge.Query.Nearest(vector.tolist()),
            limit=limit,
            params=SearchParams(hnsw_ef=ef, exact=exact),
            with_payload=True,
        )
        with _named_errors(self._folder):
            return [hit(found.payload, found.score) for found in self._shard.query(request)]

    def delete(self, ids: Sequence[str]) -> int:
        """Delete points; see `VectorIndex.delete`."""
        stored: list[int | uuid.UUID | str] = [stored_id(i) for i in ids]
        with self._deleting, _named_errors(self._folder):
            present = self._shard.retrieve(stored, with_payload=False, with_vector=False)
            self._shard.update(UpdateOperation.delete_points([record.id for record in present]))
        return len(present)

    def count(self) -> int:
        """Return the number of points."""
        with _named_errors(self._folder):
            return int(self._shard.count(qdrant_edge.CountRequest(exact=True)))

    def indexed_count(self) -> int:
        """Return the number of points in the graph."""
        with _named_errors(self._folder):
            return int(self._shard.info().indexed_vectors_count)

    def optimize(self) -> None:
        """Build the graph, and let the write-ahead log shrink."""
        with _named_errors(self._folder):
            self._shard.optimize()
            self._shard.flush()

    def close(self) -> None:
        """Flush and release the folder."""
        self._shard.close()


def open_edge(
    collection: str, dimension: int, root: Path, *, create: bool, recreate: bool, m: int, ef_construct: int
) -> EdgeIndex:
    """Open the collection's folder under `root`; arguments and errors as of `demo_flow.index.open_index`."""
    folder = root / collection
    config = _config(dimension, m, ef_construct)
    if not (folder.exists() or create or recreate):
        raise UnknownCollection(
            f"There is no collection {collection!r} in {root}.", "Index a catalogue first: pamazon index"
        )
    with _named_errors(folder):
        if recreate:
            _remove(folder)
        if not folder.exists():
            _create(folder, config)
        shard = EdgeShard.load(str(folder), config)
        (folder / HOLDER).write_text(str(os.getpid()), encoding="ascii")
    return EdgeIndex(shard, folder, dimension)


def _config(dimension: int, m: int, ef_construct: int) -> EdgeConfig:
    """Return a configuration under which `optimize` builds a graph over more than 10 kB of vectors."""
    return EdgeConfig(
        vectors=qdrant_edge.EdgeVectorParams(size=dimension, distance=qdrant_edge.Distance.Cosine),
        hnsw_config=qdrant_edge.HnswIndexConfig(m=m, ef_construct=ef_construct, full_scan_threshold=10),
        optimizers=qdrant_edge.EdgeOptimizersConfig(indexing_threshold=1),
    )


def _create(folder: Path, config: EdgeConfig) -> None:
    """Make an empty collection: whole or not at all, whenever the process is killed."""
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    making.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(making, ignore_errors=True)
    EdgeShard.create(str(making), config).close()
    making.rename(folder)


def _remove(folder: Path) -> None:
    """Delete the folder, unless a process has it open."""
    if not folder.exists():
        return
    try:
        EdgeShard.load(str(folder)).close()
    except Exception as error:
        if "WouldBlock" in str(error):
            raise
        # Damaged or foreign: no process holds what cannot be opened.
    shutil.rmtree(folder)


@contextlib.contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    """Give the engine's bare exceptions, and the system's, a name and a hint."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, OSError):
            raise  # a ValueError or TypeError: the engine's error about the caller's arguments
        raise _unavailable(error, folder) from error


def _unavailable(error: Exception, folder: Path) -> IndexUnavailable:
    """Return the engine's error with a message and a hint for the user."""
    message = str(error).removeprefix("Service runtime error: ")
    if "WouldBlock" in message:
        return IndexUnavailable(
            f"The index in {folder} is open in another process{_holder(folder)}; only one at a time can open it.",
            "Stop that process, or choose another folder.",
        )
    if "Incompatible config" in message:
        return IndexUnavailable(
            f"The index in {folder} was made for other vectors: {message.rpartition('Incompatible configs: ')[2]}.",
            "Open it with `pamazon up --recreate`, or choose another folder.",
        )
    if "not initialized" in message:
        return IndexUnavailable(f"The index in {folder} has been closed.", "Open it again.")
    return IndexUnavailable(
        f"The index in {folder} cannot be used: {message}",
        "Check the folder's disk and permissions; where it is damaged, open it with `pamazon up --recreate`.",
    )


def _holder(folder: Path) -> str:
    """Return ` (process 123)`, or nothing if the file is missing."""
    with contextlib.suppress(OSError, ValueError):
        return f" (process {int((folder / HOLDER).read_text(encoding='ascii'))})"
    return ""
