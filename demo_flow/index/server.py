"""A Qdrant server, reached by its URL through qdrant-client.

In: points and queries, any thread. Out: hits. State: the connection; the collection is the server's, which other
processes may use at the same time.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import grpc
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from demo_flow.index.base import Hit, IndexUnavailable, Point, UnknownCollection
from demo_flow.index.points import check_limit, check_points, check_vector, hit, stored_id, stored_payload

API_KEY = "QDRANT_API_KEY"
"""Environment variable that holds the server's key. Its value is never part of a message."""

UPSERT_BATCH = 512
"""Points in one request (a server refuses requests over 32 MB)."""

TIMEOUT = 10
"""Seconds that one request may take."""

OPTIMIZED_WITHIN = 120.0
"""Seconds that the server may take to build its graph."""


class ServerIndex:
    """One collection on a Qdrant server. Thread-safe; open it with `open_server`."""

    def __init__(self, client: QdrantClient, collection: str, dimension: int, address: str) -> None:
        self.collection = collection
        self.dimension = dimension
        self._client = client
        self._address = address

    def upsert(self, points: Sequence[Point]) -> None:
        """Store points; see `VectorIndex.upsert`."""
        check_points(points, self.dimension)
        rows = [
            models.PointStruct(id=str(stored_id(p.id)), vector=p.vector.tolist(), payload=stored_payload(p))
            for p in points
        ]
        with self._named_errors():
            for start in range(0, len(rows), UPSERT_BATCH):
                self._client.upsert(self.collection, rows[start : start + UPSERT_BATCH], wait=True)

    def search(
        self, vector: NDArray[np.float32], limit: int, *, exact: bool = False, ef: int | None = None
    ) -> list[Hit]:
        """Find the nearest points; see `VectorIndex.search`."""
        check_vector(vector, self.dimension, "query")
        check_limit(limit)
        params = models.SearchParams(hnsw_ef=ef, exact=exact)
        with self._named_errors():
            answer = self._client.query_points(
                self.collection, vector.tolist(), limit=limit, search_params=params, with_payload=True
            )
        return [hit(found.payload, found.score) for found in answer.points]

    def delete(self, ids: Sequence[str]) -> int:
        """Delete points; see `VectorIndex.delete`. Beside another writer, the number is that of a moment before."""
        stored: list[int | str] = [str(stored_id(i)) for i in ids]
        with self._named_errors():
            present = self._client.retrieve(self.collection, stored, with_payload=False)
            if present:
                self._client.delete(self.collection, [record.id for record in present], wait=True)
        return len(present)

    def count(self) -> int:
        """Return the number of points."""
        with self._named_errors():
            return self._client.count(self.collection, exact=True).count

    def indexed_count(self) -> int:
        """Return the number of points in the graph."""
        with self._named_errors():
            return self._client.get_collection(self.collection).indexed_vectors_count or 0

    def optimize(self) -> None:
        """Wait until the server, which builds its graph by itself, has done so."""
        deadline = time.monotonic() + OPTIMIZED_WITHIN
        while True:
            with self._named_errors():
                status = self._client.get_collection(self.collection).status
            if status == models.CollectionStatus.GREEN:
                return
            if status == models.CollectionStatus.RED or time.monotonic() > deadline:
                raise IndexUnavailable(
                    f"Qdrant at {self._address} does not finish its graph of {self.collection!r} (status {status}).",
                    "See the server's log.",
                )
            time.sleep(0.1)  # the server offers nothing to wait on

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @contextlib.contextmanager
    def _named_errors(self) -> Iterator[None]:
        with named_errors(self.collection, self._address):
            yield


def open_server(
    collection: str, dimension: int, url: str, *, create: bool, recreate: bool, m: int, ef_construct: int
) -> ServerIndex:
    """Open a collection on the server at `url`; arguments and errors as of `demo_flow.index.open_index`."""
    client, address = connect(url)
    try:
        with named_errors(collection, address):
            ensure_collection(
                client, collection, dimension, create=create, recreate=recreate, m=m, ef_construct=ef_construct
            )
            _check_dimension(client, collection, dimension, address)
    except BaseException:
        client.close()
        raise
    return ServerIndex(client, collection, dimension, address)


