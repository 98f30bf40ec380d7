"""Nothing is lost unseen with the real Collector: sent, served, measured, stored, sampled out and dropped add up."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from collector.stack.profiles import PROFILES
from collector.stack.stack import Stack
from demo_flow.span_counts import read_span_counts
from tests.stack import jaeger, prometheus
from tests.stack.asking import assert_becomes, eventually
from tests.stack.pamazon import SEARCH, pamazon
from tests.stack.test_stack_sampling import decisions

RATE, SECONDS = 40, 6
SENT = RATE * SECONDS
MEASURED = 'search_request_duration_seconds_count{job="pamazon/gateway",search_operation="search"}'
SERVED = f'traces_span_metrics_calls_total{{service_name="gateway",span_name="{SEARCH}",span_kind="SPAN_KIND_SERVER"}}'
GATEWAYS = [
    one for one in PROFILES["gateways"] if one.name in {"jaeger", "prometheus", "gateway-1", "gateway-2", "agent"}
]

pytestmark = pytest.mark.slow


def searched(
    folder: Path, otlp: str, environment: Mapping[str, str], meanwhile: Callable[[], None] = lambda: None
) -> tuple[dict[str, Any], int]:
    """Let Pamazon, with an empty index, be searched and end, and check the counts of each process.

    Returned: the client's report, and the spans that all four processes recorded.
    """
    with pamazon(folder, otlp, environment) as shop:
        report = shop.load(RATE, SECONDS, meanwhile)
    assert (report["sent"], report["errors"]) == (SENT, {})
    counts = [*read_span_counts(folder / "logs"), report["telemetry"]]
    assert len(counts) == 4, "client and three roles report how their telemetry ended"
    for one in counts:
        assert one["recorded"] == one["exported"] + sum(one["dropped"].values())
    return report, sum(one["recorded"] for one in counts)


@pytest.mark.parametrize(
    ("sampler", "least", "most"),
    [
        ({"OTEL_TRACES_SAMPLER": "always_on"}, SENT, SENT),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, 1, SENT // 3),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, 0, 0),
    ],
    ids=["100 %", "10 %", "0 %"],
)
def test_the_counts_add_up(tmp_path: Path, sampler: Mapping[str, str], least: int, most: int) -> None:
    """Searches sent = count of the duration metric; sampled ones = roots stored + drops counted = SERVER spans.

    Metrics count every search and the metrics of spans the sampled ones, so their difference is what the sampler left
    out, and Prometheus shows it.
    """
    with Stack("minimal", data_dir=tmp_path / "stack") as stack:
        report, _ = searched(tmp_path, stack.address("collector.otlp_grpc"), sampler)
        recorded, dropped = report["telemetry"]["recorded"], sum(report["telemetry"]["dropped"].values())
        assert least <= recorded <= most
        assert_becomes(lambda: prometheus.total(stack, MEASURED), SENT)
        assert_becomes(lambda: jaeger.roots(stack, SEARCH, "pamazon", "client", limit=2 * SENT) + dropped, recorded)
        assert_becomes(lambda: jaeger.roots(stack, SEARCH, "gateway", "server", limit=2 * SENT), recorded)
        left_out = f"sum({MEASURED}) - (sum({SERVED}) or vector(0))"
        assert_becomes(lambda: [value for _, value in prometheus.query(stack, left_out)], [SENT - recorded])
        assert prometheus.total(stack, "search_telemetry_dropped_total") == 0


def test_the_counts_add_up_with_tail_sampling(tmp_path: Path) -> None:
    """Every search is measured, and counted as a SERVER span; roots in Jaeger + counted as sampled out = traces made.

    The traces of the forward passes stand in the sum, and all are kept; of the searches, none of which is slow here, a
    share is.
    """
    keeping = {"OTELCOL_KEEP_PERCENT": "10", "OTELCOL_SLOW_MS": "60000"}
    with Stack(GATEWAYS, data_dir=tmp_path / "stack", environment=keeping) as stack:
        report, spans = searched(tmp_path, stack.address("agent.otlp_grpc"), {})
        assert (report["telemetry"]["recorded"], report["telemetry"]["dropped"]) == (SENT, {})
        assert_becomes(lambda: prometheus.total(stack, MEASURED), SENT)
        assert_becomes(lambda: prometheus.total(stack, SERVED), SENT)
        assert_becomes(lambda: prometheus.total(stack, "traces_span_metrics_calls_total"), spans)
        batches = int(prometheus.total(stack, 'traces_span_metrics_calls_total{span_name="batch"}'))
        assert_becomes(lambda: sum(decisions(stack).values()), SENT + batches)
        searches = SENT - decisions(stack)["not_sampled"]
        assert 0 < searches < SENT / 3
        assert_becomes(lambda: jaeger.roots(stack, SEARCH, "pamazon", "client", limit=2 * SENT), searches)
        assert_becomes(lambda: jaeger.roots(stack, "batch", "clip_encoder", "internal", limit=2 * SENT), batches)
        assert jaeger.roots(stack, SEARCH, "gateway", "server", limit=2 * SENT) == searches, "kept traces are whole"


def test_the_counts_add_up_after_a_kill(tmp_path: Path) -> None:
    """Kill -9 of the Collector while Pamazon is searched: every search succeeds and is measured, none is lost unseen.

    A root span is stored, or counted as dropped; one whose acknowledgement was lost may be both.
    """
    with Stack("minimal", data_dir=tmp_path / "stack") as stack:

        def stored() -> int:
            return jaeger.roots(stack, SEARCH, "pamazon", "client", limit=2 * SENT)

        def kill() -> None:
            eventually(lambda: stored() > SENT // 4)
            stack.kill("collector")
            stack.restart("collector")

        report, _ = searched(tmp_path, stack.address("collector.otlp_grpc"), {}, kill)
        exported, dropped = report["telemetry"]["exported"], sum(report["telemetry"]["dropped"].values())
        assert exported + dropped == SENT
        assert_becomes(lambda: prometheus.total(stack, MEASURED), SENT)
        assert_becomes(lambda: exported <= stored() <= exported + dropped, True)
