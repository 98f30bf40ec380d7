"""The model's work, in threads: preprocessing and forward passes, each a stage of its own.

In: texts and pictures. Out: vectors. State: two threads for forward passes, and a pool that prepares pictures beside
them, owned by one `ModelThreads`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import telemetry
from demo_flow.encoders import Encoder
from demo_flow.incidents.places import hold
from demo_flow.serving.threads import in_pool
from telemetry.context import ThreadPoolExecutor

Picture: TypeAlias = NDArray[np.float32]
Vectors: TypeAlias = Iterable[NDArray[np.float32]]


class ModelThreads:
    """Arguments: the model, and how many threads prepare pictures."""

    def __init__(self, encoder: Encoder, num_pool_workers: int) -> None:
        self._encoder = encoder
        # For each tower one thread: no batch waits in it.
        self._forward = ThreadPoolExecutor(2, thread_name_prefix="forward", stage="forward")
        self._prepare = ThreadPoolExecutor(num_pool_workers, thread_name_prefix="prepare", stage="preprocess")

    async def prepare_pictures(self, images: Sequence[bytes]) -> list[Picture]:
        """Make a minibatch of pictures ready for the model."""
        with telemetry.stage("preprocess", len_docs=len(images)):
            return await asyncio.gather(*(in_pool(self._prepare, self._encoder.prepare_image, data) for data in images))

    async def encode_text_batch(self, texts: Sequence[str]) -> Vectors:
        """Encode a batch of texts."""
        return await in_pool(self._forward, self._texts, texts)

    async def encode_picture_batch(self, pictures: Sequence[Picture]) -> Vectors:
        """Encode a batch of pictures that are ready."""
        return await in_pool(self._forward, self._pictures, pictures)

    def close(self) -> None:
        """End the threads; what waits is not done any more."""
        self._prepare.shutdown(cancel_futures=True)
        self._forward.shutdown(cancel_futures=True)

    def _texts(self, texts: Sequence[str]) -> Vectors:
        with telemetry.stage("preprocess", len_docs=len(texts)):
            batch = self._encoder.prepare_texts(texts)
        with telemetry.stage("forward", minibatch_size=len(texts)):
            hold("forward")
            return self._encoder.encode_texts(batch)

    def _pictures(self, pictures: Sequence[Picture]) -> Vectors:
        with telemetry.stage("forward", minibatch_size=len(pictures)):
            hold("forward")
            return self._encoder.encode_images(np.stack(pictures))
