"""The encoder: turns texts and pictures into vectors of one space.

In: documents with a picture or a text. Out: the same documents with their `embedding`, without the picture. State: the
loaded model and its threads.

Requests that come at the same time share forward passes: while one runs, the minibatches of others gather for the next.
"""

import asyncio
from collections.abc import Sequence

import telemetry
from demo_flow.encoders import load_encoder, space_of
from demo_flow.incidents.batching import Batcher, batch_size
from demo_flow.proto.pamazon_pb2 import Parameters
from demo_flow.serving.endpoints import Documents, requests
from demo_flow.serving.model_threads import ModelThreads, Vectors
from demo_flow.serving.query_cache import QueryCache
from demo_flow.serving.server import MOST_AT_ONCE
from demo_flow.serving.threads import one_ahead
from telemetry import conventions as c


class ClipEncoder:
    """Arguments: as in the flow file."""

    def __init__(
        self,
        *,
        model: str,
        runtime: str | None,
        device: str,
        minibatch_size: int,
        num_pool_workers: int,
        batch_wait_ms: int,
        cache_size: int,
    ) -> None:
        self._encoder = load_encoder(model, runtime=runtime, device=device)
        self._minibatch_size = minibatch_size
        self._num_pool_workers = num_pool_workers
        self._model = ModelThreads(self._encoder, num_pool_workers)
        size, wait = minibatch_size, batch_wait_ms / 1000
        most = MOST_AT_ONCE * size  # a minibatch of each request that the server takes
        texts, pictures = self._model.encode_text_batch, self._model.encode_picture_batch
        self._text_vectors = Batcher(texts, max_size=size, max_wait=wait, max_queue=most, at="texts")
        self._picture_vectors = Batcher(pictures, max_size=size, max_wait=wait, max_queue=most)
        self._cache = QueryCache(cache_size)
        self.facts = {
            "model": self._encoder.name,
            "dimension": self._encoder.dimension,
            "space": space_of(self._encoder),
            "threshold": self._encoder.threshold or 0.0,
        }

    @requests(on=("/index", "/search"))
    @telemetry.endpoint
    async def encode(self, docs: Documents, parameters: Parameters) -> Documents:  # noqa: ARG002 (the endpoints' form)
        """Fill in the embedding of each document: of its picture where it has one, else of its text."""
        encoder, missed = self._encoder, self._cache.fill(docs)
        hits = {c.SEARCH_CACHE_HITS.name: len(docs) - len(missed) or None}
        with telemetry.stage("encode", hits, runtime=encoder.runtime, device=encoder.device, model=encoder.name):
            if missed or not docs:
                await self._infer(missed)
        return docs

    async def _infer(self, docs: Documents) -> None:
        pictures = [doc for doc in docs if doc.image]
        texts = [doc for doc in docs if not doc.image]
        about = {"has_img_da": bool(pictures), "has_txt_da": bool(texts)}
        with telemetry.stage("inference", about, len_docs=len(docs), minibatch_size=self._minibatch_size):
            await self._encode_pictures(self._minibatches(pictures))
            await self._encode_texts(self._minibatches(texts))
        self._cache.keep(texts)

    async def _encode_texts(self, minibatches: Sequence[Documents]) -> None:
        for docs in minibatches:
            with telemetry.stage("txt_minibatch_encoding", minibatch_size=len(docs)):
                _fill(docs, await self._text_vectors([doc.text for doc in docs]))

    async def _encode_pictures(self, minibatches: Sequence[Documents]) -> None:
        prepared = one_ahead(self._model.prepare_pictures, [[doc.image for doc in docs] for docs in minibatches])
        for docs, pictures in zip(minibatches, prepared, strict=True):
            workers = self._num_pool_workers
            with telemetry.stage("img_minibatch_encoding", minibatch_size=len(docs), num_pool_workers=workers):
                _fill(docs, await self._picture_vectors(await pictures))

    def _minibatches(self, docs: Documents) -> list[Documents]:
        size = batch_size(self._minibatch_size)
        return [docs[start : start + size] for start in range(0, len(docs), size)]

    async def close(self) -> None:
        """End the threads; the requests have ended before, or what is left of them is answered first."""
        await asyncio.gather(self._text_vectors.close(), self._picture_vectors.close())
        self._model.close()


def _fill(docs: Documents, vectors: Vectors) -> None:
    for doc, vector in zip(docs, vectors, strict=True):
        doc.embedding[:] = vector.tolist()
        doc.ClearField("image")  # the indexer has no use for it
