"""Answers that no single class describes: classes and schemas for the API's document alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.local.query.model import StoreStats, Trace, TraceRow
from collector.local.stats import SIGNALS, CollectorStats, SignalStats
from collector.local.store.store import StoreSize


@dataclass(frozen=True)
class StageTime:
    """How long the end of a trace waited for a stage."""

    stage: str
    """Also `transit`: on the way; `endpoint` and `server`: in the process around the stages."""
    time_ns: int


@dataclass(frozen=True)
class ListedTrace(TraceRow):
    """One trace in a list."""

    stages: Sequence[StageTime] = field(default=(), metadata={"may_be_missing": True})
    """With `stages=true`: the longest first; they sum to the duration of its root.

    Empty: it took no time, or has too many spans: the traces of a page are looked at in order, as long as they have
    20,000 spans together.
    """


@dataclass(frozen=True)
class AwaitedTrace(Trace):
    """One trace, spans in tree order: each parent before its children, siblings by start."""

    complete: bool = field(default=False, metadata={"may_be_missing": True})
    """With `wait`: whether it is complete."""


HEALTH: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"status": {"enum": ["ok", "degraded"]}, "problem": {"type": "string"}},
    "required": ["status"],
    "additionalProperties": False,
}
_NUMBER: Final = {"type": "integer"}
STATS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(SIGNALS, SignalStats),
        **dict.fromkeys(("queue_exports", "queue_bytes", "commits"), _NUMBER),
        "store_problem": {"type": "string"},
        "store": {"anyOf": [StoreSize, {"type": "null"}]},
        "retention_s": {"type": ["number", "null"]},
        "max_store_bytes": {"type": ["integer", "null"]},
        "held": StoreStats,
    },
    "required": [*SIGNALS, *(name for name in CollectorStats.__slots__ if name != "signals"), "held"],
    "additionalProperties": False,
}
PROMETHEUS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"status": {"enum": ["success"]}, "data": {"description": "As Prometheus answers."}},
    "required": ["status", "data"],
    "additionalProperties": False,
}
OTLP: Final[dict[str, Any]] = {
    "type": "object",
    "description": "OTLP as JSON, to be sent or imported.",
    "properties": {
        "resourceSpans": {"type": "array", "items": {"type": "object"}},
        "next": {"type": "integer", "description": "The offset of the next part, if there may be one."},
    },
    "required": ["resourceSpans"],
    "additionalProperties": False,
}
