"""Top tags: order, shares, percentiles, failures, ranges; and the answers of the API about a store filled by hand."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from collector.analysis.suspects.candidates import Value
from collector.analysis.suspects.tags import TagValue, tags
from collector.local.api.answers import answer
from collector.local.errors import CollectorError
from tests.unit.flow_traces import HOUR, requests, store_of, utc
from tests.unit.query_store import MS, HandFilledStore

EVERY = (1 << 40) - 1
SLOW = (1 << 10) - 1
"""The first ten of forty requests."""


def test_what_tells_most_comes_first_and_ids_are_hidden() -> None:
    """A region that is slow, a runtime that fails, a coin, what all have, and an id."""
    observed: dict[str, dict[Value, int]] = {
        "request.id": {f"r{number}": 1 << number for number in range(40)},
        "rpc.system": {"grpc": EVERY},
        "coin": {"heads": int("01" * 20, 2), "tails": int("10" * 20, 2)},
        "runtime": {"torch": SLOW << 30 & ~(1 << 39)},
        "client.region": {"cl": SLOW, "us": EVERY & ~SLOW},
    }
    durations = [(200 if number < 10 else 20 + number % 5) * MS for number in range(40)]
    found = tags(observed, durations, failed=0b11 << 30)
    assert [tag.key for tag in found] == ["client.region", "runtime", "coin", "rpc.system"]
    region, runtime = found[:2]
    assert region.values[1] == TagValue("cl", None, None, 10, 200 * MS, 0)
    assert (region.tells > 0.9, region.without) == (True, None)
    assert runtime.values[0].failures == 2
    assert runtime.without is not None
    assert runtime.without.count == 31


def test_familiar_keys_lead_if_they_tell_anything() -> None:
    """Not what tells more but nobody thinks in, nor what few requests have; ids of processes are hidden."""
    rare, half = 1 << 3, int("01" * 100, 2)
    every = (1 << 200) - 1
    observed: dict[str, dict[Value, int]] = {
        "server.port": {8080: half, 8081: every & ~half},
        "pool": {"a": half, "b": every & ~half & ~rare, "c": rare},
        "rare": {"yes": rare},
        "encoder › service.version": {"2.0.0": half | 0xFF, "1.0.0": every & ~half & ~0xFF},
        "client.region": {"cl": (1 << 100) - 1, "de": every & ~((1 << 100) - 1)},
        "encoder › service.instance.id": {
            "b31502e3-0000-4000-8000-000000000001": half,
            "b31502e3-0000-4000-8000-000000000002": every & ~half,
        },
        "container.id": {"0123456789ab": half, "ba9876543210": every & ~half},
        "git.commit": {"0123456789ab": half, "ba9876543210": every & ~half & ~rare},
    }
    durations = [(5000 if number == 3 else 200 if half >> number & 1 else 20) * MS for number in range(200)]
    found = tags(observed, durations, 0, {"service.version", "client.region"})
    keys = [tag.key for tag in found]
    assert keys == ["encoder › service.version", "git.commit", "pool", "server.port", "client.region", "rare"]


def test_what_only_failing_or_only_other_requests_have_tells_nothing_about_failing() -> None:
    """The type of the error, and what is known only after a success; a platform that always fails does."""
    failing, every = 0b1111, (1 << 100) - 1
    observed: dict[str, dict[Value, int]] = {
        "error.type": {"INTERNAL": failing},
        "search.margin": {"small": every & ~failing},
        "client.platform": {"ios": failing, "web": every & ~failing},
    }
    found = {tag.key: round(tag.tells, 2) for tag in tags(observed, [MS] * 100, failing)}
    assert found == {"client.platform": 1.0, "error.type": 0.0, "search.margin": 0.0}


def test_durations_are_those_that_clients_waited() -> None:
    """A region with a slow link tells most, though the gateway answers all alike."""
    with closing(store_of(requests(600, chile_ms=400))) as made, closing(made.reader()) as connection:
        found = answer(connection, "/api/tags", [("operation", "/search")])["tags"]
    assert {tag["key"] for tag in found[:2]} == {"client.region", "client.platform"}
    by_value = {value["value"]: value["p95_ns"] for tag in found[:2] for value in tag["values"]}
    assert by_value["cl"] > 400 * MS > by_value["de"]


def test_many_numbers_are_ranges() -> None:
    """Of about as many requests each; together all of them."""
    (found,) = tags({"score": {number / 100: 1 << number for number in range(40)}}, [None] * 40, 0)
    assert [value.count for value in found.values] == [8] * 5
    assert (found.values[0].low, found.values[-1].high) == (None, None)
    assert [value.high for value in found.values[:-1]] == [value.low for value in found.values[1:]]
    assert found.values[0].p95_ns is None


@pytest.fixture
def store() -> Iterator[HandFilledStore]:
    """In the second of two minutes a third of the searches, those of the runtime `cpu`, are slow."""
    store = HandFilledStore()
    store.insert("resources", resource_id=1, service="encoder", attributes='{"service.version": "2.0.0"}')
    for number in range(120):
        start, is_cpu = number * 1000, number % 3 == 0
        end = start + 20 + number % 7 + (300 if is_cpu and number >= 60 else 0)
        trace = f"{number:032x}"
        store.span(trace, "1", None, "/search", start, end, attributes={"search.entry": True, "request.id": trace})
        runtime = {"runtime": "cpu" if is_cpu else "cuda", "rpc.response.status_code": "OK"}
        store.span(trace, "2", "1", "encode", start + 5, end - 5, service="encoder", resource_id=1, attributes=runtime)
    yield store
    store.connection.close()


RANGE = [("since", "2023-11-14T22:14:20"), ("until", "2023-11-14T22:15:20")]


def test_suspects_are_answered_in_sentences(store: HandFilledStore) -> None:
    """Against the minute before: the problem, the path, the attribute, and how much was looked at."""
    found = answer(store.connection, "/api/suspects", [*RANGE, ("operation", "/search")])
    assert found["problem"]["sentence"] == "33 % of the requests are slow, 0 % of those before."
    assert (found["problem"]["kind"], found["baseline"]["kind"]) == ("slow", "before")
    (path,) = found["spans"]
    assert (path["path"], path["sentence"][:37]) == ("encoder › encode", "The slow requests wait 313 ms for enc")
    (attribute,) = found["attributes"]
    assert (
        attribute["sentence"] == "100 % of the slow requests have encoder › encode › runtime = cpu, 0 % of the others."
    )
    assert (attribute["filter"], attribute["matching"], attribute["of_others"]) == ('"runtime"=cpu', 20, 40)
    assert (found["sample"]["traces"], found["sample"]["of"]) == (120, 120)


def test_nothing_before_is_not_an_all_clear() -> None:
    """The sentence says so, and what the slow ones share is named all the same."""
    with closing(store_of(requests(600, chile_ms=400))) as made, closing(made.reader()) as connection:
        found = answer(connection, "/api/suspects", [("operation", "/search"), ("problem", "on_the_way")])
        times = [("since", utc(HOUR - 3600 * 10**9)), ("until", utc(HOUR + 60 * 10**9)), ("operation", "/search")]
        few = answer(connection, "/api/suspects", times)
    problem = found["problem"]
    assert (problem["kind"], problem["is_new"], problem["is_known"]) == ("on_the_way", False, False)
    assert problem["sentence"].endswith("three times the median. There is nothing before to compare with.")
    assert found["attributes"][0]["value"] in {"cl", "linux"}
    assert (few["problem"], few["baseline"]["kind"]) == (None, "typical")


def test_the_term_of_a_suspect_chooses_such_requests(store: HandFilledStore) -> None:
    """It is a filter that the same API understands."""
    (attribute,) = answer(store.connection, "/api/suspects", RANGE)["attributes"]
    found = answer(store.connection, "/api/traces", [*RANGE, ("filter", attribute["filter"])])["traces"]
    assert len(found) == 20
    for tag in answer(store.connection, "/api/tags", RANGE)["tags"]:
        for value in tag["values"]:
            rows = answer(store.connection, "/api/traces", [*RANGE, ("filter", value["filter"])])["traces"]
            assert len(rows) == value["count"], value


def test_a_time_as_usual_has_no_suspects(store: HandFilledStore) -> None:
    """The first minute: nothing before it, and no request takes three times the median."""
    times = [("since", "2023-11-14T22:13:20"), ("until", "2023-11-14T22:14:19")]
    found = answer(store.connection, "/api/suspects", times)
    assert (found["problem"], found["spans"], found["attributes"], found["counts"]) == (None, [], [], {})
    assert found["sample"]["of"] == 60
    with pytest.raises(CollectorError, match="problem must be one of auto, failing"):
        answer(store.connection, "/api/suspects", [("problem", "late")])


def test_an_inner_operation_is_slow_by_its_own_spans(store: HandFilledStore) -> None:
    """Of another span than the entry, the durations are those of the span."""
    found = answer(store.connection, "/api/suspects", [*RANGE, ("operation", "encode")])
    assert found["problem"]["matching"] == 20


def test_tags_are_of_all_spans(store: HandFilledStore) -> None:
    """Of the process with its service; without the request's id, and without how the call ended."""
    found = answer(store.connection, "/api/tags", [*RANGE, ("operation", "/search")])
    assert [tag["key"] for tag in found["tags"]] == ["runtime", "search.entry", "encoder › service.version"]
    cuda, cpu = found["tags"][0]["values"]
    assert (cuda["value"], cuda["count"], cpu["share"]) == ("cuda", 40, 0.3333)
    assert cpu["p95_ns"] > 300 * MS > cuda["p95_ns"]
    assert found["tags"][2]["values"][0]["filter"] == 'version="encoder 2.0.0"'
