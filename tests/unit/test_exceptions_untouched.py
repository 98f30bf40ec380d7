"""An exception of the user's that raises at any look reaches its caller as it is, and what it passed has ended."""

import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NoReturn

import pytest
import sentry_sdk

import telemetry
from telemetry import logs
from telemetry.batching import batched
from telemetry.logs import JsonFormatter
from telemetry.rpc.aio import client as aio_client
from telemetry.rpc.calls.incoming import is_abort
from telemetry.rpc.threads import client
from telemetry.sentry import errors
from telemetry.testing.spans import Spans


class Touchy(Exception):
    """Raises at any look."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class Leaving(BaseException):
    """The same, and no `Exception`."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


def raised(call: Callable[[], object]) -> type[BaseException] | None:
    """Return the class of what a call raised: pytest would look at the exception."""
    try:
        call()
    except BaseException:  # noqa: BLE001  that is the question
        return sys.exc_info()[0]
    return None


async def raised_from(awaitable: Any) -> type[BaseException] | None:
    try:
        await awaitable
    except BaseException:  # noqa: BLE001  as above
        return sys.exc_info()[0]
    return None


@pytest.mark.parametrize("kind", [Touchy, Leaving])
def test_it_leaves_a_block_and_functions(kind: type[BaseException], spans: Spans) -> None:
    """Of stages within endpoints, as blocks, functions, generators."""

    @telemetry.stage("generator")
    def steps() -> Iterator[int]:
        yield 1
        raise kind

    @telemetry.stage("function")
    def work() -> list[int]:
        return list(steps())

    @telemetry.endpoint("/search", expected=LookupError)
    def search() -> None:
        with telemetry.stage("block"):
            work()

    assert raised(search) is kind
    ended = {span.name: (span.attributes or {}).get("error.type") for span in spans}
    assert ended == dict.fromkeys(("/search", "block", "function", "generator"), f"{__name__}.{kind.__name__}")


async def test_it_leaves_coroutines(spans: Spans) -> None:
    """Also out of asynchronous generators."""

    @telemetry.stage("generator")
    async def steps() -> AsyncIterator[int]:
        yield 1
        raise Touchy

    @telemetry.stage("coroutine")
    async def work() -> list[int]:
        return [step async for step in steps()]

    assert await raised_from(work()) is Touchy
    assert {span.name for span in spans} == {"coroutine", "generator"}


async def test_it_ends_a_batch(spans: Spans) -> None:
    """In threads and in tasks, raised or returned."""

    @batched(max_wait=0.001)
    def sync(items: list[str]) -> list[str]:
        raise Touchy

    @batched(max_wait=0.001)
    async def asynchronous(items: list[str]) -> Any:
        return [Touchy()]

    assert raised(lambda: sync(["a"])) is Touchy
    assert await raised_from(asynchronous(["a"])) is Touchy
    assert len(list(spans)) >= 2


def test_it_ends_an_rpc() -> None:
    """Every side shows by its class what it is."""
    for error in (Touchy(), Leaving()):
        assert client._outcome_of_stream(error).error is error
        assert aio_client._outcome_of_error(error).code is None
        assert not is_abort(error)


def test_it_is_sent_to_sentry_by_name(monkeypatch: pytest.MonkeyPatch, spans: Spans) -> None:
    """With its message, if nothing more is to be had."""
    sent: list[Any] = []
    monkeypatch.setattr(sentry_sdk, "capture_event", lambda event, hint: sent.append(event))
    with telemetry.stage("work") as span:
        errors.capture(Touchy("no"), span)
        errors.capture(Leaving(), span)
    (event,) = sent
    (value,) = event["exception"]["values"]
    assert (value["type"], value["value"]) == (f"{__name__}.Touchy", "no")
    assert list(spans)


def test_it_is_logged() -> None:
    """As a record, and as a line of JSON."""
    info = (Touchy, Touchy("no"), None)
    made = logging.getLogger("shop").makeRecord("shop", logging.ERROR, __file__, 1, "failed", (), info)
    assert json.loads(JsonFormatter().format(made))["exception"] == "Touchy: no"
    assert logs._attributes(made)["exception.message"] == "no"
