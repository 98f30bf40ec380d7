"""Makes traffic: searches at a fixed rate, however slow the answers are.

In: a gateway, a rate, a duration. Out: a `Report`. State: the running searches, owned by one `run`.

The load is open: each search has its time to start, and its latency counts from then, so that the waiting before a
stalled gateway is counted. Callers come from several platforms and regions by links of different length (`links`), and
ask in several languages (`queries`); which one comes when is drawn from a seed.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc

import telemetry
import telemetry.rpc
from demo_flow.errors import PamazonError
from demo_flow.incidents.client import following
from demo_flow.links import Caller, OnTheWay, calling, draw_caller
from demo_flow.proto.pamazon_pb2 import SearchRequest
from demo_flow.proto.pamazon_pb2_grpc import GatewayStub
from demo_flow.serving.client import CHANNEL_OPTIONS
from demo_flow.updates import Updates, prepare
from demo_flow.updates import run as send_updates

MOST_WAITING: Final = 2000
"""Searches that may wait for an answer at once; one more is not sent, and counted as `NOT_SENT`."""

_CONNECTING: Final = 3.0


@dataclass(slots=True)
class Group:
    """The searches of callers of one platform in one region."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(slots=True)
class Report:
    """The results of the searches. Latencies in seconds, of those that succeeded."""

    duration: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    updates: Updates = field(default_factory=Updates)
    groups: defaultdict[tuple[str, str], Group] = field(default_factory=lambda: defaultdict(Group))

    @property
    def sent(self) -> int:
        """Searches sent."""
        return len(self.latencies) + sum(self.errors.values()) - self.errors["NOT_SENT"]

    def percentile(self, share: float) -> float | None:
        """Return the latency in seconds that `share` (0 to 1) of the searches stay within; None without any."""
        return _percentile(self.latencies, share)

    def as_json(self) -> dict[str, Any]:
        """Return the report as `pamazon load --json` gives it."""
        return {
            "sent": self.sent,
            "succeeded": len(self.latencies),
            "errors": {code: count for code, count in self.errors.items() if count},
            "duration_s": round(self.duration, 3),
            "throughput": round(len(self.latencies) / self.duration, 3) if self.duration else 0.0,
            "latency": _milliseconds(self.latencies),
            "groups": [
                {
                    "platform": platform,
                    "region": region,
                    "succeeded": len(group.latencies),
                    "failed": group.failed,
                    "latency": _milliseconds(group.latencies),
                }
                for (platform, region), group in sorted(self.groups.items())
            ],
            "index": self.updates.as_json(),
        }


def _percentile(latencies: Sequence[float], share: float) -> float | None:
    if not latencies:
        return None
    ordered = sorted(latencies)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _milliseconds(latencies: Sequence[float]) -> dict[str, float | None]:
    shares = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99}
    found = {name: _percentile(latencies, share) for name, share in shares.items()}
    return {name: None if seconds is None else round(seconds * 1000, 3) for name, seconds in found.items()}


async def run(
    address: str,
    rate: float,
    duration: float,
    *,
    deadline: float = 10.0,
    seed: int = 0,
    index_rate: float = 0.0,
    links: bool = True,
    on_progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Send `rate` searches a second for `duration` seconds, beside `index_rate` index requests; await the last answer.

    Each request has `deadline` seconds; without `links` it is at the gateway at once. `on_progress` is called with the
    report after each search sent. Cancelled, it stops sending, waits for the answers under way and returns the report
    so far. Raises PamazonError where no gateway answers.
    """
    report = Report()
    async with _channel(address, links=links) as channel, following(address):
        stub: Any = GatewayStub(channel)  # type: ignore[no-untyped-call]  # generated
        waiting: set[asyncio.Task[None]] = set()
        await _reach(channel, address)
        await prepare(index_rate)
        over = asyncio.Event()
        updating = asyncio.create_task(send_updates(stub, index_rate, deadline, report.updates, over))
        started = time.monotonic()
        try:
            for moment, caller in zip(_moments(started, rate, duration), _callers(seed), strict=False):
                await asyncio.sleep(moment - time.monotonic())
                if len(waiting) >= MOST_WAITING:
                    report.errors["NOT_SENT"] += 1
                    continue
                task = asyncio.create_task(_search(stub, moment, caller, deadline, report))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                report.duration = time.monotonic() - started
                on_progress(report)
        except asyncio.CancelledError:
            pass  # Ctrl-C: searches under way are still awaited and reported
        over.set()
        await asyncio.gather(*waiting, updating)
        on_progress(report)
    return report


def _channel(address: str, *, links: bool) -> grpc.aio.Channel:
    """Return a channel whose calls are traced; the way to the gateway is inside of their spans."""
    interceptors: list[Any] | None = [OnTheWay()] if links else None
    channel = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS, interceptors=interceptors)
    return telemetry.rpc.traced(channel, address)


async def _reach(channel: grpc.aio.Channel, address: str) -> None:
    """Wait for the connection, so that the first search does not pay for it."""
    try:
        async with asyncio.timeout(_CONNECTING):
            await channel.channel_ready()
    except TimeoutError:
        raise PamazonError(f"No gateway answers at {address}.", "Open Pamazon first: pamazon up") from None


def _moments(started: float, rate: float, duration: float) -> Iterator[float]:
    """Yield the moment of each search, as `time.monotonic` counts."""
    for number in range(max(1, round(rate * duration))):
        yield started + number / rate


def _callers(seed: int) -> Iterator[Caller]:
    """Yield callers without end, the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 (a mix, no secret)
    while True:
        yield draw_caller(draw)


async def _search(stub: Any, moment: float, caller: Caller, deadline: float, report: Report) -> None:
    """Search as `caller`, in a task of its own."""
    platform, region = caller.link.platform, caller.link.region
    group = report.groups[platform, region]
    calling.set(caller)
    try:
        with telemetry.client_request("/search", platform=platform, region=region):
            await stub.Search(SearchRequest(text=caller.query), timeout=deadline)
    except grpc.aio.AioRpcError as error:
        report.errors[error.code().name] += 1
        group.failed += 1
    else:
        report.latencies.append(time.monotonic() - moment)
        group.latencies.append(report.latencies[-1])
