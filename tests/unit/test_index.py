"""Every index behaves alike: Qdrant Edge in a folder, a Qdrant server by its URL.

The server is a stand-in (real requests, the client library's own engine behind them), and a real one as well where
`PAMAZON_TEST_QDRANT_URL` names it; the tests make and empty collections `goods` and `random` there.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from demo_flow.index import IndexUnavailable, Point, UnknownCollection, VectorIndex, open_index
from tests.unit.qdrant_stand_in import StandIn

REAL_SERVER = "PAMAZON_TEST_QDRANT_URL"


@dataclass(frozen=True)
class Backend:
    """One kind of index, and what it cannot do."""

    name: str
    cannot: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return self.name


EDGE = Backend("edge")
STAND_IN = Backend("server_stand_in", frozenset({"graph"}))
SERVER = Backend("server")

Open = Callable[..., VectorIndex]


@pytest.fixture(params=[EDGE, STAND_IN, *([SERVER] if os.environ.get(REAL_SERVER) else [])], ids=str)
def backend(request: pytest.FixtureRequest) -> Backend:
    assert isinstance(request.param, Backend)
    return request.param


@pytest.fixture
def open_(backend: Backend, tmp_path: Path) -> Iterator[Open]:
    """Open indexes in one place, and close them all."""
    stand_in = StandIn() if backend is STAND_IN else None
    place: dict[str, str] = {"path": str(tmp_path)}
    if backend is not EDGE:
        place = {"url": stand_in.url if stand_in else os.environ[REAL_SERVER]}
    opened: list[VectorIndex] = []

    def open_one(collection: str = "goods", dimension: int = 4, **options: object) -> VectorIndex:
        opened.append(open_index(collection, dimension, **place, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for index in opened:
        index.close()
    if stand_in:
        stand_in.stop()


def unit(*numbers: float) -> NDArray[np.float32]:
    vector = np.array(numbers, dtype=np.float32)
    return vector / np.float32(np.linalg.norm(vector))


COAT = Point("coat", unit(1, 0, 0, 0), {"name": "Wintermantel", "price": 99.5, "colours": ["black", "grau"]})
SCARF = Point("scarf/№1 ☃", unit(1, 1, 0, 0), {"name": "スカーフ", "in_stock": None, "sizes": {"s": 1}})
GUITAR = Point("guitar", unit(0, 0, 0, 1), {})


def test_the_nearest_come_first_as_they_were_stored(open_: Open) -> None:
    """Hits carry the caller's own ids and payloads, and the cosine with the query."""
    index = open_(recreate=True)
    index.upsert([GUITAR, SCARF, COAT])
    hits = index.search(COAT.vector, 3)
    assert [(hit.id, hit.payload) for hit in hits] == [
        ("coat", COAT.payload),
        ("scarf/№1 ☃", SCARF.payload),
        ("guitar", {}),
    ]
    assert [hit.score for hit in hits] == pytest.approx([1, 2**-0.5, 0], abs=1e-6)
    assert [hit.id for hit in index.search(COAT.vector, 1, exact=True)] == ["coat"]


def test_an_upsert_replaces_what_has_the_same_id(open_: Open) -> None:
    """Indexing a catalogue twice keeps one point for each item, the later one."""
    index = open_(recreate=True)
    index.upsert([COAT, GUITAR])
    index.upsert([Point("coat", unit(0, 1, 0, 0), {"name": "new"})])
    assert index.count() == 2
    best = index.search(unit(0, 1, 0, 0), 1)[0]
    assert (best.id, best.payload) == ("coat", {"name": "new"})
    index.upsert([])
    assert index.count() == 2


def test_more_points_than_one_request_holds_are_all_stored(open_: Open) -> None:
    """An upsert of any size is one call for the caller."""
    index = open_(recreate=True)
    rows = np.random.default_rng(3).standard_normal((1300, 4)).astype(np.float32)
    index.upsert([Point(str(i), row, {}) for i, row in enumerate(rows)])
    assert index.count() == 1300
    assert index.search(rows[1234], 1, exact=True)[0].id == "1234"


def test_delete_counts_what_was_there(open_: Open) -> None:
    """Ids that nobody stored are passed over."""
    index = open_(recreate=True)
    index.upsert([COAT, SCARF, GUITAR])
    assert index.delete(["coat", "unheard of", "guitar"]) == 2
    assert index.delete(["coat"]) == 0
    assert index.delete([]) == 0
    assert [hit.id for hit in index.search(COAT.vector, 9)] == [SCARF.id]


