"""Makes index traffic: puts goods into the index again, at a fixed rate, beside the searches of `traffic`.

In: a gateway's stub, a rate. Out: an `Updates` report. State: the running requests, owned by one `run`.

It sends the same goods all the time, so that the index does not grow. An incident may change what is sent, and then
there are requests also at a rate of 0.
"""

import asyncio
import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

import telemetry
from demo_flow.incidents.documents import are_shaped, shaped
from demo_flow.proto.pamazon_pb2 import Document, IndexRequest

GOODS: Final = 64
"""Goods that are sent again and again."""

BATCH: Final = 8
"""Goods of one request."""

_PLAYED_RATE: Final = 1.0
_IDLE: Final = 0.5


@dataclass(slots=True)
class Updates:
    """The index requests that were sent: how many the gateway took, and what the others ended with."""

    succeeded: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the report as `pamazon load --json` gives it."""
        return {"succeeded": self.succeeded, "errors": dict(self.errors)}


async def run(stub: Any, rate: float, deadline: float, report: Updates, stop: asyncio.Event) -> None:
    """Send `rate` requests a second until `stop` is set, and wait for the last answer; each has `deadline` seconds."""
    batches: Iterator[Sequence[Document]] | None = None
    async with asyncio.TaskGroup() as sending:
        while not stop.is_set():
            now = rate or (_PLAYED_RATE if are_shaped() else 0.0)
            if now:
                batches = batches or itertools.cycle(await asyncio.to_thread(goods_batches))
                sending.create_task(_send(stub, next(batches), deadline, report))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1 / now if now else _IDLE)


async def prepare(rate: float) -> None:
    """Read the goods before the searches start, if they will be sent: it takes a second."""
    if rate or are_shaped():
        await asyncio.to_thread(goods_batches)


@functools.cache
def goods_batches() -> list[list[Document]]:
    """Return the documents of the requests, which are sent one after the other, again and again."""
    from demo_flow.indexing import document, read_catalogue

    goods = [document(item) for item in read_catalogue(None, lambda _: None)[:GOODS]]
    return [goods[start : start + BATCH] for start in range(0, len(goods), BATCH)]


async def _send(stub: Any, documents: Sequence[Document], deadline: float, report: Updates) -> None:
    try:
        with telemetry.client_request("/index", platform="linux", region="de"):
            await stub.Index(IndexRequest(documents=shaped(documents)), timeout=deadline)
    except grpc.aio.AioRpcError as error:
        report.errors[error.code().name] += 1
    else:
        report.succeeded += 1
