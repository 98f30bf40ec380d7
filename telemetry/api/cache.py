"""`cache_lookup` counts the hits and misses of a cache."""

from typing import Final

from telemetry import conventions as c
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import observe

_OUTCOMES: Final = {True: "hit", False: "miss"}


def cache_lookup(name: str, *, hit: bool) -> None:
    """Count one lookup in the cache `name`: it found what was wanted (`hit`), or not. Never raises.

    Metric: `search.cache.lookups`.
    """
    with guard:
        labels = {c.SEARCH_CACHE_NAME.name: name, c.SEARCH_CACHE_OUTCOME.name: _OUTCOMES[bool(hit)]}
        observe(c.CACHE_LOOKUPS, 1, labels)
