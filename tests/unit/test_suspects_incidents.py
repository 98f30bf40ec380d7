"""Suspects name what each incident of Pamazon plants, among the first three; without one they name nothing.

The spans are made; `python -m benchmarks.suspects` does the same with the running demo.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from benchmarks.suspects import CAUSES, place_of
from collector.local.api.answers import answer
from collector.local.store.store import Store
from tests.unit.incident_traces import LENGTH_MS, Change, Facts, store_of

START_MS: Final = 1_700_000_000_000.0


def of(when: Callable[[Facts], bool] = lambda _: True, **changed: Any) -> Change:
    """Of some requests: numbers are added, anything else is set."""

    def change(facts: Facts) -> None:
        if when(facts):
            for name, value in changed.items():
                setattr(facts, name, getattr(facts, name) + value if isinstance(value, float) else value)

    return change


def is_index(facts: Facts) -> bool:
    return facts.operation == "index"


def is_chile(facts: Facts) -> bool:
    return facts.region == "cl"


INCIDENTS: Final[Mapping[str, Change]] = {
    "slow-replica": of(lambda facts: facts.replica == "b", index_ms=150.0),
    "tiny-batches": of(is_index, batches=8),
    "pool-starvation": of(index_ms=200.0),
    "queue-saturation": of(queue_ms=540.0),
    "chile-slow-link": of(is_chile, way_ms=300.0),
    "chile-slow-server": of(is_chile, index_ms=200.0),
    "platform-fails": of(lambda facts: facts.platform == "ios", error="ValueError"),
    "empty-index": of(is_index, documents=0),
    "oversize-documents": of(is_index, documents=2),
    "poison-documents": of(is_index, error="json.decoder.JSONDecodeError"),
    "slow-version": of(lambda facts: facts.version == "2.0.0", forward_ms=120.0),
    "encoder-throttled": of(forward_ms=120.0),
    "cold-cache": of(cached=False),
}
"""What each changes in a request."""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A healthy minute before a minute of each incident, and two healthy ones."""
    with closing(store_of({**INCIDENTS, "none": of(), "restart": of(client="another")}, START_MS)) as made:
        yield made


def ask(store: Store, number: int, operation: str) -> Mapping[str, Any]:
    """The suspects of a minute."""
    since, until = (
        datetime.fromtimestamp((START_MS + (2 * number + side) * LENGTH_MS) / 1000, UTC).isoformat() for side in (1, 2)
    )
    with closing(store.reader()) as connection:
        return answer(connection, "/api/suspects", [("since", since), ("until", until), ("operation", operation)])


@pytest.mark.parametrize("incident", INCIDENTS)
def test_the_cause_of_an_incident_is_among_the_first_three(incident: str, store: Store) -> None:
    cause = CAUSES[incident]
    found = ask(store, list(INCIDENTS).index(incident), cause.operation)
    place, said = place_of(found, cause)
    print(found["problem"] and found["problem"]["sentence"], place, said)
    assert place, found
    assert found["problem"]["is_new"]
    names = [f"{row['stage']} › {row['key']} {row['sign']} {row['value']}" for row in found["attributes"]]
    assert not {same for row in found["attributes"] for same in row["same"]} & set(names)


@pytest.mark.parametrize("operation", ["/search", "/index"])
def test_without_an_incident_nothing_is_new(operation: str, store: Store) -> None:
    """The way from Chile is long, as before; nothing else is said."""
    found = ask(store, len(INCIDENTS), operation)
    assert found["problem"] is None or not found["problem"]["is_new"]


def test_a_client_that_was_started_again_is_not_a_suspect(store: Store) -> None:
    """Its id is new, of every request; nothing else is. Nor is it one where something is wrong beside it."""
    for operation in ("/search", "/index"):
        found = ask(store, len(INCIDENTS) + 1, operation)
        assert found["problem"] is None or not found["problem"]["is_new"], found["problem"]
        assert "instance.id" not in str(found["attributes"])


def test_replicas_are_suspects_only_beside_each_other(store: Store) -> None:
    """The incident's slow one is (see above); a process that came with the incident is not."""
    changes = {"empty-index": of(is_index, documents=0, client="another")}
    with closing(store_of(changes, START_MS)) as made:
        found = ask(made, 0, "/index")
    assert found["problem"]["kind"] == "empty"
    assert "instance.id" not in str(found["attributes"])


def test_every_incident_that_leaves_spans_has_a_cause() -> None:
    assert INCIDENTS.keys() == CAUSES.keys()
