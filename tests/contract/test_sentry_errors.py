"""Errors of a process in Sentry: each once, in its trace, without what is nobody's business."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sentry_stand_in import SentryStandIn, sentry_stand_in
from tests.unit.own_process import python

OFF: Any = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_SAMPLER": "always_off"}
SEARCH = """
class Gateway:
    @telemetry.endpoint("/search")
    def search(self, docs):
        secret_word = "local variable"
        with telemetry.stage("qdrant_search") as span:
            show(format(span.get_span_context().trace_id, "032x"))
            raise ValueError("no collection for " + docs[0])
"""


@pytest.fixture
def sentry() -> Iterator[SentryStandIn]:
    """Sentry's ingest; whatever it finds wrong with what came fails the test."""
    with sentry_stand_in() as sentry:
        yield sentry
        assert sentry.mistakes == []


def exception(event: dict[str, Any]) -> tuple[str, str]:
    (value,) = event["exception"]["values"]
    return value["type"], value["value"]


def test_an_error_arrives_once_and_in_its_trace(sentry: SentryStandIn) -> None:
    """However many spans an exception passes, one event leaves, with the ids of the innermost; sampled or not."""
    ended = python(
        SEARCH
        + """
telemetry.configure("gateway", version="1.2", sentry_dsn=sys.argv[1])
try:
    Gateway().search(["jacket"])
except ValueError:
    pass
        """,
        sentry.dsn,
        **OFF,
    )
    assert ended.status == 0, ended.err
    (event,) = sentry.events
    assert exception(event) == ("ValueError", "no collection for jacket")
    assert event["contexts"]["trace"]["trace_id"] == ended.shown[0]
    assert (event["release"], event["tags"]["service.name"]) == ("1.2", "gateway")


def test_errors_arrive_where_nothing_else_is_recorded(sentry: SentryStandIn) -> None:
    """Without spans and metrics, too: from an endpoint, in the caller's trace where there is one; from an rpc."""
    ended = python(
        """
import concurrent.futures, grpc, telemetry.rpc
telemetry.configure("gateway", sentry_dsn=sys.argv[1], traces_exporter="none", metrics="none")
telemetry.rpc.instrument_grpc()
@telemetry.endpoint("/search")
def search(docs):
    with telemetry.stage("qdrant_search"):
        raise ValueError("no collection")
for carrier in ({}, {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}):
    try:
        with telemetry.context.extract(carrier):
            search(["jacket"])
    except ValueError:
        pass
def fails(request, context):
    raise KeyError("shelf 7")
server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
handler = grpc.method_handlers_generic_handler("Shelves", {"Get": grpc.unary_unary_rpc_method_handler(fails)})
server.add_generic_rpc_handlers((handler,))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
logging.getLogger("grpc").disabled = logging.getLogger("grpc._server").disabled = True
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    try:
        channel.unary_unary("/Shelves/Get")(b"")
    except grpc.RpcError as error:
        show(error.code().name)
server.stop(None).wait()
        """,
        sentry.dsn,
    )
    assert (ended.status, ended.err, ended.shown) == (0, "", ["UNKNOWN"])
    assert [exception(event) for event in sentry.events] == [
        ("ValueError", "no collection"), ("ValueError", "no collection"), ("KeyError", "'shelf 7'"),
    ]  # fmt: skip
    assert sentry.events[1]["contexts"]["trace"]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_nothing_private_is_in_an_event(sentry: SentryStandIn) -> None:
    """No local variables, no breadcrumbs; secrets in messages, logs and arguments are scrubbed."""
    ended = python(
        SEARCH
        + """
telemetry.configure("gateway", sentry_dsn=sys.argv[1])
logging.getLogger("shop").warning("a breadcrumb")
try:
    Gateway().search(["for jane.doe@example.com"])
except ValueError:
    logging.getLogger("shop").error("mail to %s failed", "jane.doe@example.com", extra={"password": "hunter2"})
try:
    with telemetry.stage("ask"):
        raise OSError("no answer from https://shop.example/search?q=my+" + "ssenlli"[::-1])
except OSError:
    pass
        """,
        sentry.dsn,
        **OFF,
    )
    assert ended.status == 0, ended.err
    assert len(sentry.events) == 3
    text = json.dumps(sentry.events)
    for leak in ("jane.doe", "hunter2", "illness", "a breadcrumb", "local variable", '"vars"'):
        assert leak not in text.replace('secret_word = \\"local variable\\"', ""), leak
    assert "[redacted:email]" in text


def test_content_is_captured_by_consent(sentry: SentryStandIn) -> None:
    """`capture_content` adds local variables and what was logged before."""
    python(
        SEARCH
        + """
telemetry.configure("gateway", sentry_dsn=sys.argv[1], capture_content=True)
logging.getLogger("shop").warning("a breadcrumb")
try:
    Gateway().search(["jacket"])
except ValueError:
    pass
        """,
        sentry.dsn,
        **OFF,
    )
    (event,) = sentry.events
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert any("docs" in frame.get("vars", {}) for frame in frames)
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["a breadcrumb"]


