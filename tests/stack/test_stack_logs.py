"""Logs by the real Collector into the real VictoriaLogs: no record ends it, and a kill costs what was in its memory."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.stack.programs.otelcol import Otelcol
from collector.stack.programs.program import Program
from collector.stack.programs.victorialogs import VictoriaLogs
from collector.stack.stack import Stack
from tests.stack import logs
from tests.stack.asking import assert_becomes, eventually
from tests.stack.otelcol_raw import log, put, send

SERVICE = "service.name"
NESTED = {"service": {"name": "other"}}


def twice(request: Any) -> None:
    """Name the service twice in the record."""
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    put(record.attributes, SERVICE, "shop")
    put(record.attributes, SERVICE, "other")


def resource(name: str, value: Any) -> Callable[[Any], object]:
    """Add an attribute to the resource, whatever it has."""
    return lambda request: put(request.resource_logs[0].resource.attributes, name, value)


POISON: dict[str, tuple[dict[str, Any], Callable[[Any], object] | None]] = {
    "the same service in the record": ({"attributes": {SERVICE: "shop"}}, None),
    "another service in the record": ({"attributes": {SERVICE: "other"}}, None),
    "a service in the record twice": ({}, twice),
    "a service inside a map of the record": ({"attributes": NESTED}, None),
    "a service among the body's keys": ({"body": {SERVICE: "other"}}, None),
    "a service deep inside the body": ({"body": {**NESTED, "said": "found nothing"}}, None),
    "a service that the resource names twice": ({}, resource(SERVICE, "shop")),
    "a service inside a map of the resource": ({}, resource("service", {"name": "other"})),
    "an attribute of the resource twice": ({}, lambda request: [resource("zone", n)(request) for n in "ab"]),
    "an event in record and resource": ({"event": "sold"}, resource("event_name", "bought")),
    "names of the store's own fields": (
        {"attributes": dict.fromkeys(("_msg", "_time", "_stream", "_stream_id", "trace_id", "span_id"), "mine")},
        resource("trace_id", "mine"),
    ),
    "lists and maps in lists": ({"attributes": {"l": [1, {"service.name": "x"}, [NESTED]], "": "no name"}}, None),
}
"""Records that end VictoriaLogs 1.52 when they are sent to it as they are, or hide a field of its own."""

LONG = {
    "attribute": ("a" * 129, "a" * 120),
    "attribute, beyond ASCII": ("\u00fc\u4eee\U0001f9e5" * 15, "\u00fc\u4eee\U0001f9e5" * 10),
    "attribute, ASCII first": ("a" * 100 + "\u4eee" * 10, "a" * 100 + "\u4eee" * 5),
    "attribute of 128": ("b" * 128, "b" * 128),
    "attribute of 96, beyond ASCII": ("\u4eee" * 32, "\u4eee" * 32),
    "attribute, with lines": ("c\n" * 200, "c\n" * 60),
}
"""Names of attributes, and what the store keeps of them."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all tests here: what ends it ends it for all."""
    programs: list[Program] = [VictoriaLogs(), Otelcol("collector", ("base", "privacy", "logs"))]
    with Stack(programs, data_dir=tmp_path_factory.mktemp("logs") / "stack") as running:
        yield running


def sent(stack: Stack, record: dict[str, Any], edit: Callable[[Any], object] | None = None) -> str:
    """Send one record of the service `shop`; return the trace that it is found by."""
    request = log([{"body": "found nothing", **record}])
    (written,) = request.resource_logs[0].scope_logs[0].log_records
    written.time_unix_nano = time.time_ns()
    written.trace_id = written.time_unix_nano.to_bytes(16, "big")
    written.span_id = b"spanspan"
    if edit is not None:
        edit(request)
    send(stack.address("collector.otlp_grpc"), request)
    return str(written.trace_id.hex())


