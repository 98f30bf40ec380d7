"""`capture_content`: whose texts are recorded, how much of them, and that looking hurts nobody."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import telemetry
from demo_flow.proto.pamazon_pb2 import ProcessRequest
from telemetry.privacy import content
from telemetry.privacy.content import Limits, texts_of
from telemetry.testing.spans import Spans


@pytest.fixture(autouse=True)
def _capturing() -> Iterator[None]:
    content.use(Limits(documents=3, characters=10))
    yield
    content.use(None)


class Doc:
    """A document as Jina has them."""

    def __init__(self, text: object) -> None:
        self.text = text


class Hostile:
    """A document that must not be touched more than need be."""

    @property
    def text(self) -> str:
        """Fail."""
        raise RuntimeError("touched")

    def __str__(self) -> str:
        raise RuntimeError("turned into text")


class Lazy:
    """A list of a user's own that can only be asked by number."""

    def __init__(self, items: list[Any]) -> None:
        self.items, self.asked = items, 0

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Any:
        self.asked += 1
        return self.items[place]

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("iterated")


@pytest.mark.parametrize(
    ("documents", "texts"),
    [
        (["a", Doc("b"), {"text": "c"}, "never"], ["a", "b", "c"]),
        (("x" * 50, "to ada@example.com"), ["x" * 10, "to [redact"]),
        ([b"bytes", Doc(b"bytes"), Doc(7)], []),
        ([Hostile(), Doc("fine")], ["fine"]),
        (Lazy(["a", "b", "c", "d"]), ["a", "b", "c"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.zeros((2, 3)), []),
        ("text", []),
        ({"text": "x"}, []),
        ({"a", "b"}, []),
        (iter(["a"]), []),
        (None, []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_first_texts_are_recorded_scrubbed_and_cut(documents: Any, texts: list[str]) -> None:
    """Of what is listed, and where a text is a text; nothing else is looked at."""
    assert texts_of(documents) == texts


def test_a_list_is_asked_for_no_more_than_it_must() -> None:
    """No more documents are fetched than are recorded, and an iterator is not consumed."""
    lazy = Lazy(["a"] * 100)
    texts_of(lazy)
    assert lazy.asked == 3
    given = iter(["a", "b"])
    texts_of(given)
    assert list(given) == ["a", "b"]


def test_an_endpoint_records_what_it_was_given(spans: Spans) -> None:
    """The attribute is on the endpoint's span, and only while it is asked for."""

    @telemetry.endpoint("/search")
    def search(docs: list[Doc]) -> None:
        """Do nothing."""

    search([Doc("jacket")])
    content.use(None)
    search([Doc("jacket")])
    recorded = [dict(span.attributes or {}).get("search.docs.text") for span in spans.named("/search")]
    assert recorded == [("jacket",), None]


def test_messages_of_protocol_buffers_are_documents() -> None:
    """As the demo's executors get them."""
    request = ProcessRequest()
    request.docs.add(text="jacket")
    assert texts_of(request.docs) == ["jacket"]
