"""The contracts of attributes, metrics and spans, and the bounds of histogram buckets."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

SCOPE: Final = "search-telemetry"
"""Name of the instrumentation scope: of our tracer, our meter and our logger."""
Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
OTHER: Final = "_other"
"""The value that stands for every attribute value beyond its limit."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute's contract.

    `type` is OpenTelemetry's name of the value's type. `limit` is the number of distinct values that metrics keep;
    further ones become `OTHER` and are counted. None: never on a metric.
    """

    name: str
    type: str
    brief: str
    limit: int | None = None


class Instrument(Enum):
    """The kinds of metric instruments in use, by their OpenTelemetry names."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    UP_DOWN_COUNTER = "updowncounter"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's contract: its instrument, its UCUM unit, its attributes and, for a histogram, its bucket bounds.

    `signed`: its values may lie below zero; those of all others that do are faults, and are not recorded.
    """

    name: str
    instrument: Instrument
    unit: str
    brief: str
    attributes: tuple[Attribute, ...]
    buckets: tuple[float, ...] = ()
    signed: bool = False


@dataclass(frozen=True, slots=True)
class SpanName:
    """One span's contract: its name (or a pattern in braces), its kind, and the attributes it may carry."""

    name: str
    kind: str
    brief: str
    attributes: tuple[Attribute, ...]


# Fractional bounds throughout: integer `le` labels are spelled differently by different exporters (`0` and `0.0`).
SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5,
)  # fmt: skip
COUNTS: Final = (0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 64.5, 128.5, 256.5, 512.5, 1024.5)
SCORES: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995)
BYTES: Final = (64.5, 256.5, 1024.5, 4096.5, 16384.5, 65536.5, 262144.5, 1048576.5, 4194304.5, 16777216.5)
