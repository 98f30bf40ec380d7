"""The settings of a shop's page, and an executor with two goods to find."""

import asyncio
import json

from demo_flow.flow import CLIP_ENCODER
from demo_flow.proto.pamazon_pb2 import Document, Match, Parameters
from demo_flow.serving.endpoints import Documents, requests
from demo_flow.serving.timing import waiting_for
from demo_flow.shop.settings import Settings

SETTINGS = Settings.of(traces="http://127.0.0.1:4319/traces/", page_otlp="http://127.0.0.1:4318/", version="1.2")


class Goods:
    """An executor that keeps what it was asked, and finds two goods, or fails."""

    def __init__(self) -> None:
        self.asked: list[tuple[Document, Parameters]] = []
        self.fails: Exception | None = None

    @requests(on="/search")
    async def search(self, docs: Documents, parameters: Parameters) -> Documents:
        self.asked.append((docs[0], parameters))
        with waiting_for(CLIP_ENCODER.name):
            await asyncio.sleep(0.002)
        if self.fails is not None:
            raise self.fails
        payload = json.dumps({"name": "Red coat", "names": {"en": "Red coat", "de": "Mantel"}, "price_cents": 1999})
        matches = [Match(id="coat-red", score=0.75, payload=payload), Match(id="odd", score=0.5)]
        return [Document(matches=matches, below_threshold=3)]

    async def close(self) -> None: ...
