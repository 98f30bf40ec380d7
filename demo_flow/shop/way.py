"""The way of a request of the page to the gateway, and of its answer back: that of who asks, as `pamazon load` has it.

In: the baggage of the request. Out: waits, outside of the gateway's SERVER span: they are time on the way. State: the
seconds that this request has waited.
"""

import asyncio
import random
import time

from opentelemetry import baggage

from demo_flow.incidents.places import delay
from demo_flow.links import link_of, ways
from telemetry import conventions as c

_draw = random.Random()  # noqa: S311 (an uneven link, not a secret)


class Way:
    """The way of the current request; it takes no time if no link of its platform and region is known."""

    def __init__(self) -> None:
        platform, region = (baggage.get_baggage(name.name) for name in (c.CLIENT_PLATFORM, c.CLIENT_REGION))
        link = link_of(str(platform), str(region))
        self._there, self._back = ways(link, _draw) if link else (0.0, 0.0)
        self.seconds = 0.0

    async def there(self) -> None:
        """Wait until the request has arrived; an incident may add to that."""
        begun = time.perf_counter()
        await delay("link")
        await asyncio.sleep(self._there)
        self.seconds += time.perf_counter() - begun

    async def back(self) -> None:
        """Wait until the answer has arrived."""
        begun = time.perf_counter()
        await asyncio.sleep(self._back)
        self.seconds += time.perf_counter() - begun
