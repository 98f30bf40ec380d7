"""`client_request`: what it sends, what it measures, and how the request ended."""

import asyncio
import concurrent.futures
from collections.abc import Callable

import grpc
import grpc.aio
import pytest
from opentelemetry import baggage
from opentelemetry import context as otel_context

import telemetry
from telemetry.rpc.calls.call import Call
from telemetry.rpc.calls.names import method_of
from telemetry.rpc.calls.outcome import CLIENT, Outcome
from telemetry.testing.metrics import Metrics
from telemetry.testing.spans import Spans

pytestmark = pytest.mark.usefixtures("regions")
DURATION = "search.client.duration"


def test_it_sets_what_request_sets_and_measures(spans: Spans, metrics: Metrics) -> None:
    """The baggage is there for whatever sends; no span is added."""
    with telemetry.client_request("/search", platform="linux", region="US"):
        assert dict(baggage.get_all()) == {
            "search.operation": "search",
            "client.platform": "linux",
            "client.region": "US",
        }
        spans.clock.advance(1.5)
    assert not baggage.get_all()
    assert metrics.series(DURATION) == [
        {"search.operation": "search", "client.platform": "linux", "client.region": "us", "search.outcome": "ok"}
    ]
    assert metrics.total(DURATION) == pytest.approx(1.5, abs=0.01)
    assert list(spans) == []


def test_values_that_nobody_gave_come_from_around_it_or_are_other(spans: Spans, metrics: Metrics) -> None:
    """As for `request`; what is not listed is `_other`, also where the code itself gives it."""
    with telemetry.request("/search", platform="ios"), telemetry.client_request(region="atlantis"):
        pass
    with telemetry.client_request():
        pass
    unknown = {"client.platform": "_other", "client.region": "_other", "search.outcome": "ok"}
    assert metrics.series(DURATION) == [
        unknown,
        {**unknown, "search.operation": "search", "client.platform": "ios"},
    ]


async def test_it_works_around_what_awaits(spans: Spans, metrics: Metrics) -> None:
    """Requests of many tasks do not see each other."""

    async def ask(number: int) -> object:
        with telemetry.client_request("/search", platform=("web", "ios")[number % 2]):
            await asyncio.sleep(0)
            return baggage.get_baggage("client.platform")

    assert await asyncio.gather(*(ask(number) for number in range(4))) == ["web", "ios", "web", "ios"]
    found = {series["client.platform"]: metrics.value(DURATION, series) for series in metrics.series(DURATION)}
    assert found == {"ios": 2, "web": 2}


def failed(status: grpc.StatusCode) -> BaseException:
    """What a stub of `grpc` raises: an error that is a call."""
    members = {**dict.fromkeys(grpc.Call.__abstractmethods__), "code": lambda _: status, "details": lambda _: "no"}  # type: ignore[attr-defined]
    made: BaseException = type("Failed", (grpc.RpcError, grpc.Call), members)()
    return made


def aio(status: grpc.StatusCode) -> BaseException:
    return grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(), "no", "")


@pytest.mark.parametrize("kind", [failed, aio])
@pytest.mark.parametrize(
    ("status", "outcome", "error"),
    [
        ("INVALID_ARGUMENT", "rejected", None),
        ("NOT_FOUND", "rejected", None),
        ("CANCELLED", "cancelled", None),
        ("UNAVAILABLE", "error", "UNAVAILABLE"),
        ("DEADLINE_EXCEEDED", "error", "DEADLINE_EXCEEDED"),
        ("RESOURCE_EXHAUSTED", "error", "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_failed_rpc_ends_by_its_status(
    metrics: Metrics, kind: Callable[[grpc.StatusCode], BaseException], status: str, outcome: str, error: str | None
) -> None:
    """Of `grpc` and `grpc.aio`; the exception passes unchanged."""
    raised = kind(grpc.StatusCode[status])
    with pytest.raises(type(raised)) as caught, telemetry.client_request("/search"):
        raise raised
    assert caught.value is raised
    (series,) = metrics.series(DURATION)
    assert (series["search.outcome"], series.get("error.type")) == (outcome, error)


@pytest.mark.parametrize(
    ("raised", "outcome", "error"),
    [
        (asyncio.CancelledError(), "cancelled", None),
        (concurrent.futures.CancelledError(), "cancelled", None),
        (grpc.FutureCancelledError(), "cancelled", None),
        (KeyboardInterrupt(), "cancelled", None),
        (TimeoutError(), "error", "TimeoutError"),
        (ConnectionRefusedError(), "error", "ConnectionRefusedError"),
        (grpc.RpcError("no code"), "error", "grpc.RpcError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_any_other_exception_ends_as_it_says(
    metrics: Metrics, raised: BaseException, outcome: str, error: str | None
) -> None:
    """A client that does not wait any more has cancelled; whatever else is an error."""
    with pytest.raises(type(raised)) as caught, telemetry.client_request("/search"):
        raise raised
    assert caught.value is raised
    (series,) = metrics.series(DURATION)
    assert (series["search.outcome"], series.get("error.type")) == (outcome, error)


def test_a_request_is_measured_once(spans: Spans, metrics: Metrics) -> None:
    """Not by a block inside another, nor by one inside an endpoint: there, the request is on its way already."""
    with telemetry.client_request("/search", platform="web"), telemetry.client_request("/search", platform="ios"):
        assert baggage.get_baggage("client.platform") == "ios"
    with telemetry.endpoint("/search"), telemetry.client_request("/search", platform="web"):
        pass
    (series,) = metrics.series(DURATION)
    assert (series["client.platform"], metrics.value(DURATION, series)) == ("web", 1)


def test_its_exemplar_is_the_span_of_the_call(spans: Spans, metrics: Metrics) -> None:
    """From a slow bucket to its trace, though the block has no span of its own."""
    with telemetry.client_request("/search", platform="web"):
        for _ in range(2):
            Call(CLIENT, method_of("/test.Echo/unary_unary"), otel_context.get_current(), {}).end(Outcome())
    assert metrics.exemplars(DURATION) == [next(iter(spans)).context.span_id]


def test_where_nothing_is_recorded_only_the_baggage_is_set() -> None:
    """A process without providers."""
    with telemetry.client_request("/search", platform="web"):
        assert baggage.get_baggage("client.platform") == "web"
