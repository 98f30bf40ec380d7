"""PromQL on the store against the real Collector and the real Prometheus: the same series, the same answers."""

import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from duckdb import DuckDBPyConnection
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from benchmarks.day_of_data import PART
from collector.local import promql
from collector.local.decode.metrics import decode_metrics
from collector.local.promql.matching import Matcher
from collector.local.promql.reading import Reader
from collector.local.promql.vectors import NAME
from collector.local.store.store import Store
from collector.stack import cache
from collector.stack.programs.otelcol import Otelcol
from collector.stack.stack import Stack
from dashboards.alerts.inlining import inlined
from dashboards.rendering.desk import program_of
from tests.stack.asked_boards import QUERIES, filled
from tests.stack.backfilled import Backfilled
from tests.stack.made_metrics import EVERY, EXPORTS, exports
from tests.stack.otelcol_raw import send

END: Final = int(time.time()) // PART * PART
BEGIN: Final = END - EVERY * EXPORTS
EVERYTHING: Final = Matcher(NAME, ".+", regular=True, negated=False)
MORE: Final = (
    "quantile by (job) (0.3, search_queue_length)",
    "topk(3, sum by (search_stage) (rate(search_stage_duration_seconds_sum[2m])))",
    "stddev(search_queue_length) % 2 ^ 2 - -1",
    "avg_over_time(search_queue_length[3m]) == bool 2",
    "sum by (job) (changes(search_queue_length[5m])) + sum by (job) (resets(search_results_empty_total[6m]))",
    "irate(search_results_empty_total[1m]) unless on (job) search_queue_length > 3",
    "min_over_time(sum(search_queue_length)[5m:40s]) / group(search_queue_length)",
    "delta(search_index_points[2m]) or idelta(search_index_points[2m])",
    'label_replace(search_index_points, "half", "$1-$2", "instance", "(\\\\w+)-(.)")',
    "count_over_time(search_index_points[61s]) + ignoring (host_name) group_left () (0 * search_index_points + 1)",
)
"""What our boards do not use, and somebody may."""


def stored(requests: Iterator[ExportMetricsServiceRequest]) -> Store:
    """A store in memory with exports."""
    store = Store.open(None)
    decoded = [decode_metrics(request) for request in requests]
    assert not any(each.rejected for each in decoded)
    store.write(decoded, [str(number) for number in range(len(decoded))], time.time_ns())
    return store


@pytest.fixture(scope="module")
def connection() -> Iterator[DuckDBPyConnection]:
    store = stored(exports(BEGIN))
    with closing(store.reader()) as connection:
        yield connection
    store.close()


@pytest.fixture(scope="module")
def prometheus(connection: DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that has the same samples as the store."""
    folder = tmp_path_factory.mktemp("promql")
    text = folder / "samples.txt"
    reader = Reader(connection, [(0, (END + 60) * 1000)], [[EVERYTHING]])
    with text.open("w", encoding="utf-8") as file:
        for samples in reader.select([EVERYTHING]):
            for labels, values in zip(samples.labels, samples.values, strict=True):
                pairs = ",".join(f'{name}="{value}"' for name, value in labels.items() if name != NAME)
                file.writelines(
                    f"{labels[NAME]}{{{pairs}}} {value!r} {at / 1000}\n"
                    for at, value in zip(samples.times.tolist(), values.tolist(), strict=True)
                )
        file.write("# EOF\n")
    (folder / "prometheus").mkdir()
    series = folder / "prometheus" / "series"
    command = [str(cache.binary("promtool")), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    subprocess.run([*command, str(text), str(series)], check=True, capture_output=True)
    with (
        Stack([Backfilled()], data_dir=folder) as stack,
        httpx.Client(base_url=stack.url("prometheus.web"), timeout=30) as client,
    ):
        yield client


def points(result: list[dict[str, Any]]) -> dict[tuple[Any, ...], float]:
    """Each value of an answer, by the labels of its series and its time."""
    return {
        (*sorted(each["metric"].items()), at): float(value)
        for each in result
        for at, value in (each["values"] if "values" in each else [each["value"]])
    }


def compared(connection: DuckDBPyConnection, prometheus: httpx.Client, query: str) -> int:
    """Compare both answers, of a time and of a range; return how many values they have."""
    asked = {"query": query, "start": BEGIN + 300, "end": END - 10, "step": 45}
    theirs = prometheus.post("/api/v1/query_range", data=asked).json()
    assert theirs["status"] == "success", theirs
    ours = promql.over_range(connection, query, (BEGIN + 300) * 1000, (END - 10) * 1000, 45_000)
    over_range = points(ours["result"])
    assert over_range == pytest.approx(points(theirs["data"]["result"]), rel=1e-6, abs=1e-9, nan_ok=True), query
    theirs = prometheus.post("/api/v1/query", data={"query": query, "time": END - 70}).json()
    ours = promql.instant(connection, query, (END - 70) * 1000)
    now = points(ours["result"])
    assert now == pytest.approx(points(theirs["data"]["result"]), rel=1e-6, abs=1e-9, nan_ok=True), query
    return len(over_range) + len(now)


def test_every_query_of_the_boards_is_answered_as_prometheus_answers(
    connection: DuckDBPyConnection, prometheus: httpx.Client
) -> None:
    """With recorded series inlined, as the desk asks; what compares with an hour before compares with five minutes."""
    counted = {}
    for name, (board, _, query) in QUERIES.items():
        if not program_of([query.expr]):
            expr = filled(inlined(query.expr), board, interval="1m", shown="15m").replace("offset 1h", "offset 5m")
            expr = re.sub(
                r"\[\d[dh]:30s\]", "[15m:30s]", expr
            )  # of the recorded series; longer ones have no more samples
            counted[name] = compared(connection, prometheus, expr)
    empty = {name for name, number in counted.items() if not number}
    assert len(counted) > 100
    assert len(empty) < 5, empty


def test_more_of_promql_is_answered_as_prometheus_answers(
    connection: DuckDBPyConnection, prometheus: httpx.Client
) -> None:
    for query in MORE:
        assert compared(connection, prometheus, query) > 0, query


def test_series_have_the_names_and_labels_that_the_collector_gives_them(tmp_path: Path) -> None:
    """One export of each process, by our Collector's exporter and by the store."""
    requests = list(exports(int(time.time()), 1))
    store = stored(iter(requests))
    with closing(store.reader()) as connection:
        reader = Reader(connection, [(0, 2**42)], [[EVERYTHING]])
        ours = {
            tuple(sorted(labels.items())): value
            for samples in reader.select([EVERYTHING])
            for labels, (value, *_) in zip(samples.labels, samples.values.tolist(), strict=True)
        }
    store.close()
    with Stack([Otelcol("collector", ("base", "privacy", "prometheus"))], data_dir=tmp_path, environment={}) as stack:
        for request in requests:
            send(stack.address("collector.otlp_grpc"), request)
        page = f"http://{stack.address('collector.scrape')}/metrics"
        asked = urllib.request.Request(page, headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))  # type: ignore[no-untyped-call]
    theirs = {
        tuple(sorted({**{k: v for k, v in sample.labels.items() if v}, NAME: sample.name}.items())): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs)
