"""The indexer: keeps vectors with what they stand for, and finds the nearest.

In: documents with their embedding. Out: on /search the same documents with their `matches`. State: one collection, in a
folder of this machine or on a Qdrant server; threads, since the index's calls block.
"""

import json
from pathlib import Path

import numpy as np

import telemetry
from demo_flow.incidents.places import delay, vector_of
from demo_flow.incidents.pools import starvable
from demo_flow.index import Hit, Point, UnknownCollection, open_index
from demo_flow.proto.pamazon_pb2 import Document, Match, Parameters
from demo_flow.serving.endpoints import Documents, requests
from demo_flow.serving.threads import in_pool
from telemetry import conventions as c
from telemetry.context import ThreadPoolExecutor

THREADS = 4


class QdrantIndexer:
    """Arguments: as in the flow file; with `qdrant_url` the `path` is not used."""

    def __init__(
        self,
        collection: str,
        dimension: int,
        path: Path | str | None = None,
        qdrant_url: str | None = None,
        recreate: bool = False,
        *,
        model: str | None = None,
        threshold: float | None = None,
    ) -> None:
        folder = None if qdrant_url else path
        self._index = open_index(collection, dimension, path=folder, url=qdrant_url, recreate=recreate)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="qdrant", stage="qdrant")
        self._threads = starvable(pool, THREADS)
        self._model, self._threshold = model, threshold
        place = qdrant_url or "Qdrant Edge, in process"
        points = self._index.count()
        self.facts = {"collection": collection, "points": points, "place": place}
        telemetry.index_points(collection, points)

    @requests(on="/search")
    @telemetry.endpoint
    async def search(self, docs: Documents, parameters: Parameters) -> Documents:
        """Find the points nearest to each document's embedding, of those that reach the threshold."""
        threshold = (parameters.threshold if parameters.HasField("threshold") else self._threshold) or None
        about = self._about("query", parameters) | {
            c.DB_VECTOR_QUERY_TOP_K.name: parameters.limit,
            c.SEARCH_EXACT.name: parameters.exact,
        }
        for doc in docs:
            with telemetry.stage("qdrant_search", about):
                await delay("qdrant_search")
                vector = np.asarray(vector_of(doc.embedding), dtype=np.float32)
                near = await in_pool(
                    self._threads, self._index.search, vector, parameters.limit, exact=parameters.exact
                )
                hits = [hit for hit in near if threshold is None or hit.score >= threshold]
                scores = [hit.score for hit in near]
                telemetry.results(len(hits), scores, threshold=threshold, distance="cosine", model=self._model)
            doc.matches.extend(_match(hit) for hit in hits)
            doc.below_threshold = len(near) - len(hits)
            doc.ClearField("embedding")
        return docs

    @requests(on="/index")
    @telemetry.endpoint
    async def index(self, docs: Documents, parameters: Parameters) -> Documents:
        """Store the documents, replacing those that have the same ids."""
        with telemetry.stage("qdrant_index", self._about("upsert", parameters), len_docs=len(docs)):
            await in_pool(self._threads, self._index.upsert, [_point(doc) for doc in docs])
            if parameters.optimize:
                await in_pool(self._threads, self._index.optimize)
        await self._count()
        return []

    @requests(on="/delete")
    @telemetry.endpoint
    async def delete(self, docs: Documents, parameters: Parameters) -> Documents:
        """Forget the documents with these ids."""
        with telemetry.stage("qdrant_delete", self._about("delete", parameters), len_docs=len(docs)):
            await in_pool(self._threads, self._index.delete, [doc.id for doc in docs])
        await self._count()
        return []

    def _about(self, operation: str, parameters: Parameters) -> dict[str, str | int | bool]:
        """Return the database attributes of a span. Raises UnknownCollection."""
        name = self._index.collection
        if parameters.collection not in {"", name}:
            raise UnknownCollection(f"There is no collection {parameters.collection!r}.", f"There is {name!r}.")
        return {
            c.DB_SYSTEM_NAME.name: "qdrant",
            c.DB_COLLECTION_NAME.name: name,
            c.DB_OPERATION_NAME.name: operation,
        }

    async def _count(self) -> None:
        self.facts["points"] = points = await in_pool(self._threads, self._index.count)
        telemetry.index_points(self._index.collection, points)

    async def close(self) -> None:
        """Release the collection; the requests have ended before."""
        self._threads.shutdown(cancel_futures=True)
        self._index.close()


def _point(doc: Document) -> Point:
    return Point(doc.id, np.asarray(doc.embedding, dtype=np.float32), json.loads(doc.payload or "{}"))


def _match(hit: Hit) -> Match:
    return Match(id=hit.id, score=hit.score, payload=json.dumps(hit.payload, ensure_ascii=False))
