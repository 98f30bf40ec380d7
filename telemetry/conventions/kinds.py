"""How attributes, metrics and spans are declared, and the bounds of histogram buckets."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

SCOPE: Final = "search-telemetry"
"""The instrumentation scope of our tracer, meter and logger."""
Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
OTHER: Final = "_other"
"""The value that replaces attribute values above the limit."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute.

    `type` is OpenTelemetry's name of the value's type. `limit` is the number of distinct values on metrics; further
    ones become `OTHER` and are counted. None: not on metrics.
    """

    name: str
    type: str
    brief: str
    limit: int | None = None


class Instrument(Enum):
    """The kinds of instruments, with their OpenTelemetry names."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    UP_DOWN_COUNTER = "updowncounter"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its instrument, its UCUM unit, its attributes and, for a histogram, its bucket bounds.

    `signed`: values may be negative; for other metrics, negative values are faults and are not recorded.
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
    """A span: its name (or a pattern in braces), its kind, and the attributes that it may have."""

    name: str
    kind: str
    brief: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log record that has a name: OTLP's event name, and the attributes that it may have."""

    name: str
    brief: str
    attributes: tuple[Attribute, ...]


# All bounds are fractional: exporters write integer `le` labels in different ways (`0` and `0.0`).
SECONDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.25, 2.5, 5.5, 10.5,
)  # fmt: skip
COUNTS: Final = (0.5, 1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 64.5, 128.5, 256.5, 512.5, 1024.5)
SCORES: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995)
MARGINS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 0.995)
BYTES: Final = (64.5, 256.5, 1024.5, 4096.5, 16384.5, 65536.5, 262144.5, 1048576.5, 4194304.5, 16777216.5)
