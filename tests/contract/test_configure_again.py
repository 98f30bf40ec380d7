"""Where telemetry would be dead without a report: it works anyway, or one warning has the reason and the fix."""

import pytest

from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python

SHUT_DOWN = (
    "spans are recorded but lost: telemetry was shut down; call telemetry.configure() to start it again (logged once)\n"
)
CELL = """
@telemetry.endpoint("/search")
def search(docs):
    logging.getLogger("shop").error("sold out")
logging.getLogger("shop").addHandler(logging.NullHandler())
"""


def test_a_notebooks_cell_that_runs_twice_exports_twice(collector: StandIn) -> None:
    """`configure`, work, `shutdown`, again and again: all signals of every run arrive, and the counts go on."""
    ended = python(
        f"""
{CELL}
for run in range(3):
    handle = telemetry.configure("notebook", logs="otlp")
    search([1])
    show([handle.flush(), handle.shutdown()])
search([1])
search([1])
show([handle.stats.spans.exported, handle.stats.logs.exported, handle.stats.dropped["after_shutdown"]])
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, SHUT_DOWN)
    assert ended.shown == [[True, True]] * 3 + [[3, 3, 2]]
    assert [span.name for span, _ in collector.spans()] == ["/search"] * 3
    assert len(collector.logs()) == 3
    assert [point.count for point in collector.metric("search.request.duration")] == [3]


def test_pulled_metrics_are_served_again_after_a_shutdown() -> None:
    """Their port is there while telemetry runs, and not in between."""
    ended = python(
        """
import urllib.request
for run in range(2):
    handle = telemetry.configure("notebook", metrics="prometheus", prometheus_port=0, traces_exporter="none")
    with telemetry.stage("work"):
        pass
    text = urllib.request.urlopen(f"http://{telemetry.prometheus.address()}/metrics").read().decode()
    name = "search_stage_duration_seconds_count"
    show([line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name)])
    handle.shutdown()
    show(telemetry.prometheus.address())
        """,
        before="import telemetry.prometheus\n",
    )
    assert (ended.status, ended.err) == (0, "")
    assert [float(shown[0]) if shown else None for shown in ended.shown] == [1, None, 2, None]


def test_what_ends_with_the_process_after_a_shutdown_is_not_reported(collector: StandIn) -> None:
    """Threads, pools and exit handlers that Python waits for are counted, and nothing is reported of them."""
    ended = python(
        """
import atexit, concurrent.futures, threading
handle = telemetry.configure("x", metrics="none")
last = threading.Event()
def work():
    with telemetry.stage("late"):
        last.wait(10)
def at_the_end():
    with telemetry.stage("later"):
        pass
    show(handle.stats.dropped["after_shutdown"])
atexit.register(at_the_end)
threading.Thread(target=work).start()
pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(work)
handle.shutdown()
threading._register_atexit(last.set)  # as pools have it: before the threads are waited for
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", [3])


def test_a_provider_that_somebody_else_shuts_down_is_warned_of_once(collector: StandIn) -> None:
    """As a framework may at the end of its client: what is lost then is logged, and `configure` starts again."""
    ended = python(
        f"""
from opentelemetry import trace
{CELL}
handle = telemetry.configure("x", metrics="none")
search([1])
trace.get_tracer_provider().shutdown()
search([1])
search([1])
telemetry.configure()
search([1])
handle.shutdown()
show([handle.stats.exported, handle.stats.dropped["after_shutdown"]])
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.shown) == (0, [[2, 2]])
    assert ended.err == (
        "spans are recorded but lost: other code has shut down OpenTelemetry's provider; call "
        "telemetry.configure() afterwards to start it again (logged once)\n"
    )


@pytest.mark.parametrize(
    ("api", "sdk", "kind", "message"),
    [
        ("trace", "trace", "Tracer", "spans are not exported: OpenTelemetry already has a TracerProvider, without a"),
        (
            "metrics",
            "metrics",
            "Meter",
            "metrics are not exported: OpenTelemetry already has a MeterProvider, without a",
        ),
        (
            "_logs",
            "_logs",
            "Logger",
            "logs are not exported: OpenTelemetry already has a LoggerProvider, without a log",
        ),
    ],
)
def test_an_adopted_provider_that_hands_nothing_on_is_warned_of(
    collector: StandIn, api: str, sdk: str, kind: str, message: str
) -> None:
    """One line names it, and both ways out."""
    ended = python(
        f"""
import opentelemetry.{api}, opentelemetry.sdk.{sdk}
provider = opentelemetry.sdk.{sdk}.{kind}Provider(shutdown_on_exit=False)
opentelemetry.{api}.set_{kind.lower()}_provider(provider)
telemetry.configure("x", logs="otlp")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err.count("\n")) == (0, 1)
    assert ended.err.startswith(message)
    assert "add one to it, or call telemetry.configure before it is set" in ended.err


