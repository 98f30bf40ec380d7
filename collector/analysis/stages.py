"""Which stage a span's own time belongs to."""

from collections.abc import Sequence
from typing import Protocol

from collector.analysis.tree import Tree
from telemetry.conventions import OTHER, STAGE_CLIENT, STAGE_ENDPOINT, STAGE_SERVER, STAGE_TRANSIT, STAGES_OF_CALLS


class Staged(Protocol):
    """The fields of `Seen` that determine the stage of a span."""

    @property
    def kind(self) -> str:
        """The kind of the span, such as `server`."""

    @property
    def name(self) -> str:
        """The name of the span."""

    @property
    def ours(self) -> bool:
        """Whether our library made it."""

    @property
    def is_rpc(self) -> bool:
        """Whether it is the client's or the server's span of an rpc."""


def stages_of(spans: Sequence[Staged], tree: Tree) -> list[str]:
    """The stage of every span, by the span's index.

    - A stage of ours: its name.
    - An endpoint of ours: `endpoint`.
    - A SERVER span: `server`. Its own time is that of its process around the endpoint: reading and writing messages,
      waiting for a thread.
    - A CLIENT span with a SERVER child: `transit`. Its own time is that of the way, both directions.
    - Any other CLIENT span, and every span of another library: the stage around it; outside of a stage, `client` for
      CLIENT spans, and for others what the span around it has. At the root `_other`.
    """
    served = {tree.parents[index] for index, span in enumerate(spans) if span.kind == "server"}
    stages = [OTHER] * len(spans)
    for index, _ in tree.order:
        span, parent = spans[index], tree.parents[index]
        if span.ours and span.kind == "internal" and not span.is_rpc:  # most spans: a call for each would cost more
            stages[index] = STAGE_ENDPOINT if span.name.startswith("/") else span.name
        else:
            stages[index] = _stage(span, OTHER if parent is None else stages[parent], index in served)
    return stages


def _stage(span: Staged, around: str, is_served: bool) -> str:
    if span.kind == "server":
        return STAGE_SERVER
    if is_served and span.kind == "client":
        return STAGE_TRANSIT
    if span.ours and not span.is_rpc:
        return STAGE_ENDPOINT if span.name.startswith("/") else span.name
    if span.kind == "client" and (around == OTHER or around in STAGES_OF_CALLS):
        return STAGE_CLIENT
    return around
