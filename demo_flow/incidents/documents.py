"""What clients send to `/index`: goods, or what an incident makes of them.

In: documents. Out: documents. State: a picture of two megabytes, once it was made.
"""

import functools
import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from demo_flow.incidents.active import ACTIVE
from demo_flow.proto.pamazon_pb2 import Document

_SIDE: Final = 820
"""Pixels of a side: 2 MB."""


def are_shaped() -> bool:
    """Return whether an incident changes what is sent."""
    return ACTIVE.at("documents") is not None


def shaped(documents: Sequence[Document]) -> list[Document]:
    """Return the documents of a request as they are sent now."""
    incident = ACTIVE.at("documents")
    return list(documents) if incident is None else _SHAPES[incident.name](documents)


def _none(_: Sequence[Document]) -> list[Document]:
    return []


def _large(documents: Sequence[Document]) -> list[Document]:
    return [Document(id=doc.id, image=_picture(), payload=doc.payload) for doc in documents[:2]]


def _poisoned(documents: Sequence[Document]) -> list[Document]:
    first, *others = documents
    return [Document(id=first.id, image=first.image, text=first.text, payload=first.payload[:-1]), *others]


@functools.cache
def _picture() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.frombytes("RGB", (_SIDE, _SIDE), os.urandom(3 * _SIDE**2)).save(file, "BMP")
    return file.getvalue()


_SHAPES: Final[Mapping[str, Callable[[Sequence[Document]], list[Document]]]] = {
    "empty-index": _none,
    "oversize-documents": _large,
    "poison-documents": _poisoned,
}
