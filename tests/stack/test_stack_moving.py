"""From the local collector to the real one: the same program, and at most another address."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from collector.stack.stack import Stack
from demo_flow.demo import Collector, free_address
from demo_flow.processes import Processes
from tests.pamazon_fixtures import ANYWHERE, Trace
from tests.pamazon_trees import FAILED
from tests.pamazon_trees import SEARCH as TREE
from tests.stack import jaeger, prometheus
from tests.stack.asking import assert_becomes, eventually
from tests.stack.pamazon import index_a_little, pamazon, whole

OWN = {"search.batch.queue_wait", "search.batch.share", "server.port", "exception.stacktrace", "service.instance.id"}
"""Attributes that two runs do not share: times, ports, line numbers, who it was."""
ADDED = "search.transit.duration"
"""An attribute that the local collector alone adds, in its answers."""

COUNTS = {
    "search.request.duration": "search_request_duration_seconds_count",
    "search.stage.duration": "search_stage_duration_seconds_count",
    "search.documents": "search_documents_total",
    "search.results": "search_results_count",
    "rpc.server.call.duration": "rpc_server_call_duration_seconds_count",
    "rpc.client.call.duration": "rpc_client_call_duration_seconds_count",
}
"""Metrics, by their names here and there."""

Values = dict[tuple[str, ...], float]


@dataclass(frozen=True)
class World:
    """A collector, local or real: where it listens, and what it knows of the program's traces and metrics."""

    otlp: str
    trace: Callable[[str], Trace | None]
    counts: Callable[[str], Values]


@contextmanager
def local(folder: Path) -> Iterator[World]:
    """The local collector, and its API."""
    collector = Collector(otlp=free_address(), api=free_address(), http=ANYWHERE, store=folder / "telemetry.duckdb")

    def ask(path: str) -> Any:
        return httpx.get(f"http://{collector.api}/api/{path}", timeout=20).json()

    def trace(trace_id: str) -> Trace | None:
        answer = ask(f"traces/{trace_id}?wait=10s")
        return Trace(answer) if answer.get("complete") else None

    def counts(metric: str) -> Values:
        found: Values = defaultdict(float)
        for series in ask(f"metrics/{metric}")["series"]:
            point = series["points"][-1]
            value = point["value"] if point["count"] is None else point["count"]
            found[_key(series["service"], series["attributes"])] += float(value)
        return found

    with Processes(folder / "collector") as processes:
        collector.await_ready(processes.start_other("collector", collector.command()))
        yield World(collector.otlp, trace, counts)


@contextmanager
def real(folder: Path) -> Iterator[World]:
    """The real Collector, and the APIs of Jaeger and Prometheus."""

    def counts(metric: str) -> Values:
        found: Values = defaultdict(float)
        for labels, value in prometheus.query(stack, COUNTS[metric]):
            found[_key(labels["job"].removeprefix("pamazon/"), labels)] += value
        return found

    with Stack("minimal", data_dir=folder / "stack") as stack:
        yield World(stack.address("collector.otlp_grpc"), lambda trace_id: jaeger.trace(stack, trace_id), counts)


def run(world: World, folder: Path) -> list[Trace]:
    """The program: goods indexed, a search that finds some, a search that fails. The traces of the searches."""
    with pamazon(folder, world.otlp) as shop:
        index_a_little(shop)
        searched = {shop.search("black jacket", "--limit", "5"): TREE, shop.fail(): FAILED}
    return [_await(world, trace_id, tree) for trace_id, tree in searched.items()]


def _await(world: World, trace_id: str, tree: str) -> Trace:
    found: Trace = eventually(lambda: whole(world.trace(trace_id), tree))
    return found


def _key(service: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """A series by its service and the attributes that stand in both worlds, under either spelling."""
    names = ("search.operation", "search.stage", "search.outcome", "error.type", "rpc.method")
    return service, *(str(attributes.get(name, attributes.get(name.replace(".", "_"), ""))) for name in names)


def comparable(trace: Trace) -> list[tuple[Any, ...]]:
    """Everything that a trace has, in tree order, without what belongs to the run."""
    names = {span["span_id"]: span["name"] for span in trace.spans}
    return [
        (
            span["name"], span["kind"], span["service"], names.get(span["parent_span_id"]), span["status"],
            _anyones(span["status_message"]), _shared(span["attributes"]), _shared(span["resource"]),
            [(event["name"], _shared(event["attributes"])) for event in span["events"]], len(span["links"]),
        )
        for span in trace.spans
    ]  # fmt: skip


def _shared(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: type(value).__name__ if name in OWN else _anyones(value)
        for name, value in sorted(attributes.items())
        if name != ADDED
    }


def _anyones(value: Any) -> Any:
    return re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", value) if isinstance(value, str) else value


@pytest.mark.slow
def test_the_same_program_gives_the_same_traces_and_metrics(home: Path, tmp_path: Path) -> None:
    """Run against the local collector and against the real one; it is given nothing but the address.

    Compared are whole trees with attributes, resources and statuses, and the counts of every series, by the APIs.
    """
    with local(tmp_path / "local") as world:
        expected = [comparable(trace) for trace in run(world, tmp_path / "local")]
        counts = {metric: world.counts(metric) for metric in COUNTS}
    with real(tmp_path / "real") as world:
        assert [comparable(trace) for trace in run(world, tmp_path / "real")] == expected
        for metric, values in counts.items():
            assert sum(values.values()) > 0, f"{metric} is all zero"
            assert_becomes(partial(world.counts, metric), values)
