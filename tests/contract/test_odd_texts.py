"""Values that OTLP cannot spell: they arrive as well as they can, and cost nothing else."""

import pytest

from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python


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
logging.getLogger().addHandler(logging.NullHandler())
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


def test_odd_values_cost_no_metric_and_are_warned_of_once(collector: StandIn) -> None:
    """Of the user's own instruments and of ours, for as long as they hold; without a stack in the host's log."""
    ended = python(
        """
from opentelemetry import metrics
import io
log = io.StringIO()
logging.basicConfig(stream=log, force=True)
handle = telemetry.configure("x", endpoint=sys.argv[1], traces_exporter="none", span_interval=5.0)
with telemetry.stage("innocent"):
    pass
with telemetry.stage("broken \\ud83d"):
    telemetry.results(hits=2**70, scores=[0.5])
meter = metrics.get_meter("mine")
meter.create_gauge("up").set(True)
meter.create_gauge("large").set(2**80)
for _ in range(3):
    handle.flush(5)
handle.shutdown(10)
stats = handle.stats.metrics
show([stats.recorded == stats.exported, stats.lost, log.getvalue().count("Traceback"), log.getvalue().count("once")])
        """,
        collector.grpc,
    )
    assert ended.shown == [[True, 0, 0, 1]], ended.err
    stages = [attributes(point.attributes)["search.stage"] for point in collector.metric("search.stage.duration")]
    assert sorted(stages) == ["broken ?", "innocent"]
    assert [point.as_int for point in collector.metric("up")] == [1]
    assert [point.as_double for point in collector.metric("large")] == [float(2**80)]
    assert collector.metric("search.telemetry.repaired")[0].as_int >= 3


def test_an_odd_span_is_warned_of_once_without_a_stack(collector: StandIn) -> None:
    """OpenTelemetry's encoder would log one for each value."""
    ended = python(
        """
import io
log = io.StringIO()
logging.basicConfig(stream=log, force=True)
handle = telemetry.configure("x", endpoint=sys.argv[1], metrics="none")
for _ in range(3):
    with telemetry.stage("x", q="jacket \\ud83d", n=2**70):
        pass
    handle.flush(5)
show([handle.stats.exported, log.getvalue().count("Traceback"), log.getvalue().count("once")])
        """,
        collector.grpc,
    )
    assert ended.shown == [[3, 0, 1]], ended.err
    assert [attributes(span.attributes) for span, _ in collector.spans()] == [{"q": "jacket ?", "n": str(2**70)}] * 3
