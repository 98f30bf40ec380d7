"""Puts a catalogue into the index, through the gateway, batch by batch; a callback gets the number of items indexed."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from demo_flow.client import GatewayClient
from demo_flow.errors import PamazonError
from demo_flow.proto.pamazon_pb2 import Document, IndexRequest
from demo_flow.serving.client import MESSAGE_SIZE

if TYPE_CHECKING:
    from demo_flow.catalogue.catalogue import Item

BATCH: Final = 64
_BATCH_BYTES: Final = MESSAGE_SIZE // 2
_TIMEOUT: Final = 300.0


def read_catalogue(folder: Path | None, on_problem: Callable[[str], None]) -> "Sequence[Item]":
    """Return the items of the shipped catalogue, or of a folder. Raises PamazonError if there are none."""
    from demo_flow.catalogue.catalogue import CatalogueError, load

    try:
        items = load(folder, lambda problem: on_problem(str(problem)))
    except CatalogueError as error:
        raise PamazonError(str(error), "") from error
    if not items:
        raise PamazonError(f"The catalogue {folder} has no item that can be used.", "See the rows reported above.")
    return items


def index_items(
    client: GatewayClient,
    items: "Sequence[Item]",
    batch: int = BATCH,
    on_progress: Callable[[int], None] = lambda _: None,
) -> str | None:
    """Index the items in batches and build the graph with the last one; return the id of the last batch's trace.

    `on_progress` is called with the number of items of each batch. Raises RequestFailed.
    """
    trace_id, done = None, 0
    for documents in _batches(items, batch):
        done += len(documents)
        request = IndexRequest(documents=documents, optimize=done == len(items))
        _, trace_id = client.index(request, _TIMEOUT)
        on_progress(len(documents))
    return trace_id


def _batches(items: "Sequence[Item]", size: int) -> Iterator[list[Document]]:
    """Cut into batches of at most `size` documents, and of what a message can hold."""
    batch: list[Document] = []
    held = 0
    for item in items:
        if batch and (len(batch) == size or held + len(item.image) > _BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(document(item))
        held += len(item.image)
    if batch:
        yield batch


def document(item: "Item") -> Document:
    """Return an item as the flow's document: its picture to encode, and what the shop shows beside a hit."""
    payload = {
        "name": item.name,
        "names": dict(item.names),
        "concept": item.concept,
        "colour": item.colour,
        "category": item.category,
        "price_cents": item.price_cents,
    }
    return Document(id=item.id, image=item.image, payload=json.dumps(payload, ensure_ascii=False))
