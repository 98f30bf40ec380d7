"""The encoder's cache of query vectors: what it keeps, how much of it, and that it counts."""

import random
import threading

import pytest

from demo_flow.proto.pamazon_pb2 import Document
from demo_flow.queries import HEADS, draw_query
from demo_flow.serving.query_cache import LONGEST, QueryCache
from telemetry.testing import Metrics


def asked(cache: QueryCache, *docs: Document) -> list[bool]:
    """Ask one after the other, each encoded if it is missed; whether its vector was there."""
    hits = []
    for doc in docs:
        missed = cache.fill([doc])
        for one in missed:
            one.embedding[:] = [float(len(one.text)), 0.1]
        cache.keep(one for one in missed if not one.image)
        hits.append(not missed)
    return hits


def query(text: str) -> Document:
    return Document(text=text)


def test_a_text_that_is_asked_again_has_the_same_vector(metrics: Metrics) -> None:
    """To the bit: floats of 32 bits are kept as such. Each lookup is counted."""
    cache, first, second = QueryCache(2), query("coat"), query("coat")
    assert asked(cache, first, second) == [False, True]
    assert list(first.embedding) == list(second.embedding) != []
    name = {"search.cache.name": "query_vectors"}
    assert metrics.value("search.cache.lookups", {**name, "search.cache.outcome": "hit"}) == 1
    assert metrics.value("search.cache.lookups", {**name, "search.cache.outcome": "miss"}) == 1


def test_the_text_that_was_used_longest_ago_goes_first() -> None:
    """A hit makes it the latest; there are never more than `size`."""
    cache = QueryCache(2)
    assert asked(cache, *map(query, ["a", "b", "a", "c", "a", "b"])) == [False, False, True, False, True, False]
    cache.clear()
    assert asked(cache, query("a")) == [False]


def test_only_texts_of_queries_are_kept(metrics: Metrics) -> None:
    """No pictures, nothing that is indexed, no text without bound."""
    cache, picture = QueryCache(9), Document(text="coat", image=b"x")
    goods, long = Document(id="1", text="coat"), query("x" * (LONGEST + 1))
    assert asked(cache, picture, goods, long, Document(text="coat", image=b"x"), query("coat"), long) == [False] * 6
    assert metrics.value("search.cache.lookups") == 3


def test_without_a_size_nothing_is_kept_and_nothing_counted(metrics: Metrics) -> None:
    """As if it were not there."""
    assert asked(QueryCache(0), query("coat"), query("coat")) == [False, False]
    assert "search.cache.lookups" not in metrics.names()


def test_threads_may_share_it() -> None:
    """It never holds more than its size, and never mixes up vectors."""
    cache, wrong = QueryCache(8), list[str]()

    def ask(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(300):
            doc = query("x" * draw.randrange(1, 20))
            asked(cache, doc)
            if doc.embedding[0] != len(doc.text):
                wrong.append(doc.text)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(cache._vectors) <= 8


@pytest.mark.parametrize("seed", [0, 1])
def test_the_load_finds_about_half_of_its_queries_in_the_cache(seed: int) -> None:
    """After a minute of it, and after an hour: what everybody wants is there, the rest is not."""
    draw, cache = random.Random(seed), QueryCache(512)
    queries = [draw_query(draw) for _ in range(20_000)]
    hits = asked(cache, *map(query, queries))
    assert 0.4 < sum(hits[:1000]) / 1000 < 0.6
    assert 0.4 < sum(hits[10_000:]) / 10_000 < 0.6
    assert set(HEADS) < set(queries)
    again = random.Random(seed)
    assert queries[:50] == [draw_query(again) for _ in range(50)]
