"""The links by which the callers of `pamazon load` reach the gateway, and the time that a call is on its way there.

In: calls of a channel, each with its caller. Out: the same calls, later, inside their CLIENT spans: their SERVER spans
do not have that time. State: the caller of the current call.
"""

import asyncio
import random
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio

from demo_flow.incidents.places import delay
from demo_flow.queries import draw_query


@dataclass(frozen=True, slots=True)
class Link:
    """How callers of one platform in one region reach the gateway: their share, and milliseconds there and back."""

    platform: str
    region: str
    weight: int
    milliseconds: float


LINKS: Final = (
    Link("web", "de", 8, 4), Link("ios", "de", 3, 12), Link("android", "de", 3, 14), Link("windows", "de", 2, 5),
    Link("web", "us", 6, 20), Link("ios", "us", 4, 26), Link("macos", "us", 2, 20), Link("android", "us", 5, 90),
    Link("web", "es", 3, 8), Link("android", "es", 2, 18), Link("ios", "jp", 2, 45), Link("android", "br", 2, 50),
    Link("linux", "cl", 4, 140),
)  # fmt: skip
"""Those of Linux in Chile and of Android in the USA are slow."""

_BY_PLACE: Final = {(link.platform, link.region): link for link in LINKS}
_WEIGHTS: Final = [link.weight for link in LINKS]
_UNEVEN: Final = (0.8, 1.3)
"""A way takes this much of its time, at least and at most."""


def link_of(platform: str | None, region: str | None) -> Link | None:
    """Return the link of a platform in a region; None where there is none."""
    return None if platform is None or region is None else _BY_PLACE.get((platform, region))


def ways(link: Link, draw: random.Random) -> tuple[float, float]:
    """Return the seconds that one request and its answer are on their way."""
    there, back = (link.milliseconds / 2000 * draw.uniform(*_UNEVEN) for _ in range(2))
    return there, back


@dataclass(frozen=True, slots=True)
class Caller:
    """One who searches: where and for what, and the seconds that the request and its answer are on their way."""

    link: Link
    query: str
    there: float
    back: float


def draw_caller(draw: random.Random) -> Caller:
    """Return the next caller, the same for the same state of `draw`."""
    (link,) = draw.choices(LINKS, _WEIGHTS)
    there, back = ways(link, draw)
    return Caller(link, draw_query(draw), there, back)


calling: Final[ContextVar[Caller | None]] = ContextVar("calling", default=None)
"""The caller of the current call."""


class OnTheWay(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]  # generic only in the stubs
    """Lets a call wait on its way to the gateway and back, within its deadline; an incident may add to that."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Wait, pass the call on, and wait again."""
        caller = calling.get()
        await delay("link")
        if caller is None:
            return await continuation(client_call_details, request)
        await asyncio.sleep(caller.there)
        call = await continuation(_sooner(client_call_details, caller.there + caller.back), request)
        try:
            await call.code()  # that it has ended, however it did
        except asyncio.CancelledError:
            call.cancel()
            raise
        await asyncio.sleep(caller.back)
        return call


def _sooner(details: Any, seconds: float) -> Any:
    """Return the details with so much less time."""
    if details.timeout is None:
        return details
    left = max(details.timeout - seconds, 0.001)
    return grpc.aio.ClientCallDetails(
        details.method, left, details.metadata, details.credentials, details.wait_for_ready
    )