def test_an_unhandled_error_and_a_logged_one_arrive(sentry: SentryStandIn) -> None:
    """What ends the process is captured, and so is what is logged at ERROR; our own and others' noise is not."""
    ended = python(
        """
telemetry.configure("gateway", sentry_dsn=sys.argv[1])
logging.getLogger("shop").error("sold out")
logging.getLogger("grpc").error("noise")
raise KeyError("unhandled")
        """,
        sentry.dsn,
        **OFF,
    )
    assert ended.status == 1
    logged, raised = sentry.events
    assert logged["logentry"]["formatted"] == "sold out"
    assert exception(raised)[0] == "KeyError"


def test_a_callers_mistake_is_not_an_error(sentry: SentryStandIn) -> None:
    """By the same rule as in spans and metrics: only what is the service's own fault arrives."""
    ended = python(
        """
import fastapi
telemetry.configure("gateway", sentry_dsn=sys.argv[1], expected_errors=KeyError)
@telemetry.endpoint("/search", expected=IndexError)
def search(error):
    with telemetry.stage("look up"):
        raise error
for error in (fastapi.HTTPException(422), KeyError("q"), IndexError("q"), fastapi.HTTPException(503)):
    try:
        search(error)
    except Exception:
        pass
        """,
        sentry.dsn,
        **OFF,
    )
    assert ended.status == 0, ended.err
    assert [exception(event) for event in sentry.events] == [("HTTPException", "Service Unavailable")]


def test_a_cancelled_request_is_not_an_error(sentry: SentryStandIn) -> None:
    """A caller who leaves is not a fault of the service."""
    ended = python(
        """
import asyncio
telemetry.configure("gateway", sentry_dsn=sys.argv[1])
@telemetry.endpoint("/search")
async def search(docs):
    await asyncio.sleep(60)
async def main():
    task = asyncio.create_task(search(["x"]))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
asyncio.run(main())
        """,
        sentry.dsn,
        **OFF,
    )
    assert (ended.status, sentry.events) == (0, [])


def test_propagation_stays_as_it_is(sentry: SentryStandIn) -> None:
    """W3C headers are injected, and none of Sentry's."""
    ended = python(
        """
from opentelemetry import propagate
telemetry.configure("gateway", sentry_dsn=sys.argv[1])
with telemetry.stage("call"):
    carrier = {}
    propagate.inject(carrier)
    show(sorted(carrier))
        """,
        sentry.dsn,
        OTEL_METRICS_EXPORTER="none",
    )
    assert ended.shown == [["traceparent"]]


def test_the_users_own_sentry_stays_theirs(sentry: SentryStandIn) -> None:
    """A client that the user set up keeps its settings; its events get the trace, and no second one is sent."""
    ended = python(
        SEARCH
        + """
import sentry_sdk
sentry_sdk.init(dsn=sys.argv[1], release="theirs", default_integrations=False)
telemetry.configure("gateway", sentry_dsn=sys.argv[1])
try:
    Gateway().search(["jacket"])
except ValueError:
    pass
with telemetry.stage("work") as span:
    show(format(span.get_span_context().trace_id, "032x"))
    sentry_sdk.capture_message("hello")
sentry_sdk.flush()
        """,
        sentry.dsn,
        **OFF,
    )
    assert ended.status == 0, ended.err
    (event,) = sentry.events
    assert (event["release"], event["message"]) == ("theirs", "hello")
    assert event["contexts"]["trace"]["trace_id"] == ended.shown[-1]


def test_an_absent_sentry_costs_the_exit_nothing() -> None:
    """With nobody listening, and with one who never answers, the process ends in time and prints nothing."""
    ended = python(
        """
import socket, time, atexit
silent = socket.create_server(("127.0.0.1", 0))
telemetry.configure("gateway", sentry_dsn=f"http://key@127.0.0.1:{silent.getsockname()[1]}/1")
began = time.monotonic()
for n in range(20):
    logging.getLogger("shop").error("sold out %s", n)
atexit.register(lambda: print("SHOWN", round(time.monotonic() - began), flush=True))
import telemetry.setup.configure
telemetry.setup.configure._Process.telemetry.exit()
show(time.monotonic() - began < 2)
        """,
        **OFF,
    )
    assert ended.status == 0, ended.err
    assert ended.shown[0] is True
    assert "Sentry is attempting" not in ended.err


@pytest.mark.parametrize(
    ("dsn", "wrong"),
    [
        ("sentry.io/1", "is not an http or https URL"),
        ("https://sentry.io/1", "has no public key"),
        ("https://key@sentry.io/shop", "does not end in a project number"),
        ("https://key@sentry.io:port/1", "has a port that is not a number"),
    ],
)
def test_a_wrong_dsn_is_reported(dsn: str, wrong: str) -> None:
    """The mistake is named, the key is not shown."""
    ended = python(
        """
try:
    telemetry.configure("gateway", sentry_dsn=sys.argv[1])
except telemetry.ConfigurationError as error:
    show(str(error))
        """,
        dsn,
    )
    assert wrong in ended.shown[0]
    assert "key@" not in ended.shown[0]


def test_without_the_package_the_hint_is_the_extra() -> None:
    """Without Sentry's SDK, the error states what to install."""
    ended = python(
        """
sys.modules["sentry_sdk"] = None
try:
    telemetry.configure("gateway", sentry_dsn="https://key@sentry.io/1")
except telemetry.TelemetryError as error:
    show(error.hint)
        """
    )
    assert ended.shown == ["pip install 'search-telemetry[sentry]'"]
