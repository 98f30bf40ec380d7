"""Texts that OTLP cannot spell: they arrive as well as they can, and cost nothing else."""

from collections.abc import Iterator

import pytest

from tests.otlp_stand_in import StandIn, stand_in
from tests.unit.own_process import python


@pytest.fixture
def collector() -> Iterator[StandIn]:
    """A collector."""
    with stand_in() as collector:
        yield collector


@pytest.mark.parametrize(
    "odd",
    [
        "stage(bad)",
        "stage('x', note=bad)",
        "stage('x', notes=['y', bad])",
        "stage('x') as span: span.add_event(bad, {'note': bad})\nif True",
        "stage('x') as span: span.set_status(trace.StatusCode.ERROR, bad)\nif True",
        "stage('x', number=2**70)",
    ],
)
def test_an_odd_text_costs_no_other_span(collector: StandIn, odd: str) -> None:
    """A lone surrogate, in whichever place, is a question mark; everything else arrives."""
    with_block = odd.replace("stage", "telemetry.stage", 1)
    ended = python(
        f"""
from opentelemetry import trace
bad = "file-\\udcff.txt"
handle = telemetry.configure("x", endpoint=sys.argv[1], metrics="none", logs="otlp", span_interval=5.0)
logging.lastResort = None
for _ in range(5):
    with telemetry.stage("innocent"):
        logging.getLogger("shop").warning("innocent")
with {with_block}:
    logging.getLogger("shop").warning(bad, extra={{"note": bad}})
handle.shutdown(10)
show([handle.stats.exported, handle.stats.logs.exported])
        """,
        collector.grpc,
    )
    assert ended.shown == [[6, 6]], ended.err
    assert len(collector.spans()) == 6
    assert [record.body.string_value for record in collector.logs()][-1] == "file-?.txt"
