"""What `configure` leaves to whoever needs it first: senders and the logs SDK, also where a process forks meanwhile."""

import pytest

from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python

LATER = {
    "asyncio", "email", "google.protobuf", "grpc", "h2", "http.client", "importlib.metadata", "multiprocessing",
    "opentelemetry.instrumentation.utils", "opentelemetry.sdk._logs", "opentelemetry.sdk.metrics", "ssl",
    "telemetry.otlp.connection", "urllib.request", "wrapt",
}  # fmt: skip
"""What is not loaded after `configure`."""
NEVER = LATER - {"h2", "telemetry.otlp.connection"}
"""What is not loaded either after something was sent over gRPC."""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_what_configure_does_not_load(protocol: str) -> None:
    """With all signals."""
    ended = python(
        f"""
telemetry.configure("x", protocol={protocol!r}, logs="otlp", endpoint="http://127.0.0.1:1")
show(sorted(sys.modules))
os._exit(0)
        """
    )
    assert LATER & set(ended.shown[0]) == set()


def test_what_sending_does_not_load(collector: StandIn) -> None:
    """Spans, log records and metrics over gRPC, without TLS and a proxy."""
    ended = python(
        """
handle = telemetry.configure("x", logs="otlp")
logging.getLogger("x").addHandler(logging.NullHandler())
with telemetry.stage("work"):
    logging.getLogger("x").warning("hello")
assert handle.flush(20)
show(sorted(sys.modules))
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (0, "")
    assert [record.body.string_value for record in collector.logs()] == ["hello"]
    assert NEVER & set(ended.shown[0]) == set()


@pytest.mark.parametrize(("protocol", "module"), [("grpc", "h2.connection"), ("http/protobuf", "ssl")])
def test_a_fork_waits_for_an_import(collector: StandIn, protocol: str, module: str) -> None:
    """The sender is imported when something is sent first; a child forked meanwhile exports all the same."""
    ended = python(
        f"""
import signal, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of a fork with threads from 3.12 on
begun = threading.Event()

class Slow:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            begun.set()
            time.sleep(0.3)

sys.meta_path.insert(0, Slow)
handle = telemetry.configure("x", metrics="none")
with telemetry.stage("parent"):
    pass
target = handle.pipelines["spans"].begin_flush()
assert begun.wait(20)
child = os.fork()
if not child:
    signal.alarm(30)
    with telemetry.stage("child"):
        pass
    os._exit(0 if handle.shutdown(20) and handle.stats.exported == 1 else 1)
assert os.waitpid(child, 0)[1] == 0
assert handle.shutdown(20)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc if protocol == "grpc" else collector.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
    )
    assert (ended.status, ended.err) == (0, "")
    assert sorted(span.name for span, _ in collector.spans()) == ["child", "parent"]


def test_an_interrupted_process_says_so_though_it_imports_at_its_end(collector: StandIn) -> None:
    """Python forgets that it was interrupted where a module is imported at the exit whose source is compiled."""
    ended = python(
        """
import signal
sys.excepthook = lambda *_: None
handle = telemetry.configure("x")
with telemetry.stage("work"):
    pass
raise KeyboardInterrupt
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
    )
    assert (ended.status, ended.err) == (-2, "")
    assert [span.name for span, _ in collector.spans()] == ["work"]


class TestLogs:
    def test_who_adds_a_processor_gets_all_records(self, collector: StandIn) -> None:
        """The provider is the SDK's for whoever asks; ours and those of other loggers arrive everywhere, once."""
        ended = python(
            """
from opentelemetry import _logs
handle = telemetry.configure("shop", logs="otlp")
log = logging.getLogger("shop")
log.addHandler(logging.NullHandler())
with telemetry.stage("work"):
    log.warning("before")
assert "opentelemetry.sdk._logs" not in sys.modules
theirs = _logs.get_logger("theirs", "1.2")

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
provider = _logs.get_logger_provider()
assert isinstance(provider, LoggerProvider)
got = []
class Got(LogRecordProcessor):
    def on_emit(self, log_record):
        scope, resource = log_record.instrumentation_scope, log_record.resource
        got.append((log_record.log_record.body, scope.name, resource.attributes["service.name"]))
    def shutdown(self): pass
    def force_flush(self, timeout_millis=0): return True
provider.add_log_record_processor(Got())
log.warning("after")
theirs.emit(body="from them", severity_number=_logs.SeverityNumber.INFO)
assert provider.force_flush()
assert handle.stats.logs.recorded == handle.stats.logs.exported == 3
provider.shutdown()
theirs.emit(body="too late")
assert handle.stats.logs.dropped["after_shutdown"] == 1
show(got)
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert ended.status == 0, ended.err
        assert ended.shown[0] == [
            ["after", "shop", "shop"],
            ["from them", "theirs", "shop"],
            ["too late", "theirs", "shop"],
        ]
        assert [record.body.string_value for record in collector.logs()] == ["before", "after", "from them"]

    def test_a_record_is_the_same_with_and_without_the_sdk(self, collector: StandIn) -> None:
        """Severity, attributes and what was lost of them, trace, scope."""
        ended = python(
            """
from opentelemetry import _logs
import warnings
warnings.simplefilter("ignore")
handle = telemetry.configure("shop", logs="otlp")
log = logging.getLogger("shop")
log.addHandler(logging.NullHandler())
def say():
    log.error("many", extra={f"key{n}": n for n in range(200)})
    log.warning("odd", extra={"deep": [1, ["x", None]], "": 1, "raw": b"x", "none": None})
with telemetry.stage("work"):
    for _ in range(2):
        say()
        handle.flush()
        _logs.get_logger("theirs").emit(body="loads the SDK")
handle.shutdown()
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert ended.status == 0, ended.err
        records = [record for record in collector.logs() if record.body.string_value != "loads the SDK"]
        for record in records:
            record.time_unix_nano = record.observed_time_unix_nano = 0
        assert len(records) == 4
        assert records[:2] == records[2:]
        assert records[0].dropped_attributes_count > 0
        scopes = {
            scope.scope.name
            for request in collector.got("logs")
            for of_resource in request.resource_logs
            for scope in of_resource.scope_logs
        }
        assert scopes == {"shop", "theirs"}

    def test_a_forked_child_is_another_instance(self, collector: StandIn) -> None:
        """Its records have the id of its spans."""
        ended = python(
            """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
handle = telemetry.configure("shop", logs="otlp", traces_exporter="none", metrics="none")
log = logging.getLogger("shop")
log.addHandler(logging.NullHandler())
log.warning("parent")
child = os.fork()
if not child:
    log.warning("child")
    os._exit(0 if handle.shutdown(20) else 1)
assert os.waitpid(child, 0)[1] == 0
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert (ended.status, ended.err) == (0, "")
        instances = [
            {attribute.key: attribute.value.string_value for attribute in of_resource.resource.attributes}[
                "service.instance.id"
            ]
            for request in collector.got("logs")
            for of_resource in request.resource_logs
        ]
        assert len(set(instances)) == 2