def found(stack: Stack, trace_id: str) -> list[dict[str, Any]]:
    """The records of the service and a trace."""
    return logs.query(stack, f'{{service.name="shop"}} trace_id:="{trace_id}"')


def in_memory(stack: Stack) -> int:
    """How many records VictoriaLogs has not written to its disk yet."""
    with urllib.request.urlopen(stack.url("victorialogs.http", "/metrics"), timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        samples = [sample for family in families for sample in family.samples]
    kinds = {("vl_pending_rows", "storage"), ("vl_storage_rows", "storage/inmemory")}
    return int(sum(s.value for s in samples if (s.name, s.labels.get("type")) in kinds))


def test_no_record_ends_the_store(stack: Stack) -> None:
    """Each of them is stored, under its service and its trace; the process that took the first takes the last."""
    pid = stack.pid("victorialogs")
    traces = {name: sent(stack, record, edit) for name, (record, edit) in POISON.items()}
    assert_becomes(lambda: {name: len(found(stack, trace)) for name, trace in traces.items()}, dict.fromkeys(traces, 1))
    assert (stack.pid("victorialogs"), stack.is_alive("victorialogs")) == (pid, True)
    assert "panic" not in stack.log("victorialogs").read_text("utf-8")
    (renamed,) = found(stack, traces["names of the store's own fields"])
    assert (renamed["_msg"], renamed["span_id"]) == ("found nothing", b"spanspan".hex())
    own = [*(f"attribute.{name}" for name in ("_msg", "_time", "_stream", "span_id", "trace_id")), "resource.trace_id"]
    assert [renamed[name] for name in own] == ["mine"] * len(own)


def test_a_name_longer_than_the_store_keeps_is_cut(stack: Stack) -> None:
    """In a record, a resource or a scope: VictoriaLogs drops the record of a name above 128 bytes, without a report."""

    def named(request: Any) -> None:
        for name, _ in LONG.values():
            resource(f"r{name}", "its value")(request)
            scope = request.resource_logs[0].scope_logs[0].scope
            put(scope.attributes, f"s{name}", "its value")
        put(scope.attributes, "nested", {"n" * 128: 1})

    traces = [sent(stack, {"attributes": {name: "its value"}}) for name, _ in LONG.values()]
    assert_becomes(lambda: [len(found(stack, trace)) for trace in traces], [1] * len(traces))
    for trace, (_, kept) in zip(traces, LONG.values(), strict=True):
        assert found(stack, trace)[0].get(kept) == "its value"
    shared = sent(stack, {}, named)
    (record,) = eventually(lambda: found(stack, shared))
    assert len([name for name in record if name.startswith(("r", "scope.attributes.s"))]) == 2 * len(LONG)
    assert max(len(name.encode()) for name in record) <= 128
    assert record["scope.attributes.nested"] == json.dumps({"n" * 128: 1}, separators=(",", ":"))


def test_an_attribute_without_a_name_gets_one(stack: Stack) -> None:
    """VictoriaLogs takes an empty name for that of the body."""
    trace = sent(stack, {"attributes": {"": "no name"}}, resource("", "of the resource"))
    (record,) = eventually(lambda: found(stack, trace))
    assert record["_msg"] == "found nothing"
    assert (record["attribute."], record["resource."]) == ("no name", "of the resource")


def test_a_kill_takes_what_was_in_memory_and_no_more(stack: Stack) -> None:
    """What is on disk outlives it, and what comes while it is away waits in the Collector's queue."""
    kept = sent(stack, {"body": "before"})
    eventually(lambda: found(stack, kept))
    assert_becomes(lambda: in_memory(stack), 0)
    stack.kill("victorialogs")
    waiting = sent(stack, {"body": "while it was away"})
    stack.restart("victorialogs")
    assert [record["_msg"] for record in found(stack, kept)] == ["before"]
    (arrived,) = eventually(lambda: found(stack, waiting))
    assert arrived["_msg"] == "while it was away"