NO_OPS = """
from opentelemetry import _logs, metrics, trace
trace.set_tracer_provider(trace.NoOpTracerProvider())
metrics.set_meter_provider(metrics.NoOpMeterProvider())
_logs.set_logger_provider(_logs.NoOpLoggerProvider())
"""
ENDED = """
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk import _logs as sdk_logs, metrics as sdk_metrics, trace as sdk_trace
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
logging.getLogger("opentelemetry").setLevel("ERROR")  # the SDK has a word of its own for metrics
traces = sdk_trace.TracerProvider(shutdown_on_exit=False)
traces.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
trace.set_tracer_provider(traces)
metrics.set_meter_provider(sdk_metrics.MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False))
logs = sdk_logs.LoggerProvider(shutdown_on_exit=False)
logs.add_log_record_processor(BatchLogRecordProcessor(InMemoryLogRecordExporter()))
_logs.set_logger_provider(logs)
for provider in (traces, metrics.get_meter_provider(), logs):
    provider.shutdown()
"""


@pytest.mark.parametrize(
    ("code", "prefix", "why", "hint"),
    [
        (NO_OPS, "NoOp", "which records nothing", "set another one"),
        (ENDED, "", "which was shut down", "do not shut it down before the end"),
    ],
)
def test_an_adopted_provider_that_records_nothing_or_was_shut_down_is_warned_of(
    code: str, prefix: str, why: str, hint: str
) -> None:
    """One line for each signal that is wanted, and both ways out."""
    ended = python(f'{code}\ntelemetry.configure("x", logs="otlp")')
    assert ended.status == 0
    assert ended.err.splitlines() == [
        f"{name} are not exported: OpenTelemetry already has a {prefix}{kind}Provider, {why}, and an existing provider "
        f"is used as it is; {hint}, or call telemetry.configure before it is set (OTEL_PYTHON_{kind.upper()}_PROVIDER "
        "sets one, too)"
        for name, kind in (("metrics", "Meter"), ("spans", "Tracer"), ("logs", "Logger"))
    ]
    off = python(f'{code}\ntelemetry.configure("x", traces_exporter="none", metrics="none")')
    assert (off.status, off.err) == (0, "")


def test_a_provider_without_a_processor_for_a_signal_that_is_off_is_not_reported() -> None:
    """As `opentelemetry-instrument --traces_exporter none` sets it."""
    ended = python(
        """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
telemetry.configure("x", metrics="none")
        """,
        OTEL_TRACES_EXPORTER="none",
    )
    assert (ended.status, ended.err) == (0, "")


RECONFIGURED = {
    "dictConfig": """logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO", "handlers": ["h"]},
        "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
        "formatters": {"f": {"format": "%(message)s"}}})""",
    "fileConfig": """logging.config.fileConfig(io.StringIO("[loggers]\\nkeys=root\\n[handlers]\\nkeys=h\\n"
        "[formatters]\\nkeys=f\\n[logger_root]\\nlevel=INFO\\nhandlers=h\\n[handler_h]\\nclass=StreamHandler\\n"
        "args=()\\nformatter=f\\n[formatter_f]\\nformat=%(message)s\\n"), disable_existing_loggers=False)""",
    "basicConfig": "logging.basicConfig(format='%(message)s')",
    "basicConfig, forced": "logging.basicConfig(format='%(message)s', force=True)",
    "removed one by one": """[logging.root.removeHandler(one) for one in list(logging.root.handlers)]
logging.root.addHandler(logging.StreamHandler())""",
    "replaced, as Celery does": "logging.root.handlers = [logging.StreamHandler()]",
}


@pytest.mark.parametrize("how", RECONFIGURED)
def test_a_logging_configuration_after_configure_takes_nothing_from_the_export(collector: StandIn, how: str) -> None:
    """The program's own handlers are as it set them, and what it logs is exported, once."""
    ended = python(
        f"""
import io, logging.config
telemetry.configure("l", logs="otlp")
{RECONFIGURED[how]}
logging.getLogger("app").warning("slow disk")
apart = logging.getLogger("apart")
apart.propagate = False
apart.addHandler(logging.NullHandler())
apart.warning("not for the root logger")
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "slow disk\n")
    assert [record.body.string_value for record in collector.logs()] == ["slow disk"]