def test_an_empty_collection_finds_nothing(open_: Open) -> None:
    """No hits, and no error."""
    index = open_(recreate=True)
    assert (index.search(COAT.vector, 5), index.count(), index.indexed_count()) == ([], 0, 0)
    index.optimize()


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (
            [COAT, Point("short", unit(1, 2), {})],
            r"point 'short': a vector of shape \[2\]; this collection holds \[4\]",
        ),
        ([COAT, Point("nan", np.full(4, np.nan, np.float32), {})], "point 'nan': .* not finite"),
        ([COAT, Point("own", unit(1, 0, 0, 0), {"_id": 7})], "point 'own': .* '_id' is reserved"),
    ],
    ids=["shape", "nan", "reserved key"],
)
def test_a_bad_point_is_named_and_nothing_is_stored(open_: Open, points: list[Point], words: str) -> None:
    """One bad row stores none of its batch."""
    index = open_(recreate=True)
    with pytest.raises(ValueError, match=words):
        index.upsert(points)
    assert index.count() == 0


def test_a_bad_query_is_the_callers_error(open_: Open) -> None:
    """Neither a vector of another length nor a limit of nothing reaches the engine."""
    index = open_(recreate=True)
    with pytest.raises(ValueError, match=r"query: a vector of shape \[2\]"):
        index.search(unit(1, 2), 5)
    with pytest.raises(ValueError, match="limit=0"):
        index.search(COAT.vector, 0)


def test_what_was_stored_is_there_when_opened_again(open_: Open, backend: Backend) -> None:
    """The collection outlives the one who filled it, until it is made anew."""
    first = open_(recreate=True)
    first.upsert([COAT])
    first.close()
    second = open_(create=False)
    assert (second.collection, second.dimension, second.count()) == ("goods", 4, 1)
    second.close()
    assert open_(recreate=True).count() == 0


def test_other_vectors_than_those_stored_are_refused_with_the_hint(open_: Open) -> None:
    """Another encoder's dimension does not silently mix with the old vectors."""
    open_(recreate=True).close()
    with pytest.raises(IndexUnavailable, match=r"8.*4|4.*8") as caught:
        open_(dimension=8)
    assert "--recreate" in caught.value.hint
    assert open_(dimension=8, recreate=True).dimension == 8


def test_a_missing_collection_is_not_made_unasked(open_: Open) -> None:
    """Searching where nobody has indexed reports what to do first."""
    with pytest.raises(UnknownCollection, match="'never'") as caught:
        open_("never", create=False)
    assert "pamazon index" in caught.value.hint


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 200])
def test_a_collections_name_cannot_leave_its_place(open_: Open, name: str) -> None:
    """The name becomes a folder's and a URL's part, and is checked for both."""
    with pytest.raises(IndexUnavailable, match="not a name for a collection"):
        open_(name)


def test_a_closed_index_reports_it(open_: Open) -> None:
    """Closing twice is harmless; using it afterwards is a clear error."""
    index = open_(recreate=True)
    index.close()
    index.close()
    with pytest.raises(IndexUnavailable, match="closed"):
        index.count()


def test_threads_search_while_others_write(open_: Open) -> None:
    """Eight threads at once lose no point and see no error."""
    index = open_(recreate=True)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(10):
                index.upsert([Point(f"{number}-{i}", unit(number + 1, i + 1, 1, 1), {})])
                assert index.search(unit(1, 1, 1, 1), 5)
        except BaseException as error:  # noqa: BLE001 (shown by the assert below)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, index.count()) == ([], 80)


def test_the_graph_is_really_built_and_really_approximates(open_: Open, backend: Backend) -> None:
    """Without a graph, recall is 1 for any `ef` and proves nothing; with one, `ef` buys recall and exact is exact."""
    if "graph" in backend.cannot:
        pytest.skip(f"the stand-in compares with every point, and {REAL_SERVER} names no Qdrant server")
    rng = np.random.default_rng(7)
    rows = rng.standard_normal((8_000, 64)).astype(np.float32)
    queries = rng.standard_normal((100, 64)).astype(np.float32)
    norms = np.linalg.norm(rows, axis=1)
    truth = [set(np.argsort(-(rows @ query) / norms)[:10]) for query in queries]
    index = open_("random", 64, recreate=True, m=8)
    index.upsert([Point(str(i), row, {}) for i, row in enumerate(rows)])
    index.optimize()
    assert index.indexed_count() > 0

    def recall(ef: int | None, *, exact: bool = False) -> float:
        found = [{int(hit.id) for hit in index.search(q, 10, ef=ef, exact=exact)} for q in queries]
        return sum(len(f & t) for f, t in zip(found, truth, strict=True)) / (10 * len(queries))

    assert recall(8) < 0.95
    assert recall(8) < recall(256)
    assert recall(None, exact=True) > 0.999
