"""`configure` once, with providers of the user's, switched off, and with mistakes."""

from pathlib import Path

import pytest

from tests.contract.test_configure import SEARCHES
from tests.otlp_stand_in import StandIn
from tests.unit.own_process import python


class TestOnce:
    def test_a_second_call_returns_the_same(self) -> None:
        """Other arguments are warned of, once; no arguments ask for what there is."""
        ended = python(
            """
first = telemetry.configure("x", endpoint="http://127.0.0.1:9", traces_exporter="none", metrics="none")
show([telemetry.configure() is first, telemetry.configure("y") is first, telemetry.configure("z") is first])
            """
        )
        assert ended.shown == [[True, True, True]]
        assert ended.err == (
            "telemetry is configured already; the other arguments of this second configure() are ignored\n"
        )

    def test_providers_of_the_user_are_used_as_they_are(self, collector: StandIn) -> None:
        """Spans and metrics go to the user's providers, which get no exporter, no flush and no shutdown of ours."""
        ended = python(
            f"""
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Theirs(SpanProcessor):
    calls = []
    def on_end(self, span):
        self.calls.append(span.name)
    def force_flush(self, timeout_millis=0):
        self.calls.append("flushed")
        return True
    def shutdown(self):
        self.calls.append("shut down")

provider = TracerProvider(resource=Resource({{"service.name": "theirs"}}), shutdown_on_exit=False)
provider.add_span_processor(Theirs())
trace.set_tracer_provider(provider)
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
handle = telemetry.configure("ours", endpoint=sys.argv[2])
{SEARCHES}
show([handle.flush(), handle.shutdown(), handle.stats.owned, handle.stats.logs.owned])
show([Theirs.calls, trace.get_tracer_provider() is provider, len(provider._active_span_processor._span_processors)])
found = [m for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics]
show([len(point.explicit_bounds) for m in found if m.name == "search.request.duration" for point in m.data.data_points])
            """,
            "1",
            collector.grpc,
        )
        assert ended.shown == [[True, True, False, True], [["qdrant_search", "/search"], True, 1], [17]]
        assert collector.requests == []

    def test_a_provider_without_configure_is_enough(self) -> None:
        """Whoever sets up OpenTelemetry alone needs no `configure`, at any time before or after the import."""
        ended = python(
            f"""
{SEARCHES}
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

class Theirs(SpanProcessor):
    def on_end(self, span):
        show(span.name)

provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(Theirs())
trace.set_tracer_provider(provider)
search([1])
            """,
            "1",
        )
        assert ended.shown == ["qdrant_search", "/search"]


class TestOff:
    @pytest.mark.parametrize("how", ["never configured", "disabled"])
    def test_nothing_happens(self, collector: StandIn, how: str) -> None:
        """No thread, no export, no SDK: user code runs as if there were no telemetry."""
        ended = python(
            f"""
import threading
if sys.argv[2] == "disabled":
    handle = telemetry.configure("x")
    show([handle.flush(), handle.shutdown(), handle.stats.recorded])
{SEARCHES}
with telemetry.stage("x") as span:
    span.set_attribute("a", 1)
    show(span.is_recording())
show([threading.active_count(), "opentelemetry.sdk" in sys.modules, "grpc" in sys.modules])
            """,
            "1",
            how,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_SDK_DISABLED="true" if how == "disabled" else "",
        )
        assert ended.shown[-2:] == [False, [1, False, False]]
        assert (ended.status, ended.err, collector.requests) == (0, "", [])

    @pytest.mark.parametrize("how", ["never configured", "disabled"])
    def test_the_context_that_arrived_is_handed_on(self, how: str) -> None:
        """A gateway without telemetry breaks no trace: what its caller sent goes on to whom it calls, in both kinds."""
        ended = python(
            """
import asyncio, grpc, grpc.aio, telemetry.rpc as rpc
from concurrent.futures import ThreadPoolExecutor

if sys.argv[1] == "disabled":
    telemetry.configure("x", disabled=True)
sent = (("traceparent", f"00-{7:032x}-{8:016x}-01"), ("baggage", "search.operation=search"))
method = "/shop.Encoder/Encode"

def serving(server, handler):
    handlers = {"Encode": grpc.unary_unary_rpc_method_handler(handler)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Encoder", handlers),))
    return f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"

def show_headers(request, context):
    show(sorted([k, v] for k, v in context.invocation_metadata() if k in ("traceparent", "baggage")))
    return b""

last = grpc.server(ThreadPoolExecutor(2))
behind = serving(last, show_headers)
last.start()

def gateway(request, context):
    with grpc.insecure_channel(behind) as bare:
        channel = grpc.intercept_channel(bare, *rpc.client_interceptors())
        return channel.unary_unary(method)(request)

async def aio_gateway(request, context):
    async with grpc.aio.insecure_channel(behind, interceptors=rpc.aio_client_interceptors()) as channel:
        return await channel.unary_unary(method)(request)

first = grpc.server(ThreadPoolExecutor(2), interceptors=rpc.server_interceptors())
front = serving(first, gateway)
first.start()
with grpc.insecure_channel(front) as channel:
    channel.unary_unary(method)(b"", metadata=sent)
first.stop(None).wait()

async def main():
    server = grpc.aio.server(interceptors=rpc.aio_server_interceptors())
    front = serving(server, aio_gateway)
    await server.start()
    async with grpc.aio.insecure_channel(front) as channel:
        await channel.unary_unary(method)(b"", metadata=sent)
    await server.stop(None)

asyncio.run(main())
last.stop(None).wait()
            """,
            how,
        )
        headers = [["baggage", "search.operation=search"], ["traceparent", f"00-{7:032x}-{8:016x}-01"]]
        assert (ended.status, ended.err, ended.shown) == (0, "", [headers] * 2)

    def test_one_signal_alone(self, collector: StandIn) -> None:
        """`none` switches one signal off, and leaves the other."""
        python(
            f"telemetry.configure('x')\n{SEARCHES}",
            "4",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
            OTEL_TRACES_EXPORTER="none",
        )
        assert {signal for signal, _, _ in collector.requests} == {"metrics"}
        assert [point.count for point in collector.metric("search.request.duration")] == [4]


class TestMistakes:
    def test_all_are_reported_at_once_and_no_secret(self) -> None:
        """A wrong configuration ends the start with one text for all mistakes."""
        ended = python(
            "telemetry.configure('x', sampler_arg=7)",
            OTEL_TRACES_SAMPLER="sometimes",
            OTEL_EXPORTER_OTLP_HEADERS="tok3n-without-a-name",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="ftp://me:passw0rd@host:1",
        )
        assert ended.status == 1
        assert "4 settings are wrong:" in ended.err
        for name in ("sampler_arg=7 is", "OTEL_TRACES_SAMPLER=", "OTEL_EXPORTER_OTLP_HEADERS", "TRACES_ENDPOINT"):
            assert ended.err.count(name) == 1, name
        assert "tok3n" not in ended.err
        assert "passw0rd" not in ended.err

    def test_the_namesake_on_pypi_is_noticed(self, tmp_path: Path) -> None:
        """Another distribution that wants the same import name is warned of."""
        dist = tmp_path / "telemetry-2.0.8.dist-info"
        dist.mkdir()
        (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: telemetry\nVersion: 2.0.8\n")
        ended = python("telemetry.configure('x', disabled=True)", PYTHONPATH=str(tmp_path))
        assert "the package telemetry 2.0.8 is installed beside search-telemetry" in ended.err
