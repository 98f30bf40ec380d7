"""Keeps the vectors of the texts that were asked last, so that a text that is asked again needs no model.

In: documents. Out: those queries whose vector is known are filled in; a query is a text without an id. State: the
vectors, of one model; at most `size` of them, the one that was used longest ago going first.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import telemetry
from demo_flow.incidents.places import is_at
from demo_flow.proto.pamazon_pb2 import Document

NAME: Final = "query_vectors"
"""The cache's name in metrics."""

LONGEST: Final = 512
"""Characters of the longest text that is kept: longer ones are rarely asked twice, and would have no bound."""


class QueryCache:
    """Vectors by text; thread-safe. With a `size` of 0 nothing is kept and nothing is counted."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._vectors: OrderedDict[str, array[float]] = OrderedDict()
        self._lock = threading.Lock()

    def fill(self, docs: Iterable[Document]) -> list[Document]:
        """Fill in the vectors that are known, and return the documents whose vector is not."""
        if not self._size:
            return list(docs)
        if is_at("cache"):
            self.clear()
        missed = []
        for doc in docs:
            vector = None
            if not doc.image and not doc.id:
                vector = self._look_up(doc.text)
                telemetry.cache_lookup(NAME, hit=vector is not None)
            if vector is None:
                missed.append(doc)
            else:
                doc.embedding[:] = vector
        return missed

    def _look_up(self, text: str) -> "array[float] | None":
        with self._lock:
            vector = self._vectors.get(text)
            if vector is not None:
                self._vectors.move_to_end(text)
        return vector

    def keep(self, docs: Iterable[Document]) -> None:
        """Keep the vectors of the queries among these documents, which were encoded by their texts."""
        for doc in docs:
            if self._size and not doc.id and len(doc.text) <= LONGEST:
                with self._lock:
                    self._vectors[doc.text] = array("f", doc.embedding)
                    self._vectors.move_to_end(doc.text)
                    if len(self._vectors) > self._size:
                        self._vectors.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._vectors.clear()