def connect(url: str) -> tuple[QdrantClient, str]:
    """Return a client for the server, and its address without anything secret. Sends nothing yet."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in {"http", "https", "grpc", "grpcs"} or not parts.hostname or port == -1:
        shown = url.rpartition("@")[2]
        raise IndexUnavailable(
            f"{shown!r} is not the address of a Qdrant server.", "Write http://HOST:6333 or grpc://HOST:6334."
        )
    by_grpc, tls = parts.scheme.startswith("grpc"), parts.scheme.endswith("s")
    port = port or (6334 if by_grpc else 6333)
    client = QdrantClient(
        host=parts.hostname,
        port=None if by_grpc else port,
        grpc_port=port,
        prefer_grpc=by_grpc,
        https=tls,
        prefix=parts.path.strip("/") or None,
        api_key=os.environ.get(API_KEY) or None,
        timeout=TIMEOUT,
        check_compatibility=False,  # it would ask over HTTP, which may be closed, and answer with a warning
    )
    return client, f"{parts.scheme}://{parts.hostname}:{port}"


def ensure_collection(
    client: QdrantClient, collection: str, dimension: int, *, create: bool, recreate: bool, m: int, ef_construct: int
) -> None:
    """Make the collection where it is missing, or again if `recreate` is set."""
    if recreate:
        client.delete_collection(collection)
    if client.collection_exists(collection):
        return
    if not (create or recreate):
        raise UnknownCollection(f"There is no collection {collection!r}.", "Index a catalogue first: pamazon index")
    client.create_collection(
        collection,
        vectors_config=models.VectorParams(size=dimension, distance=models.Distance.COSINE),
        # The same thresholds as in `edge`: a graph over anything but the smallest collection.
        hnsw_config=models.HnswConfigDiff(m=m, ef_construct=ef_construct, full_scan_threshold=10),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=1),
    )


def _check_dimension(client: QdrantClient, collection: str, dimension: int, address: str) -> None:
    """Raise IndexUnavailable where the collection holds other vectors than ours."""
    held = client.get_collection(collection).config.params.vectors
    if not isinstance(held, models.VectorParams) or (held.size, held.distance) != (dimension, models.Distance.COSINE):
        kind = f"[{held.size}] by {held.distance}" if isinstance(held, models.VectorParams) else "of several names"
        raise IndexUnavailable(
            f"Collection {collection!r} at {address} holds other vectors: {kind}, not [{dimension}] by Cosine.",
            "Open it with `pamazon up --recreate`, or choose another collection.",
        )


@contextlib.contextmanager
def named_errors(collection: str, address: str) -> Iterator[None]:
    """Give the client's errors a name and a hint; their text is not repeated."""
    try:
        yield
    except UnexpectedResponse as error:
        raise _refused(error.status_code or 0, error.reason_phrase, collection, address) from error
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        raise _refused(_AS_HTTP.get(code, 0), code.name, collection, address) from error
    except (ResponseHandlingException, OSError) as error:
        raise _away(address, str(error)) from error
    except RuntimeError as error:  # what the client raises once it is closed
        raise IndexUnavailable(f"The connection to Qdrant at {address} is closed.", "Open the index again.") from error


_AS_HTTP = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


def _refused(status: int, reason: str, collection: str, address: str) -> Exception:
    """Return an error answer with a message and a hint for the user."""
    if status == 404:
        return UnknownCollection(
            f"Qdrant at {address} has no collection {collection!r}.", "Index a catalogue first: pamazon index"
        )
    if status in {401, 403}:
        return IndexUnavailable(
            f"Qdrant at {address} refuses the key ({reason}).", f"Set {API_KEY} to a key that may write there."
        )
    if status in {503, 504}:
        return _away(address, reason)
    return IndexUnavailable(f"Qdrant at {address} answered: {reason}.", "See the server's log.")


def _away(address: str, reason: str) -> IndexUnavailable:
    """Return the error of a server that does not answer."""
    return IndexUnavailable(
        f"Qdrant at {address} does not answer ({reason}).",
        "Start it, or leave out --qdrant-url to use the index in this process.",
    )
