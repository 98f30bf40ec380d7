"""Plain values and JSON of the API, without a server."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.local.api.answers import PATHS, QUESTIONS, answer, find
from collector.local.api.as_json import dumps, plain
from collector.local.query import QueryError
from tests.unit.query_store import HandFilledStore


@dataclass(frozen=True)
class Row:
    """Any row."""

    name: str
    inner: tuple[Any, ...]


def test_rows_become_objects_by_their_field_names() -> None:
    """However deep."""
    row = Row("a", (Row("b", ()), {"k": [1, None, True]}))
    assert plain(row) == {"name": "a", "inner": [{"name": "b", "inner": []}, {"k": [1, None, True]}]}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def finite(value: Any) -> Any:
    """What a strict parser must find."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


@given(values)
def test_every_value_survives_strict_json(value: Any) -> None:
    """64-bit integers exact, doubles as doubles, non-finite numbers as strings."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(dumps(plain(value)), parse_constant=refuse) == finite(value)


@pytest.fixture(scope="module")
def store() -> Iterator[HandFilledStore]:
    """A store that is only just made."""
    store = HandFilledStore()
    yield store
    store.connection.close()


NOTHING: dict[str, dict[str, Any]] = {
    "/api/performance": {"rows": [], "next": None},
    "/api/worst": {"worst": None},
    "/api/who": {"platforms": [], "regions": [], "versions": [], "operations": [], "last_unix_s": None},
    "/api/summary": {"count": 0, "errors": [], "children": []},
    "/api/scatter": {"points": []},
    "/api/map": {"nodes": [], "edges": []},
    "/api/filter": {"ok": True, "error": None},
    "/api/openapi.json": {"openapi": "3.1.0"},
    "/api/suspects": {"problem": None, "spans": [], "attributes": []},
    "/api/tags": {"tags": []},
}
"""What answers that are not plain lists say of an empty store."""
REQUIRED = {
    "/api/compare": "left='' is not a side",
    "/api/query": "query",
    "/api/query_range": "is not a time",
    "/api/query_exemplars": "is not a time",
}
"""What a question says whose parameter may not be missing."""


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.path)
def test_an_empty_store_has_an_answer_or_shows_what_is_not_there(store: HandFilledStore, question: Any) -> None:
    """No question fails on a store that is only just made."""
    path = question.path.replace("{trace_id}", "aa").replace("{name}", "m")
    if "{" in question.path or path in REQUIRED:
        with pytest.raises(QueryError, match=REQUIRED.get(path, "There is no")):
            answer(store.connection, path)
    else:
        expected = NOTHING.get(path, {path.rsplit("/", 1)[1]: [], "next": None})
        found = answer(store.connection, path)
        assert {key: found[key] for key in expected} == expected


def test_paths_are_found_with_what_their_braces_match() -> None:
    """Metrics may have slashes in their names."""
    assert [find("/api/metrics/a/b\n")[1], find("/api/traces/last")[1], find("/api/traces")[1]] == ["a/b\n", "last", ""]
    assert all(path.startswith("/api/") for path in PATHS)


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/traces/", "/apiXtraces", "/api/traces\n"])
def test_an_unknown_path_is_reported(path: str) -> None:
    """The whole path must match."""
    with pytest.raises(QueryError, match="There is no path"):
        find(path)
