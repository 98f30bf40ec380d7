"""The callers of the load and their links: who comes how often, and how long a call is on its way."""

import asyncio
import random
from collections import Counter
from typing import Any

import grpc
import pytest

from demo_flow.flow import REGIONS
from demo_flow.links import LINKS, Caller, Link, OnTheWay, calling, draw_caller
from telemetry.conventions import PLATFORMS


def test_the_mix_is_drawn_from_the_seed_and_has_its_shares() -> None:
    """Chile on Linux and Android in the USA are among them, and slower than any other."""
    draw, again = random.Random(7), random.Random(7)
    callers = [draw_caller(draw) for _ in range(4000)]
    assert callers == [draw_caller(again) for _ in range(4000)]
    counts, weights = Counter(caller.link for caller in callers), sum(link.weight for link in LINKS)
    assert all(abs(counts[link] / 4000 - link.weight / weights) < 0.02 for link in LINKS)
    slowest = sorted(LINKS, key=lambda link: link.milliseconds)[-2:]
    assert [(link.platform, link.region) for link in slowest] == [("android", "us"), ("linux", "cl")]


def test_every_link_is_one_of_a_declared_platform_and_region() -> None:
    """None of them would be `_other` in metrics, and each is there once."""
    assert {link.platform for link in LINKS} <= set(PLATFORMS)
    assert {link.region for link in LINKS} <= set(REGIONS)
    assert len({(link.platform, link.region) for link in LINKS}) == len(LINKS)


def test_a_way_takes_about_its_time() -> None:
    """Half of it there and half of it back, neither quite the same each time."""
    draw = random.Random(0)
    ways = [(caller.there + caller.back) * 1000 / caller.link.milliseconds for caller in map(draw_caller, [draw] * 99)]
    assert 0.8 <= min(ways) < max(ways) <= 1.3
    assert len(set(ways)) == 99


class Answer:
    """A call that ends when it is told to."""

    def __init__(self) -> None:
        self.ended, self.cancelled = asyncio.Event(), False

    async def code(self) -> grpc.StatusCode:
        await self.ended.wait()
        return grpc.StatusCode.OK

    def cancel(self) -> None:
        self.cancelled = True


class Gateway:
    """What stands behind the interceptor: when it was called, and with how much time."""

    def __init__(self) -> None:
        self.answer, self.called, self.timeout = Answer(), asyncio.Event(), None

    async def __call__(self, details: Any, request: Any) -> Answer:
        self.timeout = details.timeout
        self.called.set()
        return self.answer


def start(gateway: Gateway, caller: Caller | None, timeout: float | None) -> "asyncio.Task[Any]":
    details = grpc.aio.ClientCallDetails("/pamazon.Gateway/Search", timeout, None, None, None)
    calling.set(caller)
    return asyncio.create_task(OnTheWay().intercept_unary_unary(gateway, details, None))


def caller_of(there: float, back: float) -> Caller:
    return Caller(Link("linux", "cl", 1, 0), "coat", there, back)


async def test_a_call_waits_both_ways_and_its_deadline_includes_them() -> None:
    """The gateway gets less time than the caller has; the answer comes later than it left."""
    gateway, loop = Gateway(), asyncio.get_running_loop()
    started = loop.time()
    task = start(gateway, caller_of(0.02, 0.03), 1.0)
    await gateway.called.wait()
    assert loop.time() - started >= 0.0199
    assert gateway.timeout == pytest.approx(0.95)
    gateway.answer.ended.set()
    answered = loop.time()
    assert await task is gateway.answer
    assert loop.time() - answered >= 0.0299


@pytest.mark.parametrize(("given", "left"), [(None, None), (0.001, 0.001)])
async def test_a_way_longer_than_the_deadline_leaves_an_instant(given: float | None, left: float | None) -> None:
    """The call ends with DEADLINE_EXCEEDED, as it would; a call without a deadline gets none."""
    gateway = Gateway()
    gateway.answer.ended.set()
    await start(gateway, caller_of(0.002, 0.002), given)
    assert gateway.timeout == left


async def test_a_caller_who_leaves_takes_the_call_along() -> None:
    """What runs in the gateway for nobody is cancelled."""
    gateway = Gateway()
    task = start(gateway, caller_of(0.0, 0.0), None)
    await gateway.called.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gateway.answer.cancelled


async def test_a_call_of_nobody_passes_at_once() -> None:
    """Index requests have no link."""
    gateway = Gateway()
    assert await start(gateway, None, 1.0) is gateway.answer
    assert gateway.timeout == 1.0
